"""Who is here: every request, WebSocket and page that is open, and what its user may do now.

A token is checked when something is opened. Much stays open for days, so what has changed since is looked for several
times a second: a sign-out, a new password, a removed user, an ended or expired session, another role or scope, whoever
did it and in whichever process. That costs one look at the database's change counter, however much is open.

A database that is locked, damaged or gone can say nothing of this. Then what is open goes on for a while: nobody can
have ended it but by the very database, and a backup must not sign everybody out.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from dashboard.access.identity import Identity
from dashboard.access.session_store import SessionStore
from dashboard.errors import AccountsUnavailable, ConfigError, InvalidToken, NotAllowed
from dashboard.model import ServiceKey

LOG = logging.getLogger(__name__)
POLL = 0.25  # seconds: what has ended is shown out well within a second
COARSE = 300  # seconds to which the time of the last use is exact
MOMENT = 1.0  # seconds for which the database may be locked without a word: we write to it ourselves
BELIEVED = 300.0  # seconds for which a sign-in is believed while the database cannot be asked


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
        self._noted = self._asked = time.monotonic()  # when the last use was written down, and the database answered
        self._noting: asyncio.Task[None] | None = None
        self._ailing = False  # whether the console was told that it does not
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
        while True:
            try:
                with self._store.watching() as changed:
                    while True:
                        self.check(changed())
                        self._note_use()
                        self._note_answer()
                        await asyncio.sleep(POLL)
            except AccountsUnavailable as error:
                self._go_on_without(error)
            except Exception:  # whatever it is: nobody stays who cannot be checked
                if not self._ailing:
                    LOG.exception('The accounts cannot be read: everybody is signed out of what is open.')
                self._ailing = True
                self._end(self._open)
            await asyncio.sleep(POLL)

    def _note_answer(self) -> None:
        self._asked = time.monotonic()
        if self._ailing:
            self._ailing = False
            LOG.warning('The accounts can be used again.')

    def _go_on_without(self, error: AccountsUnavailable) -> None:
        """What is open goes on for a while, but nothing beyond its time."""
        away = time.monotonic() - self._asked
        if away > MOMENT and not self._ailing:
            self._ailing = True
            LOG.warning('%s What is open goes on for up to %.0f s; nobody can sign in.', error, BELIEVED)
        self._unchecked, now = True, time.time()
        self._end([visit for visit in self._open if away > BELIEVED or visit.identity.expires <= now])

    def _note_use(self) -> None:
        if time.monotonic() - self._noted > COARSE and (self._noting is None or self._noting.done()):
            self._noted = time.monotonic()
            self._noting = asyncio.create_task(asyncio.to_thread(self._write_use, self._token_ids()))

    def _write_use(self, token_ids: set[str]) -> None:
        with suppress(ConfigError):  # a full disk must not send anybody away
            self._store.used(token_ids)

    def _token_ids(self) -> set[str]:
        return {visit.identity.token_id for visit in self._open if not visit.ended}

    def _end(self, visits: Iterable[Visit]) -> None:
        for visit in tuple(visits):
            visit.change(None)
