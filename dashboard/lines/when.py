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
MOST_PARTS = 5  # of a time that is told from now, as in an address
_UNITS = {'s': 1, 'm': 60, 'h': 3_600, 'd': 86_400, 'w': 604_800}
_MONTHS = {
    'jan': 1, 'feb': 2, 'mar': 3, 'apr': 4, 'may': 5, 'jun': 6, 'jul': 7, 'aug': 8, 'sep': 9, 'oct': 10, 'nov': 11,
    'dec': 12,
}  # fmt: skip
_DAYS = {'mon': 0, 'tue': 1, 'wed': 2, 'thu': 3, 'fri': 4, 'sat': 5, 'sun': 6}
_ZONES = {
    'z': 0, 'utc': 0, 'gmt': 0, 'wet': 0, 'west': 1, 'cet': 1, 'cest': 2, 'eet': 2, 'eest': 3, 'msk': 3, 'jst': 9,
    'est': -5, 'edt': -4, 'cst': -6, 'cdt': -5, 'mst': -7, 'mdt': -6, 'pst': -8, 'pdt': -7,
}  # fmt: skip
_CLOCKS = {'noon': '12:00', 'midnight': '00:00'}
_UNIT = r'(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)'
_MONTH = rf'(?P<month>{"|".join(_MONTHS)})[a-z]*\.?'
_SECOND = r'(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?'
_CLOCK = rf'(?P<hour>\d{{1,2}})(?::(?P<minute>\d\d)(?::{_SECOND})?)?\s*(?P<half>[ap]\.?m\.?)?'
_NAMED = r'(?:\s*(?P<zone>[a-z]{1,5}))?'
_OFFSET = r'[+-]\d\d(?::?\d\d|(?(second)|(?!)))'  # PostgreSQL leaves out minutes; 14:32-15 would be a range
_ZONE = rf'(?:\s*(?P<zone>{_OFFSET}(?:\s+[a-z]{{3,4}})?|[a-z]{{1,5}}))?'  # Go writes both
_YEAR = r'(?P<year>\d{4})'


@dataclass(frozen=True, slots=True)
class Range:
    """From when to when lines are looked at: both included, in nanoseconds since the epoch; None where it is open."""

    start: int | None = None
    end: int | None = None

    def __bool__(self) -> bool:
        return self.start is not None or self.end is not None

    def has(self, moment: int) -> bool:
        """Whether a moment belongs to it."""
        return (self.start is None or self.start <= moment) and (self.end is None or moment <= self.end)


def parse_range(start: str, end: str, zone: tzinfo, now: datetime) -> Range:
    """A range as people write it, each side as for :func:`parse_when`; '' leaves it open, and so does an end ``now``.

    :raises BadRequest: when a side is no moment, lies in the future or before 1970, or the first is not the earlier one
    """
    end = '' if end.strip().lower() == 'now' else end
    first = parse_past(start, zone, now, 'From') if start.strip() else None
    found = Range(first, parse_when(end, zone, now) if end.strip() else None)
    for name, moment in (('From', found.start), ('To', found.end)):
        if moment is not None and moment < 0:
            raise BadRequest(f'{name} is before 1970: no log is so old.')
    if found.end is not None and found.end > _exact(now):
        raise BadRequest('To lies in the future: leave it empty to see what comes, live.')
    if found.start is not None and found.end is not None and found.start >= found.end:
        raise BadRequest(
            f'From, which is {_told(found.start, zone)}, is not before To, which is {_told(found.end, zone)}.'
        )
    return found


def parse_past(text: str, zone: tzinfo, now: datetime, name: str = 'Time') -> int:
    """A moment at which something may have been written, as for :func:`parse_when`.

    :param name: of the field that the text stands in
    :raises BadRequest: when it is no moment, or lies in the future
    """
    moment = parse_when(text, zone, now)
    if moment > _exact(now):
        raise BadRequest(f'{name} lies in the future: nothing was written then yet.')
    return moment


def as_address(text: str, zone: tzinfo, now: datetime) -> str:
    """A moment as people write it, as an address keeps it: ``now-2h`` where it is told from now, else in UTC.

    :raises BadRequest: see :func:`parse_when`
    """
    words = _words(text)
    if not words:
        return ''
    moment = parse_when(text, zone, now)
    if words != 'now' and (found := _AGO.pattern.fullmatch(words)):
        parts = re.findall(rf'(\d+(?:\.\d+)?)\s*{_UNIT}', found['span'])
        if len(parts) <= MOST_PARTS:
            return f'now-{"".join(count + unit[0] for count, unit in parts)}'
    return 'now' if words == 'now' else format_timestamp(moment)


def parse_when(text: str, zone: tzinfo, now: datetime) -> int:
    """Nanoseconds since the epoch of a moment as people write it.

    :param zone: the reader's, which is meant where the text names none
    :param now: of which ``yesterday`` and ``2 h ago`` are told
    :raises BadRequest: when the text is no moment, or there is no such moment
    """
    words = _words(text)
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


def _words(text: str) -> str:
    """What was written, in small letters and without what stands around it."""
    words = ' '.join(text[: LONGEST + 1].lower().split()).strip('[]()"\' ')
    words = re.sub('^an? (?=(second|minute|hour|day|week) ago$)', '1 ', words)
    return ' '.join(_CLOCKS.get(word, word) for word in words.split())


