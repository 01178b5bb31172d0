"""Joins a stream to the lines of the log that were read apart, for engines that leave a hole between the two."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.model import PREFIX, STAMP_LENGTH, LogLine

LOOKED_AT = 5_000  # last lines among which the stream's first ones are sought


class Joint:
    """Leaves out what a stream gives of the lines that are known, and numbers what follows as the log does.

    The stream begins somewhere in the log, and the log was read when its first lines had come: so they are in both.
    Timestamps do not tell where, for they may be whole seconds.

    :param known: the last lines of the log, the newest last
    :param first: the lines that the stream gave first
    """

    def __init__(self, known: Sequence[LogLine], first: Sequence[LogLine]) -> None:
        self._last = known[-1] if known else None
        self._passed = _passed([line.record for line in known], [line.record for line in first])

    def sift(self, lines: Sequence[LogLine]) -> list[LogLine]:
        """The lines of the stream's next ones that are new."""
        new = lines[self._passed :]
        self._passed -= len(lines) - len(new)
        return [self._numbered(line) for line in new]

    def _numbered(self, line: LogLine) -> LogLine:
        last = self._last
        if last and last.record[:STAMP_LENGTH] == line.record[:STAMP_LENGTH]:
            line = LogLine(line.container, line.stream, line.record, last.ordinal + 1)
        self._last = line
        return line


def _passed(known: list[bytes], first: list[bytes]) -> int:
    """How many lines of the stream are known: from the last place on at which its first ones are found.

    The stream may have begun within a line, where the engine splits lines anywhere; then only its end is in the first.
    """
    for begins in (bytes.__eq__, _ends_with):
        for place in range(len(known) - 1, -1, -1):
            both = len(known) - place
            if begins(known[place], first[0]) and known[place + 1 : place + len(first)] == first[1:both]:
                return both
    return 0


def _ends_with(record: bytes, part: bytes) -> bool:
    return record.endswith(part[PREFIX:])
