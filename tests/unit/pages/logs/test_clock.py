"""A reader is told in their own time when a line was written."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from dashboard.pages.logs.clock import Clock

STAMP = '2026-11-23T20:15:30.303123456Z'


@pytest.mark.parametrize(
    ('zone', 'told'),
    [
        ('UTC', '20:15:30.303'),
        ('America/New_York', '15:15:30.303'),
        ('Asia/Kolkata', '2026-11-24 01:45:30.303'),  # half an hour apart, and past midnight
    ],
)
def test_a_stamp_is_told_in_the_zone_of_the_reader(zone, told):
    assert Clock(ZoneInfo(zone), date(2026, 11, 23)).tell(STAMP) == told


def test_summer_time_is_that_of_the_day_of_the_line():
    clock = Clock(ZoneInfo('Europe/Berlin'), date(2026, 11, 23))
    assert clock.tell('2026-07-01T12:00:00.000000000Z') == '2026-07-01 14:00:00.000'
    assert clock.tell('2026-11-23T12:00:00.000000000Z') == '13:00:00.000'


def test_a_line_of_another_day_is_told_with_its_date():
    assert Clock(today=date(2026, 11, 24)).tell(STAMP) == '2026-11-23 20:15:30.303'


@pytest.mark.parametrize('stamp', ['0001-01-01T00:00:00.000000000Z', '9999-12-31T23:59:59.999999999Z'])
@pytest.mark.parametrize('zone', ['America/New_York', 'Asia/Kolkata'])
def test_stamps_at_the_ends_of_time_are_told_somehow(stamp, zone):
    assert Clock(ZoneInfo(zone)).tell(stamp)[4] == '-'
