"""Downloads: between two times, from what is held and from the engine, as text and as JSON lines."""

from __future__ import annotations

import json
from base64 import b64decode
from contextlib import aclosing, asynccontextmanager

import pytest

from dashboard.access.identity import Identity
from dashboard.access.scope import EVERYTHING
from dashboard.access.visits import Visit
from dashboard.api.ranges import between, held_from
from dashboard.config import Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.lines import Range
from dashboard.model import SECOND, Gap, LogLine, format_timestamp
from dashboard.timeline.hub import LogHub
from dashboard.view.lens import Redactor
from dashboard.view.view import View
from tests.unit.api.test_logs import START, _eventually, client, engine, product, shop, two, web  # noqa: F401 - fixtures

DOWNLOAD = '/api/logs/web/download'


def at(number: int) -> str:
    return format_timestamp(START + number * SECOND)


@pytest.mark.parametrize(
    ('query', 'numbers'),
    [
        (f'from={at(18)}', (18, 20)),
        (f'to={at(3)}', (1, 3)),
        (f'from={at(5)}&to={at(7)}', (5, 7)),
        ('from=2026-01-02 03:04:23&to=2 jan 2026 03:04:24', (18, 19)),
        (f'from={at(5)}&to={at(15)}&tail=2', (14, 15)),
        (f'from={at(5)}&to={at(15)}&filter=/1[23]/', (12, 13)),
        ('from=1970-01-01&to=now', (1, 20)),
    ],
)
@pytest.mark.parametrize('watched', [False, True])
def test_a_download_between_two_times_has_the_lines_of_that_time(web, client, query, numbers, watched):  # noqa: F811
    expected = [str(number) for number in range(numbers[0], numbers[1] + 1)]
    if not watched:
        assert client.get(f'{DOWNLOAD}?{query}').text.split() == expected
        return
    with client.websocket_connect(f'/api/logs/ws/web?token={client.token}&tail=1') as socket:
        socket.receive_json()
        assert client.get(f'{DOWNLOAD}?{query}').text.split() == expected


def test_a_range_may_be_told_from_now_on_and_its_file_is_called_by_it(engine, web, client):  # noqa: F811
    engine.write(web, 'just now')
    assert client.get(f'{DOWNLOAD}?from=now-1h').text == 'just now\n'
    named = client.get(f'{DOWNLOAD}?from={at(5)}&to={at(7)}&format=jsonl').headers['content-disposition']
    assert named == 'attachment; filename="web-logs-20260102T030410Z-20260102T030412Z.jsonl"'


def test_a_range_of_several_services_is_merged(two, client):  # noqa: F811
    query = f'from={format_timestamp(START + 1)}'
    assert client.get(f'/api/logs/web,api/download?{query}').text == 'api | 1\nweb | 2\n'


@pytest.mark.parametrize(
    ('query', 'words'),
    [
        ('from=25:61', "from: '25:61' is no moment"),
        ('to=tomorrow', "to: 'tomorrow' is no moment"),
        ('from=', "from: '' is no moment"),
        ('from=0001-01-01', 'from takes a time since 1970'),
        ('from=9999-01-01', 'from lies in the future'),
        ('from=5m&to=10m', 'and not before to'),
        ('from=1h&since=1h', 'from and to stand in place of since, until and held'),
        ('to=1h&held=0', 'from and to stand in place of since, until and held'),
    ],
)
def test_a_range_that_does_not_do_is_422_in_words(web, client, query, words):  # noqa: F811
    answer = client.get(f'{DOWNLOAD}?{query}')
    assert answer.status_code == 422
    assert words in answer.json()['detail']


def test_json_lines_tell_the_level_of_the_message_of_each_line(shop, client):  # noqa: F811
    lines = [json.loads(line) for line in client.get('/api/logs/shop/download?format=jsonl').text.splitlines()]
    levels = {line['content']: line['level'] for line in lines}
    assert (levels['INFO: order 2'], levels['ERROR: order 3']) == ('info', 'error')
    trace = [line['level'] for line in lines if line['content'] == '  because of the till']
    assert trace == ['error', 'error']


