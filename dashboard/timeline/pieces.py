"""Rows in pieces that are handled at one go: between two of them the event loop's other tasks have their turn.

What a row costs depends on what is done with it and on its length, so a piece is bounded in rows and in bytes. A line
that is longer than a piece is one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TypeVar

from dashboard.model import LogLine, Row

ROWS = 1_000
BYTES = 128 << 10

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


def weight(rows: Sequence[Row]) -> int:
    """Bytes of all lines."""
    return sum(len(row.record) for row in rows if isinstance(row, LogLine))
