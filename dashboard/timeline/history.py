"""The bounded history of one timeline: rows by sequence number, limited in number and in bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain

from dashboard.model import STAMP_LENGTH, Gap, LogLine, Row, format_timestamp

ROW_COST = 130  # bytes that a row takes beside its record: the object, the bytes object's head, the list's slot
REMARKS = 1_000  # evicted rows that were not lines, remembered to count what a slow reader missed
SLACK = 16  # a sixteenth of the limit is evicted at once, so that eviction costs little a row


class History:
    """A window on an endless sequence of rows: row number ``first`` up to, not including, ``end``."""

    def __init__(self, max_rows: int, max_bytes: int) -> None:
        self.first = 0
        self.bytes = 0
        self._rows: list[Row] = []
        self._remarks: deque[int] = deque()  # numbers of the rows that are not lines; they are few
        self._evicted: deque[tuple[int, Row]] = deque(maxlen=REMARKS)  # those that have left, by number
        self._max_rows = max_rows
        self._max_bytes = max_bytes

    @property
    def end(self) -> int:
        """The number that the next row will get."""
        return self.first + len(self._rows)

    def append(self, rows: Sequence[Row]) -> None:
        """Add rows; the oldest leave when there are too many."""
        sizes = [len(row.record) for row in rows if isinstance(row, LogLine)]
        self.bytes += ROW_COST * len(rows) + sum(sizes)
        if len(sizes) < len(rows):
            self._remarks += [self.end + index for index, row in enumerate(rows) if not isinstance(row, LogLine)]
        self._rows += rows
        if len(self._rows) > self._max_rows or self.bytes > self._max_bytes:
            self._evict()

    def forget(self, before: int) -> None:
        """Let the rows before that number go."""
        count = min(before, self.end) - self.first
        if count > 0:
            self._drop(count, sum(map(_cost, self._rows[:count])))

    def slice(self, start: int, stop: int | None = None) -> list[Row]:
        """The held rows from number ``start`` up to, not including, ``stop`` (None: the end)."""
        low = max(0, start - self.first)
        high = len(self._rows) if stop is None else max(0, stop - self.first)
        return self._rows[low:high]

    def backwards(self) -> Iterator[Row]:
        """The held rows, the newest first."""
        return reversed(self._rows)

    def lines(self, start: int) -> int:
        """How many of the held rows from number ``start`` on are lines."""
        start = max(start, self.first)
        return self.end - start - sum(number >= start for number in self._remarks)

    def missing(self, start: int, stop: int) -> int | None:
        """How many lines a reader misses who skips the rows from ``start`` up to, not including, ``stop``, held or not.

        A gap among them counts for the lines it stands for; None when that is unknown.
        """
        held = [(number, self._rows[number - self.first]) for number in self._remarks]
        between = [row for number, row in chain(self._evicted, held) if start <= number < stop]
        gaps = [row for row in between if isinstance(row, Gap)]
        if any(gap.missed is None for gap in gaps):
            return None
        return stop - start - len(between) + sum(gap.missed or 0 for gap in gaps)

    def tail(self, lines: int) -> int:
        """The number of the row from which the last ``lines`` lines begin."""
        start = max(self.first, self.end - lines)
        while lines and start > self.first and (missing := lines - self.lines(start)) > 0:
            start = max(self.first, start - missing)
        return start

    def find(self, moment: int) -> int:
        """The number of the first held row that is not older; ``moment`` in nanoseconds since the epoch."""
        stamp = _stamp(moment)  # to read each row's would take half a second
        for index, row in enumerate(self._rows):
            if row.record[:STAMP_LENGTH] >= stamp if isinstance(row, LogLine) else row_time(row) >= moment:
                return self.first + index
        return self.end

    def time_of(self, number: int) -> int | None:
        """When a row belongs in the timeline, in nanoseconds since the epoch; None when it is not held."""
        held = self.slice(number, number + 1)
        return row_time(held[0]) if held else None

    def _evict(self) -> None:
        count = max(0, len(self._rows) - self._max_rows + self._max_rows // SLACK)
        freed = sum(map(_cost, self._rows[:count]))
        too_many = self.bytes - freed - (self._max_bytes - self._max_bytes // SLACK)
        while too_many > 0 and count < len(self._rows) - 1:
            cost = _cost(self._rows[count])
            freed, too_many, count = freed + cost, too_many - cost, count + 1
        self._drop(count, freed)

    def _drop(self, count: int, freed: int) -> None:
        while self._remarks and self._remarks[0] < self.first + count:
            number = self._remarks.popleft()
            self._evicted.append((number, self._rows[number - self.first]))
        del self._rows[:count]
        self.first += count
        self.bytes -= freed


def row_time(row: Row) -> int:
    """When the row belongs in the timeline, in nanoseconds since the epoch."""
    return row.end if isinstance(row, Gap) else row.timestamp


def _stamp(moment: int) -> bytes:
    """As it stands before a line, and where there is no such moment before or after all of them."""
    try:
        return format_timestamp(moment).encode()
    except (ValueError, OverflowError):
        return b'' if moment < 0 else b'~'


def _cost(row: Row) -> int:
    return ROW_COST + (len(row.record) if isinstance(row, LogLine) else 0)
