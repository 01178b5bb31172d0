"""Leaves out lines that an engine gives twice: its follower reads some again whenever a log is rotated."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from dashboard.model import STAMP_LENGTH, LogLine, Row

DISORDER = 100  # lines by which the two streams of a container may be out of order
COARSE = b'000Z'  # how the timestamps of a driver end whose clock has microseconds


class Repeats:
    """Looks through one container's rows.

    The follower reads the newest file again from its beginning, so a repetition is a stretch of lines that were given
    already, in the same order up to the newest one, unless another rotation cuts it short. It begins where the
    timestamps of a stream go back to a line that was given. Where they go back to no such line the clock was set back,
    and where only those of stdout and stderr are out of order the two have raced for the log.

    :param given: gives the container's lines that were passed on, the newest first
    """

    def __init__(self, given: Callable[[], Iterable[LogLine]]) -> None:
        self._given = given
        self._last: LogLine | None = None  # that came, passed on or not
        self._again: deque[LogLine] = deque()  # what follows in the repetition that is coming
        self.lost = False  # whether the rows sifted last go back to before all that was given and is still known
        self._coarse = False  # whether the clock is known to show the same moment to lines that differ

    def sift(self, rows: list[Row], anew: bool = False) -> list[Row]:
        """The rows that are not given for the second time.

        :param anew: whether the stream can be taken up anew. Then the rows end where it went back so far that nothing
            here tells whether those lines were given; else such lines are taken for new ones.
        """
        self.lost = False
        stamps = [row.record[:STAMP_LENGTH] for row in rows if isinstance(row, LogLine)]
        if stamps and (self._again or not self._goes_on(stamps)):
            return self._without_repeated(rows, anew)
        self._last = next((row for row in reversed(rows) if isinstance(row, LogLine)), self._last)
        return rows

    def doubtful(self, rows: list[Row]) -> LogLine | None:
        """The first line that is just like the one before it, where only the log can tell whether it was written twice.

        When a file of one line is read again, nothing in the stream tells it from a line that was written twice at the
        same nanosecond. A clock that has shown this once is coarse, and is believed from then on.
        """
        if self._coarse or self._goes_on([row.record[:STAMP_LENGTH] for row in rows if isinstance(row, LogLine)]):
            return None
        before = self._last
        for row in rows:
            if isinstance(row, LogLine):
                if before and self._is_doubtful(row, before):
                    return row
                before = row
        return None

    def believe(self) -> None:
        """The log has the line twice: what is alike at the same moment was written so."""
        self._coarse = True

    def _goes_on(self, stamps: list[bytes]) -> bool:
        """Whether each timestamp is later than the one before: there is nothing to look at."""
        before = self._last.record[:STAMP_LENGTH] if self._last else b''
        return not stamps or (before < stamps[0] and stamps == sorted(stamps) and len(set(stamps)) == len(stamps))

    def _is_doubtful(self, line: LogLine, before: LogLine) -> bool:
        if line.record[:STAMP_LENGTH] != before.record[:STAMP_LENGTH] or line.ordinal <= before.ordinal:
            return False
        if line.record != before.record or line.record[:STAMP_LENGTH].endswith(COARSE):
            self._coarse = True
        # the pieces of a very long line, which have no ending, are often alike
        return not self._coarse and line.record.endswith(b'\n')

    def _without_repeated(self, rows: list[Row], anew: bool) -> list[Row]:
        kept: list[Row] = []
        for row in rows:
            if not isinstance(row, LogLine):
                kept.append(row)
                continue
            if not self._is_repeated(row, kept):
                if self.lost and anew:
                    break
                kept.append(row)
            self._last = row
        return kept

    def _is_repeated(self, line: LogLine, kept: list[Row]) -> bool:
        if self._again and self._is_expected(line):
            return True
        last, stamp = self._last, line.record[:STAMP_LENGTH]
        before = last.record[:STAMP_LENGTH] if last else b''
        if stamp > before or (last and stamp == before and line.ordinal > last.ordinal):
            return False
        again = self._found(line, kept)
        self._again = deque(again or ())
        return again is not None

    def _is_expected(self, line: LogLine) -> bool:
        """Whether it goes on with the repetition, perhaps further on in it; if not, that is over."""
        while self._again:
            if _same(self._again.popleft(), line):
                return True
        return False

    def _found(self, line: LogLine, kept: list[Row]) -> list[LogLine] | None:
        """What was given after this line; None when it was not given."""
        stamp, later, older = line.record[:STAMP_LENGTH], 0, 0
        coarse = self._coarse or stamp.endswith(COARSE)
        after: list[LogLine] = []
        passed = _lines(chain(reversed(kept), self._given()))
        for other in passed:
            if other.stream == line.stream:
                if other.record == line.record:
                    return [*_alike(passed, line), *reversed(after)] if later or not coarse else None
                if other.record[:STAMP_LENGTH] > stamp:
                    later += 1
                elif not later or (older := older + 1) > DISORDER:
                    return None
            after.append(other)
        self.lost = later > DISORDER
        return None


def _alike(passed: Iterator[LogLine], line: LogLine) -> Iterator[LogLine]:
    """The lines before it that are the same: the repetition may have begun with any of them."""
    for other in passed:
        if not _same(other, line):
            return
        yield other


def _same(one: LogLine, other: LogLine) -> bool:
    return one.record == other.record and one.stream == other.stream


def _lines(rows: Iterable[Row]) -> Iterator[LogLine]:
    return (row for row in rows if isinstance(row, LogLine))
