"""The same protocol without Docker: an engine in this process, scripted by tests and, as the demo, by itself."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256

from dashboard.engine.demo_content import DEMO_SERVICES, DemoLine, DemoService
from dashboard.engine.protocol import About
from dashboard.errors import ContainerGone, EngineUnavailable, LogsUnreadable
from dashboard.model import SECOND, STAMP_LENGTH, Container, ContainerEvent, LogLine, ServiceKey, Stream

KEPT = 20_000  # lines of each container; older ones are rotated away
REMEMBERED = 256  # events, as many as Docker's engine
BATCH = 1_000  # lines given at once
TICK = 0.1  # seconds between the demo's rounds
BACKDATED = 1_500  # times that each container has spoken before the demo begins
RESTART_EVERY = 120  # seconds between the demo's restarts of a container


@dataclass(slots=True)
class _Log:
    """One container: its lines and how it is."""

    container: Container
    lines: list[LogLine] = field(default_factory=list)
    first: int = 0  # number of the oldest kept line
    again: list[int] = field(default_factory=list)  # numbers of the lines to which followers went back
    skipped: tuple[int, int] = (0, 0)  # numbers of lines that followers leave out: from, up to and not including
    stuck: int = 0  # how often its followers lost their place
    readable: bool = True
    removed: bool = False


class ScriptedEngine:
    """An engine whose containers, lines and faults are made by calling it."""

    def __init__(self, name: str = 'local', address: str = 'this process') -> None:
        self.name = name
        self.address = address
        self.joins = True
        self.open_streams = 0
        self.streams_opened = 0
        self._logs: dict[str, _Log] = {}
        self._watchers: set[asyncio.Queue[ContainerEvent]] = set()
        self._changed: set[asyncio.Event] = set()  # of every open stream
        self._added = 0
        self._told: deque[ContainerEvent] = deque(maxlen=REMEMBERED)
        self._failure = ''
        self._silences = 0  # how often all streams were silenced
        self._breaks = 0  # how often all streams were broken

    # the script

    def add(
        self,
        service: str,
        *,
        project: str = 'shop',
        name: str = '',
        status: str = 'running',
        health: str = 'none',
        image: str = '',
        replica: str = '',
        recorded: bool = True,
    ) -> Container:
        """A new container of a service; one that replaces another has its ``replica``."""
        self._added += 1
        number = self._added
        name = name or f'{project}-{service}-{number}'
        identity = sha256(f'{name} {number}'.encode()).hexdigest()
        key = ServiceKey(self.name, project, service)
        container = Container(
            identity,
            name,
            key,
            image or f'{service}:latest',
            status,
            health,
            int(time.time()),
            replica or str(number),
            recorded=recorded,
        )
        self._logs[identity] = _Log(container)
        self._tell(container, 'create' if status == 'created' else 'start')
        return container

    def write(
        self, container: Container, text: str | bytes, stream: int = Stream.STDOUT, timestamp: int | None = None
    ) -> None:
        """Log one line; ``timestamp`` in nanoseconds since the epoch. Bytes are taken as they are."""
        content = text if isinstance(text, bytes) else f'{text}\n'.encode()
        self._append(container, [(timestamp, content, stream)])

    def write_many(self, container: Container, texts: Iterable[str]) -> None:
        """Log lines at once."""
        self._append(container, [(None, f'{text}\n'.encode(), Stream.STDOUT) for text in texts])

    def stop(self, container: Container, exit_code: int = 0) -> None:
        """The container ends; its streams end when they have given all lines."""
        self._set(container, 'exited', health='none', exit_code=exit_code)
        self._tell(container, 'die', exitCode=str(exit_code))

    def starve(self, container: Container) -> None:
        """The container runs out of memory, and ends."""
        self._tell(container, 'oom')
        self.stop(container, exit_code=137)

    def pause(self, container: Container) -> None:
        """The container stands still."""
        self._set(container, 'paused')
        self._tell(container, 'pause')

    def unpause(self, container: Container) -> None:
        """The container goes on."""
        self._set(container, 'running')
        self._tell(container, 'unpause')

    def start(self, container: Container) -> None:
        """The container runs again, and goes on with the same log."""
        self._set(container, 'running')
        self._tell(container, 'start')

    def remove(self, container: Container) -> None:
        """The container and its log are gone."""
        self._logs.pop(container.id).removed = True
        self._tell(container, 'destroy')

    def rotate(self, container: Container, kept: int) -> None:
        """Only the last ``kept`` lines stay."""
        log = self._logs[container.id]
        count = max(0, len(log.lines) - kept)
        log.first += count
        del log.lines[:count]

    def read_again(self, container: Container, count: int) -> None:
        """The followers of the log get its last ``count`` lines again, as those of Docker's do when it is rotated."""
        log = self._logs[container.id]
        log.again.append(log.first + len(log.lines) - count)
        self._wake()

    def stick(self, container: Container) -> None:
        """The followers of the log lose their place: they give nothing more, not even its last lines."""
        self._logs[container.id].stuck += 1
        self._wake()

    def skip(self, container: Container, count: int) -> None:
        """The followers of the log, those that are open now, leave out its next ``count`` lines."""
        log = self._logs[container.id]
        end = log.first + len(log.lines)
        log.skipped = (end, end + count)

    def unreadable(self, container: Container) -> None:
        """Its log driver keeps nothing."""
        self._logs[container.id].readable = False

    def fail(self, reason: str = 'it was told to fail') -> None:
        """The engine is away: every call fails, open streams break."""
        self._failure = reason
        self.break_streams()

    def heal(self) -> None:
        """The engine is back."""
        self._failure = ''

    def break_streams(self) -> None:
        """Open streams and watches break; the containers go on."""
        self._breaks += 1
        self._wake()

    def silence_streams(self) -> None:
        """Open streams and watches stay open and give nothing more, as when a network drops their connection."""
        self._silences += 1
        self._wake()

    # the protocol

    async def ping(self) -> None:
        """See :meth:`Engine.ping`."""
        self._check()

    async def about(self) -> About:
        """See :meth:`Engine.about`."""
        self._check()
        return About('Made-up services', 0.0)

    async def containers(self) -> list[Container]:
        """See :meth:`Engine.containers`."""
        self._check()
        return [log.container for log in self._logs.values()]

    async def events(self, since: int | None = None) -> AsyncGenerator[ContainerEvent | None, None]:
        """See :meth:`Engine.events`."""
        self._check()
        breaks, silences, changed = self._breaks, self._silences, asyncio.Event()
        queue: asyncio.Queue[ContainerEvent] = asyncio.Queue()
        self._watchers.add(queue)
        self._changed.add(changed)
        try:
            yield None
            for event in list(self._told):
                if since is not None and event.timestamp > since:
                    yield event
            while breaks == self._breaks:
                await self._hold(silences)
                while not queue.empty():
                    yield queue.get_nowait()
                changed.clear()
                await changed.wait()
            raise self._unavailable('it closed the event stream')
        finally:
            self._watchers.discard(queue)
            self._changed.discard(changed)

    async def logs(
        self,
        container: Container,
        *,
        tail: int | None = None,
        since: int | None = None,
        until: int | None = None,
        follow: bool = False,
    ) -> AsyncGenerator[list[LogLine], None]:
        """See :meth:`Engine.logs`."""
        log = self._open(container)
        changed = asyncio.Event()
        self._changed.add(changed)
        self.open_streams, self.streams_opened = self.open_streams + 1, self.streams_opened + 1
        try:
            async for batch in self._follow(log, tail, changed, follow):
                wanted = [line for line in batch if _between(line, since, until)]
                if wanted or not batch:
                    yield wanted
        finally:
            self.open_streams -= 1
            self._changed.discard(changed)

    def log_file(self, container: Container) -> float | None:
        """Not known; see :meth:`Engine.log_file`."""
        return None

    def rotates(self, container: Container) -> bool:
        """Whether lines have gone; see :meth:`Engine.rotates`."""
        return container.id in self._logs and self._logs[container.id].first > 0

    async def close(self) -> None:
        """See :meth:`Engine.close`."""
        self.break_streams()

    # how it is done

    async def _follow(
        self, log: _Log, tail: int | None, changed: asyncio.Event, follow: bool
    ) -> AsyncGenerator[list[LogLine], None]:
        breaks, silences, settled, again = self._breaks, self._silences, False, len(log.again)
        stuck, skipped = log.stuck, log.skipped
        last: LogLine | None = None
        position = log.first + (max(0, len(log.lines) - tail) if tail is not None else 0)
        while True:
            await self._hold(silences)
            if breaks != self._breaks:
                raise self._unavailable('the stream broke off')
            position = max(position, log.first)
            start = position - log.first
            if follow and stuck != log.stuck:
                start = len(log.lines)
            if follow and skipped != log.skipped and log.skipped[0] <= position < log.skipped[1]:
                position = min(log.skipped[1], log.first + len(log.lines))
                start = position - log.first
            if batch := log.lines[start : start + BATCH]:
                position += len(batch)
                yield batch
                last = batch[-1]
                await asyncio.sleep(0)
            elif not follow or log.container.status not in ('running', 'paused') or log.removed:
                return
            elif not settled:
                settled = True
                yield []
            elif again < len(log.again):
                repeated = log.lines[max(0, log.again[again] - log.first) :]
                again += 1
                yield _after_line(last, repeated)
            else:
                changed.clear()
                await changed.wait()

    async def _hold(self, silences: int) -> None:
        """Go on, or never if the streams were silenced since."""
        if silences != self._silences:
            await asyncio.Event().wait()

    def _open(self, container: Container) -> _Log:
        self._check()
        if container.id not in self._logs or self._logs[container.id].container.status == 'created':
            # Docker lists one that is being created before it can be asked for
            raise ContainerGone('The container has been removed; its log went with it.')
        log = self._logs[container.id]
        if not log.readable:
            raise LogsUnreadable(container.name, 'none')
        return log

    def _append(self, container: Container, lines: Iterable[tuple[int | None, bytes, int]]) -> None:
        log = self._logs[container.id]
        for moment, content, stream in lines:
            last = log.lines[-1] if log.lines else None
            timestamp = max(time.time_ns(), last.timestamp if last else 0) if moment is None else moment
            line = LogLine.of(container, timestamp, content, stream)
            if last and last.stamp == line.stamp:
                line.ordinal = last.ordinal + 1
            log.lines.append(line)
        if len(log.lines) > KEPT * 1.1:
            self.rotate(container, KEPT)
        self._wake()

    def _set(self, container: Container, status: str, health: str | None = None, exit_code: int | None = None) -> None:
        log = self._logs[container.id]
        log.container = replace(
            log.container, status=status, health=health or log.container.health, exit_code=exit_code
        )

    def _tell(self, container: Container, action: str, **attributes: str) -> None:
        event = ContainerEvent(
            action,
            container.id,
            time.time_ns(),
            container.service,
            container.name,
            container.image,
            container.replica,
            attributes,
        )
        self._told.append(event)
        for queue in self._watchers:
            queue.put_nowait(event)
        self._wake()

    def _wake(self) -> None:
        for changed in self._changed:
            changed.set()

    def _check(self) -> None:
        if self._failure:
            raise self._unavailable(self._failure)

    def _unavailable(self, reason: str) -> EngineUnavailable:
        return EngineUnavailable(self.address, reason, 'The next try follows by itself.')


