"""Long streams that may be dead without knowing it: a way to give one up for another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


class Reopening:
    """Runs what reads a stream, and begins again when it is told to.

    A reader sends nothing, so it never learns that a network has dropped its connection: the stream is silent for ever.
    """

    def __init__(self) -> None:
        self._scope: asyncio.Timeout | None = None
        self._begun = 0.0  # time.monotonic()

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run ``work`` to its end, or anew whenever it is given up."""
        while True:
            try:
                async with asyncio.timeout(None) as scope:
                    self._scope, self._begun = scope, time.monotonic()
                    return await work()
            except TimeoutError:
                if not scope.expired():
                    raise
            finally:
                self._scope = None

    def give_up(self, before: float) -> None:
        """Begin again if what runs has begun before that moment of ``time.monotonic()``."""
        if self._scope and self._begun < before:
            self._scope.reschedule(asyncio.get_running_loop().time())
