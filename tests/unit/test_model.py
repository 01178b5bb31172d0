"""Times, cursors and services."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.errors import BadRequest
from dashboard.lines.moments import parse_moment
from dashboard.model import Container, Cursor, Service, ServiceKey, format_timestamp, parse_timestamp

YEAR_1, YEAR_9999 = -62_135_596_800 * 10**9, 253_402_300_799 * 10**9 + 999_999_999
KEY = ServiceKey('local', 'shop', 'web')


@given(st.integers(YEAR_1, YEAR_9999))
def test_timestamps_are_exact_from_the_year_1_to_9999(moment):
    text = format_timestamp(moment)
    assert len(text) == 30
    assert parse_timestamp(text) == moment


@given(st.integers(YEAR_1, YEAR_9999), st.integers(YEAR_1, YEAR_9999))
def test_timestamps_sort_as_text(one, two):
    assert (format_timestamp(one) < format_timestamp(two)) == (one < two)


@given(st.integers(0, YEAR_9999), st.integers(0, 10**6), st.text('0123456789abcdef', min_size=12, max_size=12))
def test_a_cursor_survives_its_own_text(timestamp, ordinal, container):
    cursor = Cursor(container, timestamp, ordinal)
    assert Cursor.parse(str(cursor)) == cursor


@pytest.mark.parametrize('text', ['', 'x', '1-2', '1-x-abc', '--', 'yesterday'])
def test_what_is_no_cursor_is_refused_in_words(text):
    with pytest.raises(BadRequest, match='is not a cursor'):
        Cursor.parse(text)


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('1767323045', 1_767_323_045_000_000_000),
        ('1767323045.123456789', 1_767_323_045_123_456_789),
        ('2026-01-02T03:04:05Z', 1_767_323_045_000_000_000),
        ('2026-01-02T03:04:05.5', 1_767_323_045_500_000_000),
        ('2026-01-02T04:04:05+01:00', 1_767_323_045_000_000_000),
        ('2026-01-02', 1_767_312_000_000_000_000),
        ('0001-01-01T00:00:00Z', -62_135_596_800_000_000_000),
        ('9999-12-31T23:59:59.999999999Z', 253_402_300_799_999_999_999),
    ],
)
def test_moments_are_read_as_docker_reads_them(text, expected):
    assert parse_moment(text) == expected


@pytest.mark.parametrize('text', ['', 'soon', '12:00', '2026-13-01', '1e5', '10y', '-1'])
def test_what_is_no_moment_is_refused_naming_the_parameter(text):
    with pytest.raises(BadRequest, match='since takes a time'):
        parse_moment(text, 'since')


@pytest.mark.parametrize('text', ['99999999999999999999', '9999999d', '9' * 4_000])
def test_moments_that_no_calendar_has_are_refused_before_the_engine_is_asked(text):
    with pytest.raises(BadRequest, match='since takes a time'):
        parse_moment(text, 'since')


def container(status: str, health: str = 'none') -> Container:
    return Container(status * 3, status, KEY, 'web', status, health)


def test_a_service_runs_when_any_of_its_containers_does():
    assert Service(KEY, (container('exited'), container('running'))).status == 'running'
    assert Service(KEY, (container('exited'), container('created'))).status == 'exited'


def test_a_service_is_as_healthy_as_its_worst_running_container():
    sick, well, gone = (
        container('running', 'unhealthy'),
        container('running', 'healthy'),
        container('exited', 'unhealthy'),
    )
    assert Service(KEY, (well, sick)).health == 'unhealthy'
    assert Service(KEY, (well, gone)).health == 'healthy'
