"""Brings the lines of several containers into one order: by engine timestamp, within a short window."""

from __future__ import annotations

import asyncio
import heapq
from bisect import bisect_right
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from typing import TypeVar

from dashboard.errors import ContainerGone
from dashboard.model import STAMP_LENGTH, LogLine, Row, format_timestamp
from dashboard.timeline.history import row_time

AnyRow = TypeVar('AnyRow', bound=Row)

WINDOW = 0.15  # seconds a line waits for older ones of other containers
LATE = 0.4  # seconds more that it waits where another container, which writes all the time, is late
BUSY, OFTEN = 0.6, 4  # seconds in which such a one gives rows so often
OVERDUE = 2  # so many times as long as between two of these it has given nothing when it is late
LATELY = 5.0  # seconds for which is remembered how much later than others a source has given its lines
MORE = 1.25  # times as long as that the next ones are waited for
STEP = 0.02  # seconds for which lines that come are counted as one
REMEMBERED = 1.0  # seconds back to which it is known which rows had come
LAST = b'~'  # behind every key


class Merger:
    """Holds rows until every source's older ones have had time to come, then passes them on in order.

    :param emit: is given rows as they are passed on
    :param window: seconds that a row waits; None: ``WINDOW``
    :param least: seconds that it waits while no source is later than that; None: the same

    The order within a source is the engine's and is kept, even where its timestamps are not in order: the two streams
    of a container race for the log.
    """

    def __init__(
        self, emit: Callable[[list[Row]], None], window: float | None = None, least: float | None = None
    ) -> None:
        self._emit = emit
        self._window = window
        self._lags = None if least is None else Lags(least)
        self._held: list[tuple[bytes, Row]] = []
        self._newest: dict[str, bytes] = {}  # source → the highest key so far
        self._given: dict[str, deque[float]] = {}  # source → when it gave rows last, by the loop's clock
        self._highest = b''  # of all that was ever held
        self._due: deque[tuple[float, bytes]] = deque()  # until when rows wait, by the highest key among them
        self._released = False  # until then everything is held: the backlogs of all sources become one
        self._timer: asyncio.TimerHandle | None = None
        self._held_until = 0.0  # by the loop's clock: until then nothing is passed on

    def add(self, source: str, rows: list[Row], *, alone: bool = False) -> None:
        """Take rows of one source, in its order. With ``alone`` no other source can have older ones."""
        if alone and self._released and not self._held and not self.holding:
            self._emit(rows)
            return
        key = self._newest.get(source, b'')
        if self._lags and rows:
            self._lags.note(asyncio.get_running_loop().time(), max(key, key_of(rows[0])), self._highest)
        for row in rows:
            key = max(key, key_of(row))
            self._held.append((key, row))
        self._newest[source] = key
        self._given.setdefault(source, deque(maxlen=OFTEN)).append(asyncio.get_running_loop().time())
        self._highest = max(self._highest, key)
        if self._released and not (alone and self._due):  # alone, it waits for what is held of others and no longer
            self._wait()

    def release(self) -> None:
        """The backlogs are complete."""
        self._released = True
        self._held.sort(key=_first)
        self._pass_on(len(self._held))

    @property
    def holding(self) -> bool:
        """Whether nothing is passed on for now."""
        return asyncio.get_running_loop().time() < self._held_until

    def hold(self, seconds: float) -> None:
        """Pass nothing on for that long at most, or until :meth:`go_on`.

        A source is about to begin, and its first lines are older than a window when they come.
        """
        if not self.holding:  # those that begin meanwhile do not prolong it
            self._held_until = asyncio.get_running_loop().time() + seconds

    def go_on(self) -> None:
        """All sources have begun."""
        if self.holding:
            self._held_until = 0.0
            if self._timer:
                self._timer.cancel()
                self._timer = asyncio.get_running_loop().call_later(STEP, self._tick)

    def backwards(self) -> Iterator[Row]:
        """The rows that are held, the newest first."""
        return (row for _, row in reversed(self._held))

    def close(self) -> None:
        """Drop what is held."""
        if self._timer:
            self._timer.cancel()

    def _wait(self) -> None:
        """What has come by now waits as long as a window lasts."""
        loop, window = asyncio.get_running_loop(), WINDOW if self._window is None else self._window
        if self._lags:
            window = min(window, self._lags.longest(loop.time(), window))
        step = min(STEP, window)
        due = loop.time() + window + step
        if self._due and self._due[-1][0] > due - step:
            self._due[-1] = (self._due[-1][0], self._highest)
        else:
            self._due.append((due, self._highest))
        if self._timer is None:
            self._timer = loop.call_at(self._due[0][0], self._tick)

    def _tick(self) -> None:
        loop, mark = asyncio.get_running_loop(), b''
        if self.holding:
            self._timer = loop.call_at(self._held_until, self._tick)
            return
        now, reached = loop.time() + STEP / 10, self._reached(loop.time())  # a timer may be early by its resolution
        while self._due and self._due[0][0] <= now and (self._due[0][1] <= reached or self._due[0][0] + LATE <= now):
            mark = self._due.popleft()[1]
        if not self._due:
            mark = LAST
        if self._due and self._due[0][0] <= now:
            mark = max(mark, reached)
        self._timer = loop.call_at(max(self._due[0][0], now + STEP), self._tick) if self._due else None
        self._held.sort(key=_first)  # stable, and fast on what is mostly in order
        self._pass_on(bisect_right(self._held, mark, key=_first))
        if not self._held:
            self._forget(now - BUSY)

    def _forget(self, since: float) -> None:
        """Of sources that have been silent for a while nothing is needed: containers come and go for months."""
        for name in [name for name, times in self._given.items() if times[-1] < since]:
            del self._given[name], self._newest[name]

    def _reached(self, now: float) -> bytes:
        """The key that all sources have come to that are late, as those may be that write all the time."""
        late = (name for name, times in self._given.items() if now - times[0] < BUSY and _is_overdue(times, now))
        return min((self._newest[name] for name in late), default=LAST)

    def _pass_on(self, count: int) -> None:
        rows = [row for _, row in self._held[:count]]
        del self._held[:count]
        if rows:
            self._emit(rows)


