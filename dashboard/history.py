"""The bounded history of one timeline: rows by sequence number, limited in number and in bytes."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.model import Gap, LogLine, Notice, Row

ROW_COST = 130  # bytes that a row takes beside its record: the object, the bytes object's head, the list's slot
SLACK = 16  # a sixteenth of the limit is evicted at once, so that eviction costs little a row


class History:
    """A window on an endless sequence of rows: row number ``first`` up to, not including, ``end``."""

    def __init__(self, max_rows: int, max_bytes: int) -> None:
        self.first = 0
        self.bytes = 0
        self._rows: list[Row] = []
        self._max_rows = max_rows
        self._max_bytes = max_bytes

    @property
    def end(self) -> int:
        """The number that the next row will get."""
        return self.first + len(self._rows)

    def append(self, rows: Sequence[Row]) -> None:
        """Add rows; the oldest leave when there are too many."""
        self._rows += rows
        self.bytes += sum(map(_cost, rows))
        if len(self._rows) > self._max_rows or self.bytes > self._max_bytes:
            self._evict()

    def slice(self, start: int, stop: int | None = None) -> list[Row]:
        """The held rows from number ``start`` up to, not including, ``stop`` (None: the end)."""
        low = max(0, start - self.first)
        high = len(self._rows) if stop is None else max(0, stop - self.first)
        return self._rows[low:high]

    def _evict(self) -> None:
        count = max(0, len(self._rows) - self._max_rows + self._max_rows // SLACK)
        freed = sum(map(_cost, self._rows[:count]))
        too_many = self.bytes - freed - (self._max_bytes - self._max_bytes // SLACK)
        while too_many > 0 and count < len(self._rows) - 1:
            cost = _cost(self._rows[count])
            freed, too_many, count = freed + cost, too_many - cost, count + 1
        del self._rows[:count]
        self.first += count
        self.bytes -= freed


def row_time(row: Row) -> int:
    """When the row belongs in the timeline, in nanoseconds since the epoch."""
    return row.end if isinstance(row, Gap) else row.timestamp


def _cost(row: Row) -> int:
    return ROW_COST + (len(row.record) if isinstance(row, LogLine) else len(_words(row)))


def _words(row: Gap | Notice) -> str:
    return row.text if isinstance(row, Notice) else row.reason
