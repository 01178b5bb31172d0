"""The store as its users know it: rows go in without waiting for a disk, and what is wrong is said in words.

Its writer is one thread. What comes is gathered for a moment and committed together, with how far each container has
been read: so after any end of the process there is nothing lost that the engine still has, and nothing twice.
"""

from __future__ import annotations

import asyncio
import errno
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dashboard.errors import StoreUnavailable
from dashboard.model import Cursor, LogLine, Row, ServiceKey
from dashboard.store.asked import Desk, first_line
from dashboard.store.columns import Batch
from dashboard.store.database import Database, InUse
from dashboard.store.exporting import export
from dashboard.store.parts import Part, Share
from dashboard.store.reading import Reading, Wanted
from dashboard.store.search import Search
from dashboard.store.writer import Writer

GATHER = 0.5  # seconds for which rows are gathered: they are durable within a second
MUCH = 2 << 20  # bytes that are committed at once
MOST_WAITING = 16 << 20  # bytes that wait to be committed; who has more waits
CARE = 5.0  # seconds between two looks at what is to be sealed or forgotten
FIRST_RETRY, LONGEST_RETRY = 1.0, 30.0  # seconds until it is tried again to write
COMMITS = 12  # of so many commits the whole budget can come
ROW_COST = 200  # bytes of a row beside its own
FULL = 1 << 20  # a disk with less room than that is full


@dataclass(frozen=True, slots=True)
class Health:
    """How the store is.

    :param words: what is wrong and what to do, for people; '' when nothing is
    :param notes: what has happened since the start that an administrator should know
    """

    recording: bool
    words: str = ''
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one service; times in nanoseconds since the epoch.

    :param bytes: on the disk, about: its share of the files
    :param raw: as its containers wrote it
    """

    service: ServiceKey
    lines: int
    bytes: int
    raw: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What is kept, and how much may be."""

    bytes: int
    budget: int
    days: float
    services: tuple[Kept, ...]  # the largest first

    @property
    def lines(self) -> int:
        """Of all services."""
        return sum(kept.lines for kept in self.services)

    @property
    def first(self) -> int | None:
        """The time of the oldest row."""
        return min((kept.first for kept in self.services), default=None)


