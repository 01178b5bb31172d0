"""Notices that an engine's follower is stuck, or skips lines: its stream is silent while the log goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from dashboard.errors import EngineError
from dashboard.model import SECOND, Cursor, LogLine

EARLY_LOOK = 1.0  # seconds of silence after which the log of a stream that was busy is looked at
FIRST_LOOK, LONGEST_LOOK = 10.0, 300.0  # the same for any other stream, at first and later
GRACE = 0.5  # seconds that a line may take from the log to us
ENOUGH = 500  # lines since the last look that make a stream a busy one
FILE = 48 << 10  # bytes: the smallest file that people let a log be rotated into, as far as that is not known
JUMP = SECOND // 200  # nanoseconds: no jump is shorter
MEASURED = SECOND // 8  # nanoseconds over which the pace is measured
UNMEASURED = SECOND // 10  # nanoseconds of a jump that is looked at before there is a pace
FADING = 0.99  # what each of these leaves of a faster one
LINES_A_LOOK, MOST_LOOKS = 200, 20  # what a stream has to give for each look, and how many may be saved up


class StallWatch:
    """Looks into the log of a silent container: soon after its last line, and then ever more seldom.

    Docker's follower loses its place in some logs when they are rotated or truncated, and says nothing.
    """

    def __init__(self) -> None:
        self._seen: Cursor | None = None
        self._delay = FIRST_LOOK
        self.lines = 0  # that have come since the last look

    async def stalled(self, last: Callable[[], Cursor | None], has_newer: Callable[[], Awaitable[bool]]) -> None:
        """Return when the log has had lines for a while that have not come.

        :param last: the line that was handed over last
        :param has_newer: looks whether the log has newer ones
        """
        while True:
            await asyncio.sleep(self._delay)
            if last() != self._seen:
                self._seen, self._delay = last(), EARLY_LOOK if self.lines >= ENOUGH else FIRST_LOOK
                continue
            self.lines = 0
            self._delay = min(2 * self._delay, LONGEST_LOOK)  # also when nothing comes of it: it costs the engine
            with suppress(EngineError):
                if await has_newer():
                    await asyncio.sleep(GRACE)
                    if last() == self._seen:
                        return


class SkipWatch:
    """Notices where a stream jumps so far ahead in time that a whole file of its log may be missing there.

    Docker's follower leaves out files of a log that is rotated fast. A jump is suspicious when, at the pace of the
    stream, more would have come meanwhile than a third of a file. What a look costs is bounded by what the stream
    gives, so that a container which pauses often does not cost more than one which does not.
    """

    def __init__(self) -> None:
        self._newest = 0
        self._pace = 0.0  # bytes in a nanosecond of the log's time: when the stream was busiest of late
        self._begun = self._bytes = 0  # of what is measured: when it began, and the bytes since
        self._looks = 0.0  # that may be afforded

    def begin(self) -> None:
        """Another stream begins."""
        self._newest = 0

    def find(self, batch: Sequence[LogLine], file: float | None = None) -> tuple[int, int] | None:
        """The place in the batch before which lines may be missing, and the time of the line before it.

        :param file: bytes of a file of the log; see :meth:`Engine.log_file`
        """
        before, self._newest = self._newest, batch[-1].timestamp
        least = max(JUMP, int((file or FILE) / 3 / self._pace)) if self._pace else UNMEASURED
        self._measure(batch)
        self._looks = min(MOST_LOOKS, self._looks + len(batch) / LINES_A_LOOK)
        if not before or self._newest - before < least or self._looks < 1:
            return None
        place = _jump(batch, before, least)
        self._looks -= place is not None
        return None if place is None else (place, batch[place - 1].timestamp if place else before)

    def found(self) -> None:
        """Lines were missing there: the next jumps are worth a look too."""
        self._looks = MOST_LOOKS

    def _measure(self, batch: Sequence[LogLine]) -> None:
        self._bytes += sum(len(line.record) for line in batch)
        if not self._begun or self._newest < self._begun:  # it is the first one, or the clock was set back
            self._begun, self._bytes = self._newest, 0
        elif (passed := self._newest - self._begun) >= MEASURED:
            self._pace = max(self._bytes / passed, self._pace * FADING)
            self._begun, self._bytes = self._newest, 0


def _jump(batch: Sequence[LogLine], before: int, least: int) -> int | None:
    """The first place where a line is so much later than the one before: by halves, for times are dear to read."""
    parts = [(-1, before, len(batch) - 1, batch[-1].timestamp)]
    while parts:
        low, early, high, late = parts.pop()
        if late - early < least:
            continue
        if high - low == 1:
            return high
        middle = (low + high) // 2
        moment = batch[middle].timestamp
        parts += [(middle, moment, high, late), (low, early, middle, moment)]
    return None
