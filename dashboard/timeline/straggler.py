"""How long several wait for the slowest of them, so that their first lines come in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

SHORT = 3.0  # seconds for one that gives nothing
LONG = 15.0  # seconds for one that gives its lines
AGAIN = 0.25  # seconds between two looks at whether it does


class Straggler:
    """Waits for the slowest backlog once another one has come.

    :param gives: whether one that is waited for gives its lines
    :param release: is called when there is nothing more to wait for
    """

    def __init__(self, gives: Callable[[], bool], release: Callable[[], None]) -> None:
        self._gives = gives
        self._release = release
        self._timer: asyncio.TimerHandle | None = None

    def wait(self) -> None:
        """Begin to wait, if that has not begun."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(SHORT, self._look, loop.time() + LONG)

    def close(self) -> None:
        """Wait no more."""
        if self._timer:
            self._timer.cancel()

    def _look(self, until: float) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() < until and self._gives():
            self._timer = loop.call_later(AGAIN, self._look, until)
        else:
            self._release()
