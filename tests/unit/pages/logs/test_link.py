"""What the address says, both ways."""

from __future__ import annotations

import pytest
from starlette.datastructures import QueryParams

from dashboard.pages.logs.link import LONGEST_SERVICES, Link


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


def test_what_is_to_be_seen_is_a_line_or_a_moment_or_neither():
    texts = ('1795185125000000000-0-0123456789ab', '2026-11-20T14:32:05Z', 'soon')
    line, moment, neither = (Link(at=text) for text in texts)
    assert (str(line.cursor), line.moment) == (line.at, None)
    assert (moment.cursor, moment.moment) == (None, 1_795_185_125 * 10**9)
    assert (neither.cursor, neither.moment) == (None, None)
