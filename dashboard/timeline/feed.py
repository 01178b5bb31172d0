"""One service's timeline: its bounded history across its containers, and the subscriptions to it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from dashboard.engine import Engine
from dashboard.model import SHORT_ID, Container, ContainerEvent, Cursor, Gap, LogLine, Notice, Row, Service
from dashboard.timeline.catchup import UNREAD
from dashboard.timeline.leaving import let_go, weakly
from dashboard.timeline.marks import NAMED
from dashboard.timeline.merge import Merger
from dashboard.timeline.notices import Notices
from dashboard.timeline.reader import BACKFILL, LogReader, ReaderState
from dashboard.timeline.straggler import Straggler
from dashboard.timeline.timeline import FeedStatus, Former, Timeline

RECHECK = 0.5  # seconds after the end of a stream, when the engine knows whether its container runs again
PROMPT = 0.05  # seconds by which a stream may end before its container's end is heard of
FORMER = 100  # removed containers of which it is known where their lines were
BEGINS = 2.0  # seconds that the lines of other containers wait for those of one that begins
PATIENT = 10**12  # lines that a stream may be late of which every line is wanted


class ServiceFeed(Timeline):
    """Reads every container of a service once, however many subscribe.

    :param ended: is called when a stream has ended
    :param after: the last line of each container that was had before, by its short id. Then every line that follows it
        is wanted, and none before; of containers that are not among them, all.
    :param finished: the short ids of containers that had ended when all of their logs was had
    """

    def __init__(
        self,
        engine: Engine,
        service: Service,
        max_rows: int,
        max_bytes: int,
        ended: Callable[[], None],
        after: Mapping[str, Cursor] | None = None,
        finished: Iterable[str] = (),
    ) -> None:
        super().__init__(service, max_rows, max_bytes)
        self._engine = engine
        self._capacity = max_rows if after is None else PATIENT
        self._after = after
        self._finished = set(finished)
        self._ended = ended  # tells the hub that a stream has ended: its container may have started again by now
        self._merger = Merger(weakly(self._append))
        self._notices = Notices(service)
        self._readers: dict[str, LogReader] = {}  # by container id
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._straggler = Straggler(weakly(self._is_catching_up), weakly(self._release))
        self._unread: set[str] = set()  # containers that may have lines which no reader has looked for
        self._unlisted: dict[str, int] = {}  # containers that have started, before any reader looked, and when
        self._exits: dict[str, tuple[str, float]] = {}  # container id → its last exit code, and when that was heard
        self._removed: set[str] = set()  # containers of which a gap has told that they went before they were read
        self._began: dict[str, int] = {}  # container id → the number of the row from which on it is read
        self._former: deque[Former] = deque(maxlen=FORMER)
        self._awaited: dict[str, ReaderState | None] = {}  # containers that begin, and how their readers were then
        self._closed = False

    # for the hub

    def update(self, service: Service) -> None:
        """The engine has said what containers there are: read those that are new or have started again."""
        self.service = service
        if missed := self._notices.missed(service):
            self._merger.add('', list[Row](missed))
        listed = {container.id for container in service.containers}
        self._drop_removed(listed)
        self._removed &= listed
        for container in service.containers:
            reader = self._readers.get(container.id)
            if container.id in self._removed or (reader and reader.unchecked):  # since it was listed
                continue
            if container.short_id in self._finished and not container.running and container.id not in self._unlisted:
                continue
            task = self._tasks.get(container.id)
            unread = container.status in ('running', 'paused') or container.id in self._unread
            if task is None or (task.done() and unread):
                self._start(container)
        self._unlisted = {id_: began for id_, began in self._unlisted.items() if id_ not in listed}
        self._settle()

    def started(self, container_ids: Iterable[str]) -> None:
        """These containers run, or ran: there is something to read even if they have stopped when they are listed."""
        for id_ in self._tasks.keys() & set(container_ids):
            self._unread.add(id_)
            self._readers[id_].started()

    def tell(self, event: ContainerEvent) -> None:
        """Something has happened to a container of this service: a row of the timeline says so."""
        identity = event.container_id
        if event.action == 'start':
            self._removed.discard(identity)
            self.started([identity])
            if identity not in self._tasks or self._tasks[identity].done():
                self._unlisted[identity] = event.timestamp
                self._await(identity)
        elif event.action == 'die' and identity in self._tasks:
            self._exits[identity] = event.attributes.get('exitCode', ''), time.monotonic()
        elif event.action == 'destroy' and (began := self._unlisted.pop(identity, None)):
            self._removed.add(identity)
            gap = Gap(began, event.timestamp, None, UNREAD, lost=True, container=identity[:SHORT_ID])
            self._merger.add('', [gap])
        if notice := self._notices.of(event):
            self._merger.add('', [notice])

    def retry_now(self, lost_at: float = 0.0) -> None:
        """The engine is back, and was lost at that moment; see :meth:`LogReader.retry_now`."""
        for reader in self._readers.values():
            reader.retry_now(lost_at)

    def recall(self, rows: Sequence[Row]) -> None:
        """Begin with these, the last that are kept of a service of which nothing else is left."""
        self._append(list(rows))

    async def close(self) -> None:
        """Close all streams; subscriptions end."""
        self._closed = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._merger.close()
        self._straggler.close()
        self._end()

    # for viewers

    @property
    def former(self) -> list[Former]:
        """The containers that were removed of late."""
        listed = {container.id for container in self.service.containers}
        gone = (self._as_former(id_) for id_ in self._tasks if id_ not in listed)
        return [*self._former, *chain.from_iterable(gone)]

    def has_passed(self, cursor: Cursor) -> bool:
        """Whether that line has come and left again, or will not come because nobody reads its container."""
        last = self._marks.cursors.get(cursor.container)
        if last and last.timestamp >= cursor.timestamp:
            return True
        return all(task.done() for id_, task in self._tasks.items() if id_.startswith(cursor.container))

    @property
    def status(self) -> FeedStatus:
        """How the service's streams are doing, at their worst."""
        states = [reader.state for reader in self._readers.values()]
        worst = next((state for phase in WORST_FIRST for state in states if state.phase == phase), ReaderState())
        is_gone = self.ready.is_set() and not states
        phase = 'stopped' if worst.phase == 'ended' or is_gone else worst.phase
        return FeedStatus(phase, worst.attempt, worst.retry_at, worst.error, self._last_line)

    @property
    def streams(self) -> int:
        """How many containers are being read."""
        return sum(not task.done() for task in self._tasks.values())

    def reads(self, container: str) -> bool:
        """Whether that one is being read; by its short id."""
        return any(id_.startswith(container) and not task.done() for id_, task in self._tasks.items())

    def _start(self, container: Container) -> None:
        container_id = container.id
        reader = self._readers.get(container_id)
        if reader is None:
            # one that has come while we watched is read from its first line on, however much it has written by now
            backfill = None if self.ready.is_set() or self._after is not None else BACKFILL
            last = self._after.get(container.short_id) if self._after else None
            tell = weakly(self._deliver), weakly(self._settle)
            reader = LogReader(self._engine, container, *tell, self._capacity, weakly(self._given), backfill, last)
            self._readers[container_id], self._began[container_id] = reader, self.history.end
            # one that is being created may be listed before it can be asked for
            reader.runs = int(container.status != 'created' or container_id in self._unlisted)
        self._unread.discard(container_id)
        self._await(container_id)
        task = asyncio.create_task(reader.run(), name=f'reader {reader.container.name}')
        task.add_done_callback(let_go)
        task.add_done_callback(
            lambda _: self._closed or asyncio.get_running_loop().call_later(RECHECK, self._has_ended, reader)
        )
        self._tasks[container_id] = task

    def _has_ended(self, reader: LogReader) -> None:
        """A stream has ended, and by now it is known how its container has."""
        task = self._tasks.get(reader.container.id)
        reads_on = task is not None and not task.done()  # it has started again since, and what is so now is of that run
        if reader.unchecked and not self._closed and not reads_on:
            self._tell_unchecked(reader)
        self._ended()

    def _tell_unchecked(self, reader: LogReader) -> None:
        """A container was removed as soon as it had ended, so that the end of its log could not be checked."""
        exit_code, heard = self._exits.get(reader.container.id, ('', 0.0))
        if exit_code != '0' or reader.last is None or reader.ended_at < heard - PROMPT:
            reader.tell_removed()  # who failed may have had last words, and a stream may end before its container
        elif reader.may_have_more:
            words = f'{reader.container.name} was removed before the end of its log could be checked'
            self._merger.add('', [Notice(reader.last.timestamp, words)])
        reader.unchecked = False
        self._removed.add(reader.container.id)

    def _drop_removed(self, listed: set[str]) -> None:
        """Forget the readers of containers that are gone for good, as soon as no cursor has to name them."""
        for id_, task in list(self._tasks.items()):
            if id_ not in listed and task.done() and self._readers[id_].container.short_id not in self._marks.cursors:
                self._unread.discard(id_)
                self._former.extend(self._as_former(id_))
                self._exits.pop(id_, None)
                del self._tasks[id_], self._readers[id_], self._began[id_]

    def _as_former(self, container_id: str) -> Iterator[Former]:
        if last := self._readers[container_id].last:
            yield Former(last.container, last, self._began[container_id], self.history.end)

    def _deliver(self, reader: LogReader, rows: list[Row]) -> None:
        busy = [task for task in self._tasks.values() if not task.done()]
        self._merger.add(reader.container.id, rows, alone=len(busy) <= 1)

    def _given(self, container_id: str) -> Iterator[LogLine]:
        """A container's lines that have come, the newest first."""
        for row in chain(self._merger.backwards(), self.history.backwards()):
            if isinstance(row, LogLine) and row.container.id == container_id:
                yield row

    @property
    def begins(self) -> bool:
        """Whether the lines of a container that begins are waited for."""
        return bool(self._awaited) and self._merger.holding

    def _await(self, container_id: str) -> None:
        """That container begins to write: what others write waits until its reader has begun as well."""
        others = any(not task.done() for id_, task in self._tasks.items() if id_ != container_id)
        if others and self.ready.is_set():
            reader = self._readers.get(container_id)
            self._awaited[container_id] = reader.state if reader else None
            self._merger.hold(BEGINS)

    def _begins(self, container_id: str, before: ReaderState | None) -> bool:
        reader = self._readers.get(container_id)
        return self._merger.holding and (reader is None or reader.state is before or reader.state.phase not in _SETTLED)

    def _settle(self) -> None:
        """Readers have changed their state: the backlog is complete when none is still at it."""
        if self.ready.is_set():
            self._awaited = {id_: before for id_, before in self._awaited.items() if self._begins(id_, before)}
            if self.streams > 1 and any(reader.checks for reader in self._readers.values()):
                self._merger.hold(BEGINS)
            elif not self._awaited:
                self._merger.go_on()
            return
        phases = [reader.state.phase for reader in self._readers.values()]
        if all(phase in _SETTLED for phase in phases):
            self._release()
        elif any(phase in _SETTLED for phase in phases):
            self._straggler.wait()

    def _is_catching_up(self) -> bool:
        return any(reader.state.phase == 'catching up' for reader in self._readers.values())

    def _release(self) -> None:
        self._merger.release()
        # each container has given its last lines only: before that many rows one that writes much may be incomplete
        if not self.ready.is_set():
            self._complete_from = max(0, self.history.end - BACKFILL)
        self.ready.set()

    @property
    def _is_of_one(self) -> bool:
        return len(self._tasks) <= 1

    def _forgettable(self) -> Iterator[str]:
        """Containers that cursors need not name once they are quiet: removed ones, and where many have ended, those."""
        listed = {container.id for container in self.service.containers}
        many = len(self._marks.cursors) > NAMED
        ended = (id_ for id_, task in self._tasks.items() if task.done())
        return (self._readers[id_].container.short_id for id_ in ended if many or id_ not in listed)


_SETTLED = ('live', 'ended', 'unreadable')
WORST_FIRST = ('reconnecting', 'connecting', 'catching up', 'live', 'unreadable', 'ended')
