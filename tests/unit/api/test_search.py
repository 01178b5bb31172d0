"""Days of kept lines are searched over HTTP: what is found, how far it has come, and how to go on."""

from __future__ import annotations

import json

import pytest

from dashboard.errors import LimitReached
from dashboard.model import SECOND, format_timestamp
from dashboard.view.finding import Searches
from tests.support.app import eventually, running

START = 1_767_323_045 * SECOND  # 2026-01-02T03:04:05Z


@pytest.fixture(scope='module')
def app(tmp_path_factory):
    """``shop:web`` has twenty lines, ``shop:api`` was removed after it had ten, ``blog:web`` is not for bob."""
    with running(tmp_path_factory.mktemp('kept'), keeps=True) as app:
        counts = {('web', 'shop'): 20, ('api', 'shop'): 10, ('web', 'blog'): 3}
        made = {}
        for (service, project), count in counts.items():
            container = made[service] = app.engine.add(service, project=project)
            for number in range(count):
                secret = ' password=hunter2' if number == 5 else ''
                text = f'level=info {project}-{service} order={number}{secret}'
                app.on_loop(app.engine.write, container, text, timestamp=START + number * SECOND)
        ann = app.signed_in('ann')
        eventually(lambda: ann.get('/api/storage').json()['lines'], lambda lines: lines == 33)
        app.on_loop(app.engine.remove, made['api'])
        yield app


@pytest.fixture
def ann(app):
    return app.signed_in('ann')


@pytest.fixture
def bob(app):
    return app.signed_in('bob')


def search(client, **query):
    answer = client.get('/api/search', params={name.removesuffix('_'): value for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    objects = [json.loads(line) for line in answer.text.splitlines()]
    assert objects[-1]['type'] == 'end'
    return [item for item in objects if item['type'] == 'log'], objects[-1]


def orders(found):
    return [(item['service'], item['content'].partition('order=')[2].split()[0]) for item in found]


def test_it_finds_over_services_newest_first_also_of_removed_ones(ann):
    found, end = search(ann, filter='order:>=8')
    assert orders(found)[:10] == [('shop:web', str(number)) for number in range(19, 9, -1)]
    assert set(orders(found)[10:]) == {('shop:web', '8'), ('api', '8'), ('shop:web', '9'), ('api', '9')}
    assert (end['found'], end['cursor'], end['bytes']) == (14, None, end['of'])
    assert {item['level'] for item in found} == {'info'}


def test_it_is_limited_to_services_and_times_and_goes_on_where_it_ended(ann):
    times = {'from': format_timestamp(START + 2 * SECOND), 'to': format_timestamp(START + 8 * SECOND)}
    found, cursor = [], ''
    while cursor is not None:
        going_on = {'cursor': cursor} if cursor else {}
        part, end = search(ann, service='api', filter='order', limit=3, **times, **going_on)
        found, cursor = found + part, end['cursor']
    assert orders(found) == [('api', str(number)) for number in range(8, 1, -1)]


def test_a_viewer_finds_only_what_is_in_scope(bob, app):
    found, _ = search(bob, filter='order=2')
    assert {name for name, _ in orders(found)} == {'web', 'api'}
    refused = bob.get('/api/search?service=blog:web')
    assert (refused.status_code, 'not found' in refused.json()['detail']) == (404, True)


def test_a_question_does_not_tell_what_is_hidden(bob, ann):
    assert len(search(ann, filter='hunter2')[0]) == 2
    assert search(bob, filter='hunter2')[0] == []
    assert search(bob, filter='/hunter2|nothing/')[0] == []
    hidden, _ = search(bob, filter='redacted')
    assert len(hidden) == 2
    assert 'hunter2' not in json.dumps(hidden)
    assert len(search(bob, filter='order=5 AND -hunter2')[0]) == 2


@pytest.mark.parametrize(
    ('query', 'words'),
    [
        ('cursor=x', 'cursor takes the cursor of the last line'),
        ('from=25:61', "'25:61' is no moment"),
        ('filter=/(/', 'is no regular expression'),
        ('limit=0', 'greater than or equal to 1'),
    ],
)
def test_what_cannot_be_searched_is_said(ann, query, words):
    answer = ann.get(f'/api/search?{query}')
    assert (answer.status_code, words in answer.text) == (422, True), answer.text


def test_a_user_may_have_so_many_searches_under_way_and_others_theirs():
    searches = Searches(2)
    refused = pytest.raises(LimitReached, match='You have 2 searches under way')
    with searches.one_more('ann'), searches.one_more('ann'), searches.one_more('bob'), refused:
        searches.one_more('ann').__enter__()
    with searches.one_more('ann'):
        pass


def test_searches_are_in_the_audit_log(ann):
    search(ann, filter='order=1', service='api')
    event = ann.get('/api/audit?event=search').json()['events'][0]
    assert (event['user'], event['filter'], event['service'], event['found']) == ('ann', 'order=1', 'api', 1)
