"""Which rows of the page are one message: found as they are shown, over all the flushes that show them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from dashboard.lines import Grouper, Level, Part
from dashboard.model import STAMP_LENGTH, LogLine, Row
from dashboard.timeline import fitting

REMEMBERED = 2_000  # messages of which it is known how many lines they have had


class Place(NamedTuple):
    """Where a line stands in its message.

    :param message: the number of the message
    :param after: how many of its lines stand before it; the one with none begins it
    :param level: that of the message, as far as it has come
    """

    message: int
    after: int
    level: Level


class Strands:
    """The messages of a view, since it was filled."""

    def __init__(self) -> None:
        self._grouper = Grouper()
        self._lines: OrderedDict[int, int] = OrderedDict()  # message → its lines so far, of those with several
        self._newest = b''  # the latest timestamp so far
        self._ahead: list[Place | None] = []  # of rows that were looked at and not shown yet

    def look(self, rows: Sequence[Row]) -> list[Place | None]:
        """The places of the first of the rows that come next, at least one; None for what is no line.

        Those that :meth:`shown` does not count come again.
        """
        new = rows[len(self._ahead) :]
        if new:
            self._ahead += self._places(self._grouper.feed(new[: fitting(new)]))
        return self._ahead[: len(rows)]

    def is_late(self, line: LogLine) -> bool:
        """Whether a line that comes next was written before another one that is above it."""
        stamp = line.record[:STAMP_LENGTH]
        if stamp < self._newest:
            return True
        self._newest = stamp
        return False

    def shown(self, count: int) -> None:
        """So many of the first rows are on the page now."""
        del self._ahead[:count]

    def _places(self, parts: list[Part | None]) -> list[Place | None]:
        """A first line that says no level has that of the lines which have come with it."""
        levels = {part.message: part.level for part in parts if part is not None and not part.first}
        return [None if part is None else self._place(part, levels) for part in parts]

    def _place(self, part: Part, levels: dict[int, Level]) -> Place:
        if part.first:
            return Place(part.message, 0, levels.get(part.message, part.level))
        after = self._lines.pop(part.message, 0) + 1
        self._lines[part.message] = after
        if len(self._lines) > REMEMBERED:
            self._lines.popitem(last=False)
        return Place(part.message, after, part.level)
