"""What a service's history holds, by level and by time: counted once for all readers who see the same of it."""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from weakref import WeakKeyDictionary

from dashboard.lines import BEGINS, Level, Reckoner, Volume, counted
from dashboard.model import Row
from dashboard.timeline import Timeline
from dashboard.view import Lens

EVERY = 1.0  # seconds between two looks
LAST = 1 << 62  # behind all rows
MOST = 10_000  # rows counted at a look: what comes faster is not all counted


class Tally:
    """The levels of the messages that begin in one history, and when its lines were written.

    Rows are counted in their order, a bounded number a second. One that writes more than that is always behind: then
    there are at least so many, and :meth:`counts` says so.
    """

    def __init__(self, feed: Timeline) -> None:
        self._history = feed.history
        self._first = feed.history.first  # the number of the first row that is counted
        self._moments, self._kinds = array('q'), bytearray()  # of each row: see Reckoner
        self._totals = Counter[int]()  # of those kinds
        self._volume = Volume()
        self.looks = 0  # that have found something
        self._reckoner = Reckoner()
        self._due = 0.0
        self._busy = False
        self._behind = True  # there was more than one look can count

    def counts(self, first: int, end: int = LAST) -> tuple[dict[Level, int], bool]:
        """How many messages of each level begin in these rows, and whether these are all up to the last look.

        :param end: the number of the row behind the last one
        """
        start, stop = self._places(first, end)
        every = (start, stop) == (0, len(self._kinds))
        found = self._totals if every else Counter(islice(self._kinds, start, stop))
        return {level: found[level | BEGINS] for level in Level}, self._is_whole(first, end)

    async def volume(self, first: int, end: int = LAST) -> tuple[Volume, bool]:
        """The lines in these rows, and whether these are all up to the last look."""
        (start, stop), whole = self._places(first, end), self._is_whole(first, end)
        if (start, stop) == (0, len(self._kinds)):
            return self._volume, whole
        return await asyncio.to_thread(_volume_of, self._moments[start:stop], self._kinds[start:stop]), whole

    async def look(self, lens: Lens) -> None:
        """Count what is new, when it is time for that and nobody else does it."""
        if self._busy or time.monotonic() < self._due:
            return
        self._busy, self._due = True, time.monotonic() + EVERY
        try:
            await lens.look(self._history)
            self._forget()
            start = self._first + len(self._kinds)
            rows, self._behind = lens.held(self._history, start, start + MOST), start + MOST < self._history.end
            moments, kinds, new = await asyncio.to_thread(self._reckon, rows)
            self._moments += moments
            self._kinds += kinds
            self._totals.update(kinds)
            self._volume.add(new)
            if self._volume.could_be_finer:
                self._volume = await asyncio.to_thread(_volume_of, self._moments[:], self._kinds[:])
            self.looks += bool(rows)
        finally:
            self._busy = False

    def _places(self, first: int, end: int) -> tuple[int, int]:
        """From where up to where these rows stand among those that were counted."""
        start = max(0, max(first, self._history.first) - self._first)
        return start, max(start, min(len(self._kinds), end - self._first))

    def _is_whole(self, first: int, end: int) -> bool:
        counted = not self._behind or end <= self._first + len(self._kinds)
        return self._first <= max(first, self._history.first) and counted

    def _forget(self) -> None:
        """What has left the history is not held any more; where that was not counted, counting begins anew."""
        leaving = self._history.first - self._first
        if leaving > len(self._kinds):
            self._reckoner = Reckoner()
        moments, kinds = self._moments[: max(0, leaving)], self._kinds[: max(0, leaving)]
        self._totals.subtract(kinds)
        self._volume.remove(counted(moments, kinds))
        del self._moments[: len(kinds)], self._kinds[: len(kinds)]
        self._first = max(self._first, self._history.first)

    def _reckon(self, rows: Sequence[Row]) -> tuple[array[int], bytearray, Counter[tuple[int, int]]]:
        moments, kinds = self._reckoner.feed(rows)
        return moments, kinds, counted(moments, kinds)


def _volume_of(moments: array[int], kinds: bytearray) -> Volume:
    volume = Volume()
    volume.add(counted(moments, kinds))
    return volume


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
