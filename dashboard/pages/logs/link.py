"""What a tab looks at, as the page's URL says it: whoever opens that link sees the same."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from dashboard.errors import BadRequest
from dashboard.lines import Level, level_named, parse_past
from dashboard.model import SHORT_ID, Cursor
from dashboard.pages.logs.highlights import MOST

TAILS = (50, 100, 500, 1000)
DEFAULT_TAIL = 100
LONGEST_FILTER = 1_000  # characters
LONGEST_CURSOR = 60  # characters
LONGEST_SERVICES = 5_000  # characters
LONGEST_LEVEL = 100  # characters
NAMES = {'start': 'from', 'end': 'to'}  # in the URL, where they are other ones


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
    start: str = ''  # from when on lines are shown, ``from`` in the URL: a time, or ``now-1h``; '' for all
    end: str = ''  # and up to when, ``to`` in the URL; '' goes on live
    at: str = ''  # the cursor of the line that is to be seen, or a time as in ``start``

    @classmethod
    def of(cls, query: QueryParams) -> Link:
        """Read the parameters; one that makes no sense counts as not given."""
        tail = query.get('tail', '')
        known = next((number for number in TAILS if str(number) == tail), DEFAULT_TAIL)
        start, end, at = (query.get(name, '')[:LONGEST_CURSOR] for name in ('from', 'to', 'at'))
        filter_, level = query.get('filter', '')[:LONGEST_FILTER], levels_text(_levels(query.get('level', '')))
        highlights = tuple(text[:LONGEST_FILTER] for text in query.getlist('hl')[:MOST])
        return cls(_services(query), known, filter_, highlights, level, start, end, at)

    @property
    def levels(self) -> frozenset[Level]:
        """Those of :attr:`level`; none of them stands for all."""
        return _levels(self.level)

    @property
    def cursor(self) -> Cursor | None:
        """The name of that line, if it is one; to :meth:`Cursor.parse` a date reads like one too."""
        try:
            return Cursor.parse(self.at) if _CURSOR.fullmatch(self.at) else None
        except BadRequest:
            return None

    def moment(self, zone: tzinfo, now: datetime) -> int:
        """The time that is to be seen, in nanoseconds since the epoch.

        :raises BadRequest: when it is none, see :func:`parse_past`
        """
        return parse_past(self.at, zone, now, 'Its "at"')

    def __str__(self) -> str:
        given = {NAMES.get(name, name): value for name, value in asdict(self).items() if value and name != 'service'}
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
    """Those that are known."""
    found = map(level_named, words[:LONGEST_LEVEL].split(','))
    return frozenset(level for level in found if level is not None)


_CURSOR = re.compile(rf'-?\d+-\d+-[0-9a-f]{{{SHORT_ID}}}')