def _after_line(last: LogLine | None, lines: list[LogLine]) -> list[LogLine]:
    """Lines as a decoder numbers them in a stream where they come after that one."""
    found: list[LogLine] = []
    for line in lines:
        alike = last is not None and last.record[:STAMP_LENGTH] == line.record[:STAMP_LENGTH]
        last = LogLine(line.container, line.stream, line.record, last.ordinal + 1 if alike and last else 0)
        found.append(last)
    return found


def _between(line: LogLine, since: int | None, until: int | None) -> bool:
    moment = line.timestamp
    return (since is None or moment >= since) and (until is None or moment <= until)


class DemoEngine(ScriptedEngine):
    """Four made-up services that log for as long as somebody may watch."""

    def __init__(self, services: tuple[DemoService, ...] = DEMO_SERVICES, seed: int | None = None) -> None:
        super().__init__('demo', 'the built-in demo')
        self._random = random.Random(seed)  # noqa: S311 - made-up logs
        self._services = services
        self._due: list[tuple[Container, DemoService]] = []
        self._task: asyncio.Task[None] | None = None

    async def containers(self) -> list[Container]:
        """The demo's containers; it begins when it is first asked."""
        if self._task is None:
            self._begin(time.time_ns())
            self._task = asyncio.create_task(self._run(), name='demo')
        return await super().containers()

    async def close(self) -> None:
        """End the demo."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await super().close()

    def advance(self, start: int, end: int) -> None:
        """Log what happens between two moments, in nanoseconds since the epoch."""
        for container, service in self._due:
            if self._logs[container.id].container.status == 'running':
                self._log(container, service.between(self._random, start, end))

    def _begin(self, now: int) -> None:
        for service in self._services:
            start = now - int(BACKDATED / service.rate * SECOND)
            for number in range(service.containers):
                container = self.add(service.name, name=f'shop-{service.name}-{number + 1}', health=service.health)
                self._due.append((container, service))
                self._log(container, service.between(self._random, start, now))

    def _log(self, container: Container, lines: Iterable[DemoLine]) -> None:
        self._append(container, [(line.timestamp, f'{line.text}\n'.encode(), line.stream) for line in lines])

    async def _run(self) -> None:
        last, restart = time.time_ns(), time.monotonic() + RESTART_EVERY
        while True:
            await asyncio.sleep(TICK)
            now = time.time_ns()
            self.advance(last, now)
            last = now
            if time.monotonic() > restart:
                restart = time.monotonic() + RESTART_EVERY
                await self._restart_one()

    async def _restart_one(self) -> None:
        container, _ = self._random.choice([item for item in self._due if item[1].restarts])
        self.stop(container, exit_code=137)
        await asyncio.sleep(2)
        self.start(container)
