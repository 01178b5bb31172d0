"""What a tab looks at, as the page's URL says it: whoever opens that link sees the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from dashboard.errors import BadRequest
from dashboard.lines import Level, levels_named, parse_moment
from dashboard.model import Cursor
from dashboard.pages.logs.highlights import MOST

TAILS = (50, 100, 500, 1000)
DEFAULT_TAIL = 100
LONGEST_FILTER = 1_000  # characters
LONGEST_CURSOR = 60  # characters
LONGEST_SERVICES = 5_000  # characters
LONGEST_LEVEL = 100  # characters


@dataclass(frozen=True, slots=True)
class Link:
    """The parameters of the URL.

    ``service`` is a name that finds it, or several: ``web,api``, a project ``shop:*``, all ``*``; '' chooses the first.
    """

    service: str = ''
    tail: int = DEFAULT_TAIL
    filter: str = ''
    hl: tuple[str, ...] = ()  # the questions that are highlighted
    level: str = ''  # those of messages that are shown, worst first, as in ``error,warn``; '' for all
    at: str = ''  # the cursor of the line that is to be seen, or a time

    @classmethod
    def of(cls, query: QueryParams) -> Link:
        """Read the parameters; one that makes no sense counts as not given."""
        tail = query.get('tail', '')
        known = next((number for number in TAILS if str(number) == tail), DEFAULT_TAIL)
        at = query.get('at', '')[:LONGEST_CURSOR]
        filter_, level = query.get('filter', '')[:LONGEST_FILTER], levels_text(_levels(query.get('level', '')))
        highlights = tuple(text[:LONGEST_FILTER] for text in query.getlist('hl')[:MOST])
        return cls(_services(query), known, filter_, highlights, level, at)

    @property
    def levels(self) -> frozenset[Level]:
        """Those of :attr:`level`; none of them stands for all."""
        return _levels(self.level)

    @property
    def cursor(self) -> Cursor | None:
        """The name of that line, if it is one; a date reads like one too."""
        try:
            return Cursor.parse(self.at) if self.at and self.moment is None else None
        except BadRequest:
            return None

    @property
    def moment(self) -> int | None:
        """The time that is to be seen, in nanoseconds since the epoch, if it is one."""
        try:
            return parse_moment(self.at) if self.at else None
        except BadRequest:
            return None

    def __str__(self) -> str:
        given = {name: value for name, value in asdict(self).items() if value and name != 'service'}
        return urlencode(
            [*map(_parameter, filter(None, self.service.split(','))), *given.items()], doseq=True, safe='*'
        )


def _services(query: QueryParams) -> str:
    """The names of ``?service=web&service=api&project=shop``, as one."""
    many = query.multi_items()
    names = [value if name == 'service' else f'{value}:*' for name, value in many if name in ('service', 'project')]
    return ','.join(dict.fromkeys(filter(None, names)))[:LONGEST_SERVICES]


def _parameter(name: str) -> tuple[str, str]:
    return ('project', name.removesuffix(':*')) if name.endswith(':*') else ('service', name)


def levels_text(levels: Iterable[Level]) -> str:
    """Levels as the URL names them; '' when it is all or none of them."""
    chosen = sorted(set(levels), reverse=True)
    return ','.join(level.name.lower() for level in chosen) if len(chosen) < len(Level) else ''


def _levels(words: str) -> frozenset[Level]:
    try:
        return levels_named(words[:LONGEST_LEVEL])
    except BadRequest:
        return frozenset()
