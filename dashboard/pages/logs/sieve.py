"""Which rows the reader wants to see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from copy import copy

from dashboard.lines import Level, Range, Sifter, beginning, parse
from dashboard.model import STAMP_LENGTH, Gap, LogLine, Notice, Row, format_timestamp
from dashboard.timeline import weight

# A question of more than that is asked in a thread: an expression takes seconds of what was written to fit it badly.
ASIDE_ROWS = 1_000
ASIDE_BYTES = 64 << 10
ALWAYS = Range()
FEW = (2, 6)  # times the rows that a page holds: so many are asked before all are


class Sieve:
    """A question of messages that lets gaps pass: what is missing may be what is asked for.

    :param term: as it was typed
    :param levels: those of messages that may pass beside; none of them: all
    :param times: when rows must have been written
    :raises BadRequest: when the term is too long or no regular expression
    """

    def __init__(self, term: str = '', levels: Iterable[Level] = (), times: Range = ALWAYS) -> None:
        typed = parse(term)
        self.term = term if typed else ''
        self.question = typed.among(levels)
        self.pattern = self.question.pattern  # finds what is to be marked; see Question
        self._limit(times)
        self._sifter = Sifter(self.question)

    @property
    def searches(self) -> bool:
        """Whether it is asked of all that is held, and not only of the last lines."""
        return bool(self.question) or bool(self.times)

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

    def within(self, times: Range) -> Sieve:
        """One with the same question, of rows that were written in that range."""
        other = self.again()
        other._limit(times)
        return other

    def again(self) -> Sieve:
        """One with the same question, for other rows."""
        other = copy(self)
        other.begin()
        return other

    async def choose(self, rows: list[Row]) -> Sequence[Row]:
        """Those that are to be seen, of the rows that are decided when these have come."""
        rows = self._in_range(rows)
        if not self.question:
            return rows
        if len(rows) > ASIDE_ROWS or weight(rows) > ASIDE_BYTES:
            return await asyncio.to_thread(_lines_and_gaps, self._sifter.feed, rows)
        return _lines_and_gaps(self._sifter.feed, rows)

    async def newest(self, rows: list[Row], most: int) -> tuple[Sequence[Row], Sequence[Row]] | None:
        """Those that are to be seen of the last rows only, where these are at least so many: the others are not asked.

        Before them come those of the rows that were held back. None where they are fewer, or it does not pay: then
        it is as if this had not been called. Else what comes next follows these.
        """
        if not self.question:
            return None
        before, rows = self._sifter, self._in_range(rows)
        for index in (len(rows) - few * most for few in FEW):
            if index <= 0:
                break
            self.begin()
            start = beginning(rows, index)  # what stands from there to the index may be parts of messages
            chosen = await self.choose(rows[start:])
            if len(chosen) >= most + index - start:
                self._sifter.found -= before.found
                held = _lines_and_gaps(lambda _: before.end(), [])
                self._sifter.found += before.found
                return held, chosen
        self._sifter = before
        return None

    def _limit(self, times: Range) -> None:
        self.times = times
        self._first, self._last = _stamp(times.start, b''), _stamp(times.end, b'~')

    def _in_range(self, rows: list[Row]) -> list[Row]:
        return [row for row in rows if self._was_in_range(row)] if self.times else rows

    def _was_in_range(self, row: Row) -> bool:
        if isinstance(row, LogLine):
            return self._first <= row.record[:STAMP_LENGTH] <= self._last
        if isinstance(row, Gap):  # it stands for lines between two times
            start, end = self.times.start, self.times.end
            return (start is None or row.end > start) and (end is None or row.start < end)
        return self.times.has(row.timestamp)

    async def rest(self) -> Sequence[Row]:
        """Those that are to be seen of the rows that were held back; what follows later shares their fate."""
        return await asyncio.to_thread(self._sifter.end) if self.waits else []


def _stamp(moment: int | None, otherwise: bytes) -> bytes:
    return otherwise if moment is None else format_timestamp(moment).encode()


def _lines_and_gaps(sift: Callable[[Sequence[Row]], list[Row]], rows: Sequence[Row]) -> list[Row]:
    return [row for row in sift(rows) if not isinstance(row, Notice)]
