"""All services of an engine: what there is, how the engine is, and one shared feed for each service that is watched."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager

from dashboard.config import Settings
from dashboard.engine import Engine
from dashboard.errors import EngineUnavailable, NoStreamLeft, ServiceNotFound
from dashboard.feed import BATCH, ServiceFeed, Subscription
from dashboard.marks import Marks
from dashboard.merge import merged
from dashboard.model import STAMP_LENGTH, Container, ContainerEvent, Cursor, Gap, LogLine, Row, Service, ServiceKey
from dashboard.resume import Resume
from dashboard.watch import EngineStatus, EngineWatch


class LogHub:
    """Watches one engine. Owns every task of the pipe; use it as ``async with LogHub(…) as hub``."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine = engine
        self.services: tuple[Service, ...] = ()  # running ones first, then by project and name
        self.settings = settings
        self._feeds: dict[ServiceKey, ServiceFeed] = {}
        self._listeners: set[asyncio.Event] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._closing: set[asyncio.Task[None]] = set()
        self._asked = asyncio.Event()
        self._reading = 0  # streams that are open for one answer
        self._watch = EngineWatch(engine, self._take, self._pass_on, self._announce)

    async def __aenter__(self) -> LogHub:
        jobs = (self._watch.look, self._watch.listen)
        self._tasks = [asyncio.create_task(job(), name=job.__name__) for job in jobs]
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = [*self._tasks, *self._closing]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(feed.close() for feed in self._feeds.values()))
        self._feeds.clear()
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

    def find(self, name: str) -> Service:
        """The service of that name, or of that ``project:name``.

        :raises EngineUnavailable: when there is no such service and the engine is away
        :raises ServiceNotFound: when there is none, or the plain name fits several
        """
        return find_service(self.services, name, self.status.error)

    def name_of(self, key: ServiceKey) -> str:
        """The shortest name that finds this service and no other."""
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

    @asynccontextmanager
    async def subscribe(self, key: ServiceKey, tail: int) -> AsyncGenerator[Subscription, None]:
        """Follow a service, beginning ``tail`` lines back. Its streams are shared, and stay open a while afterwards.

        :raises ServiceNotFound: when there is no such service
        """
        feed = self._feed(key)
        try:
            async with feed.subscribe(tail) as subscription:
                yield subscription
        finally:
            if not feed.subscriptions:
                self._linger(key, feed)

    def feed(self, key: ServiceKey) -> ServiceFeed | None:
        """The feed of a service that is being watched."""
        return self._feeds.get(key)

    async def read(
        self, service: Service, *, tail: int | None = None, since: int | None = None, until: int | None = None
    ) -> AsyncGenerator[list[LogLine], None]:
        """What the engine holds of a service now, all its containers merged by timestamp; constant memory.

        ``tail`` is that of the whole service, ``since`` and ``until`` (both inclusive) are nanoseconds since
        the epoch.

        :raises EngineUnavailable, ContainerGone, LogsUnreadable: as the engine does
        """
        # the engine counts the tail before it looks at times: the last lines before a moment are sought here
        counted = tail if until is None else None
        sources = [self.engine.logs(item, tail=counted, since=since, until=until) for item in service.containers]
        exact = tail is None or (len(sources) == 1 and until is None)
        last: deque[LogLine] = deque(maxlen=tail)
        with self._streams(service):
            async with aclosing(sources[0] if len(sources) == 1 else merged(sources)) as batches:
                async for batch in batches:
                    if exact:
                        yield batch
                    else:
                        last += batch
        if last:
            yield list(last)

    async def read_from(self, subscription: Subscription, moment: int) -> AsyncGenerator[list[LogLine], None]:
        """The lines since a moment that are older than what is held completely; the subscription goes on after them.

        :raises EngineUnavailable, ContainerGone, LogsUnreadable: as the engine does
        """
        feed = subscription.feed
        subscription.position = max(feed.complete_from, feed.history.find(moment))
        until = feed.history.time_of(subscription.position)
        if subscription.position > feed.complete_from or until is None:
            return
        held = {_name(row) for row in feed.history.slice(subscription.position) if isinstance(row, LogLine)}
        async with aclosing(self.read(feed.service, since=moment, until=until)) as batches:
            async for batch in batches:
                yield [line for line in batch if _name(line) not in held]

    async def read_after(
        self, service: Service, marks: Marks, until: int | None = None
    ) -> AsyncGenerator[list[Row], None]:
        """What the engine holds after the last line of each container; a gap where that line is no longer there.

        :raises EngineUnavailable, ContainerGone, LogsUnreadable: as the engine does
        """
        sources = [self._container_after(container, marks, until) for container in service.containers]
        present = {container.short_id for container in service.containers}
        if gone := [cursor for name, cursor in marks.cursors.items() if name not in present]:
            sources.append(_gaps(gone))
        with self._streams(service):
            async with aclosing(sources[0] if len(sources) == 1 else merged(sources)) as batches:
                async for rows in batches:
                    yield rows

    async def _container_after(
        self, container: Container, marks: Marks, until: int | None
    ) -> AsyncGenerator[list[Row], None]:
        cursor = marks.cursors.get(container.short_id)
        # of one that was never heard all is new, but not what it wrote long before
        resume = Resume(cursor or marks.newest)
        async with aclosing(self.engine.logs(container, since=resume.since, until=until)) as batches:
            async for batch in batches:
                if rows := resume.sift(batch) if cursor else list[Row](batch):
                    yield rows
        if cursor and (rows := resume.finish()):
            yield rows

    async def catch_up(self, subscription: Subscription, marks: Marks) -> AsyncGenerator[list[Row], None]:
        """What follows the last line of each container, as far as it is not held here; then the subscription goes on.

        :raises EngineUnavailable, ContainerGone, LogsUnreadable: as the engine does
        """
        if subscription.resume(marks):
            return
        marks = marks.copy()
        async with aclosing(self.read_after(subscription.feed.service, marks.copy())) as batches:
            async for rows in batches:
                yield rows
                marks.read(rows)
        rest = await subscription.join(marks)
        for start in range(0, len(rest), BATCH):
            yield rest[start : start + BATCH]

    @contextmanager
    def _streams(self, service: Service) -> Iterator[None]:
        """Count the streams that read a service once, as long as they are open."""
        self._check_streams(service)
        count = len(service.containers)
        self._reading += count
        try:
            yield
        finally:
            self._reading -= count

    def _check_streams(self, service: Service) -> None:
        """Every stream has a thread here and a connection to the engine: there is an end to them."""
        used = self._reading + sum(feed.streams for feed in self._feeds.values())
        if used + len(service.containers) > self.settings.max_streams:
            raise NoStreamLeft(
                f'{used:,} streams of the engine are open, and {self.settings.max_streams:,} is the limit '
                '(DASHBOARD_MAX_STREAMS). Try again when others have left.'
            )

    def _feed(self, key: ServiceKey) -> ServiceFeed:
        feed = self._feeds.get(key)
        if feed is None:
            service = next((service for service in self.services if service.key == key), None)
            if service is None:
                raise ServiceNotFound(f'Service {key.name} not found')
            self._check_streams(service)
            limits = (self.settings.history_lines, self.settings.history_bytes)
            feed = ServiceFeed(self.engine, service, *limits, ended=self._watch.look_again)
            self._feeds[key] = feed
            feed.update(service)
        return feed

    def _linger(self, key: ServiceKey, feed: ServiceFeed) -> None:
        async def close_unwatched() -> None:
            await asyncio.sleep(self.settings.linger)
            if not feed.subscriptions and self._feeds.get(key) is feed:
                del self._feeds[key]
                await feed.close()

        task = asyncio.create_task(close_unwatched(), name=f'linger {key.name}')
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    # what the watch tells

    def _take(self, containers: list[Container], returned: bool) -> None:
        """What containers there are; ``returned`` when the engine was away before."""
        wanted = self.settings.compose_project
        services = _services(item for item in containers if not wanted or item.service.project == wanted)
        changed, self.services = services != self.services, services
        for service in services:  # also when nothing has changed: a container may have restarted between two looks
            if feed := self._feeds.get(service.key):
                feed.update(service)
        if returned:
            for feed in self._feeds.values():
                feed.retry_now(self._watch.lost_at)
        if returned or changed:
            self._announce()

    def _pass_on(self, event: ContainerEvent | None) -> None:
        """Tell the feeds; None is the beginning of a watch, before which anything may have happened."""
        if event is None:
            for feed in self._feeds.values():
                feed.started(container.id for container in feed.service.containers)
        elif watched := self._feeds.get(event.service):
            watched.tell(event)

    def _announce(self) -> None:
        self._asked.set()
        for changed in self._listeners:
            changed.set()


