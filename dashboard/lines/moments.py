"""Times as users write them: RFC 3339, seconds since the epoch, or how long ago."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from dashboard.errors import BadRequest
from dashboard.model import SECOND, format_timestamp, parse_timestamp

_UNITS = {'s': 1, 'm': 60, 'h': 3_600, 'd': 86_400}


def parse_moment(text: str, name: str = 'time') -> int:
    """Nanoseconds since the epoch of ``2026-01-02T03:04:05.678Z``, ``1767323045.678``, or ``10m`` (ago).

    These are the forms of ``docker logs --since``; a date without a zone is UTC.

    :raises BadRequest: when the text is none of them, naming the parameter
    """
    try:
        moment = _moment(text)
        format_timestamp(moment)  # whether there is such a moment: the engine fails on others
        return moment
    except (ValueError, OverflowError):
        raise BadRequest(
            f'{name} takes a time such as 2026-01-02T03:04:05Z, seconds since 1970, or 10m for ten minutes ago; '
            f'not {text[:100]!r}.'
        ) from None


def _moment(text: str) -> int:
    if re.fullmatch(r'(\d+[smhd])+', text):
        ago = sum(int(count) * _UNITS[unit] for count, unit in re.findall(r'(\d+)([smhd])', text))
        return time.time_ns() - ago * SECOND
    if re.fullmatch(r'\d+(\.\d+)?', text):
        return int(Decimal(text) * SECOND)
    return _rfc3339(text)


def _rfc3339(text: str) -> int:
    match = re.fullmatch(r'(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?', text)
    if not match:
        raise ValueError(text)
    whole, digits, zone = match.groups()
    offset = timedelta() if zone in (None, 'Z') else datetime.fromisoformat(f'2000-01-01T00:00:00{zone}').utcoffset()
    moment = datetime.fromisoformat(whole).replace(tzinfo=UTC) - (offset or timedelta())
    return parse_timestamp(moment.replace(tzinfo=None).isoformat()) + int((digits or '0').ljust(9, '0'))
