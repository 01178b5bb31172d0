"""Whose clock the page goes by: the reader's own, or UTC as the engine does."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

from nicegui import Client

from dashboard.model import SECOND, STAMP_LENGTH, LogLine
from dashboard.pages.logs.answers import answer_of

SECOND_LENGTH = 19  # of '2026-11-23T12:00:00'
_ASK = 'return Intl.DateTimeFormat().resolvedOptions().timeZone'


class Clock:
    """Tells the engine's stamps to a reader: the time of day, after the date when that is not today's.

    :param zone: the reader's
    :param today: the date there, else what it is now
    """

    def __init__(self, zone: tzinfo = UTC, today: date | None = None) -> None:
        self.zone_name = ' UTC' if zone is UTC else ''  # to be said where it is not the reader's own
        self._zone = zone
        self._today = today or datetime.now(zone).date()
        self._seconds: dict[bytes, int | None] = {}
        self._minutes: dict[str, str] = {}  # told so far: there are few, and many lines in each

    def tell(self, stamp: str) -> str:
        """``2026-11-23T12:00:00.303123456Z`` as ``12:00:00.303``: to the millisecond."""
        minute = stamp[:16]
        if minute not in self._minutes:
            self._minutes[minute] = self._translated(minute)
        return self._minutes[minute] + stamp[16:23]

    def cursor(self, line: LogLine) -> str:
        """The text of a line's cursor; '' when its stamp is no time. Of few seconds there are many lines."""
        second = line.record[:SECOND_LENGTH]
        if second not in self._seconds:
            self._seconds[second] = _seconds(line)
        seconds = self._seconds[second]
        if seconds is None or not (nanoseconds := line.record[SECOND_LENGTH + 1 : STAMP_LENGTH - 1]).isdigit():
            return ''
        return f'{seconds * SECOND + int(nanoseconds)}-{line.ordinal}-{line.container.short_id}'

    def _translated(self, minute: str) -> str:
        try:
            moment = datetime.fromisoformat(f'{minute}+00:00').astimezone(self._zone)
        except (ValueError, OverflowError):  # the first or last hours of the years that a date can be in
            return minute.replace('T', ' ')
        day, _, time = moment.isoformat(' ', 'minutes')[:16].partition(' ')
        return time if moment.date() == self._today else f'{day} {time}'


def _seconds(line: LogLine) -> int | None:
    """Since the epoch; None when the stamp is no time."""
    try:
        return line.timestamp // SECOND
    except ValueError:
        return None


async def zone_of(client: Client) -> tzinfo:
    """The time zone of the browser; UTC when it does not say, or this machine does not know it."""
    try:
        return ZoneInfo(str(await answer_of(client, _ASK)))
    except (TimeoutError, ValueError, LookupError, OSError):  # LookupError: not found; OSError: '' is a folder
        return UTC
