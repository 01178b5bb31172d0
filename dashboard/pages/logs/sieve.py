"""Which rows the reader wants to see."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from dashboard.lines import parse
from dashboard.model import Gap, LogLine, Row
from dashboard.timeline import weight

# A question of more than that is asked in a thread: an expression takes seconds of what was written to fit it badly.
ASIDE_ROWS = 1_000
ASIDE_BYTES = 64 << 10


class Sieve:
    """A question of lines that lets gaps pass: what is missing may be what is asked for.

    :param term: as it was typed
    :raises BadRequest: when the term is too long or no regular expression
    """

    def __init__(self, term: str = '') -> None:
        self.question = parse(term)
        self.term = term if self.question else ''
        self.pattern = self.question.pattern  # finds what is to be marked; see Question

    async def choose(self, rows: list[Row]) -> Sequence[Row]:
        """Those of the rows that are to be seen."""
        if not self.question:
            return rows
        if len(rows) > ASIDE_ROWS or weight(rows) > ASIDE_BYTES:
            return await asyncio.to_thread(self._chosen, rows)
        return self._chosen(rows)

    def _chosen(self, rows: list[Row]) -> list[Row]:
        asked = self.question.matches
        return [row for row in rows if isinstance(row, Gap) or (isinstance(row, LogLine) and asked(row))]
