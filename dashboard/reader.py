"""Keeps one container's stream alive: resume, de-duplicate, back off, say what was missed."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass

from dashboard.engine import Engine
from dashboard.errors import ContainerGone, EngineUnavailable, LogsUnreadable
from dashboard.model import SECOND, Container, Cursor, Gap, LogLine, Row

BACKFILL = 10_000  # lines read at first: the largest tail that anybody may ask for
RESUME_TAIL = 200_000  # lines looked back at when resuming; the engine reads a whole log for a time alone
MARGIN = SECOND  # stdout and stderr may be logged a little out of order: look that far back for the last line
FIRST_DELAY, LONGEST_DELAY = 0.25, 10.0  # seconds between tries


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
    ) -> None:
        self.container = container
        self.state = ReaderState()
        self._engine = engine
        self._deliver = deliver
        self._changed = changed
        self._last: Cursor | None = None
        self._retry = asyncio.Event()

    async def run(self) -> None:
        """Read until the container stops; run again when it has started again."""
        attempt = 0
        while True:
            self._enter(ReaderState('connecting' if not attempt else 'reconnecting', attempt, error=self.state.error))
            try:
                await self._read()
            except EngineUnavailable as error:
                attempt = 1 if self.state.phase == 'live' else attempt + 1
                await self._pause(attempt, str(error))
            except (ContainerGone, LogsUnreadable) as error:
                phase = 'ended' if isinstance(error, ContainerGone) else 'unreadable'
                return self._enter(ReaderState(phase, error=str(error)))
            else:
                return self._enter(ReaderState('ended'))

    def retry_now(self) -> None:
        """The engine is known to be back: do not wait for the next try."""
        self._retry.set()

    async def _read(self) -> None:
        if self._last is None:
            await self._follow(BACKFILL, None)
        elif not await self._follow(RESUME_TAIL, Resume(self._last)):
            # the last line is further back than that, or the engine no longer has it: look at all there is
            await self._follow(None, Resume(self._last))

    async def _follow(self, tail: int | None, resume: Resume | None) -> bool:
        """Deliver what the stream gives; False when the place to resume at must be sought further back."""
        since = resume.since if resume else None
        async with aclosing(self._engine.logs(self.container, tail=tail, since=since, follow=True)) as batches:
            async for batch in batches:
                rows: list[Row] = resume.sift(batch) if resume else list(batch)
                if resume and resume.failed and tail is not None:
                    return False
                self._hand_over(rows, live=not batch)
        if resume and tail is not None and not resume.found:
            return False
        self._hand_over(resume.sift([]) if resume else [], live=False)
        return True

    def _hand_over(self, rows: list[Row], live: bool) -> None:
        if rows and isinstance(rows[-1], LogLine):
            self._last = rows[-1].cursor
        if rows:
            self._deliver(self, rows)
        if live or self.state.phase != 'live':
            self._enter(ReaderState('live' if live else 'catching up'))

    async def _pause(self, attempt: int, error: str) -> None:
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2 ** (attempt - 1)) * random.uniform(0.75, 1.25)  # noqa: S311 - jitter
        self._enter(ReaderState('reconnecting', attempt, time.monotonic() + delay, error))
        self._retry.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._retry.wait(), delay)

    def _enter(self, state: ReaderState) -> None:
        self.state = state
        self._changed()


class Resume:
    """Finds the last delivered line in a stream that begins a little before it, and lets only what follows pass.

    The engine's ``since`` names a time, not a line, and its filter would drop a line that was logged after the last
    one with an earlier timestamp; so the stream begins earlier and the last line itself is looked for.
    """

    def __init__(self, last: Cursor) -> None:
        self.since = max(0, last.timestamp - MARGIN)
        self.found = False
        self.failed = False
        self._last = last
        self._held: list[LogLine] = []

    def sift(self, batch: list[LogLine]) -> list[Row]:
        """The rows of this batch that are new; an empty batch says that all that was logged has come."""
        if self.found or self.failed:
            return list(batch)
        for index, line in enumerate(batch):
            if line.ordinal == self._last.ordinal and line.timestamp == self._last.timestamp:
                self.found = True
                return list(batch[index + 1 :])
        self._held += batch
        if batch and batch[-1].timestamp <= self._last.timestamp + MARGIN:
            return []
        return self._give_up()

    def _give_up(self) -> list[Row]:
        """The last line is not there any more: give what is later, after a row that says so."""
        self.failed = True
        later = [line for line in self._held if line.timestamp > self._last.timestamp]
        end = later[0].timestamp if later else self._last.timestamp
        return [Gap(self._last.timestamp, end, None, 'the engine no longer has them'), *later]
