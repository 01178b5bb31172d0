"""Keeps one container's stream alive: resume, de-duplicate, back off, say what was missed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from enum import Enum, auto

from dashboard.engine import Engine
from dashboard.errors import ContainerGone, EngineUnavailable, LogsUnreadable, RequestRefused
from dashboard.model import Container, Cursor, Gap, LogLine, Row
from dashboard.timeline.reopening import Reopening, backoff
from dashboard.timeline.repeats import Repeats
from dashboard.timeline.resume import GONE, HELD, TAILS, TOO_LATE, Lateness, Resume

BACKFILL = 10_000  # lines read at first: the largest tail that anybody may ask for
LEAP_TAIL = 2_000  # lines taken when a stream is taken up at its end
FIRST_DELAY, LONGEST_DELAY = 0.25, 10.0  # seconds between tries


class _End(Enum):
    STOPPED = auto()  # the container
    NOT_FOUND = auto()  # the line to resume after, in the part that was looked at
    LATE = auto()  # the stream falls ever further behind


@dataclass(frozen=True, slots=True)
class ReaderState:
    """How a reader is doing."""

    phase: str = 'connecting'  # or: catching up, live, reconnecting, ended, unreadable
    attempt: int = 0
    retry_at: float = 0.0  # time.monotonic() of the next try
    error: str = ''


class LogReader:
    """Reads one container's log and hands its rows over in batches, each line once and in order."""

    def __init__(
        self,
        engine: Engine,
        container: Container,
        deliver: Callable[[LogReader, list[Row]], None],
        changed: Callable[[], None] = lambda: None,
        capacity: int = BACKFILL,
        given: Callable[[str], Iterable[LogLine]] = lambda _: (),
        backfill: int | None = BACKFILL,
    ) -> None:
        self.container = container
        self.state = ReaderState()
        self._engine = engine
        self._deliver = deliver
        self._changed = changed
        self._capacity = capacity  # lines that the history holds
        self._last: Cursor | None = None
        self._told: Cursor | None = None  # the last line when a gap was told: it is not told again before the next line
        self._backfill = backfill  # lines to begin with; None: all of them, of a log that has begun while we watched
        self._retry = asyncio.Event()
        self._stream = Reopening()
        self._repeats = Repeats(lambda: given(container.id))

    async def run(self) -> None:
        """Read until the container stops; run again when it has started again."""
        attempt = 0
        while True:
            if self.state.phase != 'unreadable':
                phase = 'connecting' if not attempt else 'reconnecting'
                self._enter(ReaderState(phase, attempt, error=self.state.error))
            try:
                await self._stream.run(self._read)
            except EngineUnavailable as error:
                attempt = 1 if self.state.phase == 'live' else attempt + 1
                # once may be an engine that is ending or beginning
                refused = isinstance(error, RequestRefused) and attempt > 1
                await self._pause('unreadable' if refused else 'reconnecting', attempt, str(error))
            except (ContainerGone, LogsUnreadable) as error:
                phase = 'ended' if isinstance(error, ContainerGone) else 'unreadable'
                return self._enter(ReaderState(phase, error=str(error)))
            else:
                return self._enter(ReaderState('ended'))

    @property
    def last(self) -> Cursor | None:
        """The line that was handed over last."""
        return self._last

    def retry_now(self, lost_at: float = 0.0) -> None:
        """The engine is known to be back: do not wait for the next try, nor trust a stream from before it was lost.

        :param lost_at: ``time.monotonic()`` when it was found away
        """
        self._retry.set()
        self._stream.give_up(lost_at)

    async def _read(self) -> None:
        end = await (self._resume(TAILS, GONE) if self._last else self._follow(self._backfill, None))
        while end is _End.LATE:
            end = await self._resume((LEAP_TAIL,), TOO_LATE)

    async def _resume(self, tails: Sequence[int | None], reason: str) -> _End:
        """Follow after the last line, which is sought in ever longer tails of the log."""
        end = _End.NOT_FOUND
        for tail in tails:
            if end is _End.NOT_FOUND and self._last:
                newest = await self._newest()
                at_last = tail == tails[-1] or not newest
                sieve = Resume(self._last, newest, tail if newest else 0, reason, HELD if at_last else 0)
                end = await self._follow(tail if newest else None, sieve, at_last)
        return end

    async def _follow(self, tail: int | None, sieve: Resume | None, at_last: bool = True) -> _End:
        """Deliver what the stream gives, as far as it is new, and say why that ended.

        :param at_last: whether a line to resume after is nowhere else if it is not found
        """
        lateness = Lateness(self._capacity)
        async with aclosing(self._engine.logs(self.container, tail=tail, follow=True)) as batches:
            async for batch in batches:
                rows = sieve.sift(batch) if sieve else list[Row](batch)
                if sieve and sieve.failed and not at_last:
                    return _End.NOT_FOUND
                self._hand_over(self._repeats.sift(await self._without_doubles(rows)), live=not batch)
                if batch and self.state.phase == 'live' and lateness.grows(batch):
                    return _End.LATE
        if sieve and not sieve.found and not at_last:
            return _End.NOT_FOUND
        self._hand_over(sieve.finish() if sieve else [], live=False)
        return _End.STOPPED

    async def _newest(self) -> LogLine | None:
        """The line that the log ends with now; None when it is empty."""
        for tail in (1, None):  # an engine may give no last line of a log that was truncated, though there are some
            newest = None
            async with aclosing(self._engine.logs(self.container, tail=tail)) as batches:
                async for batch in batches:
                    newest = batch[-1]
            if newest:
                break
        return newest

    async def _without_doubles(self, rows: list[Row]) -> list[Row]:
        """Leave out lines that came twice and are not there twice, where only the log itself can tell."""
        while line := self._repeats.doubtful(rows):
            if await self._is_twice(line):
                self._repeats.believe()
            else:
                rows = [row for row in rows if row is not line]
        return rows

    async def _is_twice(self, line: LogLine) -> bool:
        count, moment = 0, line.timestamp
        with suppress(ContainerGone):
            logs = self._engine.logs(self.container, tail=TAILS[0], since=moment, until=moment)
            async with aclosing(logs) as batches:
                async for batch in batches:
                    count += sum(other.record == line.record for other in batch)
        return count > 1

    def _hand_over(self, rows: list[Row], live: bool) -> None:
        if rows and isinstance(rows[0], Gap):
            rows, self._told = rows[1:] if self._told is self._last else rows, self._last
        if rows and isinstance(rows[-1], LogLine):
            self._last = rows[-1].cursor
        if rows:
            self._deliver(self, rows)
        if live:
            self._backfill = None  # the log was empty so far: if it is read again, all of it is new
        if live or self.state.phase != 'live':
            self._enter(ReaderState('live' if live else 'catching up'))

    async def _pause(self, phase: str, attempt: int, error: str) -> None:
        delay = backoff(attempt, FIRST_DELAY, LONGEST_DELAY)
        self._enter(ReaderState(phase, attempt, time.monotonic() + delay, error))
        self._retry.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):  # not wait_for, which in Python 3.11 may swallow a cancellation
                await self._retry.wait()

    def _enter(self, state: ReaderState) -> None:
        self.state = state
        self._changed()