class Store:
    """Keeps lines in a directory of its own. Use it as ``async with Store(…) as store``.

    :param directory: is made when it is missing
    :param budget: bytes of all its files
    :param days: after which lines are forgotten
    """

    def __init__(self, directory: Path, budget: int, days: float, gather: float = GATHER) -> None:
        self.directory = directory.expanduser().absolute()
        self.budget = budget
        self.days = days
        self.health = Health(False)
        self.database = Database(self.directory)
        self._writer = Writer(self.database, budget, days, self._later)
        self._desk = Desk(self.database, lambda: self.parts, lambda: self._writer.oldest, self._report)
        self.lines = Reading(self._desk)
        self.messages = Search(self._desk)
        self._gather = gather
        self._most = budget // COMMITS  # bytes that are committed at once at the most
        self._thread: threading.Thread | None = None
        self._wake = threading.Condition()
        self._waiting: deque[Batch] = deque()
        self._bytes = 0  # of what waits
        self._work: deque[Callable[[], None]] = deque()
        self._closing = False
        self._failed: Exception | None = None  # why the database is not open
        self._hurried = False  # somebody waits for what it cannot do while it is not open
        self._room: set[Future[None]] = set()  # of those who wait until there is room
        self._flushed: list[Future[None]] = []
        self._ready: Future[None] = Future()  # it was tried to open it
        self._opened: Future[None] = Future()  # that went well

    async def __aenter__(self) -> Store:
        self._thread = threading.Thread(target=self._run, name='store', daemon=True)
        self._thread.start()
        await asyncio.wrap_future(self._ready)
        return self

    async def __aexit__(self, *_: object) -> None:
        with self._wake:
            self._closing = True
            self._wake.notify()
            for waiter in self._room:
                _resolve(waiter)
        if self._thread:
            await asyncio.to_thread(self._thread.join)
        self.database.interrupt()
        await asyncio.to_thread(self._desk.close)
        await asyncio.to_thread(self._writer.close)
        self.database.close()

    async def opened(self) -> None:
        """Return once it could be opened to write: until then nobody knows how far each container was read."""
        await asyncio.shield(asyncio.wrap_future(self._opened))

    # what goes in

    async def append(
        self, service: ServiceKey, rows: Sequence[Row], ended: Sequence[str] = (), *, behind: bool = False
    ) -> None:
        """Take rows of a service in the order of its timeline; they are durable within a second.

        :param ended: the short ids of containers of which nothing more will come: how far they were read is forgotten
        :param behind: whether they come from a log as fast as they are taken: then little waits at a time

        Waits while too much waits already, as when the disk is full: so nothing is dropped, and who reads from an
        engine can go on later.
        """
        while (room := self._wait_for_room(MUCH if behind else MOST_WAITING)) is not None:
            await asyncio.wrap_future(room)
        if rows or ended:
            with self._wake:
                self._waiting.append(Batch(service, rows, ended))
                self._bytes += _weight(rows)
                self._wake.notify()

    async def flush(self) -> None:
        """Return when all that was appended is durable, or cannot be written at the moment."""
        done = Future[None]()
        with self._wake:
            if self._closing:
                return
            self._flushed.append(done)
            self._wake.notify()
        await asyncio.wrap_future(done)

    async def seal(self) -> None:
        """Make a file now of what is not sealed, and forget what is too much."""
        await self.flush()
        await self._done(self._writer.seal)
        await self._done(self._writer.forget)

    async def purge(self, service: ServiceKey | None = None, before: int | None = None) -> None:
        """Forget a service, or what is older than a moment (nanoseconds since the epoch), or both together.

        :raises StoreUnavailable: when some of it cannot be done
        """
        await self.flush()
        try:
            await self._done(lambda: self._unlink(service, before))  # on a full disk this makes room for the rest
            await self._done(lambda: self._purge(service, before))
        except Exception as error:
            raise self._refusal(error) from error

    async def export(self, wanted: Wanted) -> Path:
        """Write rows to a Parquet file that the caller removes.

        :raises BadRequest: when there are none
        :raises StoreUnavailable: when it cannot be done
        """
        return await export(self._desk, wanted, self.directory)

    # what is known of what is in it

    @property
    def cursors(self) -> Mapping[str, tuple[ServiceKey, Cursor]]:
        """The last durable line of each container, by its short id, and whose it is."""
        return self._writer.cursors

    @property
    def parts(self) -> tuple[Part, ...]:
        """The files, and the table of what is not sealed."""
        return self._writer.parts

    def usage(self) -> Usage:
        """What is kept, and of whom."""
        sizes: dict[ServiceKey, list[int]] = {}
        oldest = self._writer.oldest
        for part, share in self._shares():
            disk = (part.size or part.bytes) * share.bytes // max(1, part.bytes)
            first = max(share.first, oldest)
            old = sizes.get(share.service, [0, 0, 0, first, share.last])
            sizes[share.service] = [
                old[0] + share.lines,
                old[1] + disk,
                old[2] + share.bytes,
                min(old[3], first),
                max(old[4], share.last),
            ]
        kept = [Kept(key, *numbers) for key, numbers in sizes.items()]
        kept.sort(key=lambda item: (-item.bytes, item.service))
        return Usage(self._writer.used, self.budget, self.days, tuple(kept))

    def services(self) -> dict[ServiceKey, int]:
        """All services of which there are rows, and the time of the newest one."""
        found: dict[ServiceKey, int] = {}
        for _, share in self._shares():
            found[share.service] = max(found.get(share.service, share.last), share.last)
        return found

    def covers(self, keys: Collection[ServiceKey]) -> bool:
        """Whether there are rows of any of these services."""
        return any(share.service in keys for _, share in self._shares())

    def _shares(self) -> Iterator[tuple[Part, Share]]:
        """What each part has of each service, but for what is too old."""
        oldest = self._writer.oldest
        for part in self.parts:
            for share in part.shares.values():
                if share.last >= oldest:
                    yield part, share

    def _report(self, part: Part) -> None:
        """A file could not be read."""
        self._later(lambda: self._writer.lose(part))

    def _wait_for_room(self, most: int) -> Future[None] | None:
        """What to wait for while more than so many bytes wait; None when there is room."""
        with self._wake:
            if self._bytes <= most or self._closing:
                return None
            room = Future[None]()
            self._room.add(room)
            return room

    # the writer's thread

    def _unlink(self, service: ServiceKey | None, before: int | None) -> None:
        if isinstance(self._failed, InUse):  # they are the files of another dashboard
            raise self._failed
        self._writer.unlink(service, before)

    def _purge(self, service: ServiceKey | None, before: int | None) -> None:
        if self._failed:  # what is not sealed cannot be reached
            raise self._failed
        self._writer.purge(service, before)

    def _run(self) -> None:
        delay, is_open, cared = FIRST_RETRY, False, 0.0
        while True:
            try:
                if not is_open:
                    self._writer.open()
                    is_open, delay, has_failed, self._failed = True, FIRST_RETRY, bool(self._failed), None
                    _resolve(self._opened)
                    if not has_failed:  # else once something could be written
                        self._say(True)
                self._tell_ready()
                closing = self._step()
                if closing or self._writer.is_full or time.monotonic() - cared > CARE:
                    cared = time.monotonic()
                    self._writer.care()
                self._say(True)
                if closing:
                    return
            except Exception as error:  # whatever it is: a thread that ends would keep nothing more, and tell nobody
                self._say(False, self._reason(error))
                is_open, self._failed, cared = False, error, 0.0
                self._fail(error)
                if self._closing:
                    return
                self._pause(delay)
                delay = min(2 * delay, LONGEST_RETRY)

    def _step(self) -> bool:
        """Wait for something to do, and do it; True when it was the last time."""
        with self._wake:
            if not (self._waiting or self._work or self._flushed or self._closing):
                self._wake.wait(CARE)
            if self._waiting and not self._hurry():
                self._wake.wait_for(self._hurry, self._gather)
            closing, flushed = self._closing, list(self._flushed)
            batches = self._next()
            if len(batches) < len(self._waiting):
                closing, flushed = False, []  # once all is written
        if batches:
            self._writer.commit(batches)
            self._committed(batches)
        while self._work:
            self._work.popleft()()
        self._resolve(flushed)
        return closing

    def _next(self) -> list[Batch]:
        """What is to be committed: all that waits, unless that is much for the budget."""
        found, size = list[Batch](), 0
        for batch in self._waiting:
            if found and size > self._most:
                break
            found.append(batch)
            size += _weight(batch.rows)
        return found

    def _hurry(self) -> bool:
        return bool(self._bytes > min(MUCH, self._most) or self._work or self._flushed or self._closing)

    def _committed(self, batches: Sequence[Batch]) -> None:
        with self._wake:
            for batch in batches:
                self._waiting.popleft()
                self._bytes -= _weight(batch.rows)
            room, self._room = self._room, set()
        for waiter in room:
            _resolve(waiter)

    def _fail(self, error: Exception) -> None:
        """Nothing can be written: sealed lines can still be read, and nobody waits for what may take long."""
        self.database.close()
        self._writer.look()
        if not isinstance(error, InUse):  # else they are the files of another dashboard
            with suppress(OSError):
                self._writer.forget()  # which may make room
        with self._wake:
            flushed, work, self._hurried = list(self._flushed), list(self._work), False
            self._work.clear()  # what comes meanwhile may find it open again
        for do in work:
            with suppress(Exception):  # who waits for it has been told
                do()
        self._resolve(flushed)
        self._tell_ready()

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        with self._wake:
            while not (self._closing or self._hurried) and (left := until - time.monotonic()) > 0:
                self._resolve(list(self._flushed))
                self._wake.wait(left)
        self.database.close()

    def _resolve(self, flushed: Sequence[Future[None]]) -> None:
        for waiter in flushed:
            _resolve(waiter)
        with self._wake:
            self._flushed = [waiter for waiter in self._flushed if waiter not in flushed]

    def _tell_ready(self) -> None:
        if not self._ready.done():
            self._ready.set_result(None)

    def _later(self, work: Callable[[], None]) -> None:
        with self._wake:
            self._work.append(work)
            self._wake.notify()

    async def _done(self, work: Callable[[], None]) -> None:
        """Have something done by the writer's thread, and wait for it."""
        done = Future[None]()

        def do() -> None:
            try:
                work()
            except Exception as error:
                done.set_exception(error)
            else:
                done.set_result(None)

        with self._wake:
            self._hurried = True
            self._later(do)
        await asyncio.wrap_future(done)

    def _say(self, recording: bool, words: str = '') -> None:
        notes = tuple(self._writer.notes)
        if (recording, words, notes) != (self.health.recording, self.health.words, self.health.notes):
            self.health = Health(recording, words, notes)

    def _reason(self, error: Exception) -> str:
        where = self.directory
        if isinstance(error, InUse):
            return f'Another dashboard records into {where}: give each a data directory of its own.'
        if self._is_full(error):
            return (
                f'The disk of {where} is full, so new lines are not recorded. They are read from the engine when there '
                'is room again: make some, or set DASHBOARD_STORE_BYTES lower.'
            )
        if _is_refused(error):
            return (
                f'{where} cannot be written, so new lines are not recorded. They are read from the engine when it can: '
                'make it writable for the dashboard, or choose another data directory.'
            )
        return f'Lines cannot be recorded into {where}: {first_line(error)}. It is tried again.'

    def _refusal(self, error: Exception) -> StoreUnavailable:
        """Why lines cannot be removed, and what to do."""
        if isinstance(error, InUse):
            return StoreUnavailable('another dashboard records into their directory', 'removed', 'Remove them there.')
        if self._is_full(error):
            return StoreUnavailable('the disk is full', 'removed', 'Make some room.')
        if _is_refused(error):
            hint = 'Make it writable for the dashboard.'
            return StoreUnavailable('their directory cannot be written', 'removed', hint)
        return StoreUnavailable(first_line(error), 'removed')

    def _is_full(self, error: Exception) -> bool:
        try:
            free = shutil.disk_usage(self.directory).free
        except OSError:
            free = FULL
        return free < FULL or 'space left' in str(error).lower()


def _is_refused(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.EROFS, errno.EACCES, errno.EPERM)
    return any(words in str(error).lower() for words in ('read-only file system', 'permission denied'))


def _resolve(waiter: Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _weight(rows: Sequence[Row]) -> int:
    return sum(len(row.record) for row in rows if isinstance(row, LogLine)) + ROW_COST * len(rows)
