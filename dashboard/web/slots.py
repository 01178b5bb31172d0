"""Counts what each user has open at once, and refuses what is too much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from dashboard.errors import LimitReached


class Slots:
    """Used from the event loop only. ``most`` gives how many of each kind a user may hold."""

    def __init__(self, most: Mapping[str, int]) -> None:
        self._most = most
        self._held: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def hold(self, kind: str, user: str) -> Iterator[None]:
        """Take one for as long as the block runs; a kind of '' is not counted.

        :raises LimitReached: when the user holds as many as may be
        """
        if not kind:
            yield
            return
        key = (kind, user)
        if self._held[key] >= self._most[kind]:
            raise LimitReached(f'You have {self._most[kind]:,} {kind} open, which is the limit. Close some of them.')
        self._held[key] += 1
        try:
            yield
        finally:
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]
