"""Several services as one timeline: what their feeds give, in the order of the engine's time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from dashboard.errors import DashboardError
from dashboard.model import ContainerEvent, Cursor, Gap, LogLine, Row, Service, ServiceKey
from dashboard.timeline.catalog import Selection
from dashboard.timeline.feed import BEGINS, WORST_FIRST, ServiceFeed
from dashboard.timeline.leaving import let_go, weakly
from dashboard.timeline.marks import NAMED
from dashboard.timeline.merge import STEP, WINDOW, Merger
from dashboard.timeline.reader import BACKFILL
from dashboard.timeline.straggler import Straggler
from dashboard.timeline.subscription import BATCH, Subscription
from dashboard.timeline.timeline import FeedStatus, Former, Timeline

LATEST = WINDOW + 2 * STEP  # seconds that a line waits here: the feed of a scaled service may be late itself
GATHER = 0.02  # seconds between two takes of one feed
LEAST_WAIT = 0.05  # the same while the feeds give their lines at once, as those of single containers do
SHARE = 4  # times the rows and bytes of one service, for all of them together
LEAST = 1_000  # lines that each service begins with, however many they are: so the last ones of all are complete

Subscribe = Callable[[ServiceKey, int], AbstractAsyncContextManager[Subscription]]
Find = Callable[[ServiceKey], Timeline | None]


class MergedFeed(Timeline):
    """Takes what the feeds of several services give, each line once. They are shared with whoever else watches them.

    :param selection: which services
    :param subscribe: as the hub does
    :param find: the feed of a service, if there is one already
    """

    def __init__(self, selection: Selection, subscribe: Subscribe, find: Find, max_rows: int, max_bytes: int) -> None:
        super().__init__(selection.as_service(()), SHARE * max_rows, SHARE * max_bytes)
        self._selection = selection
        self._subscribe = subscribe
        self._find = find
        self._most = SHARE * max_rows
        self._merger = Merger(weakly(self._append), LATEST, LEAST_WAIT)
        self._sources: dict[ServiceKey, _Source] = {}
        self._settled: set[ServiceKey] = set()
        self._straggler = Straggler(weakly(self._is_given_more), weakly(self._release))
        self._begins: list[int] = []  # nanoseconds since the epoch: when that begins which feeds with older lines gave
        self._rows: dict[str, tuple[int, int]] = {}  # container → where its lines are, by its short id

    # for the hub

    def update(self, services: Iterable[Service]) -> None:
        """What there is now: those that have come are taken in, and those that have gone and said all are let go."""
        wanted = self._selection.of(services)
        self.service = self._selection.as_service(wanted)
        keys = {service.key for service in wanted}
        for key in [key for key, source in self._sources.items() if source.ended or (key not in keys and source.quiet)]:
            self._sources.pop(key).close()
            self._settled.discard(key)
        tail = max(LEAST, min(BACKFILL, self._most // max(1, len(keys))))
        for key in keys - self._sources.keys():
            self._sources[key] = _Source(key, self, tail)
        self._settle()

    def tell(self, event: ContainerEvent) -> None:
        """Something has happened to a container: what others write waits for the first lines of one that begins."""
        if event.action == 'start' and self.ready.is_set() and self._selection.covers(event.service):
            self._merger.hold(BEGINS)

    async def close(self) -> None:
        """Take no more; subscriptions end."""
        sources = list(self._sources.values())
        for source in sources:
            source.close()
        await asyncio.gather(*(source.task for source in sources), return_exceptions=True)
        self._sources.clear()  # they hold this too
        self._merger.close()
        self._straggler.close()
        self._end()

    # for its sources

    def open(self, key: ServiceKey, tail: int) -> AbstractAsyncContextManager[Subscription]:
        """A subscription to the feed of a service."""
        return self._subscribe(key, tail)

    def begins_at(self, moment: int) -> None:
        """A feed has older lines than those that it gives, of which that is the time."""
        self._begins.append(moment)

    def take(self, key: ServiceKey, rows: list[Row]) -> None:
        """The next rows of a feed."""
        named: list[Row] = [replace(row, row=None, service=key) if isinstance(row, Gap) else row for row in rows]
        self._merger.add(key.qualified, named, alone=len(self._sources) <= 1)

    def settle(self, key: ServiceKey) -> None:
        """That feed has given its backlog, or never will."""
        self._settled.add(key)
        self._settle()

    # for viewers

    @property
    def status(self) -> FeedStatus:
        """The worst of its feeds."""
        states = [source.status for source in self._sources.values()] or [FeedStatus('connecting')]
        order = [*WORST_FIRST, 'stopped']
        worst = min(states, key=lambda state: order.index(state.phase))
        return replace(worst, last_line=self._last_line)

    @property
    def former(self) -> list[Former]:
        """The containers of its services that were removed of late."""
        every = [former for source in self._sources.values() for former in source.former]
        return [
            replace(former, first_row=self._rows[former.name][0], end_row=self._rows[former.name][1])
            for former in every
            if former.name in self._rows
        ]

    def has_passed(self, cursor: Cursor) -> bool:
        """Whether that line has come and left again, or will not come because nobody reads its container."""
        last = self._marks.cursors.get(cursor.container)
        if last and last.timestamp >= cursor.timestamp:
            return True
        return all(source.has_passed(cursor) for source in self._sources.values())

    @property
    def _is_of_one(self) -> bool:
        return False

    def _forgettable(self) -> Iterable[str]:
        many = len(self._marks.cursors) > NAMED
        alive = {item.short_id for item in self.service.containers if item.running or not many}
        return [name for name in self._marks.cursors if name not in alive]

    def _append(self, rows: list[Row]) -> None:
        start = self.history.end
        super()._append(rows)
        for name in {row.container.short_id for row in rows if isinstance(row, LogLine)}:
            self._rows[name] = (self._rows.get(name, (start, 0))[0], self.history.end)
        if len(self._rows) > 2 * len(self._sources) + BATCH:
            self._rows = {name: place for name, place in self._rows.items() if place[1] > self.history.first}

    def _settle(self) -> None:
        """The backlog is complete when each feed has given its own."""
        if self.ready.is_set():
            begun = self._sources.keys() <= self._settled
            if self._merger.holding and begun and not any(source.begins for source in self._sources.values()):
                self._merger.go_on()
            return
        if self._sources.keys() <= self._settled:
            self._release()
        elif self._settled:
            self._straggler.wait()

    def _is_given_more(self) -> bool:
        late = map(self._find, self._sources.keys() - self._settled)
        return any(feed and feed.status.phase in ('catching up', 'live') for feed in late)

    def _release(self) -> None:
        if not self.ready.is_set():
            self._merger.release()
            self._complete_from = self.history.find(max(self._begins)) if self._begins else 0
            self.ready.set()


class _Source:
    """One feed among several: a task that takes what it gives."""

    def __init__(self, key: ServiceKey, owner: MergedFeed, tail: int) -> None:
        self._key = key
        self._owner = owner
        self._tail = tail
        self._feed: Timeline | None = None
        self._subscription: Subscription | None = None
        self._error = ''
        self.task = asyncio.create_task(self._run(), name=f'merge {key.name}')
        self.task.add_done_callback(let_go)

    @property
    def ended(self) -> bool:
        """Whether nothing is taken any more, because there was no stream left or no such service."""
        return self.task.done()

    @property
    def quiet(self) -> bool:
        """Whether all that the feed had was taken, and nobody reads on."""
        if self._subscription is None or not isinstance(self._feed, ServiceFeed):
            return False
        return not self._feed.streams and self._subscription.position >= self._feed.history.end

    @property
    def begins(self) -> bool:
        """Whether a container of the service begins to write."""
        return isinstance(self._feed, ServiceFeed) and self._feed.begins

    @property
    def status(self) -> FeedStatus:
        """That of the feed, or why there is none."""
        if self._error:
            return FeedStatus('unreadable', error=f'{self._key.name}: {self._error}')
        if not self._feed:
            return FeedStatus('connecting')
        status = self._feed.status
        return replace(status, error=f'{self._key.name}: {status.error}') if status.error else status

    @property
    def former(self) -> list[Former]:
        """See :attr:`Timeline.former`."""
        return self._feed.former if self._feed else []

    def has_passed(self, cursor: Cursor) -> bool:
        """See :meth:`Timeline.has_passed`; what was not taken yet has not."""
        if not self._subscription or not self._feed:
            return True
        return self._feed.has_passed(cursor) and self._subscription.position >= self._feed.history.end

    def close(self) -> None:
        """Take no more."""
        self.task.cancel()

    async def _run(self) -> None:
        try:
            async with self._owner.open(self._key, self._tail) as subscription:
                await self._take_all(subscription)
        except DashboardError as error:
            self._error = str(error)
        finally:
            self._owner.settle(self._key)

    async def _take_all(self, subscription: Subscription) -> None:
        feed = subscription.feed
        self._feed, self._subscription = feed, subscription
        start = max(subscription.position, feed.complete_from)
        if start and (moment := feed.history.time_of(start)):
            self._owner.begins_at(moment)
        backlog = feed.history.end
        while not subscription.closed:
            if rows := subscription.take(BATCH):
                self._owner.take(self._key, rows)
            if subscription.position >= backlog:
                self._owner.settle(self._key)
            if subscription.position >= feed.history.end:
                await subscription.wait()
                await asyncio.sleep(GATHER)
            else:
                await asyncio.sleep(0)
