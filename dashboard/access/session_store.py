"""Sessions of people and API tokens of their scripts in SQLite, beside the users."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from typing import Any

from dashboard.access.identity import Identity
from dashboard.access.store import AccountStore, scope_of

SELECT_IDENTITY = """
SELECT users.username, is_admin, scope, jti, id, expires, kind, last_used
FROM sessions JOIN users ON users.username = sessions.username
WHERE jti IN (SELECT value FROM json_each(?)) AND expires > ?
"""
SELECT_SESSIONS = """
SELECT jti, id, username, created, expires, kind, label, address, agent, last_used
FROM sessions WHERE username = ? AND kind = ? AND expires > ? ORDER BY created DESC, rowid DESC
"""
ADD_SESSION = """
INSERT INTO sessions (jti, id, username, created, expires, kind, label, address, agent, last_used)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
USED = 'UPDATE sessions SET last_used = ? WHERE jti IN (SELECT value FROM json_each(?))'


@dataclass(frozen=True, slots=True)
class Session:
    """What a token stands for while it is valid. Times in seconds since the epoch."""

    jti: str  # of the JWT, or the hash of the API token
    id: str  # names it to users; grants nothing
    username: str
    created: int
    expires: int
    kind: str = 'session'  # 'session' of a person, 'token' of a script
    label: str = ''  # the name of an API token
    address: str = ''  # where it was begun
    agent: str = ''  # with what
    last_used: int = 0  # coarse


class SessionStore:
    """Part of the same database.

    :raises AccountsUnavailable: from any method, when the database cannot be used
    """

    def __init__(self, accounts: AccountStore) -> None:
        self._accounts = accounts

    def add(self, session: Session, most: int | None = None) -> bool:
        """Begin a session, and forget those that have expired. False when the user has ``most`` of its kind."""
        with self._accounts.open() as database:
            database.execute('DELETE FROM sessions WHERE expires <= ?', (int(time.time()),))
            count = database.execute(
                'SELECT count(*) FROM sessions WHERE username = ? AND kind = ?', (session.username, session.kind)
            ).fetchone()[0]
            if most is not None and count >= most:
                return False
            database.execute(ADD_SESSION, astuple(session))
            return True

    def identity(self, jti: str) -> tuple[Identity, int] | None:
        """Whose session it is, and when it was used last; None when it has ended."""
        with self._accounts.open() as database:
            row = database.execute(SELECT_IDENTITY, (json.dumps([jti]), int(time.time()))).fetchone()
            return (_identity(row), row[-1]) if row else None

    def identities(self, jtis: Iterable[str]) -> dict[str, Identity]:
        """Those of these sessions that have not ended."""
        with self._accounts.open() as database:
            rows = database.execute(SELECT_IDENTITY, (json.dumps(list(jtis)), int(time.time())))
            return {identity.token_id: identity for identity in map(_identity, rows)}

    def of(self, username: str, kind: str) -> list[Session]:
        """Those of a user that have not expired, the one begun last first."""
        with self._accounts.open() as database:
            return [Session(*row) for row in database.execute(SELECT_SESSIONS, (username, kind, int(time.time())))]

    def used(self, jtis: Iterable[str]) -> None:
        """Note that these sessions are in use now."""
        with self._accounts.open() as database:
            database.execute(USED, (int(time.time()), json.dumps(list(jtis))))

    def end(self, username: str, kind: str, id: str) -> bool:
        """End one. False when the user has none of that id."""
        with self._accounts.open() as database:
            statement = 'DELETE FROM sessions WHERE username = ? AND kind = ? AND id = ?'
            return database.execute(statement, (username, kind, id)).rowcount == 1

    def end_all(self, username: str, kind: str, but: str = '') -> int:
        """End all but one of a user's sessions or tokens; how many these were."""
        with self._accounts.open() as database:
            statement = 'DELETE FROM sessions WHERE username = ? AND kind = ? AND jti != ?'
            return database.execute(statement, (username, kind, but)).rowcount

    @contextmanager
    def watching(self) -> Iterator[Callable[[], bool]]:
        """A cheap way to ask whether anybody, in any process, has changed the database since it was asked last."""
        with self._accounts.open() as database:
            seen, opened = -1, self._accounts.inode()

            def changed() -> bool:
                nonlocal seen
                before, seen = seen, database.execute('PRAGMA data_version').fetchone()[0]
                # another file, a restored backup for one, is looked at every time: its changes are not told here
                return bool(seen != before) or self._accounts.inode() != opened

            yield changed


def _identity(row: tuple[Any, ...]) -> Identity:
    username, is_admin, scope, jti, id, expires, kind, _ = row
    scope_now = scope_of(is_admin, scope)
    return Identity(username, bool(is_admin), scope_now, jti, id, expires, read_only=kind == 'token')
