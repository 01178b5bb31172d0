"""One reader of a timeline: a position in it, and how to go on from a line that was had before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from dashboard.model import Gap, Row
from dashboard.timeline.history import row_time
from dashboard.timeline.marks import Marks
from dashboard.timeline.pieces import ROWS, fitting

if TYPE_CHECKING:
    from dashboard.timeline.timeline import Timeline

BATCH = 1_000  # rows read from the engine or the history at once
SKIPPED = 'they came faster than they could be shown'


class Subscription:
    """One reader of a timeline. It holds a position and no rows, so it costs nothing and delays nobody.

    One that falls so far behind that its next row has left the history gets a ``Gap`` in place of what it missed.
    Use it as ``async with feed.subscribe() as subscription: async for rows in subscription: …``.
    """

    def __init__(self, feed: Timeline, tail: int) -> None:
        self.feed = feed
        self.position = 0
        self.closed = False
        self.taken_from = 0  # the number of the first row of history taken last
        self.skipped = False  # whether the rows taken last begin with a gap
        self._tail = tail
        self._news = asyncio.Event()
        self._last_time = 0

    async def __aenter__(self) -> Subscription:
        self.feed.subscriptions.add(self)
        await self.feed.ready.wait()
        whole = min(self.feed.complete_from, self.feed.history.end)  # before that there are holes
        self.position = max(whole, self.feed.history.tail(self._tail))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.feed.subscriptions.discard(self)
        self.close()

    def __aiter__(self) -> AsyncIterator[list[Row]]:
        return self

    async def __anext__(self) -> list[Row]:
        """The next rows, no more than are handled at one go."""
        if self.position < self.feed.history.end:
            await asyncio.sleep(0)  # a reader that has much to catch up with leaves the others their turn
        while not (rows := self.take(self._piece())):
            if self.closed:
                raise StopAsyncIteration
            await self.wait()
        return rows

    def _piece(self) -> int:
        history = self.feed.history
        start = max(self.position, history.first)
        return fitting(history.slice(start, start + ROWS))

    async def wait(self) -> None:
        """Return when there are rows at the position, or at the next :meth:`wake`."""
        if self.position >= self.feed.history.end and not self.closed:
            self._news.clear()
            await self._news.wait()

    def resume(self, marks: Marks) -> bool:
        """Go on where the marks were in this history; False when that was another one, or what follows has left."""
        if marks.feed != self.feed.token or not self.feed.history.first <= marks.row <= self.feed.history.end:
            return False
        self.go_on(marks.row, marks.newest.timestamp)
        return True

    def go_on(self, position: int, last_time: int) -> None:
        """Go on at a row, after one of that time in nanoseconds since the epoch; 0 when nobody knows."""
        self.position, self._last_time = position, last_time

    def take(self, limit: int, newest: bool = False) -> list[Row]:
        """At most ``limit`` rows from the position on; with ``newest`` the last ones there are, skipping the others."""
        history = self.feed.history
        start = max(self.position, history.first)
        if newest:
            start = max(start, history.end - limit)
        rows = history.slice(start, start + limit)
        resumed, self.taken_from, self.position = self.position, start, start + len(rows)
        self.skipped = bool(start > resumed and rows)
        if self.skipped:
            end, missed = row_time(rows[0]), history.missing(resumed, start)
            rows.insert(0, Gap(self._last_time or end, end, missed, SKIPPED, row=resumed))
        if rows:
            self._last_time = row_time(rows[-1])
        return rows

    def wake(self) -> None:
        """Something has changed: end a :meth:`wait`."""
        self._news.set()

    def close(self) -> None:
        """End the subscription; an iteration over it stops."""
        self.closed = True
        self._news.set()