def _told(moment: int, zone: tzinfo) -> str:
    return f'{datetime.fromtimestamp(moment // SECOND, zone):%Y-%m-%d %H:%M:%S}'


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
    """A time of today or another day near, as its zone counts them; without a day it is the last such time."""
    named = found['day']
    day = (now.astimezone(_zone(found['zone'], now)) if found['zone'] else now).date()
    if named == 'yesterday':
        day -= timedelta(days=1)
    elif named and named != 'today':
        day -= timedelta(days=(day.weekday() - _DAYS[named[:3]]) % 7 or 7)
    if not named and ':' not in found[0] and not found['half']:
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


def _on_us_date(found: Match[str], zone: tzinfo, now: datetime) -> int:
    """The month comes first where am or pm says so, or the day is no month; else nobody can tell."""
    if not found['half'] and int(found['dom']) <= 12:
        raise ValueError('the day or the month may come first')
    return _on_date(found, zone, now)


def _at(found: Match[str], day: date, zone: tzinfo) -> int:
    """A time of a day, as the groups of a clock tell it; without them its beginning."""
    parts = found.groupdict()
    hour, half = int(parts.get('hour') or 0), parts.get('half')
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(half)
        hour = hour % 12 + (12 if half[0] == 'p' else 0)
    minute, second, fraction = (parts.get(name) or '' for name in ('minute', 'second', 'fraction'))
    if hour == 24 and not int(minute + second + fraction or 0):  # ISO 8601: the end of the day
        day, hour = day + timedelta(days=1), 0
    moment = datetime(day.year, day.month, day.day, hour, int(minute or 0), int(second or 0), tzinfo=zone)
    if given := parts.get('zone'):
        moment = moment.replace(tzinfo=_zone(given, moment))
    return _exact(moment) + int(fraction.ljust(9, '0'))


def _zone(text: str, moment: datetime) -> tzinfo:
    """The zone of an offset or a name; what the reader's zone is called at the moment means that one."""
    for there in (moment, moment.replace(fold=1)):
        if (there.tzname() or '').lower() == text:
            return timezone(there.utcoffset() or timedelta())
    if text.isalpha():
        if text not in _ZONES:
            raise ValueError(text)
        return timezone(timedelta(hours=_ZONES[text]))
    digits = re.sub(r'\D', '', text)
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
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
_AGO = _form(rf'(?:now\s*-\s*)?{_SPAN}(?:ago)?', _ago)
_FORMS = (
    _form('now', _now),
    _AGO,
    _form(r'(?P<digits>\d{10}|\d{13}|\d{16}|\d{19})(?:\.(?P<parts>\d{1,9}))?', _epoch),
    _form(rf'{_DAY}(?:,?\s*(?:at\s+)?{_CLOCK}{_NAMED})?', _on_day),
    _form(rf'{_CLOCK}{_NAMED}\s+{_DAY}', _on_day),
    _form(rf'(?P<day>(?!))?(?:at\s+)?{_CLOCK}{_NAMED}', _on_day),
    # 2026-11-20 14:32:05,123 · 2026-11-20t14:32:05.123456789z · 2026/11/20
    _form(rf'{_YEAR}[-/.](?P<month>\d\d?)[-/.](?P<dom>\d\d?)(?:(?:[t_ ]|,\s*){_CLOCK}{_ZONE})?', _on_date),
    # 20.11.2026 14:32
    _form(rf'(?P<dom>\d\d?)\.(?P<month>\d\d?)\.{_YEAR}(?:,?\s+{_CLOCK}{_ZONE})?', _on_date),
    # 20/nov/2026:14:32:05 +0100 · fri, 20 nov 2026 14:32:05 gmt · 20 nov 14:32
    _form(rf'(?:[a-z]{{3}},?\s*)?(?P<dom>\d\d?)[-/ ]{_MONTH}(?:[-/ ]{_YEAR})?(?:[:, ]\s*{_CLOCK}{_ZONE})?', _on_date),
    # nov 20 14:32:05 · fri nov 20 14:32:05 cet 2026 · november 20, 2026
    _form(rf'(?:[a-z]{{3}},?\s+)?{_MONTH}\s+(?P<dom>\d\d?)(?:,?\s+{_YEAR})?(?:,?\s+{_CLOCK}{_ZONE})?', _on_date),
    _form(rf'(?:[a-z]{{3}},?\s+)?{_MONTH}\s+(?P<dom>\d\d?)\s+{_CLOCK}{_ZONE}\s+{_YEAR}', _on_date),
    # 11/26/2026 2:32:05 pm
    _form(rf'(?P<month>\d\d?)/(?P<dom>\d\d?)/{_YEAR}(?:,?\s+{_CLOCK}{_ZONE})?', _on_us_date),
    # i1126 14:32:05.123456
    _form(rf'[iwef](?P<month>\d\d)(?P<dom>\d\d)\s+(?=\d\d:\d\d:\d\d\.){_CLOCK}', _on_date),
    # 20261126t143205z
    _form(rf'{_YEAR}(?P<month>\d\d)(?P<dom>\d\d)t(?P<hour>\d\d)(?P<minute>\d\d)(?:{_SECOND})?{_ZONE}', _on_date),
)  # fmt: skip
