"""Sessions and API tokens: how they begin, whom they stand for, how they end."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256

from dashboard.access.identity import Identity
from dashboard.access.session_store import Session, SessionStore
from dashboard.access.store import User
from dashboard.access.tokens import Tokens
from dashboard.access.visits import BELIEVED, COARSE
from dashboard.errors import AccountError, AccountsUnavailable, ConfigError, InvalidToken, UnknownAccount

PREFIX = 'dld_'  # of API tokens, so that a scanner for secrets can be told what to look for
SECRET_BYTES = 32  # of an API token
MOST_TOKENS = 100  # a user
DAYS = (1, 3650)  # that an API token may last
NAME_LENGTH = 64  # characters of an API token's name
REMEMBERED = 10_000  # identities that may be believed; some 5 MB


@dataclass(frozen=True, slots=True)
class NewToken:
    """An API token. ``secret`` is shown once and kept nowhere."""

    secret: str = field(repr=False)
    session: Session


class Sessions:
    """What users have open, and the tokens of their scripts."""

    def __init__(self, store: SessionStore, tokens: Tokens) -> None:
        self._store = store
        self._tokens = tokens
        self._believed: dict[str, tuple[Identity, float]] = {}  # by token id, and until when; the latest last
        self._lock = threading.Lock()
        self._noting: set[str] = set()  # whose use is being written down

    def begin(self, user: User, lifetime: int, address: str = '', agent: str = '') -> str:
        """Sign a user in; the token of the session. ``lifetime`` in seconds."""
        now = int(time.time())
        session = Session(
            secrets.token_urlsafe(16), _id(), user.username, now, now + lifetime, 'session', '', address, agent, now
        )
        self._store.add(session)
        return self._tokens.sign(session)

    def make_token(self, user: User, name: str, days: int) -> NewToken:
        """A token for a script: it reads what its owner may see, and changes nothing.

        :raises AccountError: when the name or the number of days does not do, or the user has too many
        """
        if not (1 <= len(name) <= NAME_LENGTH and name.isprintable() and name.strip()):
            raise AccountError(f'The name of a token has from 1 to {NAME_LENGTH} printable characters.')
        if not DAYS[0] <= days <= DAYS[1]:
            raise AccountError(f'A token lasts from {DAYS[0]} to {DAYS[1]:,} days.')
        secret, now = PREFIX + secrets.token_urlsafe(SECRET_BYTES), int(time.time())
        session = Session(_hash(secret), _id(), user.username, now, now + days * 86_400, 'token', name)
        if not self._store.add(session, MOST_TOKENS):
            raise AccountError(f'You have {MOST_TOKENS} tokens: revoke one that is not needed any more.')
        return NewToken(secret, session)

    def identify(self, token: str) -> Identity:
        """Who a token stands for, looked up every time: one that was ended is refused at once. Takes about 0.2 ms.

        While the database cannot be asked, it cannot tell of an end either: then what it said last is believed for
        ``BELIEVED`` seconds.

        :raises InvalidToken: when it is not ours, has expired or was ended
        :raises AccountsUnavailable: when it was not looked up lately, and cannot be now
        """
        signed = not token.startswith(PREFIX)
        claims = self._tokens.read(token) if signed else {}
        identity = self._look_up(claims['jti'] if signed else _hash(token))
        if signed and identity.username != claims['sub']:
            raise InvalidToken
        return identity

    def origin_key(self, identity: Identity) -> str:
        """What its browser shows beside the cookie, for cookies reach more than one origin."""
        return self._tokens.key_of(identity.token_id)

    def still(self, identity: Identity) -> Identity:
        """The same one as it is now, for what a page does long after it was opened.

        :raises InvalidToken: when it has ended meanwhile
        """
        return self._look_up(identity.token_id)

    def _look_up(self, token_id: str) -> Identity:
        try:
            found = self._store.identity(token_id)
        except AccountsUnavailable:
            identity, until = self._believed.get(token_id, (None, 0.0))
            if identity is None or until < time.monotonic() or identity.expires <= time.time():
                raise
            return identity
        self._remember(token_id, found[0] if found else None)
        if found is None:
            raise InvalidToken
        identity, last_used = found
        if time.time() - last_used > COARSE and token_id not in self._noting:
            self._note_use(token_id)
        return identity

    def _remember(self, token_id: str, identity: Identity | None) -> None:
        with self._lock:
            self._believed.pop(token_id, None)
            if identity:
                self._believed[token_id] = identity, time.monotonic() + BELIEVED
            if len(self._believed) > REMEMBERED:
                del self._believed[next(iter(self._believed))]

    def _note_use(self, token_id: str) -> None:
        """Write down that a session is used; beside the event loop, where there is one."""

        def note() -> None:
            with suppress(ConfigError):  # a full disk must not keep anybody out
                self._store.used([token_id])
            self._noting.discard(token_id)

        self._noting.add(token_id)
        try:
            asyncio.get_running_loop().run_in_executor(None, note)
        except RuntimeError:
            note()

    def of(self, username: str) -> list[Session]:
        """Where a user is signed in, the latest first."""
        return self._store.of(username, 'session')

    def tokens_of(self, username: str) -> list[Session]:
        """A user's API tokens, the latest first."""
        return self._store.of(username, 'token')

    def end(self, username: str, id: str) -> None:
        """End one of a user's sessions.

        :raises UnknownAccount: when there is none of that id
        """
        if not self._store.end(username, 'session', id):
            raise UnknownAccount('There is no such session; it may have ended already.')

    def end_others(self, identity: Identity) -> int:
        """End all of one's sessions but this one; how many these were."""
        return self._store.end_all(identity.username, 'session', but=identity.token_id)

    def end_all(self, username: str) -> int:
        """End all sessions of a user; how many these were. API tokens go on."""
        return self._store.end_all(username, 'session')

    def revoke(self, username: str, id: str) -> None:
        """End one of a user's API tokens.

        :raises UnknownAccount: when there is none of that id
        """
        if not self._store.end(username, 'token', id):
            raise UnknownAccount('There is no such token; it may have been revoked already.')


def _hash(secret: str) -> str:
    # Neither salt nor a slow hash: those are for secrets that people choose. 256 random bits cannot be guessed, however
    # fast each guess is, and this is computed at every request.
    return sha256(secret.encode('utf-8', 'surrogatepass')).hexdigest()


def _id() -> str:
    return secrets.token_hex(8)
