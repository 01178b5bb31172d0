"""How many messages of a service's history a highlight finds: counted once for all readers who see the same of it.

All counting together takes a quarter of a core at the most: one question has its turn after the other.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from time import monotonic
from weakref import WeakKeyDictionary, WeakValueDictionary

from dashboard.lines import Grouper, Question, Sifter
from dashboard.model import Row
from dashboard.pages.logs.tally import LAST
from dashboard.timeline import Timeline
from dashboard.view import Lens

EVERY = 1.0  # seconds between two looks for one question
TURN = 0.05  # seconds of a look, after which another question has its turn
PIECE = 500  # rows asked at one go
REST = 3  # times as long as a look took nobody counts


class Count:
    """The messages of one history that a question finds, by the numbers of their first rows."""

    def __init__(self, feed: Timeline, question: Question, turn: asyncio.Lock) -> None:
        self._history = feed.history
        self._question = question
        self._turn = turn
        self._due = 0.0
        self._busy = False
        self._behind = True
        self._begin(feed.history.first)

    def of(self, first: int, end: int = LAST) -> tuple[int, bool]:
        """How many begin in these rows, and whether these are all up to the last look.

        :param end: the number of the row behind the last one
        """
        start = max(first, self._history.first)
        found, asked = list(self._found), not self._behind or end <= self._next
        return max(0, bisect_left(found, end) - bisect_left(found, start)), self._first <= start and asked

    async def look(self, lens: Lens) -> None:
        """Ask what is new, when it is time for that and nobody else does it."""
        if self._busy or monotonic() < self._due:
            return
        self._busy = True
        try:
            async with self._turn:
                began = monotonic()
                await lens.look(self._history)
                await self._ask(lens, monotonic() + TURN)
                await asyncio.sleep(REST * (monotonic() - began))
        finally:
            self._busy, self._due = False, monotonic() + EVERY

    async def _ask(self, lens: Lens, due: float) -> None:
        self._forget()
        if self._next == self._history.end:
            self._note(await asyncio.to_thread(self._sifter.judge_rest))
        while self._next < self._history.end and monotonic() < due:
            rows = lens.held(self._history, self._next, self._next + PIECE)
            self._note(await asyncio.to_thread(self._judged, rows))
            self._next += len(rows)
            self._forget()
        self._behind = self._next < self._history.end

    def _judged(self, rows: Sequence[Row]) -> list[tuple[Row, bool]]:
        parts = self._grouper.feed(rows)
        self._waiting += (
            number if part is not None and part.first else None for number, part in enumerate(parts, self._next)
        )
        return self._sifter.judge(rows)

    def _note(self, judged: list[tuple[Row, bool]]) -> None:
        for _, wanted in judged:
            number = self._waiting.popleft()
            if wanted and number is not None:
                self._found.append(number)

    def _forget(self) -> None:
        """What has left the history is not held any more; where that was not asked, counting begins anew."""
        first = self._history.first
        if self._next < first:
            self._begin(first)
        while self._found and self._found[0] < first:
            self._found.popleft()

    def _begin(self, first: int) -> None:
        self._first = self._next = first
        self._found: deque[int] = deque()
        self._waiting: deque[int | None] = (
            deque()
        )  # for each row that is not decided, its number if it begins a message
        self._grouper, self._sifter = Grouper(), Sifter(self._question)


class Counts:
    """One for each history, question and way of seeing it, for as long as somebody has it."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Timeline, WeakValueDictionary[tuple[Question, bool], Count]]
        self._known = WeakKeyDictionary()
        self._turn = asyncio.Lock()

    def of(self, feed: Timeline, question: Question, lens: Lens) -> Count:
        """That of a service, as a lens shows it."""
        known = self._known.setdefault(feed, WeakValueDictionary())
        count = known.get((question, lens.redacts))
        if count is None:
            count = known[question, lens.redacts] = Count(feed, question, self._turn)
        return count
