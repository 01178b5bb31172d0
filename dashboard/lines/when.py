"""Moments as a reader types or pastes them: ``14:32``, ``yesterday 9pm``, ``2 h ago``, a timestamp of any log.

A library that reads any words would also read what nobody meant: ``25:61`` or a line that was pasted whole becomes some
moment then. Here each form is written down, and what fits none is an error in words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from re import Match

from dashboard.errors import BadRequest
from dashboard.model import SECOND, format_timestamp

LONGEST = 100  # characters
_UNITS = {'s': 1, 'm': 60, 'h': 3_600, 'd': 86_400, 'w': 604_800}
_MONTHS = {
    'jan': 1, 'feb': 2, 'mar': 3, 'apr': 4, 'may': 5, 'jun': 6, 'jul': 7, 'aug': 8, 'sep': 9, 'oct': 10, 'nov': 11,
    'dec': 12,
}  # fmt: skip
_DAYS = {'mon': 0, 'tue': 1, 'wed': 2, 'thu': 3, 'fri': 4, 'sat': 5, 'sun': 6}
_UNIT = r'(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)'
_MONTH = rf'(?P<month>{"|".join(_MONTHS)})[a-z]*\.?'
_CLOCK = (
    r'(?P<hour>\d{1,2})(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?)?\s*(?P<half>[ap]m)?'
)
_ZONE = r'(?:\s*(?P<zone>z|utc|gmt|[+-]\d\d:?\d\d))?'
_YEAR = r'(?P<year>\d{4})'


def parse_when(text: str, zone: tzinfo, now: datetime) -> int:
    """Nanoseconds since the epoch of a moment as people write it.

    :param zone: the reader's, which is meant where the text names none
    :param now: of which ``yesterday`` and ``2 h ago`` are told
    :raises BadRequest: when the text is no moment, or there is no such moment
    """
    words = ' '.join(text[: LONGEST + 1].lower().split()).strip('[]()"\' ')
    if not words or len(text) > LONGEST:
        raise BadRequest(_unclear(text))
    for form in _FORMS:
        if found := form.pattern.fullmatch(words):
            try:
                moment = form.read(found, zone, now.astimezone(zone))
                format_timestamp(moment)  # whether there is such a moment
                return moment
            except (ValueError, OverflowError):
                break
    raise BadRequest(_unclear(text))


def _unclear(text: str) -> str:
    shown = text[:40] + ('…' if len(text) > 40 else '')
    return f'{shown!r} is no moment. Try 14:32, yesterday 9pm, 2 h ago, 2026-11-20 14:32:05, or paste a timestamp.'


def _ago(found: Match[str], zone: tzinfo, now: datetime) -> int:
    parts = re.findall(rf'(\d+(?:\.\d+)?)\s*{_UNIT}', found['span'])
    seconds = sum(float(count) * _UNITS[unit[0]] for count, unit in parts)
    return _exact(now - timedelta(seconds=seconds))


def _now(found: Match[str], zone: tzinfo, now: datetime) -> int:
    return _exact(now)


def _on_day(found: Match[str], zone: tzinfo, now: datetime) -> int:
    """A time of today or another day near; one that is still to come is yesterday's."""
    named = found['day']
    day, hour = now.date(), found['hour']
    if named == 'yesterday':
        day -= timedelta(days=1)
    elif named in ('midnight', 'noon'):
        return _exact(datetime(day.year, day.month, day.day, 12 if named == 'noon' else 0, tzinfo=zone))
    elif named and named != 'today':
        day -= timedelta(days=(day.weekday() - _DAYS[named[:3]]) % 7 or 7)
    if not named and hour and ':' not in found[0] and not found['half']:
        raise ValueError('a number alone is no time')
    moment = _at(found, day, zone)
    if not named and moment > _exact(now):
        moment = _at(found, day - timedelta(days=1), zone)
    return moment


def _on_date(found: Match[str], zone: tzinfo, now: datetime) -> int:
    parts = found.groupdict()
    month = parts.get('month') or ''
    number = int(month) if month.isdigit() else _MONTHS[month[:3]]
    day = date(int(parts.get('year') or now.year), number, int(parts['dom']))
    if not parts.get('year') and day > now.date() + timedelta(days=1):  # syslog writes no year
        day = day.replace(year=day.year - 1)
    return _at(found, day, zone)


