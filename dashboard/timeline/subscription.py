"""One reader of a timeline: a position in it, and how to go on from a line that was had before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from dashboard.model import Gap, LogLine, Row
from dashboard.timeline.history import row_time
from dashboard.timeline.marks import Marks

if TYPE_CHECKING:
    from dashboard.timeline.feed import ServiceFeed

BATCH = 1_000  # rows given to a subscriber at once
SKIPPED = 'they came faster than they could be shown'


class Subscription:
    """One reader of a timeline. It holds a position and no rows, so it costs nothing and delays nobody.

    One that falls so far behind that its next row has left the history gets a ``Gap`` in place of what it missed.
    Use it as ``async with feed.subscribe() as subscription: async for rows in subscription: …``.
    """

    def __init__(self, feed: ServiceFeed, tail: int) -> None:
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
        self.position = self.feed.history.tail(self._tail)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.feed.subscriptions.discard(self)
        self.close()

    def __aiter__(self) -> AsyncIterator[list[Row]]:
        return self

    async def __anext__(self) -> list[Row]:
        while not (rows := self.take(BATCH)):
            if self.closed:
                raise StopAsyncIteration
            await self.wait()
        return rows

    async def wait(self) -> None:
        """Return when there are rows at the position, or at the next :meth:`wake`."""
        if self.position >= self.feed.history.end and not self.closed:
            self._news.clear()
            await self._news.wait()

    def resume(self, marks: Marks) -> bool:
        """Go on after exactly the lines that were had; False when what is held cannot tell which follow."""
        found = self.feed.history.after(marks.newest)
        if found is None or self.feed.marks_at(found) != marks:
            return False
        self.position, self._last_time = found, marks.newest.timestamp
        return True

    async def join(self, marks: Marks) -> list[Row]:
        """Go on after lines that were read from the engine itself, once they have come here too; what follows them."""
        while not self.closed and not all(map(self.feed.has_read, marks.cursors.values())):
            self.position = self.feed.history.end
            await self.wait()
        self.position = self.feed.history.end
        self._last_time = marks.newest.timestamp
        return self._following(marks)

    def _following(self, marks: Marks) -> list[Row]:
        """The held rows that follow the last line of their container."""
        history = self.feed.history
        after = {name: history.after(cursor) for name, cursor in marks.cursors.items()}

        def follows(number: int, row: Row) -> bool:
            if not isinstance(row, LogLine):
                return row_time(row) > marks.newest.timestamp
            name = row.container.short_id
            if name not in after:
                return True
            place = after[name]
            return row.timestamp > marks.cursors[name].timestamp if place is None else number >= place

        return [row for number, row in enumerate(history.slice(0), history.first) if follows(number, row)]

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
