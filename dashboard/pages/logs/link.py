"""What a tab looks at, as the page's URL says it: whoever opens that link sees the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

TAILS = (50, 100, 500, 1000)
DEFAULT_TAIL = 100
LONGEST_FILTER = 1_000  # characters


@dataclass(frozen=True, slots=True)
class Link:
    """The parameters of the URL. ``service`` is a name that finds it; '' chooses the first."""

    service: str = ''
    tail: int = DEFAULT_TAIL
    filter: str = ''

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Link:
        """Read the parameters; one that makes no sense counts as not given."""
        tail = query.get('tail', '')
        known = next((number for number in TAILS if str(number) == tail), DEFAULT_TAIL)
        return cls(query.get('service', ''), known, query.get('filter', '')[:LONGEST_FILTER])

    def __str__(self) -> str:
        return urlencode({name: value for name, value in asdict(self).items() if value})
