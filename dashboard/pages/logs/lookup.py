"""Finds a line by its cursor, or those around a moment: in what the server remembers, else in the engine's log."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass

from dashboard.errors import BadRequest
from dashboard.lines import Message, messages_of
from dashboard.model import SECOND, STAMP_LENGTH, Cursor, LogLine, Row, format_timestamp
from dashboard.pages.logs.link import LONGEST_CURSOR
from dashboard.timeline import History, Timeline
from dashboard.view import View

NEAR = 500  # rows before and after a line among which its message is looked for
MOST_BYTES = 1 << 20  # of those before it, and of those after it


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows of the engine's log, older than what is held; ``ended`` when what is held follows the last one."""

    rows: list[Row]
    ended: bool = True


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
        rows = (await around(hub, feed, cursor, NEAR)).rows
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


def cursor_named(name: str) -> Cursor | None:
    """That of a line in the browser, which may say anything."""
    try:
        return Cursor.parse(name[:LONGEST_CURSOR]) if name else None
    except BadRequest:
        return None


async def around(hub: View, feed: Timeline, cursor: Cursor, most: int) -> Piece:
    """What the engine has around a line, older than what is held: at most so many lines before it and after it.

    Nothing when the engine does not have the line.

    :raises EngineError, LimitReached: when it cannot be read
    """
    stamp, late = _stamp(cursor), format_timestamp(cursor.timestamp + SECOND).encode()
    before, after = deque[Row](maxlen=most), list[Row]()
    async with aclosing(_older(hub, feed, cursor.timestamp, most)) as batches:
        async for batch in batches:
            for row in batch:
                if after or (isinstance(row, LogLine) and _is(row, cursor, stamp)):
                    after.append(row)
                elif isinstance(row, LogLine) and row.record[:STAMP_LENGTH] > late:
                    return Piece([])
                else:
                    before.append(row)
            if len(after) > most:
                break
    return _piece(before, after, most) if after else Piece([])


async def from_moment(hub: View, feed: Timeline, moment: int, most: int) -> Piece:
    """What the engine has around a moment, older than what is held; as :func:`around`, if there are lines at all.

    :param moment: nanoseconds since the epoch
    :raises EngineError, LimitReached: when it cannot be read
    """
    stamp = format_timestamp(moment).encode()
    before, after = deque[Row](maxlen=most), list[Row]()
    async with aclosing(_older(hub, feed, moment, most)) as batches:
        async for batch in batches:
            for row in batch:
                early = isinstance(row, LogLine) and row.record[:STAMP_LENGTH] < stamp
                (before if early and not after else after).append(row)
            if len(after) > most:
                break
    return _piece(before, after, most)


def _older(hub: View, feed: Timeline, moment: int, most: int) -> AsyncGenerator[list[Row], None]:
    """What the engine has from some lines before a moment on, up to what is held."""
    held = feed.history.time_of(feed.complete_from)
    return hub.around(feed.service, moment, most, until=None if held is None else held - 1)


def _piece(before: Iterable[Row], after: list[Row], most: int) -> Piece:
    return Piece([*before, *after[: most + 1]], ended=len(after) <= most)


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
