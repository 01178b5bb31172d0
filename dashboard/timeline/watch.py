"""Keeps an eye on an engine: whether it answers, and what containers there are, by its events, a poll and a ping."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass

from dashboard.engine import Engine
from dashboard.errors import EngineUnavailable, RequestRefused
from dashboard.model import Container, ContainerEvent
from dashboard.timeline.reopening import Reopening, backoff

POLL = 30.0  # seconds between listings when no event asks for one
PING = 5.0  # seconds between signs of life
GATHER = 0.05  # seconds for which events are gathered before the containers are listed again
FIRST_DELAY, LONGEST_DELAY = 0.5, 5.0  # seconds between tries to reach an engine that is away
QUIET = ('exec_', 'top', 'archive-path', 'resize', 'attach', 'detach', 'export', 'copy')  # events that change nothing


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """Whether the engine answers, and if not: why, and when it is asked again."""

    reachable: bool = False
    error: EngineUnavailable | None = None  # None and not reachable: not asked yet
    attempt: int = 0
    retry_at: float = 0.0  # time.monotonic()


class EngineWatch:
    """Two loops, each run as a task by its owner.

    :param take: is given the containers at every listing, and whether the engine was away before
    :param note: is given every event; None when a watch begins, before which anything may have happened
    :param changed: is called when the engine goes away
    """

    def __init__(
        self,
        engine: Engine,
        take: Callable[[list[Container], bool], None],
        note: Callable[[ContainerEvent | None], None],
        changed: Callable[[], None],
    ) -> None:
        self.status = EngineStatus()
        self._engine = engine
        self._take = take
        self._note = note
        self._changed = changed
        self._stale = asyncio.Event()
        self._events = Reopening()
        self._last_event: int | None = None
        self._failed = 0  # tries to watch events, since the last that has begun
        self.lost_at = 0.0  # time.monotonic(), when the engine was found away the last time

    def look_again(self) -> None:
        """Something may have changed: list the containers soon."""
        self._stale.set()

    async def look(self) -> None:
        """List the containers whenever something has changed, and look for a sign of life in between."""
        attempt, listed = 0, 0.0
        while True:
            try:
                if self._stale.is_set() or not self.status.reachable or time.monotonic() - listed > POLL:
                    await self._list()
                    attempt, listed = 0, time.monotonic()
                else:
                    await self._look_for_life()
            except EngineUnavailable as error:
                attempt += 1
                await self._away(error, attempt)
            else:
                await self._sleep(PING)

    async def listen(self) -> None:
        """Keep the event stream open; what it says makes the list stale."""
        while True:
            try:
                await self._events.run(self._read_events)
            except EngineUnavailable:
                self._stale.set()
                self._failed += 1  # a proxy may refuse events for good
                await asyncio.sleep(backoff(self._failed, FIRST_DELAY, LONGEST_DELAY))

    async def _read_events(self) -> None:
        async with aclosing(self._engine.events(self._last_event)) as events:
            async for event in events:
                self._failed = 0
                if event:
                    self._last_event = event.timestamp
                if event is None or not event.action.startswith(QUIET):
                    self._stale.set()
                self._note(event)

    async def _list(self) -> None:
        self._stale.clear()
        containers = await self._engine.containers()
        returned, self.status = not self.status.reachable, EngineStatus(True)
        if returned:
            self._events.give_up(self.lost_at)
        self._take(containers, returned)

    async def _look_for_life(self) -> None:
        try:
            await self._engine.ping()
        except RequestRefused:  # a proxy may let the list pass and not this
            await self._list()

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stale.wait()
            await asyncio.sleep(GATHER)

    async def _away(self, error: EngineUnavailable, attempt: int) -> None:
        delay = backoff(attempt, FIRST_DELAY, LONGEST_DELAY)
        if attempt == 1:
            self.lost_at = time.monotonic()
        self.status = EngineStatus(False, error, attempt, time.monotonic() + delay)
        self._changed()
        await asyncio.sleep(delay)
