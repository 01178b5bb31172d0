"""The store's DuckDB, which reaches nothing but its own directory: how it is opened, and a connection for each thread.

What is not sealed yet is a table of this database; what is sealed are Parquet files beside it, which it reads.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import duckdb

from dashboard.store.columns import COLUMNS, NAMES

FILE = 'unsealed.duckdb'
TEMPORARY = 'temporary'  # the directory for what does not fit into memory while it is sorted
MEMORY = '208MB'
THREADS = 2
PRIVATE = 0o600
LONG = '1GB'  # of changes that may be written before DuckDB itself moves them from its log: sealing is sooner
SETTINGS = (
    'SET enable_external_access = false',
    'SET autoinstall_known_extensions = false',
    'SET autoload_known_extensions = false',
    'SET allow_community_extensions = false',
    'SET preserve_insertion_order = false',
    'SET lock_configuration = true',
)

Connection: TypeAlias = duckdb.DuckDBPyConnection
Problem: type[Exception] = duckdb.Error  # all that DuckDB raises
Interrupted: type[Exception] = duckdb.InterruptException


class InUse(Exception):
    """Another process has the database open."""


class Database:
    """One database for all threads of this process.

    :param directory: where it and the sealed files are
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / FILE
        self._root: Connection | None = None
        self._opened = 0  # how often it was opened: older connections are of no use any more
        self._own = threading.local()
        self._made: list[Connection] = []  # the connections of all threads

    def open(self) -> bool:
        """Open it, and make it where there is none; False when it was damaged and begins anew, the old one put aside.

        :raises InUse: when another process has it open
        :raises OSError: when the directory does not allow it
        :raises duckdb.Error: when it cannot be opened, and it is not the fault of the file
        """
        try:
            self._connect()
        except Problem as error:
            if 'conflicting lock' in str(error).lower():
                raise InUse(str(error)) from None
            if not self._is_damage(error):
                raise
            self._put_aside()
            self._connect()
            return False
        return True

    def open_in_memory(self) -> None:
        """Open one in which nothing is kept, to read the sealed files where nothing can be written.

        :raises duckdb.Error: when that cannot be done
        """
        self._connect(':memory:')

    def close(self) -> None:
        """Close it; what was committed is kept."""
        self.interrupt()
        root, self._root = self._root, None
        made, self._made = self._made, []
        for connection in (*made, root):  # as long as one is open, so is the database
            if connection is not None:
                with suppress(Problem):
                    connection.close()

    def interrupt(self) -> None:
        """Break off what all threads ask; from any thread."""
        for connection in self._made:
            with suppress(Problem):
                connection.interrupt()

    def connection(self) -> Connection:
        """That of this thread, made at its first use: a new one for each question would take 5 ms.

        :raises duckdb.Error: when the database is closed
        """
        if getattr(self._own, 'opened', None) != self._opened:
            if self._root is None:
                raise duckdb.ConnectionException('the store is closed')
            self._own.connection, self._own.opened = self._root.cursor(), self._opened
            self._made.append(self._own.connection)
        made: Connection = self._own.connection
        return made

    def keep_private(self) -> None:
        """Its files are their owner's only."""
        for path in (self.path, self.path.with_name(f'{FILE}.wal')):
            with suppress(OSError):
                path.chmod(PRIVATE)

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(size_of(path) for path in (self.path, self.path.with_name(f'{FILE}.wal')))

    def _connect(self, path: str = '') -> None:
        config: dict[str, Any] = {
            'memory_limit': MEMORY,
            'threads': THREADS,
            'temp_directory': str(self.directory / TEMPORARY),
            'checkpoint_threshold': LONG,
        }
        root = duckdb.connect(path or str(self.path), config=config)
        try:
            root.execute(f'SET allowed_directories = [{quoted(str(self.directory))}]')
            for setting in SETTINGS:
                root.execute(setting)
            root.execute(f'CREATE TABLE IF NOT EXISTS cursors ({", ".join(CURSORS)})')
            root.execute('CREATE TABLE IF NOT EXISTS summaries (file VARCHAR, size BIGINT, body VARCHAR)')
        except Problem:
            root.close()
            raise
        self._root = root
        self._opened += 1
        self.keep_private()

    def _is_damage(self, error: Exception) -> bool:
        """Whether the file itself is at fault: it can be read, and DuckDB makes nothing of it."""
        if isinstance(error, duckdb.OutOfMemoryException):
            return False
        try:
            with self.path.open('rb') as file:
                file.read(1)
        except OSError:
            return False
        return os.access(self.path, os.W_OK) and os.access(self.directory, os.W_OK)

    def _put_aside(self) -> None:
        name = f'damaged-{time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())}-{FILE}'
        self.path.rename(self.directory / name)
        wal = self.path.with_name(f'{FILE}.wal')
        if wal.exists():
            wal.rename(self.directory / f'{name}.wal')


def make_lines(connection: Connection, generation: int) -> None:
    """Make room for the lines of a generation, where there is none. Each container's names are kept once.

    :raises duckdb.Error: when it cannot be done
    """
    rows, sources = rows_of(generation), sources_of(generation)
    connection.execute(f'CREATE TABLE IF NOT EXISTS {sources} (source INTEGER, {" VARCHAR, ".join(NAMES)} VARCHAR)')
    connection.execute(f'CREATE TABLE IF NOT EXISTS {rows} (source INTEGER, {", ".join(COLUMNS)})')
    connection.execute(
        f'CREATE VIEW IF NOT EXISTS {view_of(generation)} AS SELECT {", ".join(NAMES)}, rows.* EXCLUDE (source) '
        f'FROM {rows} AS rows JOIN {sources} USING (source)'
    )


def drop_lines(connection: Connection, generation: int) -> None:
    """Let go of the lines of a generation.

    :raises duckdb.Error: when it cannot be done
    """
    connection.execute(f'DROP VIEW IF EXISTS {view_of(generation)}')
    for table in (sources_of(generation), rows_of(generation)):  # in this order: it is known by its rows
        connection.execute(f'DROP TABLE IF EXISTS {table}')


def view_of(generation: int) -> str:
    """The name under which the lines of a generation are read."""
    return f'lines{generation:08}'


def rows_of(generation: int) -> str:
    """The name of the table of its rows."""
    return f'rows{generation:08}'


def sources_of(generation: int) -> str:
    """The name of the table of its containers' names."""
    return f'sources{generation:08}'


def generations_in(connection: Connection) -> list[int]:
    """The generations of which there are lines, the oldest first.

    :raises duckdb.Error: when the database cannot be read
    """
    found = connection.execute("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'rows%'").fetchall()
    return sorted(int(name.removeprefix('rows')) for (name,) in found)


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def size_of(path: Path) -> int:
    """Bytes of a file; 0 when there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


CURSORS = (
    'container VARCHAR', 'host VARCHAR', 'project VARCHAR', 'service VARCHAR', 'name VARCHAR', 'stamp VARCHAR',
    'ordinal INTEGER',
)  # fmt: skip
