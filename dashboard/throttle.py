"""Slows down whoever guesses: free tries first, then refusals that grow."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from dashboard.errors import TooManyAttempts

FREE_TRIES = 5  # failures in a row that cost nothing
LONGEST = 900  # seconds: no refusal lasts longer, and failures this old are forgotten
REMEMBERED = 10_000  # account and address pairs; the one tried longest ago is forgotten first


class Throttle:
    """Counts failures in a row for each account and address. Safe to use from several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: dict[tuple[str, str], tuple[int, float]] = {}  # how many, and no sooner than

    def enter(self, account: str, address: str) -> None:
        """Begin a try. It counts as failed until :meth:`clear`, so tries made at once do not slip through together.

        :raises TooManyAttempts: when it comes too soon after too many failures
        """
        key, now = (account, address), self._clock()
        with self._lock:
            count, until = self._failures.get(key, (0, now))
            if now < until:
                raise TooManyAttempts(math.ceil(until - now))
            count = 1 if now > until + LONGEST else count + 1
            self._failures.pop(key, None)  # so that the dict stays in the order of the last try
            self._failures[key] = (count, now + _delay(count))
            if len(self._failures) > REMEMBERED:
                del self._failures[next(iter(self._failures))]

    def clear(self, account: str, address: str) -> None:
        """The try succeeded: forget the failures before it."""
        with self._lock:
            self._failures.pop((account, address), None)


def _delay(failures: int) -> int:
    return min(2 ** (failures - FREE_TRIES + 1), LONGEST) if failures >= FREE_TRIES else 0
