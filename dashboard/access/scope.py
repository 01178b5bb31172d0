"""Which services an account may see: patterns of project and service."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dashboard.errors import AccountError
from dashboard.model import ServiceKey

LENGTH = 200  # characters of a pattern
MOST = 100  # patterns of an account


@dataclass(frozen=True, slots=True)
class Scope:
    """Patterns like ``shop/*``, ``*/web`` or, for containers without compose, ``/redis``; None: everything.

    Project and service are matched apart, each in the manner of a shell and with regard to case: a project whose name
    holds a slash is not let in by a pattern for another one.
    """

    patterns: tuple[str, ...] | None

    @classmethod
    def of(cls, patterns: Iterable[str] | None) -> Scope:
        """The scope of these patterns.

        :raises AccountError: when one is none, or there are none or too many
        """
        if patterns is None:
            return EVERYTHING
        given = tuple(patterns)
        if not 1 <= len(given) <= MOST:
            raise AccountError(f'A scope has from 1 to {MOST} patterns.')
        for pattern in given:
            if '/' not in pattern or len(pattern) > LENGTH or not pattern.isprintable():
                raise AccountError(
                    f'{pattern[:LENGTH]!r} is no pattern: write project/service, such as shop/* or */web.'
                )
        return cls(given)

    def covers(self, key: ServiceKey) -> bool:
        """Whether the service may be seen."""
        return self.patterns is None or any(map(key.fits, self.patterns))

    def __str__(self) -> str:
        return 'everything' if self.patterns is None else ' '.join(self.patterns)


EVERYTHING = Scope(None)
