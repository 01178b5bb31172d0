"""What a visitor finds in the lines that are kept: of the services that they may see, and without secrets.

The store finds messages by what was written. Where secrets are hidden it only leaves out what cannot be found in what
is left of them; each message is then looked through as the live view does it, and the question asked again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial

from dashboard.access import Visit
from dashboard.errors import BadRequest, InvalidToken, LimitReached, RightsChanged
from dashboard.lines import Message, Question, Range, messages_of
from dashboard.model import Service, ServiceKey
from dashboard.store import Found, Place, Store, Wanted
from dashboard.timeline import LOOK_BACK, LOOK_BACK_TIME, LogHub, Selection, find_target, shortest_name
from dashboard.view.lens import Lens, Redactor

OFF = 'Nothing is kept here, so there is nothing to be searched: DASHBOARD_STORE_BYTES or DASHBOARD_STORE_DAYS is 0.'


class Searches:
    """How many each user has under way; used from the event loop only."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._running = Counter[str]()

    @contextmanager
    def one_more(self, user: str) -> Iterator[None]:
        """
        :raises LimitReached: when there are as many as may be
        """
        if self._running[user] >= self._most:
            raise LimitReached(f'You have {self._most} searches under way, which is the limit: end one of them.')
        self._running[user] += 1
        try:
            yield
        finally:
            self._running[user] -= 1


@dataclass(frozen=True, slots=True)
class Finder:
    """Searches for one visitor."""

    hub: LogHub
    visit: Visit
    redactor: Redactor
    searches: Searches

    @property
    def is_on(self) -> bool:
        """Whether anything is kept."""
        return self.hub.store is not None

    @property
    def trouble(self) -> str:
        """In words for an administrator, why lines are not kept at the moment though they should be; '' mostly."""
        return self.hub.store.health.words if self.hub.store else ''

    @property
    def services(self) -> tuple[Service, ...]:
        """Those in scope of which there are lines, also the removed ones, which have no containers; and all others."""
        now = {service.key: service for service in self.hub.services}
        every = sorted({*now, *self.hub.kept})
        return tuple(now.get(key, Service(key, ())) for key in every if self.visit.may_see(key))

    def naming(self) -> Callable[[ServiceKey], str]:
        """What gives the name of each, see :func:`shortest_name`: made once for all that a search finds."""
        return cache(partial(shortest_name, self.services))

    def keys_of(self, names: str) -> list[ServiceKey]:
        """The services of these names; without any all of them.

        :raises BadRequest, ServiceNotFound: when there are none; see :func:`find_target`
        """
        services = self.services
        target = find_target(services, names or '*', None)
        return [service.key for service in target.of(services)] if isinstance(target, Selection) else [target]

    async def search(
        self, question: Question, keys: Collection[ServiceKey], times: Range, before: Place | None = None
    ) -> AsyncGenerator[Found, None]:
        """What a question finds, the newest first, and how far back it has been searched.

        :raises BadRequest: when nothing is kept
        :raises LimitReached: when the user has too many searches under way
        :raises StoreUnavailable: when it cannot go on
        :raises RightsChanged, InvalidToken: when the visitor may see less, or nothing any more
        """
        store, lens = self._store(), self._lens
        wanted = Wanted.of([key for key in keys if self.visit.may_see(key)], times.start, times.end)
        with self.searches.one_more(self.visit.identity.username):
            await store.flush()
            async with aclosing(store.messages.run(question, wanted, hidden=lens.marks, before=before)) as steps:
                async for found in steps:
                    shown = [await self._shown(store, lens, question, message) for message in found.messages]
                    self._check(lens)
                    kept = [(message, place) for message, place in zip(shown, found.places, strict=True) if message]
                    messages, places = zip(*kept, strict=True) if kept else ((), ())
                    yield replace(found, messages=messages, places=places)

    async def _shown(self, store: Store, lens: Lens, question: Question, message: Message) -> Message | None:
        """A message as it may be seen; None when it is out of scope, or not found as such."""
        if not self.visit.may_see(message.lines[0].container.service):
            return None
        if not lens.redacts:
            return message
        before, after = await store.lines.around(message.lines, LOOK_BACK, LOOK_BACK_TIME)
        lines = await asyncio.to_thread(lens.among, before, message.lines, after)
        shown = Message(tuple(lines), messages_of(lines)[0].level)
        return shown if question.matches(shown) else None

    def _check(self, lens: Lens) -> None:
        if self.visit.ended:
            raise InvalidToken
        if self._lens.redacts and not lens.redacts:
            raise RightsChanged

    @property
    def _lens(self) -> Lens:
        return self.redactor.lens(self.visit.identity)

    def _store(self) -> Store:
        if self.hub.store is None:
            raise BadRequest(OFF)
        return self.hub.store
