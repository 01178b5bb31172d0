"""Records what every container writes, whether or not somebody watches, from where it was when we were last here.

How far each container was read is kept together with its lines. So a service is first caught up with from its logs, as
fast as the store takes it, and then followed; whenever more comes than is held, it is caught up with again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from dashboard.errors import ContainerGone, EngineError, LimitReached, LogsUnreadable
from dashboard.model import SECOND, Cursor, Gap, Row, Service, ServiceKey
from dashboard.store import Store
from dashboard.timeline.catchup import removed
from dashboard.timeline.marks import Marks
from dashboard.timeline.pieces import whole_lines
from dashboard.timeline.reopening import backoff
from dashboard.timeline.subscription import Subscription

if TYPE_CHECKING:
    from dashboard.timeline.hub import LogHub

DAY = 86_400 * SECOND
GATHER, BUSY = 0.2, 0.02  # seconds between two takes of a quiet service, and of one that writes much
MUCH = 2_000  # rows in one take that are much
MOST = 20_000  # rows taken at once
HELD = 1_000  # rows that stay in the feed, for it to tell what an engine gives twice
IMPORTED = 500_000  # lines of a container at the most that is read for the first time
UNHURRIED = 20_000  # lines a second at which that is read
TOGETHER = 2  # services that are caught up with at the same time
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0  # seconds between tries
RELISTED = 2.0  # seconds after which a container that is not listed any more is taken for removed


class Recorder:
    """Follows all services that are to be recorded.

    :param hub: tells what there is
    :param store: keeps it
    """

    def __init__(self, hub: LogHub, store: Store) -> None:
        self.problems: dict[ServiceKey, str] = {}  # why a service is not recorded now, in words
        self._hub = hub
        self._store = store
        self._tasks: dict[ServiceKey, asyncio.Task[None]] = {}
        self._marks: dict[ServiceKey, Marks] = {}  # the last line of each container that was handed to the store
        self._turns = asyncio.Semaphore(TOGETHER)

    async def run(self) -> None:
        """Record until cancelled."""
        await self._store.opened()
        try:
            async with self._hub.changes() as changes:
                async for _ in changes:
                    if self._hub.status.reachable:
                        await self._tell_removed()
                        self._begin_new()
        finally:
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def records(self, key: ServiceKey) -> bool:
        """Whether the settings let a service be recorded."""
        settings = self._hub.settings
        included = not settings.store_include or any(map(key.fits, settings.store_include))
        return included and not any(map(key.fits, settings.store_exclude))

    def _begin_new(self) -> None:
        for service in sorted(self._hub.services, key=self._last_time):  # nobody's turn is always the last
            task = self._tasks.get(service.key)
            if (task is None or task.done()) and self.records(service.key) and recorded_of(service).containers:
                self._tasks[service.key] = asyncio.create_task(self._record(service.key), name=f'record {service.key}')

    def _last_time(self, service: Service) -> int:
        """When the newest line was written that is kept of a service."""
        return max((cursor.timestamp for cursor in self._marks_of(service.key).cursors.values()), default=0)

    async def _tell_removed(self) -> None:
        """Services of which nothing is left went while we were not looking."""
        wanted, listed = self._hub.settings.compose_project, {service.key for service in self._hub.services}
        gone = {key for key, _ in self._store.cursors.values() if key.host == self._hub.engine.name} - listed
        for key in gone:
            task = self._tasks.get(key)
            if (task is None or task.done()) and (not wanted or key.project == wanted):
                await self._end(key, self._marks_of(key), set())

    async def _record(self, key: ServiceKey) -> None:
        """Record a service as long as there is one."""
        attempt = 0
        while service := self._find(key):
            try:
                ended = [container.short_id for container in service.containers if not container.running]
                async with self._turns:
                    problem = await self._catch_up(service)
                self._hub.give_back()
                async with self._hub.record(service, dict(self._marks_of(key).cursors), ended) as subscription:
                    self._say(key, problem)
                    await self._follow(key, subscription)
                attempt = 0
            except (EngineError, LimitReached) as error:
                self._say(key, str(error))
                attempt += 1
                await asyncio.sleep(backoff(attempt, FIRST_DELAY, LONGEST_DELAY))
        self._say(key, '')

    async def _catch_up(self, service: Service) -> str:
        """Read what each container has written since its last line that is kept; why one cannot be read, or ''."""
        key, marks, problem = service.key, self._marks_of(service.key), ''
        await self._end(key, marks, self._listed(key))
        for container in service.containers:
            cursor = marks.cursors.get(container.short_id)
            since = max(0, time.time_ns() - int(self._store.days * DAY))
            options = {} if cursor else {'tail': IMPORTED, 'since': since}
            try:
                async with aclosing(self._hub.reads.log_of(container, cursor, **options)) as batches:
                    async for rows in batches:
                        await self._append(key, whole_lines(rows) if container.running else rows, behind=True)
                        # at the first start there may be much to read, and nothing goes if it takes a while
                        await asyncio.sleep(0 if cursor else len(rows) / UNHURRIED)
            except LogsUnreadable as error:
                problem = str(error)
            except ContainerGone:
                if cursor:
                    await self._lose(key, [cursor])
        return problem

    async def _follow(self, key: ServiceKey, subscription: Subscription) -> None:
        """Keep what comes, until the service is gone or more has come than is held."""
        feed, unlisted = subscription.feed, dict[str, float]()
        while True:
            rows = subscription.take(MOST)
            if subscription.skipped:
                return
            if rows:
                await self._append(key, rows)
                feed.history.forget(subscription.position - HELD)
            elif await self._has_ended(key, unlisted):
                return
            if not rows:
                await self._wait(subscription, bool(unlisted))
            await asyncio.sleep(BUSY if len(rows) > MUCH else GATHER)

    async def _wait(self, subscription: Subscription, briefly: bool) -> None:
        """Until there are rows; or for a while, to see what has become of containers that are not listed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(RELISTED if briefly else 10 * RELISTED):
                await subscription.wait()

    async def _has_ended(self, key: ServiceKey, unlisted: dict[str, float]) -> bool:
        """Let containers go that were removed, and all of whose lines have come; True when none is left.

        :param unlisted: since when, by ``time.monotonic()``, they are not listed any more
        """
        marks, listed, feed = self._marks_of(key), self._listed(key), self._hub.recorded(key)
        now = time.monotonic()
        for name in [*unlisted]:
            if name in listed:
                del unlisted[name]
        for name in marks.cursors.keys() - listed:
            unlisted.setdefault(name, now)
        gone = [name for name, since in unlisted.items() if now - since >= RELISTED and not (feed and feed.reads(name))]
        if gone:
            await self._forget(key, gone)
            for name in gone:
                del unlisted[name]
        return not listed and not marks.cursors and not (feed and feed.streams)

    async def _end(self, key: ServiceKey, marks: Marks, listed: set[str]) -> None:
        """Containers that were removed when nobody looked: a gap tells what may have gone with each."""
        gone = [cursor for name, cursor in marks.cursors.items() if name not in listed]
        if gone:
            await self._lose(key, gone)

    async def _lose(self, key: ServiceKey, last: Sequence[Cursor]) -> None:
        """What these containers wrote after these lines went with them."""
        gaps = [replace(gap, service=key) for gap in removed(last) if isinstance(gap, Gap)]
        await self._append(key, gaps)
        await self._forget(key, [cursor.container for cursor in last])

    async def _append(self, key: ServiceKey, rows: Sequence[Row], behind: bool = False) -> None:
        await self._store.append(key, rows, behind=behind)
        self._marks_of(key).read(rows)

    async def _forget(self, key: ServiceKey, names: Sequence[str]) -> None:
        """Nothing more will come of these containers."""
        await self._store.append(key, (), names)
        marks = self._marks_of(key)
        self._marks[key] = Marks({name: cursor for name, cursor in marks.cursors.items() if name not in names})

    def _marks_of(self, key: ServiceKey) -> Marks:
        marks = self._marks.get(key)
        if marks is None:
            known = {name: cursor for name, (owner, cursor) in self._store.cursors.items() if owner == key}
            marks = self._marks[key] = Marks(known)
        return marks

    def _say(self, key: ServiceKey, problem: str) -> None:
        self.problems.pop(key, None)
        if problem:
            self.problems[key] = problem

    def _find(self, key: ServiceKey) -> Service | None:
        found = next((service for service in self._hub.services if service.key == key), None)
        service = found and recorded_of(found)
        return service if service and service.containers else None

    def _listed(self, key: ServiceKey) -> set[str]:
        """The short ids of the containers that there are, recorded or not."""
        services = (service for service in self._hub.services if service.key == key)
        return {container.short_id for service in services for container in service.containers}


def recorded_of(service: Service) -> Service:
    """The containers of a service whose lines may be kept."""
    return Service(service.key, tuple(container for container in service.containers if container.recorded))