class Lags:
    """How much later than newer rows of others the rows of a source come: as long is worth waiting for them.

    :param least: seconds that are always waited
    """

    def __init__(self, least: float) -> None:
        self._least = least
        self._begun: float | None = None
        self._came: deque[tuple[float, bytes]] = deque(maxlen=int(REMEMBERED / STEP))  # when, and the highest key then
        self._lags: deque[tuple[float, float]] = deque()  # when, and how long: each shorter than the one before

    def note(self, now: float, key: bytes, highest: bytes) -> None:
        """Rows come from ``key`` on, where the highest one of all that have come before is known."""
        if self._begun is None:
            self._begun = now
        lag = next((now - when for when, newest in self._came if newest > key), 0.0) if key < highest else 0.0
        while self._lags and self._lags[-1][1] <= lag:
            self._lags.pop()
        self._lags.append((now, lag))
        if highest and (not self._came or now >= self._came[-1][0] + STEP):
            self._came.append((now, highest))

    def longest(self, now: float, most: float) -> float:
        """Seconds to wait, for what has been seen of late; ``most`` until enough has been seen."""
        while self._lags and self._lags[0][0] < now - LATELY:
            self._lags.popleft()
        if self._begun is None or now < self._begun + LATELY:
            return most
        return max(self._least, MORE * self._lags[0][1] if self._lags else 0.0)


async def merged(sources: Sequence[AsyncGenerator[list[AnyRow], None]]) -> AsyncGenerator[list[AnyRow], None]:
    """Merge by timestamp, holding one batch of each source. A source whose container is gone ends before the others."""
    heads: list[tuple[bytes, int, int, list[AnyRow]]] = []

    async def refill(index: int) -> None:
        try:
            batch = await anext(sources[index])
        except (StopAsyncIteration, ContainerGone):
            return
        heapq.heappush(heads, (key_of(batch[0]), index, 0, batch))

    try:
        for index in range(len(sources)):
            await refill(index)
        passed: list[AnyRow] = []
        while heads:
            _, index, position, batch = heapq.heappop(heads)
            if not heads:  # the others have ended
                yield passed + batch[position:]
                passed = []
                await refill(index)
                continue
            passed.append(batch[position])
            if position + 1 < len(batch):
                heapq.heappush(heads, (key_of(batch[position + 1]), index, position + 1, batch))
            else:
                yield passed
                passed = []
                await refill(index)
    finally:
        for source in sources:
            await source.aclose()


def key_of(row: Row) -> bytes:
    """By which rows are put into order: their timestamps, which sort as text."""
    return row.record[:STAMP_LENGTH] if isinstance(row, LogLine) else format_timestamp(row_time(row)).encode()


def _is_overdue(times: Sequence[float], now: float) -> bool:
    """Whether who has given rows at these times has been silent for longer than between them."""
    return len(times) == OFTEN and now - times[-1] > OVERDUE * (times[-1] - times[0]) / (OFTEN - 1)


def _first(item: tuple[bytes, Row]) -> bytes:
    return item[0]
