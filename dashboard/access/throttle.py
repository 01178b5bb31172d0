"""Slows down whoever guesses: free tries first, then refusals that grow."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from dashboard.errors import TooManyAttempts

FREE_TRIES = 5  # failures in a row that cost nothing
LONGEST = 900  # seconds: no refusal lasts longer, and failures this old are forgotten
REMEMBERED = 10_000  # account and address pairs; the one tried longest ago is forgotten first
OF_ADDRESS = 30  # failures of one address with any accounts, before it has to wait for one to be forgotten
OF_ACCOUNT = 100  # failures of one account from any addresses; NIST SP 800-63B-4 asks for no more
FORGOTTEN = 10.0  # seconds after which one of these is
OWN_NETWORK = 64  # bits of an IPv6 address; the others are its owner's to choose, so a guess may have new ones each


class Throttle:
    """Counts failures in a row for each account and address, and all of either. Safe to use from several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: dict[tuple[str, str], tuple[int, float]] = {}  # how many, and no sooner than
        self._of_account, self._of_address = _Budget(OF_ACCOUNT), _Budget(OF_ADDRESS)

    def enter(self, account: str, address: str) -> None:
        """Begin a try. It counts as failed until :meth:`clear`, so tries made at once do not slip through together.

        :raises TooManyAttempts: when it comes too soon after too many failures
        """
        origin, now = origin_of(address), self._clock()
        key = (account, origin)
        with self._lock:
            count, until = self._failures.get(key, (0, now))
            wait = max(until - now, self._of_account.wait(account, now), self._of_address.wait(origin, now))
            if wait > 0:
                raise TooManyAttempts(math.ceil(wait))
            count = 1 if now > until + LONGEST else count + 1
            self._failures.pop(key, None)  # so that the dict stays in the order of the last try
            self._failures[key] = (count, now + _delay(count))
            if len(self._failures) > REMEMBERED:
                del self._failures[next(iter(self._failures))]
            self._of_account.add(account, now)
            self._of_address.add(origin, now)

    def clear(self, account: str, address: str) -> None:
        """The try succeeded: forget it, and the failures of the account from this address before it."""
        origin, now = origin_of(address), self._clock()
        with self._lock:
            self._failures.pop((account, origin), None)
            self._of_account.add(account, now, -1)
            self._of_address.add(origin, now, -1)


class _Budget:
    """Failures that are forgotten one by one. A success takes back itself only: an attacker may have an account too."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._spent: dict[str, tuple[float, float]] = {}  # how many failures, and when that was so

    def wait(self, key: str, now: float) -> float:
        """Seconds until another try may be made."""
        return max(0.0, self._now(key, now) + 1 - self._most) * FORGOTTEN

    def add(self, key: str, now: float, failures: int = 1) -> None:
        """Count failures more or less."""
        if not key:  # unknown, and not of one
            return
        count = self._now(key, now) + failures
        self._spent.pop(key, None)
        if count > 0:
            self._spent[key] = (count, now)
        if len(self._spent) > REMEMBERED:
            del self._spent[next(iter(self._spent))]

    def _now(self, key: str, now: float) -> float:
        count, when = self._spent.get(key, (0.0, now))
        return max(0.0, count - (now - when) / FORGOTTEN)


def origin_of(address: str) -> str:
    """What counts as one address."""
    try:
        found = ip_address(address.partition('%')[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or int(found) >> (128 - OWN_NETWORK))


def _delay(failures: int) -> int:
    return min(2 ** (failures - FREE_TRIES + 1), LONGEST) if failures >= FREE_TRIES else 0
