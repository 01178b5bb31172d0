"""When a stream is opened anew: how long to wait after a failure, and how to give up one that may be dead."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable


def backoff(attempt: int, first: float, longest: float) -> float:
    """Seconds to wait after the failure number ``attempt`` in a row, from 1 on: doubling, bounded, and never in step.

    :param first: seconds after the first failure, give or take a quarter
    :param longest: seconds that no wait exceeds by more than a quarter
    """
    doublings = min(attempt - 1, 32)  # an engine may be away for days: 2**1024 does not fit into a float
    return min(longest, first * (1 << doublings)) * random.uniform(0.75, 1.25)  # noqa: S311 - jitter


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
