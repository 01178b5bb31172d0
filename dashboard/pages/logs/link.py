"""What a tab looks at, as the page's URL says it: whoever opens that link sees the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from dashboard.errors import BadRequest
from dashboard.lines import Level, levels_named
from dashboard.model import Cursor

TAILS = (50, 100, 500, 1000)
DEFAULT_TAIL = 100
LONGEST_FILTER = 1_000  # characters
LONGEST_CURSOR = 60  # characters
LONGEST_LEVEL = 100  # characters


@dataclass(frozen=True, slots=True)
class Link:
    """The parameters of the URL. ``service`` is a name that finds it; '' chooses the first."""

    service: str = ''
    tail: int = DEFAULT_TAIL
    filter: str = ''
    level: str = ''  # those of messages that are shown, worst first, as in ``error,warn``; '' for all
    at: str = ''  # the cursor of the line that is to be seen

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Link:
        """Read the parameters; one that makes no sense counts as not given."""
        tail = query.get('tail', '')
        known = next((number for number in TAILS if str(number) == tail), DEFAULT_TAIL)
        at = query.get('at', '')[:LONGEST_CURSOR]
        filter_, level = query.get('filter', '')[:LONGEST_FILTER], levels_text(_levels(query.get('level', '')))
        return cls(query.get('service', ''), known, filter_, level, at)

    @property
    def levels(self) -> frozenset[Level]:
        """Those of :attr:`level`; none of them stands for all."""
        return _levels(self.level)

    @property
    def cursor(self) -> Cursor | None:
        """The name of that line, if it is one."""
        try:
            return Cursor.parse(self.at) if self.at else None
        except BadRequest:
            return None

    def __str__(self) -> str:
        return urlencode({name: value for name, value in asdict(self).items() if value})


def levels_text(levels: Iterable[Level]) -> str:
    """Levels as the URL names them; '' when it is all or none of them."""
    chosen = sorted(set(levels), reverse=True)
    return ','.join(level.name.lower() for level in chosen) if len(chosen) < len(Level) else ''


def _levels(words: str) -> frozenset[Level]:
    try:
        return levels_named(words[:LONGEST_LEVEL])
    except BadRequest:
        return frozenset()
