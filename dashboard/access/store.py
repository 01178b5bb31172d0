"""Users in SQLite, in a directory that nobody else can read."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dashboard.access.identity import Role, role_of
from dashboard.access.private import make_private_directory, make_private_file
from dashboard.access.schema import migrate
from dashboard.access.scope import EVERYTHING, Scope
from dashboard.errors import AccountsUnavailable

SELECT_USER = 'SELECT username, is_admin, created, password, scope FROM users'
ADD_USER = """
INSERT INTO users (username, password, is_admin, created, scope)
SELECT ?, ?, ? OR NOT EXISTS (SELECT 1 FROM users), ?, ? WHERE NOT (? AND EXISTS (SELECT 1 FROM users))
"""
SET_RIGHTS = """
UPDATE users SET is_admin = ?, scope = ? WHERE username = ?
AND (? OR NOT (is_admin AND (SELECT count(*) FROM users WHERE is_admin) = 1))
"""
REMOVE_USER = """
DELETE FROM users WHERE username = ? AND NOT (is_admin AND (SELECT count(*) FROM users WHERE is_admin) = 1)
"""
PATIENCE = 2.5  # seconds that a thread waits for a database that is locked
LOOPS_PATIENCE = 0.02  # and the event loop, on which everybody waits; it does not wait again
LOCKED = 0.25  # for so many seconds


@dataclass(frozen=True, slots=True)
class User:
    """An account. ``created`` in seconds since the epoch."""

    username: str
    is_admin: bool
    created: int
    password_hash: str = field(repr=False)
    scope: Scope

    @property
    def role(self) -> Role:
        """``admin`` or ``viewer``."""
        return role_of(self.is_admin)


class AccountStore:
    """The database. Every call opens its own connection, so any thread and any process may use it.

    While another program has it locked, a thread waits for it and the event loop hardly does.

    :raises AccountsUnavailable: from any method, when the database cannot be used
    :raises ConfigError: when the directory does not do
    """

    def __init__(self, data_dir: Path) -> None:
        self._locked_until = 0.0
        make_private_directory(data_dir)
        self.path = data_dir.absolute() / 'dashboard.db'
        make_private_file(self.path)
        with self.open() as database:
            migrate(database)

    def has_users(self) -> bool:
        """Whether there is any account."""
        with self.open() as database:
            return database.execute('SELECT 1 FROM users').fetchone() is not None

    def users(self) -> list[User]:
        """All accounts by name."""
        with self.open() as database:
            return [_user(row) for row in database.execute(f'{SELECT_USER} ORDER BY username')]

    def user(self, username: str) -> User | None:
        """One account; case does not matter."""
        with self.open() as database:
            row = database.execute(f'{SELECT_USER} WHERE username = ?', (username,)).fetchone()
            return _user(row) if row else None

    def add_user(
        self, username: str, password_hash: str, is_admin: bool, scope: Scope = EVERYTHING, only_first: bool = False
    ) -> bool:
        """Add an account; the very first is an administrator in any case. False when the name is taken.

        With ``only_first`` also False when there is any account: one statement, so two first users cannot both win.
        """
        try:
            with self.open() as database:
                values = (username, password_hash, is_admin, int(time.time()), _json(scope), only_first)
                return database.execute(ADD_USER, values).rowcount == 1
        except sqlite3.IntegrityError:
            return False

    def set_password(self, username: str, password_hash: str) -> None:
        """Replace the hash and end every session and API token."""
        with self.open() as database:
            database.execute('UPDATE users SET password = ? WHERE username = ?', (password_hash, username))
            database.execute('DELETE FROM sessions WHERE username = ?', (username,))

    def upgrade_password(self, user: User, password_hash: str) -> None:
        """Replace the hash by one of the same password, unless the password was changed meanwhile."""
        with self.open() as database:
            statement = 'UPDATE users SET password = ? WHERE username = ? AND password = ?'
            database.execute(statement, (password_hash, user.username, user.password_hash))

    def set_rights(self, username: str, is_admin: bool, scope: Scope) -> bool:
        """Say what an account may do. False when it is the last administrator and would be none, or is unknown."""
        with self.open() as database:
            values = (is_admin, _json(scope), username, is_admin)
            return database.execute(SET_RIGHTS, values).rowcount == 1

    def remove_user(self, username: str) -> bool:
        """Remove an account and its sessions. False when it is the last administrator, or unknown."""
        with self.open() as database:
            return database.execute(REMOVE_USER, (username,)).rowcount == 1

    def preferences(self, username: str) -> dict[str, Any]:
        """What :meth:`save_preferences` kept for the account; empty for an unknown one."""
        with self.open() as database:
            row = database.execute('SELECT preferences FROM users WHERE username = ?', (username,)).fetchone()
            return dict(json.loads(row[0])) if row else {}

    def save_preferences(self, username: str, preferences: dict[str, Any]) -> None:
        """Keep what JSON can hold."""
        with self.open() as database:
            statement = 'UPDATE users SET preferences = ? WHERE username = ?'
            database.execute(statement, (json.dumps(preferences), username))

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """A connection, for as long as the ``with`` lasts; what was done is kept when it ends well."""
        # mode=rw: a database deleted under us is an error, not a new and empty one with the umask's permissions
        address = f'{self.path.as_uri()}?mode=rw'
        try:
            with closing(sqlite3.connect(address, self._patience(), uri=True)) as database, database:
                database.execute('PRAGMA foreign_keys = ON')
                yield database
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    def inode(self) -> int:
        """Tells whether the file is still the same."""
        try:
            return self.path.stat().st_ino
        except OSError as error:
            raise self._unavailable(error) from error

    def _patience(self) -> float:
        """Seconds that a call waits while the database is locked."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return PATIENCE
        return LOOPS_PATIENCE if time.monotonic() >= self._locked_until else 0.0

    def _unavailable(self, error: Exception) -> AccountsUnavailable:
        if getattr(error, 'sqlite_errorcode', 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            self._locked_until = time.monotonic() + LOCKED
            return AccountsUnavailable(
                self.path, 'another program has locked them', 'Let it end; all goes on by itself.'
            )
        if not self.path.exists():
            return AccountsUnavailable(self.path, 'the file is not there', 'Put it back, or start again without it.')
        advice = 'Is it damaged, or may this user not read and write it? Mend it, or put a copy of it in its place.'
        return AccountsUnavailable(self.path, str(error), advice)


def _user(row: tuple[str, int, int, str, str | None]) -> User:
    username, is_admin, created, password_hash, scope = row
    return User(username, bool(is_admin), created, password_hash, scope_of(is_admin, scope))


def scope_of(is_admin: int, text: str | None) -> Scope:
    """A scope as the database keeps it; an administrator's is everything."""
    return EVERYTHING if is_admin or text is None else Scope(tuple(json.loads(text)))


def _json(scope: Scope) -> str | None:
    return None if scope.patterns is None else json.dumps(scope.patterns)
