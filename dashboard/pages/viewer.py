"""What one browser tab watches: a service from a row on, through a filter, at the pace of its own view."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from dashboard.feed import ServiceFeed, Subscription
from dashboard.filters import LineFilter
from dashboard.hub import LogHub
from dashboard.model import Gap, LogLine, Row, ServiceKey
from dashboard.pages.log_view import LogView
from dashboard.pages.render import render_rows

FLUSH = 0.1  # seconds between flushes at the least
FULL = (
    2  # times its capacity that a view holds while its reader is scrolled up; nothing he may be reading is taken away
)
ASIDE = 5_000  # rows from which on a filter runs in a thread


class LogViewer:
    """Keeps a :class:`LogView` at a service's timeline. One task a tab; it ends with :meth:`close`."""

    def __init__(self, hub: LogHub, capacity: int, term: str = '') -> None:
        self.view = LogView(self._render, capacity, self._followed)
        self.following = True
        self.matches = 0  # lines that the filter has let pass
        self.new_lines = 0  # since the reader left the end
        self.error = ''
        self._hub = hub
        self._filter = LineFilter(term)
        self._subscription: Subscription | None = None
        self._start = 0  # the first row of what this tab holds
        self._stale = False  # the view must be filled anew
        self._many = False  # lines of several containers: say which
        self._task: asyncio.Task[None] | None = None

    # what the page asks

    @property
    def feed(self) -> ServiceFeed | None:
        """The timeline that is being watched."""
        return self._subscription.feed if self._subscription else None

    @property
    def first_row(self) -> int:
        """Where what this tab holds begins in the service's history."""
        return max(self._start, self.feed.history.first) if self.feed else 0

    @property
    def lines(self) -> int:
        """How many lines this tab holds, on the page and on the server."""
        return self.feed.history.lines(self._start) if self.feed else 0

    @property
    def behind(self) -> int:
        """Rows that have come and are not on the page yet."""
        return self.feed.history.end - self._subscription.position if self.feed and self._subscription else 0

    def watch(self, key: ServiceKey, tail: int) -> None:
        """Switch to a service, beginning with its last ``tail`` lines."""
        self.close()
        self.matches, self.new_lines, self.error, self.following = 0, 0, '', True
        self._task = asyncio.create_task(self._run(key, tail), name=f'viewer {key.name}')

    def filter(self, term: str) -> None:
        """Show only the lines that contain ``term``.

        :raises BadRequest: when it is too long
        """
        self._filter = LineFilter(term)
        self._refill()

    def clear(self) -> None:
        """Forget the lines so far."""
        if self.feed:
            self._start = self.feed.history.end
        self._refill()

    def follow(self, on: bool) -> None:
        """Go to the newest line and stay there, or stay where the view is."""
        self._followed(on)
        if on:
            self.view.scroll_to_end()
        else:
            self.view.stay()

    def close(self) -> None:
        """Stop watching."""
        if self._task:
            self._task.cancel()
        self._task = self._subscription = None

    # the pump

    async def _run(self, key: ServiceKey, tail: int) -> None:
        async with self._hub.subscribe(key, tail) as subscription:
            self._subscription, self._start, self._stale = subscription, subscription.position, True
            while not subscription.closed:
                if self._must_fill(subscription):
                    shown = await self._fill(subscription)
                elif self.behind:
                    shown = await self._add(subscription)
                else:
                    await subscription.wait()
                    continue
                self._stale = self._stale or not shown  # a browser that did not answer gets it all anew
                await asyncio.sleep(FLUSH)

    def _must_fill(self, subscription: Subscription) -> bool:
        return self._stale or self._many != (len(subscription.feed.service.containers) > 1)

    async def _fill(self, subscription: Subscription) -> bool:
        """Show the newest of all that this tab holds, through the filter."""
        self._stale = False
        self._many = len(subscription.feed.service.containers) > 1
        rows = subscription.feed.history.slice(self._start)
        subscription.position = subscription.feed.history.end
        chosen = await self._chosen(rows)
        self.matches = sum(isinstance(row, LogLine) for row in chosen)
        self.new_lines = 0
        return await self.view.replace(chosen[-self.view.capacity :])

    async def _add(self, subscription: Subscription) -> bool:
        capacity = self.view.capacity
        room = capacity if self.following else max(0, FULL * capacity - self.view.rows)
        rows = subscription.take(room, newest=self.following) if room else []
        chosen = await self._chosen(rows)
        lines = sum(isinstance(row, LogLine) for row in chosen)
        self.matches += lines
        self.new_lines = 0 if self.following else self.new_lines + lines
        return not chosen or await self.view.append(chosen, follow=self.following)

    async def _chosen(self, rows: list[Row]) -> Sequence[Row]:
        if self._filter.pattern is None:
            return rows
        if len(rows) > ASIDE:
            return await asyncio.to_thread(_choose, rows, self._filter)
        return _choose(rows, self._filter)

    def _render(self, rows: Sequence[Row]) -> str:
        return render_rows(rows, self._filter.pattern, self._many)

    def _refill(self) -> None:
        self._stale = True
        if self._subscription:
            self._subscription.wake()

    def _followed(self, on: bool) -> None:
        self.following = on
        if on:
            self.new_lines = 0
        if self._subscription:
            self._subscription.wake()


def _choose(rows: list[Row], lines: LineFilter) -> list[Row]:
    return [row for row in rows if isinstance(row, Gap) or (isinstance(row, LogLine) and lines.matches(row.text))]
