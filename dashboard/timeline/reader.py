"""Keeps one container's stream alive: resume, de-duplicate, back off, say what was missed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from itertools import islice

from dashboard.engine import Engine
from dashboard.errors import ContainerGone, EngineUnavailable, LogsUnreadable, RequestRefused
from dashboard.model import SECOND, Container, Cursor, Gap, LogLine, Row
from dashboard.timeline.catchup import UNREAD, removed
from dashboard.timeline.joint import LOOKED_AT, Joint
from dashboard.timeline.pieces import whole_lines
from dashboard.timeline.reopening import Reopening, backoff
from dashboard.timeline.repeats import Repeats
from dashboard.timeline.resume import GONE, HELD, MARGIN, TAILS, TOO_LATE, Lateness, Resume
from dashboard.timeline.stall import SkipWatch, StallWatch

BACKFILL = 10_000  # lines read at first: the largest tail that anybody may ask for
LEAP_TAIL = 2_000  # lines taken when a stream is taken up at its end
LONGEST_LOG = 10**9  # lines, more than any log has
NEAR = 20_000  # last lines that are looked at in a moment
END_TAIL = 100  # lines looked at to see how a log ends
DISTRUST = 10.0  # seconds for which the log itself is read after its stream was found to skip lines
BESIDE = 0.1  # seconds between two such readings
FIRST_DELAY, LONGEST_DELAY = 0.25, 10.0  # seconds between tries


class _End(Enum):
    STOPPED = auto()  # the container
    NOT_FOUND = auto()  # the line to resume after, in the part that was looked at
    SKIPPED = auto()  # the stream has left out lines that the log has, or had
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
        last: Cursor | None = None,
    ) -> None:
        self.container = container
        self.state = ReaderState()
        self._engine = engine
        self._deliver = deliver
        self._changed = changed
        self._capacity = capacity  # lines that the history holds
        self._last = last  # the line that was handed over last
        self._told: Cursor | None = None  # the last line when a gap was told: it is not told again before the next line
        self._backfill = backfill  # lines to begin with; None: all of them, of a log that has begun while we watched
        self._followed = False  # whether its log was read to an end before
        self.runs = 0  # how often its container is known to have started
        self._read_runs = 0  # how many of them were read to the end
        self._is_early = False  # whether lines have come before anybody told of the start
        self.checks = False  # whether the log is asked about lines that have come: they are handed over late
        self.unchecked = False  # whether it was removed after its stream had ended, before its log could be asked
        self._retry = asyncio.Event()
        self._stream = Reopening()
        self._skips = SkipWatch()
        self._skipped: Cursor | None = None  # the last line when the stream was found to go back far
        self._stall = StallWatch()
        self._given: Callable[[], Iterable[LogLine]] = partial(given, container.id)
        self._repeats = Repeats(self._given)

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
            except LogsUnreadable as error:
                return self._enter(ReaderState('unreadable', error=str(error)))
            except ContainerGone as error:
                if self.may_have_more and not self.unchecked:
                    self.tell_removed()
                elif not self.may_have_more:
                    self.unchecked = self._read_runs > 0  # else it was only listed before it could be asked
                return self._enter(ReaderState('ended', error=str(error)))
            else:
                return self._enter(ReaderState('ended'))

    @property
    def last(self) -> Cursor | None:
        """The line that was handed over last."""
        return self._last

    @property
    def may_have_more(self) -> bool:
        """Whether its container may have written lines since its log was read to the end."""
        return self.runs > self._read_runs

    def started(self) -> None:
        """The container has started, or may have."""
        self.runs += not self._is_early
        self._is_early = False

    def retry_now(self, lost_at: float = 0.0) -> None:
        """The engine is known to be back: do not wait for the next try, nor trust a stream from before it was lost.

        :param lost_at: ``time.monotonic()`` when it was found away
        """
        self._retry.set()
        self._stream.give_up(lost_at)

    async def _read(self) -> None:
        self.unchecked = False
        watching = asyncio.create_task(self._watch_for_stall(), name=f'stall {self.container.name}')
        try:
            if self._engine.joins:
                await self._read_joined()
            else:
                await self._read_apart()
        finally:
            watching.cancel()
        if self._followed or self.container.status not in ('exited', 'dead'):
            self.unchecked, self.ended_at = self.may_have_more, time.monotonic()
            await self._look_after()
        self._followed, self.unchecked = True, False
        self._read_runs += self.may_have_more

    async def _read_joined(self) -> None:
        end = await (self._resume(TAILS, GONE) if self._last else self._follow(self._backfill, None))
        while end is not _End.STOPPED:
            end = await (self._resume((LEAP_TAIL,), TOO_LATE) if end is _End.LATE else self._resume(TAILS, GONE))

    async def _read_apart(self) -> None:
        """Follow first, from the log's end on, and read what was there before when that has begun."""
        joint: Joint | None = None
        async with aclosing(self._engine.logs(self.container, tail=0, follow=True)) as batches:
            async for batch in batches:
                if not joint:  # once it has begun, and once more when the first line shows that it follows
                    await self._look_after()
                    if batch:
                        joint = Joint([*islice(self._given(), LOOKED_AT)][::-1], batch)
                self._hand_over(list(joint.sift(batch)) if joint else [], live=not batch)

    async def _watch_for_stall(self) -> None:
        await self._stall.stalled(lambda: self._last, self._has_newer)
        self._stream.give_up(time.monotonic())

    async def _look_after(
        self, tails: Sequence[int | None] = (END_TAIL, *TAILS), reason: str = GONE, running: bool = False
    ) -> None:
        """Deliver what the log has after the last line: a follower may leave out a container's last words.

        :param running: whether the container may be writing a line just now
        """
        if not self._last:
            await self._follow(self._backfill, None, follow=False)
            return
        parts: list[tuple[int | None, int | None]] = [(tail, None) for tail in tails]
        if not self._engine.joins:  # there a long tail takes ever longer, and timestamps may be whole seconds
            parts = [(None, self._last.timestamp - MARGIN), (None, None)]
        end, was_all = _End.NOT_FOUND, False
        for tail, since in parts:
            at_last = (tail, since) == parts[-1]
            if end is _End.NOT_FOUND and (at_last or not was_all):
                sieve = Resume(self._last, None, tail, reason, HELD if at_last else 0)
                end, was_all = await self._follow(tail, sieve, at_last, False, since, running), sieve.was_all

    async def _resume(self, tails: Sequence[int | None], reason: str) -> _End:
        """Follow after the last line, which is sought in ever longer tails of the log."""
        end, was_all = _End.NOT_FOUND, False
        for tail in tails:
            if end is _End.NOT_FOUND and self._last and (tail == tails[-1] or not was_all):
                newest = await self._newest()
                at_last = tail == tails[-1] or not newest
                sieve = Resume(self._last, newest, tail if newest else 0, reason, HELD if at_last else 0)
                end, was_all = await self._follow(tail if newest else None, sieve, at_last), sieve.was_all
        return end

    async def _follow(
        self,
        tail: int | None,
        sieve: Resume | None,
        at_last: bool = True,
        follow: bool = True,
        since: int | None = None,
        running: bool = False,
    ) -> _End:
        """Deliver what the stream gives, as far as it is new, and say why that ended.

        :param at_last: whether a line to resume after is nowhere else if it is not found
        :param follow: whether to wait for new lines; if not, it ends where the log does
        :param running: whether the container may be writing its last line just now, which is left out then
        """
        lateness = Lateness(self._capacity)
        if follow:
            self._skips.begin()
        async with aclosing(self._engine.logs(self.container, tail=tail, since=since, follow=follow)) as batches:
            async for batch in batches:
                if follow and batch and await self._has_skipped(batch):
                    return await self._read_beside(batches)
                rows = sieve.sift(batch) if sieve else list[Row](batch)
                if running:
                    rows = whole_lines(rows)
                if sieve and sieve.failed and not at_last:
                    return _End.NOT_FOUND
                anew = follow and self.state.phase == 'live' and self._last is not self._skipped
                self._hand_over(self._repeats.sift(await self._without_doubles(rows), anew), live=not batch)
                if anew and self._repeats.lost:  # the log tells whether these lines were given before
                    self._skipped = self._last
                    return _End.SKIPPED
                if batch and follow and self.state.phase == 'live' and lateness.grows(batch):
                    return _End.LATE
        if sieve and not sieve.found and not at_last:
            return _End.NOT_FOUND
        rest = sieve.finish() if sieve else []
        self._hand_over(whole_lines(rest) if running else rest, live=False)
        return _End.STOPPED

    async def _has_skipped(self, batch: list[LogLine]) -> bool:
        """Whether the stream jumps ahead where the log does not."""
        jump = self._skips.find(batch, self._engine.log_file(self.container))
        if jump is None or self._last is None or self.state.phase != 'live':
            return False
        place, moment = jump
        self.checks = True
        self._changed()
        if skipped := not await self._follows(batch[place:], moment):
            self._skips.found()
        return skipped

    async def _follows(self, lines: list[LogLine], moment: int) -> bool:
        """Whether the log has these lines one after the other, and before them one of that time."""
        for tail in (len(lines) + END_TAIL, 2 * len(lines) + TAILS[0], 2 * len(lines) + NEAR):
            log: list[LogLine] = []
            async with aclosing(self._engine.logs(self.container, tail=tail)) as batches:
                async for batch in batches:
                    log += batch
            place = next((place for place, line in enumerate(log) if line.record == lines[0].record), 0)
            if place:
                pairs = zip(lines, log[place:], strict=False)
                return log[place - 1].timestamp == moment and all(one.record == other.record for one, other in pairs)
            if log and log[0].timestamp < moment:
                break  # it reaches back so far; else more was written meanwhile
        return False

    async def _read_beside(self, stream: AsyncGenerator[list[LogLine], None]) -> _End:
        """Read the log itself for a while; the stream only tells that there is more, or that there will be none.

        What is further back than the history can hold, and more than a moment takes, is left out, as where a stream
        falls behind.
        """
        until = time.monotonic() + DISTRUST
        tails = [tail for tail in TAILS if (tail or LONGEST_LOG) <= max(NEAR, self._capacity // 2)]
        while time.monotonic() < until:
            await self._look_after(tails, TOO_LATE, running=True)
            await asyncio.sleep(BESIDE)
            if await anext(stream, None) is None:
                return _End.STOPPED
        return _End.SKIPPED

    async def _newest(self, lines: int = 1) -> LogLine | None:
        """The line that the log ends with now, looking at so many pieces; None when it is empty."""
        for tail in (lines, None):  # an engine may give no last line of a log that was truncated, though there are some
            newest = None
            async with aclosing(self._engine.logs(self.container, tail=tail)) as batches:
                async for batch in batches:
                    newest = batch[-1]
            if newest:
                break
        return newest

    async def _has_newer(self) -> bool:
        """Whether the log ends with another line than the stream did."""
        if self.state.phase != 'live':
            return False
        newest = await self._newest(END_TAIL)  # the last piece alone of a very long line has another timestamp
        return newest is not None and (self._last is None or newest.timestamp != self._last.timestamp)

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
            if not self.may_have_more:
                self.runs, self._is_early = self.runs + 1, True
            self._stall.lines += len(rows)
            self._deliver(self, rows)
        if self.checks:
            self.checks = False
            self._changed()
        if live:
            self._backfill = None  # the log was empty so far: if it is read again, all of it is new
        if live or self.state.phase != 'live':
            self._enter(ReaderState('live' if live else 'catching up'))

    def tell_removed(self) -> None:
        """The container went before its log was read to the end."""
        if self._last:
            self._hand_over(removed([self._last], UNREAD), live=False)
        else:
            moment, name = self.container.created * SECOND, self.container.short_id
            self._deliver(self, [Gap(moment, moment, None, UNREAD, lost=True, container=name)])

    async def _pause(self, phase: str, attempt: int, error: str) -> None:
        delay = backoff(attempt, FIRST_DELAY, LONGEST_DELAY)
        self._enter(ReaderState(phase, attempt, time.monotonic() + delay, error))
        self._retry.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):  # not wait_for, which in Python 3.11 may swallow a cancellation
                await self._retry.wait()

    def _enter(self, state: ReaderState) -> None:
        self.state = state
        self.checks = self.checks and state.phase in ('live', 'catching up')
        self._changed()
