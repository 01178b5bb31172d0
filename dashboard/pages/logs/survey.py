"""Counts what the engine has of a range before what the server holds: lines, levels, and what questions find.

It is read once for the questions that are asked by then, and once more for those that come later. Nothing of it is
kept but numbers.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from time import monotonic

from dashboard.errors import DashboardError
from dashboard.lines import Question, Range, Reckoner, Sifter, Volume, counted, counted_in
from dashboard.model import STAMP_LENGTH, LogLine, Row, format_timestamp
from dashboard.timeline import Name, Timeline, name_of
from dashboard.view import View

MOST = 2_000_000  # lines that are counted; of more there are at least so many
REST = 1  # times as long as a batch took nobody counts: a survey takes half a core at the most


@dataclass(slots=True)
class Tallied:
    """What one question has found there; without a question all lines."""

    messages: int = 0
    lines: int = 0
    volume: Volume = field(default_factory=Volume)
    kinds: Counter[int] = field(default_factory=Counter)  # of lines, where nothing is asked; see Reckoner
    whole: bool = False  # whether these are all


class Survey:
    """Of one timeline and range, as a visitor sees it.

    :param turn: is held while a batch is counted: of all that are under way one has its turn
    """

    def __init__(self, hub: View, feed: Timeline, times: Range, turn: asyncio.Lock) -> None:
        self.feed = feed
        self.times = times
        self.looks = 0  # batches that were counted
        self._hub = hub
        self._turn = turn
        self._row = feed.complete_from  # what is held from here on is not counted here
        self._seam = feed.history.time_of(self._row)
        self._known: dict[Question, Tallied] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether it is counting."""
        return self._task is not None and not self._task.done()

    @property
    def meets_what_is_held(self) -> bool:
        """Whether nothing of the range has left the history since, which is counted nowhere then."""
        ends_before = self._seam is not None and self.times.end is not None and self.times.end < self._seam
        return ends_before or self.feed.history.first <= self._row

    def of(self, question: Question) -> Tallied:
        """What it has found for a question so far."""
        return self._known.get(question, Tallied())

    def ask(self, questions: Iterable[Question]) -> None:
        """Begin to count for those questions for which nobody has counted."""
        if not self.is_busy and (new := [question for question in questions if question not in self._known]):
            self._known |= {question: Tallied() for question in new}
            self._task = asyncio.create_task(self._read({item: self._known[item] for item in new}), name='survey')

    def stop(self) -> None:
        """Something else is looked at."""
        if self._task:
            self._task.cancel()

    async def _read(self, wanted: dict[Question, Tallied]) -> None:
        try:
            if await self._count([_Counter(question, tallied) for question, tallied in wanted.items()]):
                for tallied in wanted.values():
                    tallied.whole = True
        except DashboardError:
            pass  # there are at least so many; what shows the lines says why
        self.looks += 1

    async def _count(self, counters: Sequence[_Counter]) -> bool:
        """Read and count; False when there is more than is counted."""
        start, end, lines = self.times.start, self.times.end, 0
        until = min(moment for moment in (self._seam, end, time.time_ns()) if moment is not None)
        held = await asyncio.to_thread(_names, self.feed.history.slice(self._row), until)
        async with aclosing(self._hub.read(self.feed.service, since=start, until=until)) as batches:
            async for batch in batches:
                rows = [row for row in batch if not isinstance(row, LogLine) or name_of(row) not in held]
                await self._look(counters, rows)
                lines += len(rows)
                if lines >= MOST:
                    return False
        await self._look(counters, [], ended=True)
        return True

    async def _look(self, counters: Sequence[_Counter], rows: Sequence[Row], ended: bool = False) -> None:
        async with self._turn:
            began = monotonic()
            for counter in counters:
                counter.note(await asyncio.to_thread(counter.look, rows, ended))
            self.looks += 1
            await asyncio.sleep(REST * (monotonic() - began))


class _Counter:
    """Counts for one question. What it looks through in a thread is noted on the event loop, where it is read."""

    def __init__(self, question: Question, tallied: Tallied) -> None:
        self._question = question
        self._tallied = tallied
        self._reckoner = Reckoner()
        self._sifter = Sifter(question)

    def look(self, rows: Sequence[Row], ended: bool) -> tuple[Counter[tuple[int, int]], Counter[int]]:
        """When lines were written that it finds, and of which kinds these are."""
        if not self._question:
            moments, kinds = self._reckoner.feed(rows)
            return counted(moments, kinds), Counter(kinds)
        return counted_in([*self._sifter.feed(rows), *(self._sifter.end() if ended else [])]), Counter()

    def note(self, seen: tuple[Counter[tuple[int, int]], Counter[int]]) -> None:
        """Count it in."""
        lines, kinds = seen
        self._tallied.volume.add(lines)
        self._tallied.lines += lines.total()
        self._tallied.kinds.update(kinds)
        self._tallied.messages = self._sifter.found


def _names(rows: Sequence[Row], until: int) -> set[Name]:
    stamp = format_timestamp(until).encode()
    return {name_of(row) for row in rows if isinstance(row, LogLine) and row.record[:STAMP_LENGTH] <= stamp}