def _at(found: Match[str], day: date, zone: tzinfo) -> int:
    """A time of a day, as the groups of a clock tell it; without them its beginning."""
    parts = found.groupdict()
    hour, half = int(parts.get('hour') or 0), parts.get('half')
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(half)
        hour = hour % 12 + (12 if half == 'pm' else 0)
    given = parts.get('zone')
    moment = datetime(day.year, day.month, day.day, hour, int(parts.get('minute') or 0), int(parts.get('second') or 0),
                      tzinfo=_zone(given) if given else zone)  # fmt: skip
    return _exact(moment) + int((parts.get('fraction') or '').ljust(9, '0'))


def _zone(text: str) -> tzinfo:
    if text in ('z', 'utc', 'gmt'):
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == '-' else offset)


def _epoch(found: Match[str], zone: tzinfo, now: datetime) -> int:
    """Seconds, milliseconds, microseconds or nanoseconds, by the number of digits."""
    digits, fraction = found['digits'], found['parts'] or ''
    return int(digits.ljust(19, '0')) + int(fraction.ljust(9, '0')) if len(digits) == 10 else int(digits.ljust(19, '0'))


def _exact(moment: datetime) -> int:
    elapsed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (elapsed.days * 86_400 + elapsed.seconds) * SECOND + elapsed.microseconds * 1_000


@dataclass(frozen=True, slots=True)
class _Form:
    pattern: re.Pattern[str]
    read: Callable[[Match[str], tzinfo, datetime], int]


def _form(pattern: str, read: Callable[[Match[str], tzinfo, datetime], int]) -> _Form:
    return _Form(re.compile(pattern, re.ASCII), read)


_SPAN = rf'(?P<span>(?:\d+(?:\.\d+)?\s*{_UNIT}[\s,]*)+)'
_DAY = '(?P<day>today|yesterday|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?)'
_FORMS = (
    _form('now', _now),
    _form(rf'(?:now\s*-\s*)?{_SPAN}(?:ago)?', _ago),
    _form(r'(?P<digits>\d{10}|\d{13}|\d{16}|\d{19})(?:\.(?P<parts>\d{1,9}))?', _epoch),
    _form(rf'(?P<day>(?!))?{_CLOCK}', _on_day),
    _form(r'(?P<day>midnight|noon)(?P<hour>(?!))?(?P<half>(?!))?', _on_day),
    _form(rf'{_DAY}(?:,?\s*(?:at\s+)?{_CLOCK})?', _on_day),
    _form(rf'{_CLOCK}\s+{_DAY}', _on_day),
    # 2026-11-20 14:32:05,123 · 2026-11-20t14:32:05.123456789z · 2026/11/20
    _form(rf'{_YEAR}[-/.](?P<month>\d\d?)[-/.](?P<dom>\d\d?)(?:(?:[t_ ]|,\s*){_CLOCK}{_ZONE})?', _on_date),
    # 20.11.2026 14:32
    _form(rf'(?P<dom>\d\d?)\.(?P<month>\d\d?)\.{_YEAR}(?:,?\s+{_CLOCK}{_ZONE})?', _on_date),
    # 20/nov/2026:14:32:05 +0100 · fri, 20 nov 2026 14:32:05 gmt · 20 nov 14:32
    _form(rf'(?:[a-z]{{3}},?\s*)?(?P<dom>\d\d?)[-/ ]{_MONTH}(?:[-/ ]{_YEAR})?(?:[:, ]\s*{_CLOCK}{_ZONE})?', _on_date),
    # nov 20 14:32:05 · fri nov 20 14:32:05 2026 · november 20, 2026
    _form(rf'(?:[a-z]{{3}},?\s+)?{_MONTH}\s+(?P<dom>\d\d?)(?:,?\s+{_YEAR})?(?:,?\s+{_CLOCK}{_ZONE})?', _on_date),
    _form(rf'(?:[a-z]{{3}},?\s+)?{_MONTH}\s+(?P<dom>\d\d?)\s+{_CLOCK}\s+{_YEAR}', _on_date),
)  # fmt: skip
