"""Which rows the reader wants to see."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from dashboard.lines import LineFilter
from dashboard.model import Gap, LogLine, Row

ASIDE = 5_000  # rows from which on a filter runs in a thread


class Sieve(LineFilter):
    """A filter of lines that lets gaps pass: what is missing may have matched.

    :raises BadRequest: when the term is too long or no regular expression
    """

    async def choose(self, rows: list[Row]) -> Sequence[Row]:
        """Those of the rows that are to be seen."""
        if self.pattern is None:
            return rows
        if len(rows) > ASIDE:
            return await asyncio.to_thread(self._chosen, rows)
        return self._chosen(rows)

    def _chosen(self, rows: list[Row]) -> list[Row]:
        return [row for row in rows if isinstance(row, Gap) or (isinstance(row, LogLine) and self.matches(row.text))]
