"""How many messages of each level a service's history holds: counted once for all readers who see the same of it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence
from itertools import islice
from weakref import WeakKeyDictionary

from dashboard.lines import Grouper, Level
from dashboard.model import Row
from dashboard.timeline import Timeline
from dashboard.view import Lens

EVERY = 1.0  # seconds between two looks
MOST = 10_000  # rows counted at a look: what comes faster is not all counted


class Tally:
    """The levels of the messages that begin in one history.

    Rows are counted in their order, a bounded number a second. One that writes more than that is always behind: then
    there are at least so many, and :meth:`counts` says so.
    """

    def __init__(self, feed: Timeline) -> None:
        self._history = feed.history
        self._first = feed.history.first  # the number of the first row that is counted
        self._levels: deque[Level | None] = deque()  # of each row that begins a message
        self._totals = Counter[Level | None]()
        self.looks = 0  # that have found something
        self._grouper = Grouper()
        self._due = 0.0
        self._busy = False
        self._behind = True  # there was more than one look can count

    def counts(self, first: int) -> tuple[dict[Level, int], bool]:
        """How many messages of each level begin from that row on, and whether these are all up to the last look."""
        start = max(first, self._history.first)
        skipped = max(0, start - self._first)
        found = Counter(islice(self._levels, skipped, None)) if skipped else self._totals
        return {level: found[level] for level in Level}, self._first <= start and not self._behind

    async def look(self, lens: Lens) -> None:
        """Count what is new, when it is time for that and nobody else does it."""
        if self._busy or time.monotonic() < self._due:
            return
        self._busy, self._due = True, time.monotonic() + EVERY
        try:
            await lens.look(self._history)
            self._forget()
            start = self._first + len(self._levels)
            rows, self._behind = lens.held(self._history, start, start + MOST), start + MOST < self._history.end
            new = await asyncio.to_thread(self._levels_of, rows)
            self._levels += new
            self._totals.update(new)
            self.looks += bool(new)
        finally:
            self._busy = False

    def _forget(self) -> None:
        """What has left the history is not held any more; where that was not counted, counting begins anew."""
        leaving = self._history.first - self._first
        if leaving > len(self._levels):
            self._grouper = Grouper()
        for _ in range(min(leaving, len(self._levels))):
            self._totals[self._levels.popleft()] -= 1
        self._first = max(self._first, self._history.first)

    def _levels_of(self, rows: Sequence[Row]) -> list[Level | None]:
        parts = self._grouper.feed(rows)
        last = {part.message: part.level for part in parts if part is not None and not part.first}
        return [last.get(part.message, part.level) if part is not None and part.first else None for part in parts]


class Tallies:
    """One for each history and each way of seeing it."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Timeline, dict[bool, Tally]] = WeakKeyDictionary()

    def of(self, feed: Timeline, lens: Lens) -> Tally:
        """That of a service, as a lens shows it."""
        known = self._known.setdefault(feed, {})
        if lens.redacts not in known:
            known[lens.redacts] = Tally(feed)
        return known[lens.redacts]
