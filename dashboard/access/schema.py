"""The tables of the accounts, and how a database of an earlier version becomes one of this."""

from __future__ import annotations

import sqlite3

from dashboard.errors import ConfigError

# Each brings a database one version on, which SQLite keeps as its user_version. Never change one that was released.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (  # IF NOT EXISTS, because databases were made before there were versions
        """CREATE TABLE IF NOT EXISTS users (
            username TEXT PRIMARY KEY COLLATE NOCASE,  -- so that nobody can be mistaken for 'Admin'
            password TEXT NOT NULL,                    -- its argon2 hash
            is_admin INTEGER NOT NULL,
            created INTEGER NOT NULL,
            preferences TEXT NOT NULL DEFAULT '{}'
        )""",
        """CREATE TABLE IF NOT EXISTS sessions (
            jti TEXT PRIMARY KEY,                      -- the jti of a session's JWT, or the hash of an API token
            username TEXT NOT NULL COLLATE NOCASE REFERENCES users ON DELETE CASCADE,
            created INTEGER NOT NULL,
            expires INTEGER NOT NULL,
            kind TEXT NOT NULL,                        -- 'session' of a person, 'token' of a script
            label TEXT NOT NULL
        )""",
        'CREATE INDEX IF NOT EXISTS sessions_of_user ON sessions (username)',
    ),
    (
        'ALTER TABLE users ADD COLUMN scope TEXT',  # a JSON array of patterns; NULL: everything
        "ALTER TABLE sessions ADD COLUMN id TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE sessions ADD COLUMN agent TEXT NOT NULL DEFAULT ''",
        'ALTER TABLE sessions ADD COLUMN last_used INTEGER NOT NULL DEFAULT 0',
        'UPDATE sessions SET id = lower(hex(randomblob(8))), last_used = created',
        'CREATE UNIQUE INDEX sessions_by_id ON sessions (id)',
    ),
    (
        """CREATE TABLE filters (
            username TEXT COLLATE NOCASE REFERENCES users ON DELETE CASCADE,  -- NULL: it is everybody's
            name TEXT NOT NULL COLLATE NOCASE,
            filter TEXT NOT NULL,
            level TEXT NOT NULL                        -- as the address of the page has it
        )""",
        "CREATE UNIQUE INDEX filters_by_name ON filters (coalesce(username, ''), name)",
    ),
)


def migrate(database: sqlite3.Connection) -> None:
    """Bring a database up to this version, a new and empty one too.

    :raises ConfigError: when a later version of the dashboard has made it
    """
    if _version(database) == len(MIGRATIONS):
        return
    database.execute('BEGIN IMMEDIATE')  # two programs that start at once must not both do it
    version = _version(database)
    if version > len(MIGRATIONS):
        raise ConfigError('The accounts were made by a later version of the dashboard. Start that one.')
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            database.execute(statement)
    database.execute(f'PRAGMA user_version = {len(MIGRATIONS)}')


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute('PRAGMA user_version').fetchone()[0])
