"""Where to take up a stream: after a certain line, or at its newest lines when it cannot keep up."""

from __future__ import annotations

import time
from collections import deque

from dashboard.model import ENGINE_SPLIT, SECOND, Cursor, Gap, LogLine, Row, format_timestamp
from dashboard.timeline.pieces import LastLines

TAILS = (2_000, 20_000, 200_000, None)  # last lines that are searched for a line, one after the other; None: all
HELD = 200_000  # lines kept while the last one is looked for
MARGIN = SECOND  # by which stdout and stderr may be logged out of order
# A line may mean something by what was written before it, as one of a private key does by the first line of that key.
# Where it is read for somebody who may not see that, the reading looks back so far, and no further: so many lines of
# its container (a key of 16,384 bits has 200), and so long.
LOOK_BACK = 400  # lines
LOOK_BACK_TIME = 3 * SECOND
LATE, LOOK = SECOND // 2, SECOND // 8  # how late a live stream may be, and how often that is looked at
GONE, TOO_LATE = 'the engine no longer has them', 'the engine could not keep up'


class Resume:
    """Finds the last delivered line in a stream of the log's last lines, and lets only what follows pass.

    The order of the log is the truth, not its timestamps: the clock may have been set back. So the stream is of a
    number of lines and not ``since`` a time, which would leave out what was logged later with an earlier timestamp.

    :param last: the last delivered line
    :param newest: the newest line of the log when it was opened: when it has come, the last one is there or never will
        be. That a stream is silent for a moment proves nothing: an engine under load pauses anywhere.
    :param tail: how many lines were asked for; None: all
    :param reason: why lines are missing when the last one is not found
    """

    def __init__(
        self,
        last: Cursor,
        newest: LogLine | None = None,
        tail: int | None = None,
        reason: str = GONE,
        held: int = HELD,
    ) -> None:
        self.found = False
        self.failed = False
        self._unsure = False  # whether it came where a tail may have begun in the middle of its timestamp
        self._ended = False  # whether all that the log had when it was opened has come
        self.reaches_later = False  # whether a line came whose timestamp is later than the last one's
        self._last = last
        self._newest = newest
        self._tail = tail
        self._reason = reason
        self._stamp = format_timestamp(last.timestamp).encode()
        self._first = b''  # the record that came first
        self._come = self._pieces = 0  # lines, and what the engine counts as such: the pieces of long ones
        self._held = LastLines(held)
        self.earlier: deque[LogLine] = deque(maxlen=LOOK_BACK)  # the last ones that did not pass

    def sift(self, batch: list[LogLine]) -> list[Row]:
        """The rows of this batch that are new."""
        if self.found or self.failed:
            return list(batch)
        if batch and not self._first:
            self._first = batch[0].record
        for index, line in enumerate(batch):
            if not (line.record.startswith(self._stamp) and line.cursor == self._last):
                continue
            if self._is_certain():
                self.found = True
                self.earlier += batch[: index + 1]
                return list(batch[index + 1 :])
            self._unsure = True
        self._come += len(batch)
        self._pieces += sum(len(line.record) // ENGINE_SPLIT + 1 for line in batch)
        self._held.add(batch)
        self.earlier += batch
        self.reaches_later = self.reaches_later or not all(map(self.is_older, batch))
        return self._rest() if self._is_past(batch) else []

    def finish(self) -> list[Row]:
        """Nothing more comes. If the last line was not there any more: what follows it, after a row that says so.

        A log that does not have it any more has nothing older either. A log that has is not the one that it came from,
        or was changed: there the timestamps must do.
        """
        self._ended = True
        return [] if self.found or self.failed else self._rest()

    def _rest(self) -> list[Row]:
        held = list(self._held.lines)
        if self._unsure and self.was_all:
            for place, line in enumerate(held, 1):
                if line.cursor == self._last:
                    self.found = True
                    return list(held[place:])
        self.failed = True
        start = next((index for index, line in enumerate(held) if not self.is_older(line)), 0)
        return [self.gap(held[start] if held else None), *held[start:]]

    @property
    def was_all(self) -> bool:
        """Whether fewer lines came than were asked for: the log has no others, as far as its engine can tell."""
        return self._tail is not None and self._ended and self._pieces < self._tail

    def is_older(self, line: LogLine) -> bool:
        """Whether its timestamp is not later than that of the last line."""
        return line.record[: len(self._stamp)] <= self._stamp

    def gap(self, then: LogLine | None) -> Gap:
        """The row that says that lines are missing before that one."""
        end = then.timestamp if then else self._last.timestamp
        reason = GONE if self._tail is None or self.was_all else self._reason  # nothing else is in the log
        return Gap(self._last.timestamp, end, None, reason, lost=reason == GONE, container=self._last.container)

    def _is_certain(self) -> bool:
        """Whether the place of the last line among those of its timestamp is sure: no tail began in their middle."""
        return self._tail is None or not self._first.startswith(self._stamp)

    def _is_past(self, batch: list[LogLine]) -> bool:
        """Whether the last line would have come by now."""
        if not batch:
            return False
        if self._tail is not None and self._come > self._tail:
            return True
        newest = self._newest
        latest = max(newest.timestamp if newest else 0, self._last.timestamp) + MARGIN
        self._ended = newest is not None and (
            batch[-1].timestamp > latest or any(_is_piece(newest, line) for line in reversed(batch))
        )
        return self._ended or (batch[-1].timestamp > latest and not self._unsure)


def _is_piece(newest: LogLine, line: LogLine) -> bool:
    """Whether a line is that one; where it was being written, its last piece."""
    return line.record == newest.record or (newest.is_begun and newest.content in line.record)


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
