"""Which rows the reader wants to see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from dashboard.lines import Level, Sifter, parse
from dashboard.model import Notice, Row
from dashboard.timeline import weight

# A question of more than that is asked in a thread: an expression takes seconds of what was written to fit it badly.
ASIDE_ROWS = 1_000
ASIDE_BYTES = 64 << 10


class Sieve:
    """A question of messages that lets gaps pass: what is missing may be what is asked for.

    :param term: as it was typed
    :param levels: those of messages that may pass beside; none of them: all
    :raises BadRequest: when the term is too long or no regular expression
    """

    def __init__(self, term: str = '', levels: Iterable[Level] = ()) -> None:
        typed = parse(term)
        self.term = term if typed else ''
        self.question = typed.among(levels)
        self.pattern = self.question.pattern  # finds what is to be marked; see Question
        self._sifter = Sifter(self.question)

    @property
    def found(self) -> int:
        """How many messages it has let pass since it was begun anew."""
        return self._sifter.found

    @property
    def waits(self) -> bool:
        """Whether it holds rows back until their message has ended."""
        return self._sifter.waiting > 0

    def begin(self) -> None:
        """What comes next does not follow what came before."""
        self._sifter = Sifter(self.question)

    async def choose(self, rows: list[Row]) -> Sequence[Row]:
        """Those that are to be seen, of the rows that are decided when these have come."""
        if not self.question:
            return rows
        if len(rows) > ASIDE_ROWS or weight(rows) > ASIDE_BYTES:
            return await asyncio.to_thread(_lines_and_gaps, self._sifter.feed, rows)
        return _lines_and_gaps(self._sifter.feed, rows)

    async def rest(self) -> Sequence[Row]:
        """Those that are to be seen of the rows that were held back; what follows later shares their fate."""
        return await asyncio.to_thread(self._sifter.end) if self.waits else []


def _lines_and_gaps(sift: Callable[[Sequence[Row]], list[Row]], rows: Sequence[Row]) -> list[Row]:
    return [row for row in sift(rows) if not isinstance(row, Notice)]
