"""Moments as people type and paste them."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.errors import BadRequest
from dashboard.lines import as_address, parse_past, parse_range, parse_when
from dashboard.model import format_timestamp, parse_timestamp

BERLIN, LONDON, SHANGHAI, SYDNEY = map(
    ZoneInfo, ('Europe/Berlin', 'Europe/London', 'Asia/Shanghai', 'Australia/Sydney')
)
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
        ('yesterday at noon', '2026-11-25T11:00:00'),
        ('midnight', '2026-11-25T23:00:00'),
        ('at 14:32', '2026-11-26T13:32:00'),
        ('2:32 p.m.', '2026-11-26T13:32:00'),
        ('14:32:05Z', '2026-11-25T14:32:05'),  # 15:32:05 here is still to come
        ('14:32 CET', '2026-11-26T13:32:00'),
        ('14:32 JST', '2026-11-26T05:32:00'),
        ('23:30 JST', '2026-11-25T14:30:00'),
        ('00:30 PST', '2026-11-26T08:30:00'),
        ('yesterday at 21:00 UTC', '2026-11-25T21:00:00'),
        ('9am EST today', '2026-11-26T14:00:00'),
        ('2 h ago', '2026-11-26T12:00:30'),
        ('an hour ago', '2026-11-26T13:00:30'),
        ('a minute ago', '2026-11-26T13:59:30'),
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
        ('Fri Nov 20 14:32:05 UTC 2026', '2026-11-20T14:32:05'),  # date
        ('Fri Nov 20 14:32:05 CET 2026', '2026-11-20T13:32:05'),
        ('Fri Nov 20 02:32:05 PM EST 2026', '2026-11-20T19:32:05'),
        ('2026-11-20 14:32:05 +0000 UTC', '2026-11-20T14:32:05'),  # Go
        ('2026-11-20 14:32:05.123456789 -0500 EST', '2026-11-20T19:32:05.123456789'),
        ('2026-11-20 14:32:05.123 CET', '2026-11-20T13:32:05.123'),  # PostgreSQL
        ('2026-11-20 14:32:05.123456+00', '2026-11-20T14:32:05.123456'),
        ('I1120 14:32:05.123456', '2026-11-20T13:32:05.123456'),  # klog
        ('20261120T143205Z', '2026-11-20T14:32:05'),
        ('20261120T143205.5+0100', '2026-11-20T13:32:05.5'),
        ('2026-11-20 24:00', '2026-11-20T23:00:00'),
        ('11/20/2026 2:32:05 PM', '2026-11-20T13:32:05'),
        ('11/20/2026, 14:32', '2026-11-20T13:32:00'),
        ('3/4/2026 2pm', '2026-03-04T13:00:00'),
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
     '0000-01-01', 'ERROR it failed at 14:32', '9' * 30, '1e9', '-5', '٣:٠٠', '1' * 101, '99999999999 weeks ago',
     '14:32-15:00', '2026-11-20 14:32-15', '12 UTC', '14:32 XYZ', '14:32 to', '2026-11-20 14:32:05 failed', '3/4/2026',
     '3/4/2026 14:32', '26/11/2026', '26/11/2026 2pm', '24:01', '2026-11-20 24:00:01', '9999-12-31 24:00', 'am', 'a h',
     'an hour', '14 p.m.', '20261120', '20261320T143205Z', 'X1120 14:32:05.123456', 'I1120 14:32'],
)  # fmt: skip
def test_what_is_no_moment_is_told_in_words(text):
    with pytest.raises(BadRequest, match='is no moment'):
        parse_when(text, UTC, NOW)


@pytest.mark.parametrize(('text', 'moment'), [('noon', '2026-11-25T11:00:00'), ('midnight', '2026-11-25T23:00:00')])
def test_a_noon_that_is_still_to_come_is_yesterdays(text, moment):
    assert parse_when(text, BERLIN, NOW.replace(hour=9)) == parse_timestamp(f'{moment}Z')


@pytest.mark.parametrize(
    ('text', 'zone', 'now', 'moment'),
    [
        ('2026-07-01 12:00 BST', LONDON, '2026-11-26T08:00:00Z', '2026-07-01T11:00:00'),
        ('2026-07-01 12:00 CST', SHANGHAI, '2026-11-26T08:00:00Z', '2026-07-01T04:00:00'),
        ('2026-07-01 12:00 CST', BERLIN, '2026-11-26T08:00:00Z', '2026-07-01T18:00:00'),
        ('2026-04-05 02:30 AEDT', SYDNEY, '2026-11-26T08:00:00Z', '2026-04-04T15:30:00'),  # the hour that comes twice
        ('2026-04-05 02:30 AEST', SYDNEY, '2026-11-26T08:00:00Z', '2026-04-04T16:30:00'),
        ('today 14:32 UTC', SHANGHAI, '2026-11-25T23:00:00Z', '2026-11-25T14:32:00'),  # here it is the 26th
        ('14:32 PST', SHANGHAI, '2026-11-25T23:00:00Z', '2026-11-25T22:32:00'),
    ],
)
def test_a_time_is_told_by_the_day_and_the_name_that_its_zone_has_then(text, zone, now, moment):
    assert parse_when(text, zone, datetime.fromisoformat(now)) == parse_timestamp(f'{moment}Z')


@pytest.mark.parametrize('text', ['2026-12-01 12:00 BST', '2026-07-01 12:00 AEDT'])
def test_a_name_that_no_zone_here_has_then_is_told(text):
    with pytest.raises(BadRequest, match='is no moment'):
        parse_when(text, LONDON, NOW)


@given(st.text(max_size=120))
def test_whatever_is_pasted_is_a_moment_or_an_error_in_words(text):
    with suppress(BadRequest):
        format_timestamp(parse_when(text, UTC, NOW))


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)), st.integers(-12 * 60, 14 * 60))
def test_a_timestamp_with_its_zone_is_exact_in_every_form(moment, minutes):
    there = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    forms = (there.isoformat(), f'{there:%d/%b/%Y:%H:%M:%S %z}', f'{there:%a, %d %b %Y %H:%M:%S %z}')
    assert {parse_when(form, UTC, NOW) for form in forms} == {int(there.timestamp()) * 10**9}


@pytest.mark.parametrize(
    ('start', 'end', 'wanted'),
    [
        ('14:00', '14:30', ('2026-11-26T13:00:00', '2026-11-26T13:30:00')),
        ('now-1h', '', ('2026-11-26T13:00:30', None)),
        ('1 h ago', 'now', ('2026-11-26T13:00:30', None)),  # live
        ('', '14:30', (None, '2026-11-26T13:30:00')),
        (' ', '', (None, None)),
    ],
)
def test_a_range_has_two_moments_of_which_each_may_be_open(start, end, wanted):
    range_ = parse_range(start, end, BERLIN, NOW)
    assert (range_.start, range_.end) == tuple(text and parse_timestamp(text) for text in wanted)
    assert bool(range_) is any(wanted)


@pytest.mark.parametrize(
    ('start', 'end', 'words'),
    [
        ('14:30', '14:00', 'From, which is 2026-11-26 14:30:00, is not before To, which is 2026-11-26 14:00:00'),
        ('14:30', '14:30', 'is not before To'),
        ('0002-01-01', '', 'From is before 1970'),
        ('', '0001-01-01T00:00:00Z', 'To is before 1970'),
        ('25:61', '', "'25:61' is no moment"),
        ('2027-01-01', '', 'From lies in the future'),
        ('14:00', '2027-01-01', 'To lies in the future: leave it empty'),
        ('14:00', '9999-12-31 23:59:59', 'To lies in the future'),
    ],
)
def test_a_range_that_cannot_be_is_an_error_in_words(start, end, words):
    with pytest.raises(BadRequest, match=re.escape(words)):
        parse_range(start, end, BERLIN, NOW)


@pytest.mark.parametrize('text', ['2030-01-01', '2026-11-26 15:00:31', 'today 24:00'])
def test_nothing_was_written_yet_in_the_future(text):
    with pytest.raises(BadRequest, match='Time lies in the future: nothing was written then yet'):
        parse_past(text, BERLIN, NOW)
    assert parse_past('now', BERLIN, NOW) == parse_when('now', BERLIN, NOW)


@pytest.mark.parametrize(
    ('text', 'address'),
    [
        ('1 h ago', 'now-1h'),
        ('now-15m', 'now-15m'),
        ('an hour ago', 'now-1h'),
        ('1 day, 2 hours', 'now-1d2h'),
        ('now', 'now'),
        ('1h' * 6, '2026-11-26T08:00:30.000000000Z'),
        ('14:32', '2026-11-26T13:32:00.000000000Z'),
        ('', ''),
    ],
)
def test_an_address_keeps_a_moment_in_utc_unless_it_was_told_from_now(text, address):
    assert as_address(text, BERLIN, NOW) == address
    assert not text or abs(parse_when(address, UTC, NOW) - parse_when(text, BERLIN, NOW)) == 0
