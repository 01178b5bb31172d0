"""From a blocking thread to the event loop: what the Docker SDK reads becomes batches of an async generator."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Generic, TypeVar

Item = TypeVar('Item')

CAPACITY = 20_000  # items a thread may be ahead of the event loop; the engine keeps the rest
BUSY, GATHER = 50, 0.005  # after a batch of so many items the next is gathered for so many seconds
SETTLED = 0.05  # seconds without anything new after which a stream has given all that was there, at the least
LONGEST = 0.5  # the same at the most
SLOWER = 3  # times as long as it was silent before: an engine that is asked much at once makes pauses
LATE = 0.02  # seconds by which the end of that wait is late where the loop, or the thread, was held up
HELD_UP = 20  # such waits at the most


class Bridge(Generic[Item]):
    """Carries items from one thread to one consumer, many at a time; the thread waits when it is too far ahead."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._filled = asyncio.Event()
        self._room = threading.Condition()
        self._items: list[Item] = []
        self._woken = False  # a wake-up of the loop is under way: one serves many puts
        self._opened = False
        self._finished = False
        self._error: Exception | None = None
        self._closed = False
        self._last = time.monotonic()  # when it was asked, or has given something
        self._silence = 0.0  # seconds: the longest time for which it has given nothing, so far

    # the thread's side

    def opened(self) -> None:
        """The source has answered: from here on silence means that there is nothing more yet."""
        with self._room:
            self._opened = True
            self._note_silence()
            self._wake()

    def put(self, items: list[Item]) -> bool:
        """Hand items over; False tells the thread to stop."""
        with self._room:
            while len(self._items) >= CAPACITY and not self._closed:
                self._room.wait()
            if not self._closed and items:
                self._note_silence()
                self._items += items
                self._wake()
            return not self._closed

    def finish(self, error: Exception | None = None) -> None:
        """The source has ended, by itself or with an error that the consumer shall meet."""
        with self._room:
            self._finished, self._error = True, error
            self._wake()

    def _note_silence(self) -> None:
        now = time.monotonic()
        self._silence, self._last = max(self._silence, now - self._last), now

    def _wake(self) -> None:
        if not self._woken and not self._closed:
            self._woken = True
            self._loop.call_soon_threadsafe(self._filled.set)

    # the loop's side

    def close(self) -> None:
        """The consumer has left: free the thread."""
        with self._room:
            self._closed = True
            self._room.notify_all()

    async def batches(self, is_recent: Callable[[Item], bool] | None = None) -> AsyncGenerator[list[Item], None]:
        """Yield what has come since the last batch; an empty batch once, when the source has settled.

        Settled means: nothing new for a moment, or the newest item ``is_recent`` (a busy source never pauses).
        Without ``is_recent`` no empty batch comes.
        """
        settled = is_recent is None
        while True:
            quiet = not await self._filled.wait() if settled or not self._opened else await self._is_quiet()
            items, finished = self._take()
            if items:
                yield items
                await asyncio.sleep(GATHER if len(items) >= BUSY else 0)  # else the loop wakes for every read
            if finished:
                break
            if not settled and is_recent is not None and (is_recent(items[-1]) if items else quiet):
                settled = True
                yield []
        if self._error:
            raise self._error

    async def _is_quiet(self) -> bool:
        """Wait for anything new; true when nothing has come for a moment in which it could have."""
        for _ in range(HELD_UP):
            due = self._loop.time() + min(LONGEST, max(SETTLED, SLOWER * self._silence))
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._filled.wait()
            if self._filled.is_set():
                return False
            if self._loop.time() < due + LATE:
                break
        return True

    def _take(self) -> tuple[list[Item], bool]:
        with self._room:
            items, self._items = self._items, []
            self._woken = False
            self._filled.clear()
            self._room.notify_all()
            return items, self._finished
