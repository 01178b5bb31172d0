"""Moments as people type and paste them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.errors import BadRequest
from dashboard.lines import parse_when
from dashboard.model import format_timestamp, parse_timestamp

BERLIN = ZoneInfo('Europe/Berlin')
NOW = datetime(2026, 11, 26, 15, 0, 30, tzinfo=BERLIN)  # a Thursday; 14:00:30 in UTC


@pytest.mark.parametrize(
    ('text', 'moment'),
    [
        ('now', '2026-11-26T14:00:30'),
        ('14:32', '2026-11-26T13:32:00'),
        ('14:32:05', '2026-11-26T13:32:05'),
        ('15:30', '2026-11-25T14:30:00'),  # today it is still to come
        ('9pm', '2026-11-25T20:00:00'),
        ('9:15 am', '2026-11-26T08:15:00'),
        ('12am', '2026-11-25T23:00:00'),
        ('yesterday', '2026-11-24T23:00:00'),
        ('yesterday 9pm', '2026-11-25T20:00:00'),
        ('Yesterday at 21:05', '2026-11-25T20:05:00'),
        ('today 08:00', '2026-11-26T07:00:00'),
        ('monday 10:00', '2026-11-23T09:00:00'),
        ('thu 10:00', '2026-11-19T09:00:00'),
        ('noon', '2026-11-26T11:00:00'),
        ('2 h ago', '2026-11-26T12:00:30'),
        ('90 minutes ago', '2026-11-26T12:30:30'),
        ('1h30m', '2026-11-26T12:30:30'),
        ('now-1h', '2026-11-26T13:00:30'),
        ('3 days ago', '2026-11-23T14:00:30'),
        ('2026-11-20', '2026-11-19T23:00:00'),
        ('2026-11-20 14:32:05', '2026-11-20T13:32:05'),
        ('2026-11-20 14:32:05,123', '2026-11-20T13:32:05.123'),
        ('2026-11-20T14:32:05.123456789Z', '2026-11-20T14:32:05.123456789'),
        ('2026-11-20T14:32:05+02:00', '2026-11-20T12:32:05'),
        ('[20/Nov/2026:14:32:05 +0100]', '2026-11-20T13:32:05'),
        ('Fri, 20 Nov 2026 14:32:05 GMT', '2026-11-20T14:32:05'),
        ('Nov 20 14:32:05', '2026-11-20T13:32:05'),
        ('Dec 24 18:00:00', '2025-12-24T17:00:00'),  # not the one that is still to come
        ('Fri Nov 20 14:32:05 2026', '2026-11-20T13:32:05'),
        ('20.11.2026 14:32', '2026-11-20T13:32:00'),
        ('2026/11/20 14:32:05', '2026-11-20T13:32:05'),
        ('1795185125', '2026-11-20T14:32:05'),
        ('1795185125123', '2026-11-20T14:32:05.123'),
        ('1795185125.5', '2026-11-20T14:32:05.5'),
        ('2026-07-01 12:00', '2026-07-01T10:00:00'),  # in summer the zone is another hour away
    ],
)
def test_what_people_write_is_read_in_the_zone_of_the_reader(text, moment):
    assert parse_when(text, BERLIN, NOW) == parse_timestamp(f'{moment}Z')


@pytest.mark.parametrize(
    'text',
    ['', ' ', '25:61', '14:60', '13pm', '0am', '12', 'soon', '2026-02-30', '2026-13-01', '31 Feb 2026', 'year 1',
     '0000-01-01', 'ERROR it failed at 14:32', '9' * 30, '1e9', '-5', '٣:٠٠', '1' * 101, '99999999999 weeks ago'],
)  # fmt: skip
def test_what_is_no_moment_is_told_in_words(text):
    with pytest.raises(BadRequest, match='is no moment'):
        parse_when(text, UTC, NOW)


@given(st.text(max_size=120))
def test_whatever_is_pasted_is_a_moment_or_an_error_in_words(text):
    with suppress(BadRequest):
        format_timestamp(parse_when(text, UTC, NOW))


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)), st.integers(-12 * 60, 14 * 60))
def test_a_timestamp_with_its_zone_is_exact_in_every_form(moment, minutes):
    there = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    forms = (there.isoformat(), f'{there:%d/%b/%Y:%H:%M:%S %z}', f'{there:%a, %d %b %Y %H:%M:%S %z}')
    assert {parse_when(form, UTC, NOW) for form in forms} == {int(there.timestamp()) * 10**9}
