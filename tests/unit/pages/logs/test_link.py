"""What the address says, both ways."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from starlette.datastructures import QueryParams

from dashboard.errors import BadRequest
from dashboard.pages.logs.link import LONGEST_SERVICES, Link

NOW = datetime(2026, 11, 20, 16, 32, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ('query', 'service'),
    [
        ('service=web&tail=100', 'web'),
        ('service=web&service=api&tail=100', 'web,api'),
        ('project=shop&tail=100', 'shop:*'),
        ('project=shop&service=lab%3Aweb&tail=100', 'shop:*,lab:web'),
        ('service=*&tail=100', '*'),
    ],
)
def test_several_services_are_several_parameters(query, service):
    link = Link.of(QueryParams(query))
    assert link.service == service
    assert str(link) == query


def test_names_are_bounded_and_an_empty_one_is_none():
    assert Link.of(QueryParams('service=&service=web&service=web')).service == 'web'
    assert (
        len(Link.of(QueryParams([('service', f'web{number}') for number in range(10_000)])).service) == LONGEST_SERVICES
    )


def test_what_is_to_be_seen_is_a_line():
    link = Link(at='1795185125000000000-0-0123456789ab')
    assert str(link.cursor) == link.at
    with pytest.raises(BadRequest, match='is no moment'):
        link.moment(UTC, NOW)


@pytest.mark.parametrize(
    'text',
    ['2026-11-20T14:32:05Z', '2026-11-20 15:32:05', '20 Nov 2026 14:32:05 GMT', '1795185125', 'now-2h', '2 hours ago',
     '15:32:05', '2026-11-20 14:32:05 +0000 UTC'],
)  # fmt: skip
def test_or_it_is_a_moment_as_people_write_it(text):
    assert Link(at=text).cursor is None
    assert Link(at=text).moment(ZoneInfo('Europe/Berlin'), NOW) == 1_795_185_125 * 10**9


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('25:61', "'25:61' is no moment. Try 14:32"),
        ('1-2-3', "'1-2-3' is no moment"),
        ('9' * 30 + '-0-0123456789ab', 'is no moment'),
        ('2030-01-01', 'Its "at" lies in the future'),
    ],
)
def test_or_it_is_neither_and_that_is_told(text, words):
    assert Link(at=text).cursor is None
    with pytest.raises(BadRequest, match=words):
        Link(at=text).moment(UTC, NOW)


def test_of_the_levels_those_are_kept_that_there_are():
    assert Link.of(QueryParams('level=bogus,error,Warning,')).level == 'error,warn'
    assert Link.of(QueryParams('level=bogus')).level == ''


def test_a_range_is_kept_as_it_was_chosen():
    query = 'service=web&tail=100&from=now-1h&to=2026-11-20T14%3A32%3A05.000000000Z'
    link = Link.of(QueryParams(query))
    assert (link.start, link.end) == ('now-1h', '2026-11-20T14:32:05.000000000Z')
    assert str(link) == query