def find_service(services: Iterable[Service], name: str, away: EngineUnavailable | None) -> Service:
    """See :meth:`LogHub.find`; ``away`` says why the engine cannot tell."""
    named = [service for service in services if name in (service.key.name, service.key.qualified)]
    found = [service for service in named if service.key.qualified == name] or named
    if len(found) == 1:
        return found[0]
    if found:
        names = ' or '.join(sorted(service.key.qualified for service in found))
        raise ServiceNotFound(f'Several projects have a service {name}: ask for {names}.')
    if away:
        raise away
    raise ServiceNotFound(f'Service {name} not found')


def shortest_name(services: Iterable[Service], key: ServiceKey) -> str:
    """See :meth:`LogHub.name_of`."""
    namesakes = any(service.key.name == key.name and service.key != key for service in services)
    return key.qualified if namesakes else key.name


def _services(containers: Iterable[Container]) -> tuple[Service, ...]:
    found: dict[ServiceKey, list[Container]] = {}
    for container in containers:
        found.setdefault(container.service, []).append(container)
    services = [
        Service(key, tuple(sorted(items, key=lambda item: (-item.created, item.name)))) for key, items in found.items()
    ]
    return tuple(sorted(services, key=lambda service: (service.status != 'running', service.key)))


def _name(line: LogLine) -> tuple[str, bytes, int]:
    """As good as the cursor, and quick."""
    return line.container.id, line.record[:STAMP_LENGTH], line.ordinal


async def _gaps(cursors: Iterable[Cursor]) -> AsyncGenerator[list[Row], None]:
    """What the containers of these last lines wrote afterwards went with them."""
    yield [
        Gap(cursor.timestamp, cursor.timestamp, None, 'their container has been removed', lost=True)
        for cursor in sorted(cursors, key=lambda cursor: cursor.timestamp)
    ]
