"""What one browser tab watches: a service from a row on, through a filter, at the pace of its own view."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import aclosing
from datetime import UTC, tzinfo

from dashboard.errors import EngineError, InvalidToken, ServiceNotFound
from dashboard.feed import SKIPPED, ServiceFeed, Subscription
from dashboard.filters import LineFilter
from dashboard.history import History, row_time
from dashboard.model import Gap, LogLine, Row, Service, ServiceKey, format_timestamp
from dashboard.pages.clock import Clock
from dashboard.pages.log_view import LogView
from dashboard.pages.place import Place
from dashboard.pages.render import render_rows
from dashboard.view import View

GAPS = 1_000  # remembered a tab
OUT_OF_SIGHT = 1.0  # seconds between looks at whether a hidden tab is back
FLUSH = 0.06  # seconds from one flush to the next at the least
FULL = 2  # times its capacity that a view holds while its reader is scrolled up: nothing being read is taken away
ASIDE = 5_000  # rows from which on a filter runs in a thread


class LogViewer:
    """Keeps a :class:`LogView` at a service's timeline. One task a tab; it ends with :meth:`close`.

    :param capacity: rows kept in the page
    :param on_shown: called whenever the browser has shown what it was sent
    """

    def __init__(self, hub: View, capacity: int, on_shown: Callable[[], None]) -> None:
        self.view = LogView(self._render, capacity, self._followed, self._open)
        self.following = True
        self.matches = 0  # lines that the filter has let pass
        self.new_lines = 0  # since the reader left the end
        self.error = ''
        self._hub = hub
        self._on_shown = on_shown
        self._filter = LineFilter()
        self._subscription: Subscription | None = None
        self._start = 0  # the first row of what this tab holds
        self._shown = 0  # up to this row of the history the page has shown it all
        self._shown_until = 0  # nanoseconds since the epoch: when that was
        self._older: list[Row] = []  # what it showed before its connection broke, and is not in the history any more
        self._older_shown = 0  # how many of those it has shown
        self._place: Place | None = None  # where its reader was, until it is there again
        self._stale = False  # the view must be filled anew
        self._opened: Gap | None = None  # to be shown from its beginning
        self._gaps: dict[str, Gap] = {}  # by key; those that may be on the page
        self._many = False  # lines of several containers: say which
        self._zone: tzinfo = UTC
        self._task: asyncio.Task[None] | None = None

    # what the page asks

    @property
    def idle(self) -> bool:
        """Whether nothing is being watched, or about to be."""
        return self._task is None or self._task.done()

    @property
    def term(self) -> str:
        """The filter in force."""
        return self._filter.term

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
        return _lines(self._older) + self.feed.history.lines(self._start) if self.feed else 0

    @property
    def behind(self) -> int:
        """Rows that have come and are not on the page yet."""
        return self.feed.history.end - self._subscription.position if self.feed and self._subscription else 0

    def watch(self, key: ServiceKey, tail: int, place: Place | None = None) -> None:
        """Switch to a service, beginning with its last ``tail`` lines, or where the tab was before."""
        self.close()
        self.matches, self.new_lines, self.error, self.following, self._opened = 0, 0, '', True, None
        self._place, self._older, self._older_shown, self._shown = place, [], 0, 0
        self._task = asyncio.create_task(self._run(key, tail), name=f'viewer {key.name}')

    def filter(self, term: str) -> None:
        """Show only the lines that contain ``term``.

        :raises BadRequest: when it is too long or no regular expression; the filter stays as it was
        """
        self._filter = LineFilter(term)
        self._refill()

    def tell_time_in(self, zone: tzinfo) -> None:
        """Show in that zone when lines were written."""
        if zone is not self._zone:
            self._zone = zone
            self._refill()

    def clear(self) -> None:
        """Forget the lines so far."""
        if self.feed:
            self._start, self._older, self._older_shown = self.feed.history.end, [], 0
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
        try:
            await self._pump(key, tail)
        except (ServiceNotFound, InvalidToken) as error:  # it has gone since it was chosen, or the visit has ended
            self.error = str(error)

    async def _pump(self, key: ServiceKey, tail: int) -> None:
        async with self._hub.subscribe(key, tail) as subscription:
            if self._place:
                await self._read_again(subscription, self._place)
            self._subscription, self._start, self._stale = subscription, subscription.position, True
            while not subscription.closed:
                due = time.monotonic() + FLUSH
                if self._must_fill(subscription):
                    shown = await self._fill(subscription)
                elif self.behind:
                    shown = await self._add(subscription)
                else:
                    await subscription.wait()
                    continue
                if shown:
                    self._note_shown(subscription)
                self._stale = self._stale or not shown  # a browser that did not answer gets it all anew
                await asyncio.sleep(max(0, due - time.monotonic()))
                while self.view.hidden:
                    await asyncio.sleep(OUT_OF_SIGHT)
                    await self.view.look()

    def _note_shown(self, subscription: Subscription) -> None:
        self._shown = subscription.position
        self._shown_until = subscription.feed.history.time_of(self._shown - 1) or self._shown_until
        self._on_shown()

    async def _read_again(self, subscription: Subscription, place: Place) -> None:
        """Hold what the tab showed before its connection broke, and what has come since and is not held any more."""
        self.following, capacity = place.following, self.view.capacity
        shown: deque[Row] = deque(maxlen=capacity)
        since: deque[Row] = deque()
        try:
            async with aclosing(self._hub.read_from(subscription, place.first)) as batches:
                async for batch in batches:
                    shown += (row for row in batch if row_time(row) <= place.last)
                    since += (row for row in batch if row_time(row) > place.last)
                    if (excess := len(since) - capacity) > 0:
                        left_out = [since.popleft() for _ in range(excess)]
                        since.appendleft(_left_out(left_out, since[0]))
        except EngineError as error:
            self.error = str(error)
        self._older, self._older_shown = [*shown, *since], len(shown)
        self._shown_until = row_time(since[-1]) if since else place.last
        history = subscription.feed.history
        found = history.find(place.last + 1)
        # meanwhile what follows the older rows may have left the history, and then its first row tells nothing
        self._shown = found if found > history.first else subscription.position

    def _must_fill(self, subscription: Subscription) -> bool:
        return self._stale or self._many != (len(subscription.feed.service.containers) > 1)

    async def _fill(self, subscription: Subscription) -> bool:
        """Show the newest of all that this tab holds, or what follows an opened gap, through the filter."""
        self._stale = False
        self._many = len(subscription.feed.service.containers) > 1
        if self._opened is not None:
            return await self._fill_from_gap(subscription, self._opened)
        if self._place is not None:
            return await self._fill_from_place(subscription, self._place)
        self._gaps.clear()
        history, capacity = subscription.feed.history, self.view.capacity
        known = max(self._start, self._shown)  # the first row that this tab may never have shown
        subscription.position = history.end  # and both are taken before anything is waited for
        before = [*self._older[: self._older_shown], *self._hub.lens.held(history, self._start, known)]
        since = [*self._older[self._older_shown :], *self._held(history, known)]
        old, new = await self._chosen(before), await self._chosen(since)
        self.matches, self.new_lines = _lines(old) + _lines(new), 0
        rows = [*old, *new][-capacity:]
        if len(new) > capacity:  # what the page has never shown is not left out without a word
            rows.insert(0, _left_out(new[:-capacity], rows[0], None if self._older else known))
        self._remember(rows)
        return await self.view.replace(rows, follow=self.following)

    def _held(self, history: History, start: int) -> list[Row]:
        """The held rows from that number on, after a gap if some of those have left."""
        rows = self._hub.lens.held(history, start)
        missed = history.missing(start, max(start, history.first))
        if rows and missed != 0:
            end = row_time(rows[0])
            rows.insert(0, Gap(self._shown_until or end, end, missed, SKIPPED, row=start))
        return rows

    async def _fill_from_place(self, subscription: Subscription, place: Place) -> bool:
        """Show what the tab showed when its connection broke, the same line at the top, and what has come since."""
        self._place = None
        if place.following:
            return await self._fill(subscription)
        shown = await self._fill_on(subscription, list(self._older))
        self.view.go_to(format_timestamp(place.top))
        return shown

    async def _fill_from_gap(self, subscription: Subscription, gap: Gap) -> bool:
        """Show what a gap left out and what follows it; what the server does not hold comes from the engine."""
        self._opened = None
        history = subscription.feed.history
        rows: list[Row] = []
        if gap.row is not None and gap.row >= history.first:
            subscription.position = gap.row
        else:
            rows = await self._from_engine(subscription.feed.service, gap, self.view.capacity)
            subscription.position = history.find(gap.end)
        return await self._fill_on(subscription, rows)

    async def _fill_on(self, subscription: Subscription, rows: list[Row]) -> bool:
        """Show rows and those that follow at the position, as far as there is room; the reader goes on by scrolling."""
        room = subscription.feed.history.end if self._filter.pattern else self.view.capacity - len(rows)
        rows += self._hub.lens.taken(subscription, subscription.take(max(0, room)))
        self._remember(rows)
        chosen = await self._chosen(rows)
        self.matches = max(self.matches, _lines(chosen))
        return await self.view.replace(chosen, follow=False)

    async def _from_engine(self, service: Service, gap: Gap, most: int) -> list[Row]:
        """The first lines that were written inside a gap, and a smaller gap when there are more."""
        lines: list[LogLine] = []
        try:
            async with aclosing(self._hub.read(service, since=gap.start + 1, until=gap.end - 1)) as batches:
                async for batch in batches:
                    lines += [row for row in batch if isinstance(row, LogLine)]
                    if len(lines) > most:
                        return [*lines[:most], Gap(lines[most - 1].timestamp, gap.end, None, 'there are more')]
        except EngineError as error:
            self.error = str(error)
            return [gap]
        return list(lines)

    async def _add(self, subscription: Subscription) -> bool:
        rows = self._hub.lens.taken(subscription, self._take(subscription))
        self._remember(rows)
        chosen = await self._chosen(rows)
        lines = _lines(chosen)
        self.matches += lines
        self.new_lines = 0 if self.following else self.new_lines + lines
        return not chosen or await self.view.append(chosen[-self.view.capacity - 1 :], follow=self.following)

    def _take(self, subscription: Subscription) -> list[Row]:
        """What has come, as far as the page can use it; a filter looks at everything."""
        capacity = self.view.capacity
        if not self.following:
            room = max(0, FULL * capacity - self.view.rows)
            return subscription.take(room) if room else []
        if self._filter.pattern:
            return subscription.take(subscription.feed.history.end)
        return subscription.take(capacity, newest=True)

    async def _chosen(self, rows: list[Row]) -> Sequence[Row]:
        if self._filter.pattern is None:
            return rows
        if len(rows) > ASIDE:
            return await asyncio.to_thread(_choose, rows, self._filter)
        return _choose(rows, self._filter)

    def _render(self, rows: Sequence[Row]) -> str:
        return render_rows(rows, self._filter.pattern, self._many, Clock(self._zone))

    def _remember(self, rows: Sequence[Row]) -> None:
        self._gaps |= {row.key: row for row in rows if isinstance(row, Gap)}
        while len(self._gaps) > GAPS:
            del self._gaps[next(iter(self._gaps))]

    def _open(self, key: str) -> None:
        """Show what was skipped; the reader goes on from there by scrolling."""
        if gap := self._gaps.get(key):
            self._opened, self.following = gap, False
            self._refill()

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


def _lines(rows: Sequence[Row]) -> int:
    return sum(isinstance(row, LogLine) for row in rows)


def _left_out(rows: Sequence[Row], then: Row, row: int | None = None) -> Gap:
    """A row in place of others, which may be gaps themselves."""
    counts = [item.missed for item in rows if isinstance(item, Gap)]
    missed = None if None in counts else _lines(rows) + sum(filter(None, counts))
    start = rows[0].start if isinstance(rows[0], Gap) else row_time(rows[0]) - 1
    return Gap(start, row_time(then) + 1, missed, SKIPPED, row=row)
