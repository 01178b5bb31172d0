"""What is done when somebody has left: what they held is let go of, and its memory goes back to the system.

Lines are many and large. They go by their reference counts, so nothing that holds them may hold itself. Python's
collector is for the rest, which is small: it looks at every object there is, and holds up the event loop meanwhile.
What is freed the C library keeps, in a heap for each of many threads, until it is told to give it back.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from weakref import WeakMethod

WAIT = 2.0  # seconds for which those who leave are gathered
SHARE = 100  # it takes no more than so manieth part of the time
MANY = 1_000_000  # rows held beside which the collector looks at young objects only: at all it would look for 0.1 s


class GiveBack:
    """Gives memory back, once for all who leave within a while.

    :param rows: tells how many rows are held
    """

    def __init__(self, rows: Callable[[], int]) -> None:
        self._rows = rows
        self._asked = False
        self._cost = 0.0  # seconds that it took last

    def ask(self) -> bool:
        """Somebody has left; True when :meth:`run` is to be started."""
        asked, self._asked = self._asked, True
        return not asked

    async def run(self) -> None:
        """Wait for others who leave, and give back."""
        await asyncio.sleep(max(WAIT, SHARE * self._cost))
        self._asked = False
        start = time.thread_time()
        gc.collect(2 if self._rows() <= MANY else 1)  # what pages, tasks and errors have left
        self._cost = time.thread_time() - start
        self._cost += await asyncio.to_thread(_trim)


def weakly(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method that may be handed to who belongs to its object: the two do not keep each other alive.

    When the object is gone it does nothing, and returns ``()``.
    """
    known = WeakMethod(method)

    def call(*arguments: Any, **named: Any) -> Any:
        found = known()
        return found(*arguments, **named) if found else ()

    return call


def let_go(task: asyncio.Task[Any]) -> None:
    """Empty the frames that a cancelled task came through: it keeps them, and so what was read. A done callback."""
    if task.cancelled():
        try:
            task.result()
        except asyncio.CancelledError as error:  # a name that outlives this would hold this frame, and it the name
            traceback.clear_frames(error.__traceback__)


def _trim() -> float:
    """Let the C library give back all pages that are free, in the middle of its heaps too; seconds that it took.

    That is glibc. Others do so by themselves, or cannot.
    """
    start = time.thread_time()
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    return time.thread_time() - start
