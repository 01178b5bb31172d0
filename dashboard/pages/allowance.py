"""How often something may be done: so many times a second, and some more at once."""

from __future__ import annotations

import time


class Allowance:
    """:param rate: times a second, in the long run
    :param most: times at once
    """

    def __init__(self, rate: float, most: float) -> None:
        self._rate = rate
        self._most = most
        self._left = most
        self._when = time.monotonic()

    def take(self) -> bool:
        """Whether it may be done now; each time that it may not is over as if it had not been asked."""
        now = time.monotonic()
        self._left, self._when = min(self._most, self._left + (now - self._when) * self._rate), now
        if self._left < 1:
            return False
        self._left -= 1
        return True
