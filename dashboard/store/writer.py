"""The one who writes: commits what has come, seals it, merges sealed files, and forgets the oldest.

All of it happens in one thread, but for the merging, which takes long and touches only files that do not change: that
is done aside, and only put in place here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from dashboard.model import SECOND, Cursor, Gap, ServiceKey, parse_timestamp
from dashboard.store import sealing
from dashboard.store.columns import EARLIEST, Batch, Intake, Names
from dashboard.store.database import Connection, Database, Problem, drop_lines, generations_in, make_lines, view_of
from dashboard.store.inserting import advance, insert, known_sources
from dashboard.store.parts import (
    Part,
    Summary,
    covered,
    is_readable,
    look_at,
    open_part,
    remember,
    remembered,
    sealed_part,
)

DAY = 24 * 3_600 * SECOND
ASIDE = 'damaged-'  # what the name of a file begins with that cannot be read
VANISHED, DAMAGED = 'a file of the store is missing', 'a file of the store is damaged'
DIRECTORY = 0o700
SHARES = 6  # one of so many of the budget is sealed at the latest


class Writer:
    """What is in the store, and all that changes it. Its methods are for one thread, but for what is read.

    :param budget: bytes of all files together
    :param days: after which lines are forgotten
    :param later: is given what is to be done in the writer's thread
    """

    def __init__(
        self, database: Database, budget: int, days: float, later: Callable[[Callable[[], None]], object]
    ) -> None:
        self.parts: tuple[Part, ...] = ()  # replaced whole: others read it at any time
        self.cursors: dict[str, tuple[ServiceKey, Cursor]] = {}  # the last line of each container, by its short id
        self.notes: list[str] = []  # what has happened that an administrator should know
        self._database = database
        self._budget = budget
        self._days = days
        self._later = later
        self._intake = Intake(0)
        self._open = open_part(1, 0)
        self._sources: dict[Names, int] = {}  # by which numbers its rows name containers
        self._settled = 0  # bytes of the database without them
        self._began = 0.0  # when the open part got its first row
        self._merging: Future[None] | None = None
        self._aside = ThreadPoolExecutor(1, 'store-merge')
        self._lost: list[tuple[Part, str]] = []  # of which a gap is to tell
        self._gone: set[str] = set()  # files that were let go, of which there may still be summaries

    # the beginning and the end

    def open(self) -> None:
        """Take up what is there, whatever interrupted it.

        :raises InUse, OSError, duckdb.Error: when it cannot be written now
        """
        directory = self._database.directory
        _make(directory)
        for path in sealing.unfinished(directory):
            path.unlink()
        if not self._database.open():
            self.notes.append(
                'The database of the newest lines was damaged and has been put aside: what the engine still has of '
                'them is read again.'
            )
        self._take_up(self._database.connection())

    def look(self) -> None:
        """Take up what is sealed, where nothing can be written; what fails is not there."""
        with suppress(Problem, OSError):
            self._database.open_in_memory()
            connection = self._database.connection()
            self.parts = tuple(self._sealed(connection, {}))

    def close(self) -> None:
        """Stop merging."""
        self._aside.shutdown(wait=True, cancel_futures=True)

    # lines

    def commit(self, batches: Iterable[Batch]) -> None:
        """Make rows durable, and with them how far each container has been read.

        :raises duckdb.Error: when it cannot be done; nothing has changed then
        """
        connection, intake = self._database.connection(), self._intake
        seq, batches = intake.seq, [*self._gaps(), *batches]
        columns, sources = intake.take(batches), dict(self._sources)
        ended = {name for batch in batches for name in batch.ended}
        if not len(columns) and not ended:
            return
        try:
            connection.execute('BEGIN')
            if len(columns):
                sources |= insert(connection, self._open.generations[0], columns, sources)
            advance(connection, columns, ended)
            connection.execute('COMMIT')
        except BaseException:
            self._intake = Intake(seq)
            with suppress(Problem):
                connection.execute('ROLLBACK')
            raise
        self._database.keep_private()
        self._sources = sources
        self._lost.clear()
        self._began = self._began if self._open.lines else time.monotonic()
        self._open.grow(columns)
        for name, line in columns.last.items():
            self.cursors[name] = line.container.service, line.cursor
        self.cursors = {name: known for name, known in self.cursors.items() if name not in ended}

    def care(self) -> None:
        """Seal when there is enough or it is old enough, forget what is too much, and merge what is small.

        :raises duckdb.Error, OSError: when it cannot be done; nothing has changed then
        """
        if self.is_full or (self._open.lines and time.monotonic() - self._began > sealing.AGE):
            self.seal()
        self.forget()
        self._thin()
        self._merge()

    @property
    def is_full(self) -> bool:
        """Whether so much is not sealed that it is time."""
        share = max(1, self._budget // SHARES)  # of a small budget, so that sealed files are most of it
        grown = self._database.size - self._settled
        return self._open.bytes >= min(sealing.RAW, share) or (self._open.lines > 0 and grown >= share)

    def seal(self) -> None:
        """Make a file of what is not sealed.

        :raises duckdb.Error, OSError: when it cannot be done; nothing has changed then
        """
        connection, old = self._database.connection(), self._open
        if old.high < old.low:
            return
        generation = old.generations[0]
        part, summary = sealing.seal(connection, self._database.directory, generation)
        self._begin(connection, generation + 1)
        self.parts = (*(one for one in self.parts if one is not old), part, self._open)
        remember(connection, part, summary)
        drop_lines(connection, generation)
        with suppress(Problem):  # another transaction may be open: next time
            connection.execute('CHECKPOINT')
        self._settled = self._database.size

    def forget(self) -> None:
        """Unlink the oldest files: those of before so many days, and so many that the rest is in the budget.

        :raises OSError: when it cannot be done
        """
        oldest, used = self.oldest, self.used
        for part in self.sealed:
            written = min(part.last, _modified(part))  # a clock that was ahead keeps nothing for ever
            if used <= self._budget and written >= oldest:
                continue
            self.drop(part)
            used -= part.size

    @property
    def oldest(self) -> int:
        """The moment of which lines are kept at the longest: no question finds older ones."""
        return max(EARLIEST, time.time_ns() - int(self._days * DAY))

    @property
    def used(self) -> int:
        """Bytes of all files."""
        return sum(part.size for part in self.sealed) + self._database.size

    @property
    def sealed(self) -> list[Part]:
        """The files, the oldest first."""
        return sorted((part for part in self.parts if part.sealed), key=lambda part: part.generations)

    def drop(self, part: Part) -> None:
        """Let a file go.

        :raises OSError: when it cannot be unlinked; it stays then
        """
        before = self.parts
        self.parts = tuple(one for one in before if one is not part)  # first: who reads it is to ask anew
        try:
            if part.path:
                part.path.unlink(missing_ok=True)
        except OSError:
            self.parts = before
            raise
        self._let_go(part)

    def lose(self, part: Part) -> None:
        """A file turned out not to be readable: a gap tells of it once, and nobody asks it again."""
        if part not in self.parts or part.path is None:
            return
        there = part.path.exists()
        if there:
            with suppress(OSError):
                part.path.rename(part.path.with_name(f'{ASIDE}{part.path.name}'))
        self.notes.append(f'{part.path.name} {"is damaged and was put aside" if there else "has vanished"}.')
        self._lost.append((part, DAMAGED if there else VANISHED))
        self._let_go(part)
        self.commit([])

    def unlink(self, key: ServiceKey | None, before: int | None) -> None:
        """Let files go that have nothing but what is to be forgotten, which needs no room; see :meth:`purge`.

        :raises OSError: when one cannot be unlinked
        """
        for part in self.sealed:
            if (key is None or part.shares.keys() == {key}) and (before is None or part.last < before):
                self.drop(part)

    def purge(self, key: ServiceKey | None, before: int | None) -> None:
        """Forget a service, or what was written before a moment, or both: of that service before that moment.

        :raises duckdb.Error, OSError: when it cannot be done for some files
        """
        self.seal()
        conditions, values = [], list[object]()
        if key is not None:
            conditions.append('host = ? AND project = ? AND service = ?')
            values += [key.host, key.project, key.name]
        if before is not None:
            conditions.append('time < make_timestamp_ns(?)')
            values.append(before)
        self.unlink(key, before)
        spans = [(part, part.span(None if key is None else [key])) for part in self.sealed]
        touched = [part for part, span in spans if span and (before is None or span[0] < before)]
        if not all(self._rewrite(part, ' AND '.join(conditions), values) for part in touched):
            self.purge(key, before)  # the rest, and the gap that tells of a lost file

    # helpers

    def _thin(self) -> None:
        """Take what is too old out of a file that also has newer lines, where that is more than a day of it."""
        oldest = self.oldest
        for part in self.sealed:
            if part.first < oldest - DAY:
                with suppress(Problem, OSError):  # on a full disk it waits
                    self._rewrite(part, 'time < make_timestamp_ns(?)', [oldest])
                return  # one at a time: it takes a moment

    def _rewrite(self, part: Part, condition: str, values: Sequence[Any]) -> bool:
        """Take the rows of a condition out of a file; False when it cannot be read and was put aside."""
        try:
            aside = sealing.without(self._connection, self._directory, part, condition, values)
        except Problem:
            if is_readable(self._connection, part):
                raise
            self.lose(part)
            return False
        self._replace([part], aside)
        return True

    @property
    def _connection(self) -> Connection:
        return self._database.connection()

    @property
    def _directory(self) -> Path:
        return self._database.directory

    def _begin(self, connection: Connection, generation: int) -> None:
        make_lines(connection, generation)
        self._open, self._sources = open_part(generation, self._intake.seq), {}

    def _take_up(self, connection: Connection) -> None:
        self._forget_summaries(connection)
        known = remembered(connection)
        sealed = self._sealed(connection, known)
        self._miss(known, sealed)
        done = {number for part in sealed for number in range(part.generations[0], part.generations[1] + 1)}
        tables = generations_in(connection)
        for generation in [generation for generation in tables if generation in done]:
            drop_lines(connection, generation)  # it was sealed when we were cut off
        left = [generation for generation in tables if generation not in done]
        self.parts = tuple(sealed)
        for generation in left[:-1]:
            part, summary = sealing.seal(connection, self._directory, generation)
            remember(connection, part, summary)
            drop_lines(connection, generation)
            self.parts = (*self.parts, part)
        generation = left[-1] if left else max(done, default=0) + 1
        self._resume(connection, generation)
        self._read_cursors(connection, is_new=not tables)
        self.commit([])

    def _resume(self, connection: Connection, generation: int) -> None:
        """Go on with a table, which may have rows."""
        high = max((part.high for part in self.parts), default=-1)
        make_lines(connection, generation)
        self._sources = known_sources(connection, generation)
        summary = look_at(connection, view_of(generation))
        empty = summary['high'] < summary['low']
        low = high + 1 if empty else summary['low']
        self._open = open_part(generation, low)
        self._open.high = low - 1 if empty else summary['high']
        self._open.shares = sealed_part(Path('lines-00000000-00000000.parquet'), summary).shares
        self._intake = Intake(max(high, self._open.high) + 1)
        self._began = time.monotonic()
        self.parts = (*self.parts, self._open)

    def _sealed(self, connection: Connection, known: dict[tuple[str, int], Summary]) -> list[Part]:
        """The sealed files that can be read, the oldest first. Those of which one that was read has the lines go."""
        files, parts = sealing.sealed_files(self._directory), list[Part]()
        if covered([generations for _, generations in files]):
            known = {}  # what has the lines of others is read before they go
        for path, generations in sorted(files, key=lambda item: item[1][0] - item[1][1]):  # the widest first
            if generations in covered([generations, *(part.generations for part in parts)]):
                with suppress(OSError):
                    path.unlink()
                continue
            summary = known.get((path.name, path.stat().st_size))
            try:
                part = sealed_part(path, summary or look_at(connection, sealed_part(path, _NOTHING).relation))
                if summary is None:
                    remember(connection, part, look_at(connection, part.relation))
                parts.append(part)
            except Problem:
                self.notes.append(f'{path.name} is damaged and was put aside.')
                with suppress(OSError):
                    path.rename(path.with_name(f'{ASIDE}{path.name}'))
        return sorted(parts, key=lambda part: part.generations)

    def _let_go(self, part: Part) -> None:
        """Nobody asks a file any more."""
        self.parts = tuple(one for one in self.parts if one is not part)
        if part.path:
            self._gone.add(part.path.name)
        if self._open in self.parts:  # else that is another database, in memory
            with suppress(Problem):
                self._forget_summaries(self._connection)

    def _forget_summaries(self, connection: Connection) -> None:
        """Those of files that were let go."""
        connection.execute('DELETE FROM summaries WHERE file IN (SELECT unnest(?::VARCHAR[]))', [sorted(self._gone)])
        self._gone.clear()

    def _miss(self, known: dict[tuple[str, int], Summary], sealed: Sequence[Part]) -> None:
        """Files of which a summary is kept, and which are not there or not readable any more: gaps tell of them."""
        covering = [part.generations for part in sealed]
        for (name, _), summary in known.items():
            part = sealed_part(self._directory / name, summary)
            first, last = part.generations
            if not any(low <= first and last <= high for low, high in covering):
                damaged = (self._directory / f'{ASIDE}{name}').exists()
                self._lost.append((part, DAMAGED if damaged else VANISHED))
                self._connection.execute('DELETE FROM summaries WHERE file = ?', [name])

    def _gaps(self) -> list[Batch]:
        """What is missing with the files that were lost."""
        return [
            Batch(key, [Gap(share.first, share.last, share.lines, reason, lost=True, service=key)])
            for part, reason in self._lost
            for key, share in part.shares.items()
        ]

    def _read_cursors(self, connection: Connection, is_new: bool) -> None:
        found = connection.execute('SELECT host, project, service, container, stamp, ordinal FROM cursors').fetchall()
        if is_new:
            found = self._last_lines(connection)
        self.cursors = {
            name[:12]: (ServiceKey(host, project, service), Cursor(name[:12], parse_timestamp(stamp), ordinal))
            for host, project, service, name, stamp, ordinal in found
        }

    def _last_lines(self, connection: Connection) -> list[tuple[str, str, str, str, str, int]]:
        """How far each container was read, where that is known only from the lines themselves."""
        found: dict[str, tuple[str, str, str, str, str, int]] = {}
        for part in sorted(self.parts, key=lambda part: part.high):
            rows = connection.execute(
                'SELECT host, project, service, container, arg_max(coalesce(stamp, strftime(time, '
                f"'%Y-%m-%dT%H:%M:%S.%nZ')), seq), arg_max(ordinal, seq) FROM {part.relation} "
                'WHERE stream > 0 GROUP BY ALL'
            ).fetchall()
            found |= {row[3]: row for row in rows}
        return list(found.values())

    def _merge(self) -> None:
        if self._merging is not None and not self._merging.done():
            return
        if parts := sealing.to_merge(self.sealed, min(sealing.MERGED_RAW, max(1, self._budget // 2))):
            self._merging = self._aside.submit(self._merge_aside, parts)

    def _merge_aside(self, parts: list[Part]) -> None:
        try:
            aside = sealing.merge(self._connection, self._directory, parts)
        except (Problem, OSError):
            return  # a file may be gone or damaged, of which its next reader tells; or the disk is full
        self._later(lambda: self._replace(parts, aside))

    def _replace(self, parts: Sequence[Part], aside: sealing.Aside) -> None:
        """Put a file in the place of those whose lines it has."""
        if any(part not in self.parts for part in parts):
            aside[0].unlink(missing_ok=True)
            return
        part, summary = sealing.put_in_place(*aside)
        self.parts = (*(one for one in self.parts if one not in parts), part)
        remember(self._connection, part, summary)
        for old in parts:
            if old.path and old.path != part.path:
                old.path.unlink(missing_ok=True)
                self._connection.execute('DELETE FROM summaries WHERE file = ?', [old.path.name])


_NOTHING: Summary = {'shares': [], 'low': 0, 'high': -1, 'heads': []}


def _make(directory: Path) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        directory.mkdir(mode=DIRECTORY)
    if directory.stat().st_uid == os.geteuid():
        directory.chmod(DIRECTORY)


def _modified(part: Part) -> int:
    try:
        return part.path.stat().st_mtime_ns if part.path else time.time_ns()
    except OSError:
        return time.time_ns()
