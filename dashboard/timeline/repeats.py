"""Leaves out lines that an engine gives twice: its follower reads some again whenever a log is rotated."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain

from dashboard.model import STAMP_LENGTH, LogLine, Row

DISORDER = 100  # lines by which the two streams of a container may be out of order
COARSE = b'000Z'  # how the timestamps of a driver end whose clock has microseconds


class Repeats:
    """Looks through one container's rows.

    A repetition begins where the timestamps go back to a line that was given already, and ends past the newest one.
    Timestamps that merely are a little out of order, as those of the two streams of a container are, are no repetition.

    :param given: gives the container's lines that were passed on, the newest first
    """

    def __init__(self, given: Callable[[], Iterable[LogLine]]) -> None:
        self._given = given
        self._highest = b''  # timestamp so far
        self._since = b''  # the timestamp that the known lines begin with; b'' while nothing is repeated
        self._known: set[bytes] = set()

    def sift(self, rows: list[Row]) -> list[Row]:
        """The rows that are not given for the second time."""
        stamps = [row.record[:STAMP_LENGTH] for row in rows if isinstance(row, LogLine)]
        if not stamps:
            return rows
        ordered = sorted(stamps)
        if stamps[0] <= self._highest or stamps != ordered or len(set(stamps)) < len(stamps):
            rows = self._without_repeated(rows)
        self._highest = max(self._highest, ordered[-1])
        return rows

    def _without_repeated(self, rows: list[Row]) -> list[Row]:
        kept: list[Row] = []
        for row in rows:
            if not isinstance(row, LogLine) or not self._is_repeated(row.record, kept):
                kept.append(row)
        return kept

    def _is_repeated(self, record: bytes, kept: list[Row]) -> bool:
        stamp = record[:STAMP_LENGTH]
        if stamp > self._highest:
            self._highest, self._since = stamp, b''
            return False
        # a clock of nanoseconds never shows the same moment twice, but the pieces of a very long line have the same
        if stamp == self._highest and not self._since and (stamp.endswith(COARSE) or not record.endswith(b'\n')):
            return False
        if not self._since or stamp < self._since:
            self._since, self._known = stamp, self._given_since(stamp, kept)
        if record in self._known:
            return True
        self._known.add(record)
        return False

    def _given_since(self, stamp: bytes, kept: list[Row]) -> set[bytes]:
        found, older = set(), 0
        for line in chain(reversed(kept), self._given()):
            if not isinstance(line, LogLine):
                continue
            if line.record[:STAMP_LENGTH] >= stamp:
                found.add(line.record)
            elif (older := older + 1) > DISORDER:
                break
        return found
