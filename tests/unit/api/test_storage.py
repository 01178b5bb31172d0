"""What is kept, as administrators ask for it, purge it and take it away."""

from __future__ import annotations

import json

import duckdb
import pytest

from dashboard.model import SECOND, format_timestamp
from tests.support.app import eventually, running

START = 1_767_323_045 * SECOND  # 2026-01-02T03:04:05Z


@pytest.fixture(scope='module')
def app(tmp_path_factory):
    """Twenty lines of ``shop:web``, a second apart, and three of ``blog:web``, are kept."""
    with running(tmp_path_factory.mktemp('kept'), keeps=True) as app:
        for project, count in (('shop', 20), ('blog', 3)):
            container = app.engine.add('web', project=project)
            for number in range(count):
                app.on_loop(app.engine.write, container, f'{project} {number}', timestamp=START + number * SECOND)
        ann = app.signed_in('ann')
        eventually(lambda: ann.get('/api/storage').json()['lines'], lambda lines: lines == 23)
        yield app


@pytest.fixture
def ann(app):
    return app.signed_in('ann')


def at(number):
    return format_timestamp(START + number * SECOND)


def test_it_is_told_what_is_kept_of_whom(ann):
    told = ann.get('/api/storage').json()
    assert (told['recording'], told['problem'], told['notes']) == (True, '', [])
    assert 0 < told['bytes'] <= told['max_bytes'] == 1 << 30
    shop = next(kept for kept in told['services'] if kept['project'] == 'shop')
    assert (shop['service'], shop['lines']) == ('web', 20)
    assert (shop['oldest'][:19], shop['newest'][:19]) == (at(0)[:19], at(19)[:19])
    assert 0 < shop['lines_per_day'] < 20
    assert told['days_left'] > 0


@pytest.mark.parametrize(('method', 'path'), [('GET', ''), ('DELETE', '?service=web'), ('GET', '/export')])
def test_viewers_are_told_nothing_of_it(app, method, path):
    assert app.signed_in('bob').request(method, f'/api/storage{path}').status_code == 403


def test_lines_are_taken_away_as_objects_of_a_time(ann):
    answer = ann.get(f'/api/storage/export?service=web&project=shop&format=jsonl&from={at(5)}&to={at(7)}')
    assert [json.loads(line)['content'] for line in answer.text.splitlines()] == ['shop 5', 'shop 6', 'shop 7']
    assert {json.loads(line)['service'] for line in answer.text.splitlines()} == {'shop:web'}


def test_lines_are_taken_away_as_a_file_that_others_read_and_nothing_stays_behind(app, ann, tmp_path):
    file = tmp_path / 'kept.parquet'
    file.write_bytes(ann.get('/api/storage/export').content)
    found = duckdb.execute(f"SELECT project, text FROM '{file}' ORDER BY time, project").fetchall()
    assert len(found) == 23
    assert found[:2] == [('blog', 'blog 0'), ('shop', 'shop 0')]
    eventually(lambda: not list(app.store.directory.glob('export-*')))


@pytest.mark.parametrize(
    ('query', 'words'),
    [
        ('service=web', 'Several services have the name web: say which project, of blog, shop.'),
        ('service=web&project=news', 'Nothing is kept of news/web.'),
        ('service=web&project=shop&before=25:61', "'25:61' is no moment"),
        ('', 'Say which service is to be forgotten, or before which time.'),
    ],
)
def test_what_cannot_be_purged_is_said_and_loses_nothing(ann, query, words):
    before = ann.get('/api/storage').json()['lines']
    answer = ann.delete(f'/api/storage?{query}')
    assert (answer.status_code, words in answer.json()['detail']) == (422, True), answer.text
    assert ann.get('/api/storage').json()['lines'] == before


def test_a_service_is_purged_before_a_time_and_then_whole_and_the_audit_log_says_so(app, ann):
    assert ann.delete(f'/api/storage?service=web&project=shop&before={at(15)}').json() == {'lines': 15}
    kept = ann.get('/api/storage/export?service=web&project=shop&format=jsonl').text.splitlines()
    assert [json.loads(line)['content'] for line in kept] == [f'shop {number}' for number in range(15, 20)]
    assert ann.delete('/api/storage?service=web&project=shop').json() == {'lines': 5}
    assert [kept['project'] for kept in ann.get('/api/storage').json()['services']] == ['blog']
    events = ann.get('/api/audit?event=store-purge').json()['events']
    assert [(event['service'], event['lines']) for event in events] == [('shop:web', 5), ('shop:web', 15)]


def test_without_a_store_it_is_said_why_nothing_is_kept(tmp_path):
    with running(tmp_path) as app:
        ann = app.signed_in('ann')
        told = ann.get('/api/storage').json()
        assert not told['recording']
        assert 'DASHBOARD_STORE_BYTES' in told['problem']
        assert 'DASHBOARD_STORE_BYTES' in ann.get('/api/storage/export').json()['detail']


def test_the_last_lines_of_a_service_that_was_recreated_or_removed_are_those_that_were_kept(tmp_path):
    with running(tmp_path, keeps=True) as app:
        ann = app.signed_in('ann')
        for first in (0, 3):
            container = app.engine.add('web')
            for number in range(first, first + 3):
                app.on_loop(app.engine.write, container, str(number), timestamp=START + number * SECOND)
            eventually(lambda: ann.get('/api/storage').json()['lines'], lambda lines, so_far=first: lines == so_far + 3)
            if first == 0:
                app.on_loop(app.engine.remove, container)

        def texts(query):
            return [line.split()[1] for line in ann.get(f'/api/logs/web?{query}').json()['logs']]

        def downloaded(query):  # a container may have been removed before it was followed: then a row says so
            text = ann.get(f'/api/logs/web/download?{query}').text
            return [line for line in text.splitlines() if not line.startswith('---')]

        for _ in ('recreated', 'removed'):
            assert texts('tail=100') == list('012345')
            assert texts('tail=4') == list('2345')
            assert texts(f'tail=100&since={at(1)}') == list('12345')
            assert downloaded('tail=5') == list('12345')
            if container.id in app.engine._logs:
                app.on_loop(app.engine.remove, container)
                eventually(lambda: not ann.get('/api/logs').json()['services'])
