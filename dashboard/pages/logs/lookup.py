"""Finds a line by its cursor, or those around a moment: in what the server remembers, else in the engine's log."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass

from dashboard.lines import Message, messages_of
from dashboard.model import SECOND, STAMP_LENGTH, Cursor, Gap, LogLine, Row, format_timestamp
from dashboard.timeline import History, Timeline, row_time
from dashboard.view import View

NEAR = 500  # rows before and after a line among which its message is looked for
MOST_BYTES = 1 << 20  # of those before it, and of those after it
BEFORE = 60 * SECOND  # how long before a line the engine's log is read from, to show what came before it
MORE = 'there are more'


@dataclass(frozen=True, slots=True)
class Found:
    """A line, and the message of which it is a part."""

    line: LogLine
    message: Message

    @property
    def cursor(self) -> str:
        """The line's name."""
        return str(self.line.cursor)


async def find(hub: View, feed: Timeline, cursor: Cursor) -> Found | None:
    """The line as the visitor may see it; None when nobody has it any more.

    :raises EngineError, LimitReached: when it would have to be read from the engine, and cannot be
    """
    number = number_of(feed.history, cursor)
    if number is None:
        rows = await around(hub, feed, cursor, NEAR)
    else:
        await hub.lens.look(feed.history)
        rows = hub.held(feed, *_near(feed.history, number))
    for message in messages_of(rows):
        for line in message.lines:
            if _is(line, cursor, _stamp(cursor)):
                return Found(line, message)
    return None


def number_of(history: History, cursor: Cursor) -> int | None:
    """The number of its row in the history; None when it is not held."""
    stamp, start = _stamp(cursor), history.find(cursor.timestamp)
    for number, row in enumerate(history.slice(start), start):
        if isinstance(row, LogLine) and _is(row, cursor, stamp):
            return number
    return None


async def around(hub: View, feed: Timeline, cursor: Cursor, most: int) -> list[Row]:
    """What the engine has around a line, older than what is held: at most so many lines before it and after it.

    A gap stands at the end when there are more. Nothing when the engine does not have the line.

    :raises EngineError, LimitReached: when it cannot be read
    """
    stamp, late = _stamp(cursor), format_timestamp(cursor.timestamp + SECOND).encode()
    before, after = deque[Row](maxlen=most), list[Row]()
    async with aclosing(_older(hub, feed, cursor.timestamp)) as batches:
        async for batch in batches:
            for row in batch:
                if after or (isinstance(row, LogLine) and _is(row, cursor, stamp)):
                    after.append(row)
                elif isinstance(row, LogLine) and row.record[:STAMP_LENGTH] > late:
                    return []
                else:
                    before.append(row)
            if len(after) > most:
                break
    return _with_rest(feed, before, after, most) if after else []


async def from_moment(hub: View, feed: Timeline, moment: int, most: int) -> list[Row]:
    """What the engine has around a moment, older than what is held; as :func:`around`, if there are lines at all.

    :param moment: nanoseconds since the epoch
    :raises EngineError, LimitReached: when it cannot be read
    """
    stamp = format_timestamp(moment).encode()
    before, after = deque[Row](maxlen=most), list[Row]()
    async with aclosing(_older(hub, feed, moment)) as batches:
        async for batch in batches:
            for row in batch:
                early = isinstance(row, LogLine) and row.record[:STAMP_LENGTH] < stamp
                (before if early and not after else after).append(row)
            if len(after) > most:
                break
    return _with_rest(feed, before, after, most)


def _older(hub: View, feed: Timeline, moment: int) -> AsyncGenerator[list[Row], None]:
    """What the engine has from shortly before a moment on, up to what is held."""
    held = feed.history.time_of(feed.complete_from)
    return hub.read(feed.service, since=max(0, moment - BEFORE), until=None if held is None else held - 1)


def _with_rest(feed: Timeline, before: Iterable[Row], after: list[Row], most: int) -> list[Row]:
    """A gap at the end stands for what there is more."""
    if len(after) <= most:
        return [*before, *after]
    last = row_time(after[most])
    return [*before, *after[: most + 1], Gap(last, feed.history.time_of(feed.complete_from) or last, None, MORE)]


def _near(history: History, number: int) -> tuple[int, int]:
    """From which row to which the message of a row is looked for: those around it, as far as they are not too much."""
    before = reversed(history.slice(max(history.first, number - NEAR), number))
    return number - _fitting(before), number + 1 + _fitting(history.slice(number + 1, number + NEAR))


def _fitting(rows: Iterable[Row]) -> int:
    room, count = MOST_BYTES, 0
    for row in rows:
        room -= len(row.record) if isinstance(row, LogLine) else 0
        if room < 0:
            break
        count += 1
    return count


def _is(line: LogLine, cursor: Cursor, stamp: bytes) -> bool:
    named = (cursor.ordinal, cursor.container)
    return line.record[:STAMP_LENGTH] == stamp and (line.ordinal, line.container.short_id) == named


def _stamp(cursor: Cursor) -> bytes:
    return format_timestamp(cursor.timestamp).encode()
