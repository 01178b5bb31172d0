"""What stands beyond both ends of the window of a tab whose reader has left the newest line.

Above it comes first what the server holds, then what the engine has. Where the window's lower end is older than what is
held, what follows comes from the engine as well, up to where it is held again.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from dashboard.lines import surely_begins
from dashboard.model import ENGINE_SPLIT, SECOND, STAMP_LENGTH, Cursor, Gap, LogLine, Row, format_timestamp
from dashboard.pages.logs.lookup import number_of
from dashboard.pages.logs.sieve import Sieve
from dashboard.timeline import LOOK_BACK, Beside, Name, Subscription, Timeline, name_of, row_time
from dashboard.view import View

PAGE = 1_000  # rows that are put to the window at one go
STEP, MOST = 5_000, 20_000  # rows that a filter is asked at one go, and until the reader asks for more
PIECE = 5_000  # rows handled before others have their turn
LOADING = 'Loading older lines …'
BEGINNING = 'Beginning of the log'
ROTATED = 'Older lines were rotated away by the engine'
ROTATES = 'The engine has no older lines: it rotates this log, and lets the oldest go'
REMOVED = 'Older lines went with a container that was removed'
CLEARED = 'You have cleared what was before'
RANGE_BEGINS = 'Beginning of the range'
SOON = 60 * SECOND  # after its container was made a log that begins then is whole
SLACK = SECOND // 10  # by which lines of several containers may be out of their order
NO_MATCH = 'No older match so far: scroll up to search on'
NO_LONGER = 'the engine no longer has them'


@dataclass(frozen=True, slots=True)
class _Count:
    """How many lines each container, by its short id, has written after one, up to that row of the history."""

    lines: dict[str, int] = field(default_factory=dict)
    end: int = 0

    def __bool__(self) -> bool:
        return bool(self.lines)


class Past:
    """Finds what is older than the window's first line, and what follows its last one.

    :param say: shows words above the first line
    """

    def __init__(self, hub: View, say: Callable[[str], None]) -> None:
        self._hub = hub
        self._say = say
        self.reset()

    def reset(self) -> None:
        """The window is filled anew."""
        self.below: Cursor | None = None  # the window's last line, where what follows it is not held
        self.forget_above()
        self._above_count = _Count()  # of lines after the window's first one
        self._below_count = _Count()  # and after its last one

    def forget_above(self) -> None:
        """The window has another first line."""
        self.words = ''  # what is known of what is above it
        self.ended = False  # whether there is nothing above it
        self.above: Cursor | None = None  # the first line that the filter was asked, where it did not let it pass
        self._row: int | None = None  # the number of the first row that was looked at

    async def older(self, feed: Timeline, top: Cursor, lead: list[Row], cleared: int, sieve: Sieve) -> list[Row]:
        """The rows to put above; none when there are none, or none was found yet.

        :param lead: what stands in the window before its first line
        :param cleared: the number of the row before which the reader wants to see nothing

        :raises EngineError, LimitReached: when the engine cannot be read
        """
        chosen, looked, cursor = list[Row](), 0, self.above or top
        enough = PAGE if sieve.question else 1
        while len(chosen) < enough and looked < MOST and not self.ended:
            rows = await self._before(feed, cursor, cleared, bool(sieve.question))
            while rows and rows[-1] in lead:
                rows.pop()
            looked += max(PAGE, len(rows))
            cursor = self.above = next((row.cursor for row in rows if isinstance(row, LogLine)), cursor)
            sieve.begin()
            chosen = [*await sieve.choose(rows), *await sieve.rest(), *chosen]
            if rows and sieve.times.start is not None and row_time(rows[0]) < sieve.times.start - SLACK:
                self.ended, self.words = True, RANGE_BEGINS
        if any(isinstance(row, LogLine) for row in chosen) and not sieve.question:
            self.above = None
        self.words = self.words if self.ended else NO_MATCH if sieve.question and not chosen else ''
        return chosen

    async def newer(self, subscription: Subscription, most: int, end: int | None = None) -> list[Row]:
        """The rows that follow the window's last line, where they are not held; then the subscription goes on.

        :param end: nothing later is wanted, in nanoseconds since the epoch

        :raises EngineError, LimitReached: when the engine cannot be read
        """
        feed, cursor = subscription.feed, self.below
        if cursor is None or self.find(subscription, cursor, []):
            return []
        seam = feed.complete_from
        moment = feed.history.time_of(seam)
        until = time.time_ns() if moment is None else moment + SECOND
        is_last = end is not None and end + SLACK < until
        until = end + SLACK if end is not None and is_last else until
        held = await _names(feed, seam, until)
        counts = await self._counts(feed, seam, self._below_count or self._above_count)
        asked = Beside(cursor, most, True, counts, until, held)
        rows = await self._read(feed, asked)
        if rows and not asked.found and cursor.container:
            rows.insert(0, Gap(cursor.timestamp, row_time(rows[0]), None, NO_LONGER, lost=True))
        self._below_count = _Count(asked.after, feed.history.end)
        if asked.ended:
            seam = feed.history.end if is_last else seam
            subscription.go_on(seam, row_time(rows[-1]) if rows else cursor.timestamp)
            self.below = None
        elif isinstance(last := rows[-1], LogLine):
            self.below = last.cursor
        return rows

    def find(self, subscription: Subscription, bottom: Cursor, trail: list[Row]) -> bool:
        """Let the subscription go on after the window's last line; False where what follows it is not held.

        :param trail: what stands in the window after that line
        """
        history = subscription.feed.history
        number = number_of(history, bottom)
        if number is None or number + 1 < subscription.feed.complete_from:
            if bottom != self.below:
                self.below, self._below_count = bottom, _Count()
            return False
        number += 1
        while (rows := history.slice(number, number + 1)) and rows[0] in trail:
            number += 1
        subscription.go_on(number, bottom.timestamp)
        self.below = None
        return True

    def lower(self, row: int) -> int:
        """The first row of the history that the tab shows, when it began at that one."""
        return row if self._row is None else min(row, self._row)

    async def _before(self, feed: Timeline, cursor: Cursor, cleared: int, asked: bool) -> list[Row]:
        """The next rows upwards; where a filter is asked of them, whole messages."""
        history, lens, most = feed.history, self._hub.lens, STEP if asked else PAGE
        number, whole = number_of(history, cursor), feed.complete_from
        if number is not None and self._row is not None and history.first <= self._row:
            number = min(number, self._row)
        if number is not None and number > max(whole, cleared):
            await lens.look(history)
            start = max(whole, cleared, history.first, number - most)
            rows = lens.held(history, start, number)
            rows = _whole(rows) if asked and start > whole else rows
            self._row = number - len(rows)
            return rows
        if cleared:
            self.ended, self.words = True, CLEARED
            return []
        self._say(LOADING)
        rows = await self._from_engine(feed, cursor, number is not None, most)
        return _whole(rows) if asked and not self.ended else rows

    async def _from_engine(self, feed: Timeline, cursor: Cursor, is_held: bool, most: int) -> list[Row]:
        seam, alone = feed.complete_from, len(feed.service.containers) == 1
        until = cursor.timestamp + (SECOND if cursor.container else 0)
        if joins := is_held and not alone:
            until = min(until, feed.history.time_of(feed.history.end - 1) or until)
        # of several containers some lines may be held out of their order; those of one are in that of its log
        held = frozenset() if alone else await _names(feed, seam, until)
        asked = Beside(cursor, most, False, await self._counts(feed, seam, self._above_count), until, held, joins)
        rows = await self._read(feed, asked)
        self._above_count = _Count(asked.after, feed.history.end)
        if asked.ended:
            listed = any(container.short_id == cursor.container for container in feed.service.containers)
            self.ended = True
            known = asked.found or not cursor.container  # or it is not a line but a moment
            if known:
                first = row_time(rows[0]) if rows else cursor.timestamp
                has_lost = asked.rotating is not None and first > asked.rotating + SOON
                self.words = ROTATES if has_lost else BEGINNING
            else:
                self.words = ROTATED if listed else REMOVED
        return rows

    async def _read(self, feed: Timeline, asked: Beside) -> list[Row]:
        rows = list[Row]()
        async with aclosing(self._hub.beside(feed.service, asked)) as batches:
            async for batch in batches:
                rows += batch
        return rows

    async def _counts(self, feed: Timeline, seam: int, known: _Count) -> dict[str, int]:
        """How many lines each container has written since, as far as that is known: at least those that are held."""
        if known:
            return {name: count + feed.history.end - known.end for name, count in known.lines.items()}
        counts = Counter[str]()
        async for lines in _lines(feed, seam):
            for line in lines:
                counts[line.container.short_id] += 1 + len(line.record) // ENGINE_SPLIT
        return dict(counts)


def _whole(rows: list[Row]) -> list[Row]:
    """From where a message surely begins: what stands before it may be the rest of one."""
    near = rows[:LOOK_BACK]
    begins = (place for place, row in enumerate(near) if isinstance(row, LogLine) and surely_begins(row.content))
    return rows[next(begins, 0) :]


async def _names(feed: Timeline, start: int, until: int) -> set[Name]:
    """Those of the lines that are held from a row on, and are not later than that."""
    stamp, names = format_timestamp(until).encode(), set[Name]()
    async for lines in _lines(feed, start):
        names.update(name_of(line) for line in lines if line.record[:STAMP_LENGTH] <= stamp)
    return names


async def _lines(feed: Timeline, start: int) -> AsyncIterator[list[LogLine]]:
    rows = feed.history.slice(start)
    for place in range(0, len(rows), PIECE):
        yield [row for row in rows[place : place + PIECE] if isinstance(row, LogLine)]
        await asyncio.sleep(0)
