"""Who is here: every request, WebSocket and page that is open, and what its user may do now.

A token is checked when something is opened. Much stays open for days, so what has changed since is looked for several
times a second: a sign-out, a new password, a removed user, an ended or expired session, another role or scope, whoever
did it and in whichever process. That costs one look at the database's change counter, however much is open.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from dashboard.access.identity import Identity
from dashboard.access.session_store import SessionStore
from dashboard.errors import ConfigError, InvalidToken, NotAllowed
from dashboard.model import ServiceKey

LOG = logging.getLogger(__name__)
POLL = 0.25  # seconds: what has ended is shown out well within a second
COARSE = 300  # seconds to which the time of the last use is exact


class Visit:
    """Something that is open in the name of an identity."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity  # as it is now
        self.ended = False  # whether the token is valid no more
        self._listeners: list[Callable[[], None]] = []

    def may_see(self, key: ServiceKey) -> bool:
        """Whether the service exists, as far as this visitor is concerned."""
        return not self.ended and self.identity.scope.covers(key)

    def require_admin(self) -> None:
        """Let only administrators go on, as they are now: to be asked before anything is shown to them.

        :raises InvalidToken: when the visit has ended
        :raises NotAllowed: for a viewer
        """
        if self.ended:
            raise InvalidToken
        if not self.identity.is_admin:
            raise NotAllowed

    @contextmanager
    def telling(self, listener: Callable[[], None]) -> Iterator[None]:
        """Call ``listener`` when the visit ends or its identity changes; at once, when it has ended before."""
        self._listeners.append(listener)
        try:
            if self.ended:
                listener()
            yield
        finally:
            self._listeners.remove(listener)

    def change(self, identity: Identity | None) -> None:
        """The identity is another one now, or none."""
        if self.ended or identity == self.identity:
            return
        self.ended = identity is None
        self.identity = identity or self.identity
        for listener in tuple(self._listeners):
            try:
                listener()
            except Exception:  # one page that fails must not keep the others from being shown out
                LOG.exception('A page or WebSocket could not be told that its account has changed.')


class Visits:
    """All visits of this process. While it is entered, they are kept up to date."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store
        self._open: set[Visit] = set()
        self._unchecked = False  # somebody has come since the last look
        self._noted = time.monotonic()  # when the last use of the open sessions was written down
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Visits:
        self._task = asyncio.create_task(self._keep_looking(), name='visits')
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @contextmanager
    def visit(self, identity: Identity) -> Iterator[Visit]:
        """Be here for as long as the ``with`` lasts."""
        visit = Visit(identity)
        self._open.add(visit)
        self._unchecked = True  # the identity was looked up a moment ago: what has changed since was not told
        try:
            yield visit
        finally:
            self._open.discard(visit)

    def check(self, changed: bool = True) -> None:
        """End the visits whose token has ended, and tell the others what has changed."""
        now = time.time()
        expired = any(visit.identity.expires <= now for visit in self._open if not visit.ended)
        if not (changed or expired or self._unchecked):
            return
        self._unchecked = False
        current = self._store.identities(self._token_ids())
        for visit in tuple(self._open):
            visit.change(current.get(visit.identity.token_id))

    async def _keep_looking(self) -> None:
        told = False
        while True:
            try:
                with self._store.watching() as changed:
                    while True:
                        self.check(changed())
                        self._note_use()
                        told = False
                        await asyncio.sleep(POLL)
            except Exception:  # whatever it is: nobody stays who cannot be checked
                if not told:
                    LOG.exception('The accounts cannot be read: everybody is signed out of what is open.')
                told = True
                self._end_all()
                await asyncio.sleep(POLL)

    def _note_use(self) -> None:
        if time.monotonic() - self._noted > COARSE:
            self._noted = time.monotonic()
            with suppress(ConfigError):  # a full disk must not send anybody away
                self._store.used(self._token_ids())

    def _token_ids(self) -> set[str]:
        return {visit.identity.token_id for visit in self._open if not visit.ended}

    def _end_all(self) -> None:
        for visit in tuple(self._open):
            visit.change(None)
