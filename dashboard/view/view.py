"""What one visitor may see of the hub: the one place where scopes are enforced.

Pages and routes are given a :class:`View` and never the hub, so none of them can forget to ask. A service out of scope
does not exist here: it is not listed, counted or named, and asking for it fails in the words of one that never was.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TypeVar

from starlette.requests import HTTPConnection

from dashboard.access import Identity, Visit
from dashboard.config import Settings
from dashboard.errors import EngineUnavailable, InvalidToken, RightsChanged, ServiceNotFound
from dashboard.model import Row, Service, ServiceKey
from dashboard.timeline import (
    Beside,
    EngineStatus,
    LogHub,
    Marks,
    Selection,
    Subscription,
    Target,
    Timeline,
    find_service,
    find_target,
    shortest_name,
)
from dashboard.view.finding import Finder, Searches
from dashboard.view.lens import Lens, Reading, Redactor
from dashboard.view.storage import Storage

Result = TypeVar('Result')


class Views:
    """Gives each visitor theirs; as a dependency of a route, that of the request or WebSocket."""

    def __init__(self, hub: LogHub, redactor: Redactor) -> None:
        self._hub = hub
        self._redactor = redactor
        self._searches = Searches(hub.settings.max_searches)

    async def __call__(self, connection: HTTPConnection) -> View:
        """What the visitor of this connection may see; the gate has put the visit there."""
        return self.of(connection.state.visit)

    def of(self, visit: Visit) -> View:
        """What this visitor may see."""
        return View(self._hub, visit, self._redactor, self._searches)

    @property
    def reachable(self) -> bool:
        """Whether the engine answers, which anybody may know."""
        return self._hub.status.reachable


class View:
    """A :class:`LogHub` with nothing in it but what the visitor may see now; its methods are those of the hub."""

    def __init__(self, hub: LogHub, visit: Visit, redactor: Redactor, searches: Searches | None = None) -> None:
        self._hub = hub
        self._visit = visit
        self._redactor = redactor
        self.kept = Finder(hub, visit, redactor, searches or Searches(hub.settings.max_searches))
        # what `services` found last: in which services, for whom, and which of them
        self._every: tuple[Service, ...] = ()
        self._looker = (visit.identity, True)
        self._in_scope: tuple[Service, ...] = ()

    # what there is

    @property
    def settings(self) -> Settings:
        """See :class:`LogHub`."""
        return self._hub.settings

    @property
    def status(self) -> EngineStatus:
        """See :attr:`LogHub.status`."""
        return self._hub.status

    @property
    def visitor(self) -> Identity:
        """Who looks."""
        return self._visit.identity

    @property
    def services(self) -> tuple[Service, ...]:
        """Those in scope."""
        every, looker = self._hub.services, (self._visit.identity, self._visit.ended)
        if every is not self._every or looker != self._looker:
            self._every, self._looker = every, looker
            self._in_scope = tuple(service for service in every if self._visit.may_see(service.key))
        return self._in_scope

    @property
    def gone(self) -> Mapping[ServiceKey, int]:
        """See :attr:`LogHub.gone`; those in scope."""
        gone = self._hub.gone
        return {key: last for key, last in gone.items() if self._visit.may_see(key)} if gone else gone

    async def asked(self) -> None:
        """See :meth:`LogHub.asked`."""
        await self._hub.asked()

    def find(self, name: str) -> Service:
        """See :func:`find_service`; a name is ambiguous only when several services in scope have it."""
        return self._found(find_service, name)

    def name_of(self, key: ServiceKey) -> str:
        """See :func:`shortest_name`; one that is gone takes no name from others."""
        gone = self.gone
        return shortest_name(_and_gone(self.services, gone) if key in gone else self.services, key)

    def select(self, names: str, some: bool = False) -> Target:
        """See :func:`find_target`; several services are never more than those in scope, whatever comes later."""
        try:
            target = self._found(find_target, names)
        except ServiceNotFound:
            if not some:
                raise
            target = find_target(_and_gone(self.services, self.gone), names, self.status.error, some)
        return replace(target, within=self._visit.identity.scope) if isinstance(target, Selection) else target

    def _found(self, find: Callable[[Sequence[Service], str, EngineUnavailable | None], Result], name: str) -> Result:
        """What a name finds among the services there are, or else among those that are gone as well."""
        try:
            return find(self.services, name, self.status.error)
        except (ServiceNotFound, EngineUnavailable):
            if gone := self.gone:
                return find(_and_gone(self.services, gone), name, self.status.error)
            raise

    def service(self, target: Target) -> Service:
        """What is to be read of a target now.

        :raises ServiceNotFound: when there is no such service any more
        """
        if isinstance(target, Selection):
            return target.as_service(self.services)
        self._check(target)
        return next((service for service in self.services if service.key == target), Service(target, ()))

    @asynccontextmanager
    async def changes(self) -> AsyncGenerator[AsyncIterator[None], None]:
        """See :meth:`LogHub.changes`; another scope is a change too."""
        changed = asyncio.Event()
        with self._visit.telling(changed.set):
            async with self._hub.changes(changed) as changes:
                yield changes

    @property
    def storage(self) -> Storage:
        """What is kept, for administrators."""
        return Storage(self._hub, self._visit, self.lens)

    # lines; what is read from the engine has been through the lens already

    @property
    def lens(self) -> Lens:
        """What the visitor may see of lines: whoever shows rows of a history or subscription takes them through it."""
        return self._redactor.lens(self._visit.identity)

    @asynccontextmanager
    async def subscribe(self, target: Target, tail: int) -> AsyncGenerator[Subscription, None]:
        """See :meth:`LogHub.subscribe`. Losing the service ends what the caller is doing with it, wherever that waits.

        :raises ServiceNotFound: when there is no such service, or it has left the scope
        :raises InvalidToken: when the visit has ended
        """
        self._check(target)
        limit = asyncio.timeout(None)

        def look() -> None:
            if not self._may_see(target):
                limit.reschedule(asyncio.get_running_loop().time())

        try:
            async with limit:
                with self._visit.telling(look):
                    async with self._hub.subscribe(target, tail) as subscription:
                        await self.lens.look(subscription.feed.history)
                        yield subscription
        except TimeoutError:
            self._check(target)  # a time limit of the caller's own is none of ours
            raise

    @asynccontextmanager
    async def joined(self, target: Target) -> AsyncGenerator[Subscription | None, None]:
        """A subscription to what is being watched already, and has its backlog; None when nothing is.

        Unlike :meth:`subscribe` it breaks nothing off: what is taken through :meth:`held` and the readings is checked.

        :raises ServiceNotFound, InvalidToken: as :meth:`subscribe` does
        """
        feed = self.feed(target)
        if feed is None or not feed.ready.is_set():
            yield None
            return
        async with self._hub.subscribe(target, 0) as subscription:
            yield subscription

    def feed(self, target: Target) -> Timeline | None:
        """See :meth:`LogHub.feed`."""
        self._check(target)
        return self._hub.feed(target)

    def read(
        self, service: Service, *, tail: int | None = None, since: int | None = None, until: int | None = None
    ) -> AsyncGenerator[list[Row], None]:
        """See :meth:`Reads.read`; ends with an error when the service or the right to see it is lost half-way."""
        return self._seen(service, partial(self._hub.reads.read, service, tail=tail, since=since, until=until))

    def read_from(self, subscription: Subscription, moment: int) -> AsyncGenerator[list[Row], None]:
        """See :meth:`Reads.read_from`, and :meth:`read`."""
        return self._seen(subscription.feed.service, partial(self._hub.reads.read_from, subscription, moment))

    async def kept_wholly(self, service: Service, containers: Collection[str]) -> set[str]:
        """See :meth:`Reads.kept_wholly`."""
        self._check(*service.keys)
        return await self._hub.reads.kept_wholly(service, containers)

    def read_after(self, service: Service, marks: Marks, until: int | None = None) -> AsyncGenerator[list[Row], None]:
        """See :meth:`Reads.read_after`, and :meth:`read`."""
        return self._seen(service, partial(self._hub.reads.read_after, service, marks, until))

    def beside(self, service: Service, asked: Beside) -> AsyncGenerator[list[Row], None]:
        """See :meth:`Reads.beside`, and :meth:`read`."""
        return self._seen(service, partial(self._hub.reads.beside, service, asked))

    def around(
        self, service: Service, moment: int, least: int, until: int | None = None
    ) -> AsyncGenerator[list[Row], None]:
        """See :meth:`Reads.around`, and :meth:`read`."""
        return self._seen(service, partial(self._hub.reads.around, service, moment, least, until))

    def catch_up(self, subscription: Subscription, marks: Marks) -> AsyncGenerator[list[Row], None]:
        """See :meth:`Reads.catch_up`, and :meth:`read`."""
        return self._seen(subscription.feed.service, partial(self._hub.reads.catch_up, subscription, marks))

    def held(self, feed: Timeline, start: int, stop: int) -> list[Row]:
        """Rows that a feed remembers, through the lens; see :meth:`History.slice`."""
        self._check(*feed.service.keys)
        return self.lens.held(feed.history, start, stop)

    async def _seen(self, service: Service, reading: Reading) -> AsyncGenerator[list[Row], None]:
        """Rows from the engine through the lens. Who may see less of them meanwhile gets no more.

        They cannot be gone on with through another lens: what it hides may have begun in rows that it has not seen.
        """
        keys = service.keys
        self._check(*keys)
        lens = self.lens
        async with aclosing(lens.read(reading)) as batches:
            async for batch in batches:
                self._check(*keys)
                if self.lens.redacts and not lens.redacts:
                    raise RightsChanged
                yield batch

    def _check(self, *targets: Target) -> None:
        """
        :raises InvalidToken: when the visit has ended
        :raises ServiceNotFound: when a service is out of scope
        :raises RightsChanged: when several services were chosen in another scope
        """
        if self._visit.ended:
            raise InvalidToken
        for target in targets:
            if not self._may_see(target):
                raise (
                    RightsChanged
                    if isinstance(target, Selection)
                    else ServiceNotFound(f'Service {target.name} not found')
                )

    def _may_see(self, target: Target) -> bool:
        if isinstance(target, Selection):
            return not self._visit.ended and target.within == self._visit.identity.scope
        return self._visit.may_see(target)


def _and_gone(services: Sequence[Service], gone: Iterable[ServiceKey]) -> tuple[Service, ...]:
    return (*services, *(Service(key, ()) for key in gone))
