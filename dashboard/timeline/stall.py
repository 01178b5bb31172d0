"""Notices that an engine's follower is stuck, or skips lines: its stream is silent while the log goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from dashboard.errors import EngineError
from dashboard.model import SECOND, Cursor, LogLine

EARLY_LOOK = 2.0  # seconds of silence after which the log of a stream that was busy is looked at
FIRST_LOOK, LONGEST_LOOK = 10.0, 300.0  # the same for any other stream, at first and later
GRACE = 1.0  # seconds that a line may take from the log to us
JUMP = SECOND // 4  # nanoseconds by which a line is so much later than the one before that some may be missing
ENOUGH = 500  # lines between two looks into the log of a busy stream


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
    """Notices where a busy stream jumps ahead in time: there the log is worth a look.

    Docker's follower leaves out whole files of a log that is rotated fast. A container that says little has no such
    log, and one that pauses often shall not cost a look each time.
    """

    def __init__(self) -> None:
        self._newest = 0
        self._lines = 0  # since the last look

    def begin(self) -> None:
        """Another stream begins."""
        self._newest = 0

    def find(self, batch: Sequence[LogLine]) -> int | None:
        """The place in the batch before which lines may be missing."""
        before, self._newest = self._newest, batch[-1].timestamp
        self._lines += len(batch)
        if not before or self._newest - before < JUMP or self._lines < ENOUGH:
            return None
        for place, line in enumerate(batch):
            if line.timestamp - before >= JUMP:
                self._lines = 0
                return place
            before = line.timestamp
        return None

    def found(self) -> None:
        """Lines were missing there: the next jump is worth a look too."""
        self._lines = ENOUGH
