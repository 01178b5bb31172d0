"""Rows in pieces that are handled at one go: between two of them the event loop's other tasks have their turn.

What a row costs depends on what is done with it and on its length, so a piece is bounded in rows and in bytes. A line
that is longer than a piece is one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TypeVar

from dashboard.model import STAMP_LENGTH, Gap, LogLine, Row, parse_timestamp

ROWS = 1_000
BYTES = 128 << 10
HELD_BYTES = 32 << 20  # of lines that are held until it is known which are the last ones
TOO_LONG = 'together they are too long to be held: ask for the lines between two times'
KNOWN = 100_000  # lines that were too long to be held of which it is known when they were written

AnyRow = TypeVar('AnyRow', bound=Row)


async def in_pieces(rows: Sequence[AnyRow]) -> AsyncIterator[Sequence[AnyRow]]:
    """The rows, a piece at a time; the loop's other tasks run before every piece but the first."""
    for number, piece in enumerate(pieces(rows)):
        if number:
            await asyncio.sleep(0)
        yield piece


def pieces(rows: Sequence[AnyRow]) -> Iterator[Sequence[AnyRow]]:
    """The rows, a piece at a time."""
    start = 0
    while start < len(rows):
        piece = rows[start : start + fitting(rows[start : start + ROWS])]
        yield piece
        start += len(piece)


def fitting(rows: Sequence[Row]) -> int:
    """How many of the first rows are one piece: at least one, where there is one."""
    size = 0
    for index, row in enumerate(rows[:ROWS]):
        size += len(row.record) if isinstance(row, LogLine) else 0
        if index and size > BYTES:
            return index
    return min(len(rows), ROWS)


def whole_lines(rows: Sequence[AnyRow]) -> list[AnyRow]:
    """Without a line that its container may be writing just now: whoever reads on has it once it is whole."""
    return [row for row in rows if not (isinstance(row, LogLine) and row.is_begun)]


def weight(rows: Sequence[Row]) -> int:
    """Bytes of all lines."""
    return sum(len(row.record) for row in rows if isinstance(row, LogLine))


class LastLines:
    """The last lines of all that come: so many, as far as they are not too long to be held.

    :param count: how many are wanted
    """

    def __init__(self, count: int) -> None:
        self.lines: deque[LogLine] = deque()
        self._count = count
        self.come = self._bytes = 0
        self._left: deque[bytes] = deque(
            maxlen=min(count, KNOWN)
        )  # the timestamps of those that were too long together

    @property
    def missing(self) -> int:
        """How many of those that are wanted were too long to be held."""
        return min(self.come, self._count) - len(self.lines)

    def add(self, lines: Sequence[LogLine]) -> list[LogLine]:
        """Take lines; those that leave for them."""
        self.lines += lines
        self.come += len(lines)
        self._bytes += weight(lines)
        left = [self._leave() for _ in range(len(self.lines) - self._count)]
        while self._bytes > HELD_BYTES and len(self.lines) > 1:
            left.append(self._leave())
            self._left.append(left[-1].record[:STAMP_LENGTH])
        return left

    def gap(self, reason: str) -> Gap:
        """Stands for the missing ones."""
        number = min(self.missing, len(self._left))  # of very many the first one is not known any more
        first = parse_timestamp(self._left[-number].decode('ascii', 'replace'))
        return Gap(first - 1, self.lines[0].timestamp, self.missing, reason)

    def _leave(self) -> LogLine:
        line = self.lines.popleft()
        self._bytes -= len(line.record)
        return line
