"""Failed attempts, which anybody can make: few get a line of the audit log, the others are counted in one.

Else strangers could push the events of everybody else out of the log, whose files are kept up to a size.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from dashboard.access.throttle import origin_of

MINUTE = 60.0  # seconds for which more of the same are counted
LINES = 100.0  # lines for strangers that may be written at once, and how many more a second after those:
REFILL = 2 / MINUTE  # half a megabyte a day, whatever comes from however many addresses
REMEMBERED = 1_000  # failures that are being counted


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that was refused. ``of_stranger``: by somebody who is not signed in."""

    event: str
    user: str
    address: str
    of_stranger: bool = True
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Counted:
    failure: Failure
    until: float
    more: int = 0


class Failures:
    """Says which are written. A failure is like another when user, reason and network are the same."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counted: dict[tuple[object, ...], _Counted] = {}  # in the order of their ends
        self._lines, self._when = LINES, clock()
        self._others: Counter[str] = Counter()  # by event: those that there was no line for
        self._told = clock()  # when the others were

    def add(self, failure: Failure) -> bool:
        """Whether it is to be written now; else it is counted."""
        key = failure.event, failure.user, origin_of(failure.address), failure.details.get('reason')
        if counted := self._counted.get(key):
            counted.more += 1
        elif len(self._counted) >= REMEMBERED or (failure.of_stranger and not self._has_line()):
            self._others[failure.event] += 1
        else:
            self._counted[key] = _Counted(failure, self._clock() + MINUTE)
            return True
        return False

    def due(self, at_once: bool = False) -> Iterator[Failure]:
        """Lines for those that were counted, when their minute is over or ``at_once``."""
        now = self._clock()
        while self._counted and (at_once or next(iter(self._counted.values())).until <= now):
            counted = self._counted.pop(next(iter(self._counted)))
            failure = counted.failure
            if counted.more and failure.of_stranger and not self._has_line():
                self._others[failure.event] += counted.more
            elif counted.more:
                yield replace(failure, details=failure.details | {'more': counted.more})
        if self._others and (at_once or now - self._told >= MINUTE):
            self._told = now
            for event, count in self._others.items():
                yield Failure(event, '', '', details={'reason': 'TooManyFailures', 'more': count})
            self._others.clear()

    def _has_line(self) -> bool:
        now = self._clock()
        self._lines, self._when = min(LINES, self._lines + (now - self._when) * REFILL), now
        if self._lines < 1:
            return False
        self._lines -= 1
        return True
