"""Users and their sessions in SQLite, in a directory that nobody else can read."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dashboard.errors import ConfigError
from dashboard.private import make_private_directory, make_private_file

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    username TEXT PRIMARY KEY COLLATE NOCASE,  -- so that nobody can be mistaken for 'Admin'
    password TEXT NOT NULL,                    -- its argon2 hash
    is_admin INTEGER NOT NULL,
    created INTEGER NOT NULL,
    preferences TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE IF NOT EXISTS sessions (
    jti TEXT PRIMARY KEY,
    username TEXT NOT NULL COLLATE NOCASE REFERENCES users ON DELETE CASCADE,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    kind TEXT NOT NULL,                        -- 'session' of a person, 'token' of a script
    label TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS sessions_of_user ON sessions (username);
"""
SELECT_USER = 'SELECT username, is_admin, created, password FROM users'
ADD_USER = """
INSERT INTO users (username, password, is_admin, created)
SELECT ?, ?, ? OR NOT EXISTS (SELECT 1 FROM users), ? WHERE NOT (? AND EXISTS (SELECT 1 FROM users))
"""
REMOVE_USER = """
DELETE FROM users WHERE username = ? AND NOT (is_admin AND (SELECT count(*) FROM users WHERE is_admin) = 1)
"""


@dataclass(frozen=True, slots=True)
class User:
    """An account. ``created`` in seconds since the epoch."""

    username: str
    is_admin: bool
    created: int
    password: str = field(repr=False)  # the argon2 hash


@dataclass(frozen=True, slots=True)
class Session:
    """What a token stands for while it is valid. Times in seconds since the epoch."""

    jti: str
    username: str
    created: int
    expires: int
    kind: str = 'session'
    label: str = ''


class AccountStore:
    """The database. Every call opens its own connection, so any thread and any process may use it.

    :raises ConfigError: from any method, when the database cannot be used
    """

    def __init__(self, data_dir: Path) -> None:
        make_private_directory(data_dir)
        self._path = data_dir.absolute() / 'dashboard.db'
        make_private_file(self._path)
        with self._open() as database:
            database.executescript(SCHEMA)

    def has_users(self) -> bool:
        """Whether there is any account."""
        with self._open() as database:
            return database.execute('SELECT 1 FROM users').fetchone() is not None

    def users(self) -> list[User]:
        """All accounts by name."""
        with self._open() as database:
            return [_user(row) for row in database.execute(f'{SELECT_USER} ORDER BY username')]

    def user(self, username: str) -> User | None:
        """One account; case does not matter."""
        with self._open() as database:
            row = database.execute(f'{SELECT_USER} WHERE username = ?', (username,)).fetchone()
            return _user(row) if row else None

    def add_user(self, username: str, password: str, is_admin: bool, only_first: bool = False) -> bool:
        """Add an account; the very first is an administrator in any case. False when the name is taken.

        With ``only_first`` also False when there is any account: one statement, so two first users cannot both win.
        """
        try:
            with self._open() as database:
                values = (username, password, is_admin, int(time.time()), only_first)
                return database.execute(ADD_USER, values).rowcount == 1
        except sqlite3.IntegrityError:
            return False

    def set_password(self, username: str, password: str) -> bool:
        """Replace the hash and end every session. False when there is no such account."""
        with self._open() as database:
            changed = database.execute('UPDATE users SET password = ? WHERE username = ?', (password, username))
            database.execute('DELETE FROM sessions WHERE username = ?', (username,))
            return changed.rowcount == 1

    def upgrade_password(self, user: User, password: str) -> None:
        """Replace the hash by one of the same password, unless the password was changed meanwhile."""
        with self._open() as database:
            statement = 'UPDATE users SET password = ? WHERE username = ? AND password = ?'
            database.execute(statement, (password, user.username, user.password))

    def remove_user(self, username: str) -> bool:
        """Remove an account and its sessions. False when it is the last administrator, or unknown."""
        with self._open() as database:
            return database.execute(REMOVE_USER, (username,)).rowcount == 1

    def preferences(self, username: str) -> dict[str, Any]:
        """What :meth:`save_preferences` kept for the account; empty for an unknown one."""
        with self._open() as database:
            row = database.execute('SELECT preferences FROM users WHERE username = ?', (username,)).fetchone()
            return dict(json.loads(row[0])) if row else {}

    def save_preferences(self, username: str, preferences: dict[str, Any]) -> None:
        """Keep what JSON can hold."""
        with self._open() as database:
            statement = 'UPDATE users SET preferences = ? WHERE username = ?'
            database.execute(statement, (json.dumps(preferences), username))

    def add_session(self, session: Session) -> None:
        """Begin a session, and forget those that have expired."""
        with self._open() as database:
            database.execute('DELETE FROM sessions WHERE expires <= ?', (int(time.time()),))
            values = (session.jti, session.username, session.created, session.expires, session.kind, session.label)
            database.execute('INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?)', values)

    def session_user(self, jti: str) -> User | None:
        """Whose session it is; None when it has ended."""
        session = 'SELECT username FROM sessions WHERE jti = ? AND expires > ?'
        with self._open() as database:
            query = f'{SELECT_USER} WHERE username = ({session})'
            row = database.execute(query, (jti, int(time.time()))).fetchone()
            return _user(row) if row else None

    def end_session(self, jti: str) -> None:
        """End one session."""
        with self._open() as database:
            database.execute('DELETE FROM sessions WHERE jti = ?', (jti,))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        # mode=rw: a database deleted under us is an error, not a new and empty one with the umask's permissions
        address = f'{self._path.as_uri()}?mode=rw'
        try:
            with closing(sqlite3.connect(address, uri=True)) as database, database:
                database.execute('PRAGMA foreign_keys = ON')
                yield database
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise ConfigError(f'The accounts in {self._path} cannot be used: {error}.') from error


def _user(row: tuple[str, int, int, str]) -> User:
    username, is_admin, created, password = row
    return User(username, bool(is_admin), created, password)