def test_json_lines_hold_the_bytes_of_every_line_exactly(engine, client):  # noqa: F811
    written = [
        b'plain',
        'caf\u00e9'.encode(),
        b'',
        b'\xff\xfe',
        b'half \xe2\x82',
        b'\x1b[31mred',
        b'cr\r',
        b'\xef\xbf\xbd',
    ]
    container = engine.add('web')
    for content in written:
        engine.write(container, content + b'\n')
    engine.write(container, b'with both\r\n')
    _eventually(lambda: client.get('/api/services').json()['services'], 1)
    lines = [json.loads(line) for line in client.get(f'{DOWNLOAD}?format=jsonl').content.split(b'\n') if line]
    told = [b64decode(line['bytes']) if 'bytes' in line else line['content'].encode() for line in lines]
    assert told == [*(content.removesuffix(b'\r') for content in written), b'with both']
    assert ['bytes' in line for line in lines] == [
        content in (b'\xff\xfe', b'half \xe2\x82') for content in written
    ] + [False]


# what is held, and what is older


@asynccontextmanager
async def watching(engine: ScriptedEngine, **limits: int):  # noqa: F811
    """A view of an engine, and a subscription to the service ``web`` that has come to the present end."""
    async with LogHub(engine, Settings(**limits)) as hub:
        await hub.asked()
        view = View(hub, Visit(Identity('x', True, EVERYTHING, '', 'session', 1 << 40)), Redactor())
        async with view.subscribe(view.select('web'), 0) as subscription:
            yield view, subscription


async def rows_of(batches) -> list:
    async with aclosing(batches) as source:
        return [row async for rows in source for row in rows]


def texts(rows) -> list[str]:
    return [row.text if isinstance(row, LogLine) else repr(row) for row in rows]


async def until(subscription, number: int) -> None:
    """Wait until the history has come to that row."""
    while subscription.feed.history.end < number:
        subscription.go_on(subscription.feed.history.end, 0)
        await subscription.wait()


def written(engine: ScriptedEngine, count: int):  # noqa: F811
    container = engine.add('web')
    for number in range(count):
        engine.write(container, str(number), timestamp=START + number * SECOND)
    return container


async def test_what_is_held_of_a_range_is_not_asked_of_the_engine():
    engine = ScriptedEngine()  # noqa: F811
    written(engine, 100)
    async with watching(engine) as (view, _):
        opened = engine.streams_opened
        rows = await rows_of(between(view, view.select('web'), Range(START + 10 * SECOND, START + 20 * SECOND)))
        assert texts(rows) == [str(number) for number in range(10, 21)]
        assert engine.streams_opened == opened


@pytest.mark.parametrize(('first', 'last'), [(0, 99), (10, 20), (85, 95), (70, 95), (0, 5)])
async def test_what_is_older_is_read_from_the_engine_without_a_seam(first, last):
    engine = ScriptedEngine()  # noqa: F811
    written(engine, 100)
    async with watching(engine, history_lines=20) as (view, subscription):
        assert subscription.feed.history.first > 0
        rows = await rows_of(between(view, view.select('web'), Range(START + first * SECOND, START + last * SECOND)))
        assert texts(rows) == [str(number) for number in range(first, last + 1)]


async def test_a_range_has_the_lines_of_a_container_that_was_removed_while_somebody_watched():
    engine = ScriptedEngine()  # noqa: F811
    old = written(engine, 10)
    async with watching(engine) as (view, subscription):
        new = engine.add('web')
        engine.write(new, 'of the new one', timestamp=START + 20 * SECOND)
        await until(subscription, 11)
        engine.remove(old)
        async with view.changes() as changes:
            async for _ in changes:
                if len(view.find('web').containers) == 1:
                    break
        rows = await rows_of(between(view, view.select('web'), Range(START + 5 * SECOND, None)))
        assert texts(rows) == ['5', '6', '7', '8', '9', 'of the new one'], 'and no remark of what was noticed'


@pytest.mark.parametrize('kind', ['range', 'held'])
async def test_a_slow_reader_of_what_is_held_gets_from_the_engine_what_has_left_meanwhile(kind, monkeypatch):
    monkeypatch.setattr('dashboard.api.ranges.BATCH', 10)
    engine = ScriptedEngine()  # noqa: F811
    container = written(engine, 100)
    async with watching(engine, history_lines=200) as (view, subscription):
        reader = subscription.feed.subscribe()
        reader.go_on(50, 0)
        source = between(view, view.select('web'), Range(START, None)) if kind == 'range' else held_from(view, reader)
        while not (rows := list(await anext(source))):
            pass
        for number in range(100, 700):
            engine.write(container, str(number), timestamp=START + number * SECOND)
        await until(subscription, 700)
        assert subscription.feed.history.first > 100, 'all that was about to be sent has left'
        rows += await rows_of(source)
        assert not [row for row in rows if isinstance(row, Gap)]
        numbers = [int(row.text) for row in rows]
        first = 50 if kind == 'held' else 0
        assert numbers == list(range(first, first + len(numbers)))
        assert numbers[-1] >= 99
