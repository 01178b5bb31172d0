"""Whatever a log holds, it comes out of every exit whole, and as text."""

from __future__ import annotations

import json

import pytest

from dashboard.model import SECOND, parse_timestamp
from tests.support.hostile import CORPUS, LONG
from tests.unit.api.test_logs import START, client, engine, product, web  # noqa: F401 - fixtures

YEAR_1, YEAR_9999 = parse_timestamp('0001-01-01T00:00:00Z'), parse_timestamp('9999-12-31T23:59:59.999999999Z')


@pytest.fixture
def hostile(web, engine):  # noqa: F811
    engine.rotate(web, 0)
    for number, content in enumerate(CORPUS.values()):
        engine.write(web, content + b'\n', timestamp=START + number * SECOND)
    return web


def test_a_download_is_exact_to_the_byte(hostile, client):  # noqa: F811
    assert client.get('/api/logs/web/download').content == b''.join(line + b'\n' for line in CORPUS.values())


def test_a_download_as_json_lines_has_a_line_for_each_in_valid_utf8(hostile, client):  # noqa: F811
    lines = client.get('/api/logs/web/download?format=jsonl').content.decode().split('\n')
    assert [json.loads(line)['content'] for line in lines[:-1]] == [
        content.rstrip(b'\r').decode('utf-8', 'replace') for content in CORPUS.values()
    ]


def test_a_websocket_sends_each_as_its_own_message(hostile, client):  # noqa: F811
    with client.websocket_connect(f'/api/logs/ws/web?token={client.token}&tail=1000') as socket:
        for name, content in CORPUS.items():
            assert socket.receive_json()['content'] == content.rstrip(b'\r').decode('utf-8', 'replace'), name


def test_an_answer_over_http_has_each(hostile, client):  # noqa: F811
    answer = client.get('/api/logs/web?tail=1000&timestamps=false').json()
    assert answer['logs'] == [content.rstrip(b'\r').decode('utf-8', 'replace') for content in CORPUS.values()]


def test_ten_megabytes_without_an_ending_come_out_whole(web, engine, client):  # noqa: F811
    engine.rotate(web, 0)
    engine.write(web, b'x' * LONG)
    assert client.get('/api/logs/web/download').content == b'x' * LONG


def test_a_log_of_nothing_but_empty_lines_has_them_all(web, engine, client):  # noqa: F811
    engine.rotate(web, 0)
    engine.write_many(web, [''] * 1_000)
    assert client.get('/api/logs/web/download').content == b'\n' * 1_000
    assert client.get('/api/logs/web?tail=1000&timestamps=false').json()['logs'] == [''] * 1_000


@pytest.mark.parametrize('moment', [YEAR_1, YEAR_9999])
def test_the_first_and_the_last_moment_there_is_are_times_like_others(web, engine, client, moment):  # noqa: F811
    engine.rotate(web, 0)
    engine.write(web, 'one', timestamp=moment)
    engine.write(web, 'two', timestamp=moment)
    with client.websocket_connect(f'/api/logs/ws/web?token={client.token}&tail=10') as socket:
        first, second = socket.receive_json(), socket.receive_json()
    assert parse_timestamp(first['timestamp']) == moment
    assert client.get(f'/api/logs/web/download?since={first["cursor"]}').text == 'two\n'
    assert client.get(f'/api/logs/web/download?since={second["cursor"]}').text == ''
