"""Which rows of a history belong to a range: found once, for a history is long, and looked for at every refresh."""

from __future__ import annotations

from dashboard.lines import Range
from dashboard.timeline import History


class Bounds:
    """Of one tab."""

    def __init__(self) -> None:
        self._of: tuple[History, Range] | None = None
        self._first = self._end = 0
        self._is_known = False  # whether the end will stay

    def of(self, history: History, range: Range) -> tuple[int, int]:
        """The number of the first row that belongs to it, and up to, not including, which one."""
        if self._of is None or self._of[0] is not history or self._of[1] != range:
            self._of, self._is_known = (history, range), False
            self._first = history.first if range.start is None else history.find(range.start)
        if range.end is None:
            return self._first, history.end
        if not self._is_known:
            self._end = history.find(range.end + 1)
            self._is_known = self._end < history.end
        return self._first, max(self._first, self._end)
