"""Where to take up a stream: after a certain line, or at its newest lines when it cannot keep up."""

from __future__ import annotations

import time

from dashboard.model import SECOND, Cursor, Gap, LogLine, Row, format_timestamp

MARGIN = SECOND  # stdout and stderr may be logged a little out of order: look that far back for the last line
LATE, LOOK = SECOND // 2, SECOND // 8  # how late a live stream may be, and how often that is looked at


class Resume:
    """Finds the last delivered line in a stream that begins a little before it, and lets only what follows pass.

    The engine's ``since`` names a time, not a line, and its filter would drop a line that was logged after the last
    one with an earlier timestamp; so the stream begins earlier and the last line itself is looked for.

    :param last: the last delivered line
    :param newest: the newest line of the log when it was opened: when it has come, the last one is there or never will
        be. That a stream is silent for a moment proves nothing: an engine under load pauses anywhere.
    """

    def __init__(self, last: Cursor, newest: LogLine | None = None) -> None:
        self.since = last.timestamp - MARGIN if last.timestamp > MARGIN else None
        self.found = False
        self.failed = False
        self._last = last
        self._newest = newest
        self._stamp = format_timestamp(last.timestamp).encode()
        self._held: list[LogLine] = []

    def sift(self, batch: list[LogLine]) -> list[Row]:
        """The rows of this batch that are new."""
        if self.found or self.failed:
            return list(batch)
        for index, line in enumerate(batch):
            if line.record.startswith(self._stamp) and line.cursor == self._last:
                self.found = True
                return list(batch[index + 1 :])
        self._held += batch
        return self.finish() if self._is_past(batch) else []

    def _is_past(self, batch: list[LogLine]) -> bool:
        """Whether the last line would have come by now."""
        if not batch:
            return False
        if self._newest and any(line.record == self._newest.record for line in reversed(batch)):
            return True
        newest = self._newest.timestamp if self._newest else 0
        return batch[-1].timestamp > max(newest, self._last.timestamp) + MARGIN

    def finish(self) -> list[Row]:
        """Nothing more comes. If the last line was not there any more: what is later, after a row that says so."""
        if self.found or self.failed:
            return []
        self.failed = True
        later = [line for line in self._held if line.timestamp > self._last.timestamp]
        end = later[0].timestamp if later else self._last.timestamp
        return [Gap(self._last.timestamp, end, None, 'the engine no longer has them', lost=True), *later]


class Leap:
    """Takes a stream up at its newest lines: only those after the last delivered line pass, after a gap."""

    def __init__(self, last: Cursor) -> None:
        self.since: int | None = None
        self._last = last
        self._done = False

    def sift(self, batch: list[LogLine]) -> list[Row]:
        """The rows of this batch that are new."""
        if self._done:
            return list(batch)
        later = [line for line in batch if line.timestamp > self._last.timestamp]
        if not later:
            return []
        self._done = True
        return [Gap(self._last.timestamp, later[0].timestamp, None, 'the engine could not keep up'), *later]

    def finish(self) -> list[Row]:
        """Nothing more comes."""
        return []


class Lateness:
    """Notices when a live stream falls ever further behind, by more than half of what the history can hold.

    An engine may log faster than it can deliver. Those lines would leave the history again as soon as they had come,
    and everything after them would come later and later. Ages are compared with the least one seen, so the engine's
    clock need not be right.

    :param capacity: lines that the history holds
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._least: int | None = None
        self._looked = self._on_time = self._count = self._late = 0

    def grows(self, batch: list[LogLine]) -> bool:
        """Note a batch that has just come; True when it is time for a leap."""
        now = time.time_ns()
        age = now - batch[-1].timestamp
        self._least = age if self._least is None else min(self._least, age)
        self._count += len(batch)
        if now - self._looked < LOOK:
            return False
        late = age - self._least
        if late <= LOOK:
            self._on_time, self._count = now, 0
        # by the pace since it was on time: that of the last moment is far too high when a pause has just ended
        lines = self._count * late // max(1, now - self._on_time)
        # late for the first time it may have been a pause, which it makes up for
        grows = self._late > LOOK and late > max(LATE, self._late) and lines > self._capacity // 2
        self._looked, self._late = now, late
        return grows
