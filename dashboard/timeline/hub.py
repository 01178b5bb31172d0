"""All services of an engine: what there is, how the engine is, and one shared feed for each service that is watched."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from dashboard.config import Settings
from dashboard.engine import Engine, is_recorded
from dashboard.errors import EngineUnavailable, ServiceNotFound
from dashboard.model import Container, ContainerEvent, Cursor, Service, ServiceKey
from dashboard.store import Place, Store, Wanted
from dashboard.timeline.catalog import Selection, Target, find_service, find_target, services_of, shortest_name
from dashboard.timeline.feed import ServiceFeed
from dashboard.timeline.leaving import GiveBack
from dashboard.timeline.reader import BACKFILL
from dashboard.timeline.reads import Reads, Streams
from dashboard.timeline.recorder import Recorder, recorded_of
from dashboard.timeline.several import MergedFeed
from dashboard.timeline.stored import FAR, Stored
from dashboard.timeline.subscription import Subscription
from dashboard.timeline.timeline import Timeline
from dashboard.timeline.watch import EngineStatus, EngineWatch

RECORDED_ROWS, RECORDED_BYTES = 50_000, 4 << 20  # that a feed holds whose only reader is the recorder
GONE_EVERY = 2.0  # seconds between looks at which services are kept and gone
SPARED = 5  # a share of one in so many streams is not for the recorder


class LogHub:
    """Watches one engine. Owns every task of the pipe; use it as ``async with LogHub(…) as hub``.

    :param store: keeps what all containers write; None: nothing is kept
    """

    def __init__(self, engine: Engine, settings: Settings, store: Store | None = None) -> None:
        self.engine = engine
        self.store = store
        self.recorder = Recorder(self, store) if store else None
        self.services: tuple[Service, ...] = ()  # running ones first, then by project and name
        self.settings = settings
        self._feeds: dict[ServiceKey, ServiceFeed] = {}
        self._recorded: dict[ServiceKey, ServiceFeed] = {}
        self._merged: dict[Selection, MergedFeed] = {}
        self._listeners: set[asyncio.Event] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._closing: set[asyncio.Task[None]] = set()
        self._asked = asyncio.Event()
        self._gone: dict[ServiceKey, int] = {}
        self._gone_due = 0.0  # when that is to be found out again, by time.monotonic()
        self._give_back = GiveBack(self._rows)
        self._streams = Streams(settings.max_streams, lambda: sum(feed.streams for feed in self._service_feeds))
        self.reads = Reads(engine, self._streams, Stored(store))
        self._watch = EngineWatch(engine, self._take, self._pass_on, self._announce)

    async def __aenter__(self) -> LogHub:
        jobs = [self._watch.look, self._watch.listen]
        if self.store and self.recorder:
            await self.store.__aenter__()
            jobs.append(self.recorder.run)
        self._tasks = [asyncio.create_task(job(), name=job.__name__) for job in jobs]
        return self

    async def __aexit__(self, *error: object) -> None:
        tasks = [*self._tasks, *self._closing]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(feed.close() for feed in self._merged.values()))
        await asyncio.gather(*(feed.close() for feed in self._feeds.values()))
        self._merged.clear()
        self._feeds.clear()
        if self.store:
            await self.store.__aexit__(*error)
        await self.engine.close()

    # what there is

    @property
    def status(self) -> EngineStatus:
        """Whether the engine answers."""
        return self._watch.status

    async def asked(self, timeout: float = 3.0) -> None:
        """Wait until the engine has answered once or failed to, so that an empty list means that there is nothing.

        :raises EngineUnavailable: when it has done neither in ``timeout`` seconds
        """
        try:
            async with asyncio.timeout(timeout):
                await self._asked.wait()
        except TimeoutError:
            raise EngineUnavailable(self.engine.address, 'it has not answered yet', 'Try again in a moment.') from None

    @property
    def kept(self) -> Mapping[ServiceKey, int]:
        """Services to be shown of which lines are kept, and when each wrote the last one, in nanoseconds."""
        wanted, kept = self.settings.compose_project, self.store.services() if self.store else {}
        return {key: last for key, last in kept.items() if not wanted or key.project == wanted}

    @property
    def gone(self) -> Mapping[ServiceKey, int]:
        """Services that are there no longer and of which lines are kept, and when each wrote the last one.

        In nanoseconds since the epoch. The same mapping is given as long as it is so. Empty until the engine has said
        which there are.
        """
        if self.store and self.status.reachable and time.monotonic() >= self._gone_due:
            self._gone_due = time.monotonic() + GONE_EVERY
            listed = {service.key for service in self.services}
            gone = {key: last for key, last in sorted(self.kept.items()) if key not in listed}
            self._gone = self._gone if gone == self._gone else gone
        return self._gone

    def find(self, name: str) -> Service:
        """See :func:`find_service`."""
        return find_service(self.services, name, self.status.error)

    def name_of(self, key: ServiceKey) -> str:
        """See :func:`shortest_name`."""
        return shortest_name(self.services, key)

    @asynccontextmanager
    async def changes(self, changed: asyncio.Event | None = None) -> AsyncGenerator[AsyncIterator[None], None]:
        """Iterate once at first, and then whenever services or the engine's status have changed.

        :param changed: may be set by the caller, who knows of other changes
        """
        changed = changed or asyncio.Event()
        changed.set()
        self._listeners.add(changed)

        async def each() -> AsyncIterator[None]:
            while True:
                await changed.wait()
                changed.clear()
                yield

        try:
            yield each()
        finally:
            self._listeners.discard(changed)

    # lines

    def select(self, names: str) -> Target:
        """See :func:`find_target`."""
        return find_target(self.services, names, self.status.error)

    @asynccontextmanager
    async def subscribe(self, target: Target, tail: int) -> AsyncGenerator[Subscription, None]:
        """Follow a service, or several, beginning ``tail`` lines back. Streams are shared, and stay open a while after.

        :raises ServiceNotFound: when there is no such service
        """
        feed = self._merged_feed(target) if isinstance(target, Selection) else self._feed(target)
        try:
            if isinstance(feed, ServiceFeed) and not feed.service.containers:
                await self._recall(feed)
            async with feed.subscribe(tail) as subscription:
                yield subscription
        finally:
            self.give_back()
            if not feed.subscriptions:
                self._linger(target, feed)

    @asynccontextmanager
    async def record(
        self, service: Service, after: Mapping[str, Cursor], finished: Iterable[str]
    ) -> AsyncGenerator[Subscription, None]:
        """Follow a service for the recorder, which wants every line; see :class:`ServiceFeed`.

        Its feed is none that others share: it holds only what was not recorded yet, and they want to look back.

        :raises NoStreamLeft: when what is left is for others
        """
        self._streams.check(service, self.settings.max_streams // SPARED)
        limits = RECORDED_ROWS, RECORDED_BYTES
        feed = ServiceFeed(self.engine, service, *limits, self._watch.look_again, after, finished)
        self._recorded[service.key] = feed
        feed.update(service)
        subscription = Subscription(feed, 0)
        feed.subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            del self._recorded[service.key]
            await feed.close()

    def recorded(self, key: ServiceKey) -> ServiceFeed | None:
        """The feed of a service that the recorder follows."""
        return self._recorded.get(key)

    def feed(self, target: Target) -> Timeline | None:
        """The feed of what is being watched."""
        return self._merged.get(target) if isinstance(target, Selection) else self._feeds.get(target)

    def _feed(self, key: ServiceKey) -> ServiceFeed:
        feed = self._feeds.get(key)
        if feed is None:
            service = next((service for service in self.services if service.key == key), None)
            if service is None and key in self.gone:
                service = Service(key, ())
            if service is None:
                raise ServiceNotFound(f'Service {key.name} not found')
            self._streams.check(service)
            feed = ServiceFeed(self.engine, service, *self._limits, ended=self._watch.look_again)
            self._feeds[key] = feed
            feed.update(service)
        return feed

    async def _recall(self, feed: ServiceFeed) -> None:
        """What a service that is gone has left, as many of its last lines as are read of one that is there."""
        if self.store and not feed.history.end:
            page = await self.store.lines.older(Wanted(feed.service.keys), Place(FAR), BACKFILL)
            if page.rows and not feed.history.end:  # nobody was faster
                feed.recall(page.rows)

    def _merged_feed(self, selection: Selection) -> MergedFeed:
        feed = self._merged.get(selection)
        if feed is None:
            feed = self._merged[selection] = MergedFeed(selection, self.subscribe, self._feeds.get, *self._limits)
            feed.update(self.services)
        return feed

    @property
    def _service_feeds(self) -> list[ServiceFeed]:
        return [*self._feeds.values(), *self._recorded.values()]

    @property
    def _limits(self) -> tuple[int, int]:
        return self.settings.history_lines, self.settings.history_bytes

    def _linger(self, target: Target, feed: ServiceFeed | MergedFeed) -> None:
        async def close_unwatched() -> None:
            await asyncio.sleep(self.settings.linger)
            if not feed.subscriptions and self.feed(target) is feed:
                if isinstance(target, Selection):
                    del self._merged[target]
                else:
                    del self._feeds[target]
                await feed.close()
                self.give_back()

        self._later(close_unwatched(), 'linger')

    def _rows(self) -> int:
        return sum(feed.history.end - feed.history.first for feed in (*self._feeds.values(), *self._merged.values()))

    def give_back(self) -> None:
        """Much memory has become free: give it back in a while, once for all who ask."""
        if self._give_back.ask():
            self._later(self._give_back.run(), 'give back')

    def _later(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    # what the watch tells

    def _take(self, containers: list[Container], returned: bool) -> None:
        """What containers there are; ``returned`` when the engine was away before."""
        wanted = self.settings.compose_project
        services = services_of(item for item in containers if not wanted or item.service.project == wanted)
        changed, self.services = services != self.services, services
        self._gone_due = 0.0 if changed else self._gone_due
        for service in services:  # also when nothing has changed: a container may have restarted between two looks
            if feed := self._feeds.get(service.key):
                feed.update(service)
            if recorded := self._recorded.get(service.key):
                recorded.update(recorded_of(service))
        for merged in self._merged.values():
            merged.update(services)
        if returned:
            for feed in self._service_feeds:
                feed.retry_now(self._watch.lost_at)
        if returned or changed:
            self._announce()

    def _pass_on(self, event: ContainerEvent | None) -> None:
        """Tell the feeds; None is the beginning of a watch, before which anything may have happened."""
        if event is None:
            for feed in self._service_feeds:
                feed.started(container.id for container in feed.service.containers)
            return
        if watched := self._feeds.get(event.service):
            watched.tell(event)
        if (recorded := self._recorded.get(event.service)) and is_recorded(event.attributes):
            recorded.tell(event)
        for merged in self._merged.values():
            merged.tell(event)

    def _announce(self) -> None:
        self._asked.set()
        for changed in self._listeners:
            changed.set()
