"""The HTTP and WebSocket routes, on an engine in the same process."""

from __future__ import annotations

import json
import threading
from functools import partial
from types import SimpleNamespace

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from dashboard.access.accounts import Accounts
from dashboard.app import create_api
from dashboard.config import Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.lines import Question, Reckoner
from dashboard.model import LONGEST_LINE, SECOND, format_timestamp
from dashboard.timeline.hub import LogHub
from dashboard.timeline.pieces import ROWS
from tests.support.app import CHEAP, PASSWORD, eventually

START = 1_767_323_045 * SECOND  # 2026-01-02T03:04:05Z


class OnLoop:
    """The scripted engine for a test's thread: calls it on the event loop that serves the client."""

    def __init__(self) -> None:
        self.engine = ScriptedEngine()
        self.portal = None

    def __getattr__(self, name):
        attribute = getattr(self.engine, name)
        if self.portal is None or not callable(attribute):
            return attribute
        return lambda *args, **kwargs: self.portal.call(partial(attribute, *args, **kwargs))


@pytest.fixture
def engine():
    return OnLoop()


@pytest.fixture(scope='module')
def product(tmp_path_factory):
    """The routes, which take long to make, before a hub that each test makes anew."""
    accounts = Accounts(tmp_path_factory.mktemp('accounts'), hasher=CHEAP)
    accounts.users.add('ann', PASSWORD)
    hub = LogHub(ScriptedEngine(), Settings())
    return SimpleNamespace(accounts=accounts, hub=hub, api=create_api(hub, accounts))


@pytest.fixture
def client(product, engine):
    """A client that is signed in; entering it starts the hub."""
    product.hub.__init__(engine.engine, Settings())
    with TestClient(product.api) as client:
        engine.portal = client.portal
        client.token = product.accounts.issue('ann')
        client.headers['Authorization'] = f'Bearer {client.token}'
        yield client


@pytest.fixture
def web(engine):
    """A running service with the lines 1 to 20, a second apart."""
    assert engine.portal is None, 'name it before the client: what is there at the start need not be waited for'
    container = engine.add('web')
    for number in range(1, 21):
        engine.write(container, str(number), timestamp=START + number * SECOND)
    return container


def test_services_are_listed_with_status_and_health(client, engine):
    engine.add('web', health='healthy')
    engine.add('job', status='exited')
    client.get('/api/health')
    services = _eventually(lambda: client.get('/api/services').json()['services'], 2)
    assert [(item['name'], item['status'], item['health']) for item in services] == [
        ('web', 'running', 'healthy'),
        ('job', 'exited', 'none'),
    ]
    assert services[0]['project'] == 'shop'
    assert services[0]['containers'][0]['status'] == 'running'


def test_logs_are_available_for_running_services(engine, web, client):
    engine.add('job', status='exited')
    found = _eventually(lambda: client.get('/api/logs').json(), lambda found: found['services'])
    assert found == {'services': [{'service': 'web', 'status': 'running', 'container_id': web.short_id}]}


def test_the_last_lines_come_with_timestamps(web, client):
    answer = client.get('/api/logs/web?tail=2').json()
    stamps = [format_timestamp(START + number * SECOND) for number in (19, 20)]
    assert answer == {'logs': [f'{stamps[0]} 19', f'{stamps[1]} 20'], 'service': 'web', 'count': 2}


def test_timestamps_can_be_left_out(web, client):
    assert client.get('/api/logs/web?tail=3&timestamps=false').json()['logs'] == ['18', '19', '20']


@pytest.mark.parametrize(
    'since', ['2026-01-02T03:04:23Z', '2026-01-02T04:04:23%2B01:00', '1767323063', '1767323063.000']
)
def test_since_and_until_select_by_time(web, client, since):
    assert client.get(f'/api/logs/web?timestamps=false&since={since}').json()['logs'] == ['18', '19', '20']
    assert client.get(f'/api/logs/web?timestamps=false&until={since}&tail=2').json()['logs'] == ['17', '18']


def test_the_last_lines_of_a_scaled_service_are_in_order(engine, client):
    first, second = engine.add('web', name='web-1'), engine.add('web', name='web-2')
    for number in range(10):
        engine.write((first, second)[number % 2], str(number), timestamp=START + number * SECOND)
    _eventually(
        lambda: [item for found in client.get('/api/services').json()['services'] for item in found['containers']], 2
    )
    assert client.get('/api/logs/web?tail=4&timestamps=false').json()['logs'] == ['6', '7', '8', '9']


def test_an_unknown_service_is_404_in_words(client):
    answer = client.get('/api/logs/nope')
    assert answer.status_code == 404
    assert answer.json() == {'logs': [], 'error': 'Service nope not found'}


def test_a_name_that_fits_two_projects_is_told_how_to_ask(engine, client):
    engine.add('web', project='shop')
    blog = engine.add('web', project='blog')
    engine.write(blog, 'from the blog')
    _eventually(lambda: client.get('/api/services').json()['services'], 2)
    answer = client.get('/api/logs/web')
    assert answer.status_code == 404
    assert answer.json()['error'] == 'Several projects have a service web: ask for blog:web or shop:web.'
    assert client.get('/api/logs/blog:web?timestamps=false').json()['logs'] == ['from the blog']


@pytest.mark.parametrize('query', ['tail=0', 'tail=10001', 'tail=many', 'since=yesterday', 'until=12:00'])
def test_a_bad_parameter_is_422(web, client, query):
    assert client.get(f'/api/logs/web?{query}').status_code == 422


def test_an_engine_that_is_away_is_503_in_words(engine, client):
    engine.fail('the socket does not exist')
    answer = _eventually(lambda: client.get('/api/logs/web'), lambda found: found.status_code == 503)
    assert 'the socket does not exist' in answer.json()['error']
    assert client.get('/api/health').json()['engine'] == 'unreachable'


def test_health_is_open_and_says_whether_the_engine_answers(client):
    del client.headers['Authorization']
    found = _eventually(lambda: client.get('/api/health').json(), lambda found: found['engine'] == 'reachable')
    assert found['status'] == 'ok'


@pytest.mark.parametrize('path', ['/api/services', '/api/logs', '/api/logs/web', '/api/logs/web/download', '/api/docs'])
def test_nothing_else_is_open(web, client, path):
    del client.headers['Authorization']
    assert client.get(path).status_code in (401, 303)


def test_the_openapi_page_needs_nothing_from_elsewhere(client):
    page = client.get('/api/docs').text
    assert 'swagger-ui' in page
    assert 'https://' not in page
    assert '/api/logs/{service}/download' in client.get('/api/openapi.json').json()['paths']


def test_a_download_is_the_log_byte_for_byte(engine, client):
    container = engine.add('web')
    engine.write(container, b'plain\n')
    engine.write(container, b'\xff\x1b[31m\r\n')
    engine.write(container, b'no ending')
    _eventually(lambda: client.get('/api/services').json()['services'], 1)
    answer = client.get('/api/logs/web/download')
    assert answer.content == b'plain\n\xff\x1b[31m\r\nno ending'
    assert answer.headers['content-disposition'] == 'attachment; filename="web-logs.txt"'


def test_lines_of_several_containers_do_not_run_into_each_other_in_a_download(engine, client):
    first, second = engine.add('web'), engine.add('web')
    for number, (container, content) in enumerate(
        [(first, b'panic'), (second, b'one\n'), (second, b'two'), (first, b'!')]
    ):
        engine.write(container, content, timestamp=1_800_000_000 * 10**9 + number)
    _eventually(lambda: client.get('/api/services').json()['services'], 1)
    assert client.get('/api/logs/web/download').content == b'panic\none\ntwo\n!'


def test_a_download_can_be_filtered_and_cut(web, client):
    assert client.get('/api/logs/web/download?filter=1&tail=12').text.split() == ['10', *map(str, range(11, 20))]


def test_a_download_can_be_json_lines(web, client):
    answer = client.get('/api/logs/web/download?format=jsonl&tail=1')
    assert json.loads(answer.text) == {
        'type': 'log',
        'service': 'web',
        'content': '20',
        'timestamp': format_timestamp(START + 20 * SECOND),
        'stream': 'stdout',
        'container': web.name,
        'cursor': f'{START + 20 * SECOND}-0-{web.short_id}',
        'level': 'unknown',
    }
    assert answer.headers['content-disposition'] == 'attachment; filename="web-logs.jsonl"'


def test_a_download_of_an_unknown_service_is_404(client):
    assert client.get('/api/logs/nope/download').status_code == 404


def test_a_log_that_cannot_be_read_is_409_in_words(engine, web, client):
    engine.unreadable(web)
    answer = client.get('/api/logs/web')
    assert answer.status_code == 409
    assert 'log driver' in answer.json()['error']


# the raw WebSocket routes


def test_a_websocket_gets_the_tail_and_then_every_new_line(engine, web, client):
    with client.websocket_connect(f'/api/logs/ws/web?token={client.token}&tail=2') as socket:
        assert [socket.receive_json()['content'] for _ in range(2)] == ['19', '20']
        engine.write(web, 'new', stream=2, timestamp=START + 30 * SECOND)
        message = socket.receive_json()
        assert message.pop('cursor').startswith(f'{START + 30 * SECOND}-0-{web.short_id}~')
        assert message == {
            'type': 'log',
            'service': 'web',
            'content': 'new',
            'timestamp': format_timestamp(START + 30 * SECOND),
            'stream': 'stderr',
            'container': web.name,
        }


def test_a_websocket_takes_the_token_from_the_header_too(web, client):
    headers = {'Authorization': f'Bearer {client.token}'}
    with client.websocket_connect('/api/logs/ws/web?tail=1', headers=headers) as socket:
        assert socket.receive_json()['content'] == '20'


def test_a_websocket_without_a_good_token_is_closed_with_4001(web, client):
    del client.headers['Authorization']
    for query in ('', '?token=', '?token=nonsense'):
        with client.websocket_connect(f'/api/logs/ws/web{query}') as socket, pytest.raises(WebSocketDisconnect) as end:
            socket.receive_json()
        assert end.value.code == 4001


def test_a_websocket_for_an_unknown_service_is_told_so(web, client):
    with client.websocket_connect(f'/api/logs/ws/nope?token={client.token}') as socket:
        assert socket.receive_json() == {'type': 'error', 'message': 'Service nope not found'}
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()


@pytest.mark.parametrize('tail', ['-1', '10001', 'all', '%C2%B2'])
def test_a_websocket_with_a_bad_tail_is_told_what_it_takes(web, client, tail):
    with client.websocket_connect(f'/api/logs/ws/web?token={client.token}&tail={tail}') as socket:
        assert 'tail takes a whole number' in socket.receive_json()['message']


def test_viewers_share_one_stream_of_the_engine(engine, web, client):
    url = f'/api/logs/ws/web?token={client.token}&tail=1'
    with client.websocket_connect(url) as one, client.websocket_connect(url) as two:
        assert one.receive_json() == two.receive_json()
        assert engine.open_streams == 1
        assert engine.streams_opened == 1


def test_status_tells_all_services_and_then_what_changes(engine, web, client):
    job = engine.add('job', health='starting')
    with client.websocket_connect(f'/api/logs/ws/status?token={client.token}') as socket:
        seen = {}
        while len(seen) < 2:
            message = socket.receive_json()
            assert message['type'] == 'status_update'
            seen |= {change['service']: change for change in message['changes']}
        assert seen['job'] == {'service': 'job', 'status': 'running', 'health': 'starting'}
        engine.stop(job, exit_code=1)
        assert socket.receive_json() == {
            'type': 'status_update',
            'changes': [{'service': 'job', 'status': 'exited', 'health': 'none'}],
        }


def test_a_service_called_status_is_reached_by_its_project(engine, client):
    engine.write(engine.add('status'), 'from the service')
    _eventually(lambda: client.get('/api/services').json()['services'], 1)
    with client.websocket_connect(f'/api/logs/ws/shop:status?token={client.token}') as socket:
        assert socket.receive_json()['content'] == 'from the service'


def test_the_question_of_a_download_is_not_asked_in_the_thread_that_serves_everybody(web, client, monkeypatch):
    threads = set()
    matches = Question.matches
    monkeypatch.setattr(Question, 'matches', lambda *item: threads.add(threading.get_ident()) or matches(*item))
    assert client.get('/api/logs/web/download?filter=/^1./').text.split() == [str(number) for number in range(10, 20)]
    assert threads
    assert client.portal.call(threading.get_ident) not in threads


def test_arrays_of_messages_have_a_bounded_length(engine, client):
    engine.write_many(engine.add('web'), ['x'] * 1_000)
    _eventually(lambda: client.get('/api/services').json()['services'], 1)
    lengths = []
    with client.websocket_connect(f'/api/logs/ws/web?token={client.token}&tail=1000&batch=1') as socket:
        while sum(lengths) < 1_000:
            lengths.append(len(socket.receive_json()))
    assert max(lengths) <= ROWS


# a question


@pytest.fixture
def shop(engine):
    """A running service that fails now and then."""
    assert engine.portal is None, 'name it before the client: what is there at the start need not be waited for'
    container = engine.add('shop')
    for number in range(1, 10):
        level = 'ERROR' if number in (3, 7) else 'INFO'
        engine.write(container, f'{level}: order {number}', timestamp=START + number * SECOND)
        if level == 'ERROR':
            engine.write(container, '  because of the till', timestamp=START + number * SECOND + 1)
    return container


FAILED = ['ERROR: order 3', '  because of the till', 'ERROR: order 7', '  because of the till']


def test_a_question_finds_whole_messages_among_the_last_lines_and_in_a_download(shop, client):
    found = client.get('/api/logs/shop?timestamps=false&filter=level:error').json()
    assert found == {'logs': FAILED, 'service': 'shop', 'count': 4}
    assert client.get('/api/logs/shop?timestamps=false&tail=5&filter=till').json()['logs'] == FAILED[2:]
    assert client.get('/api/logs/shop/download?filter=till').text.splitlines() == FAILED


def test_a_websocket_with_a_question_gets_whole_messages_the_last_one_without_another_line(shop, engine, client):
    url = f'/api/logs/ws/shop?token={client.token}&filter=level:error'
    with client.websocket_connect(url) as socket:
        assert [socket.receive_json()['content'] for _ in range(4)] == FAILED
        engine.write(shop, 'INFO: fine', timestamp=START + 20 * SECOND)
        engine.write(shop, 'ERROR: last', timestamp=START + 21 * SECOND)
        assert socket.receive_json()['content'] == 'ERROR: last'
        engine.write(shop, '  and what comes late', timestamp=START + 21 * SECOND + 5)
        assert socket.receive_json()['content'] == '  and what comes late'


def test_a_websocket_with_a_question_has_the_cursors_that_it_has_without(shop, client):
    url = f'/api/logs/ws/shop?token={client.token}'
    with client.websocket_connect(url) as socket:
        every = [socket.receive_json() for _ in range(11)]
    with client.websocket_connect(f'{url}&filter=level:error&batch=true') as socket:
        found = [message for _ in range(1) for message in socket.receive_json()]
        found += socket.receive_json() if len(found) < 4 else []
    assert found == [message for message in every if message['content'] in FAILED]
    resumed = f'{url}&filter=till&since={found[1]["cursor"]}'
    with client.websocket_connect(resumed) as socket:
        assert [socket.receive_json()['content'] for _ in range(2)] == FAILED[2:]


@pytest.mark.parametrize('filter', ['/(/', 'x' * 1_001])
def test_a_question_that_does_not_do_is_told_in_words(shop, client, filter):
    for path in ('', '/download'):
        answer = client.get(f'/api/logs/shop{path}', params={'filter': filter})
        assert answer.status_code == 422
        assert 'expression' in answer.text or '1,000' in answer.text
    with client.websocket_connect(f'/api/logs/ws/shop?token={client.token}&filter={filter}') as socket:
        assert socket.receive_json()['type'] == 'error'
        with pytest.raises(WebSocketDisconnect) as end:
            socket.receive_json()
    assert end.value.code == 1008


def _eventually(look, wanted):
    """What ``look`` gives, once it is as long as wanted, or fits: the hub learns of containers a moment later."""
    return eventually(look, wanted if callable(wanted) else lambda found: len(found) == wanted)


@pytest.fixture
def two(engine):
    """Two running services, whose lines 0 to 2 were written in turn."""
    web, api = engine.add('web'), engine.add('api')
    for number, container in enumerate([web, api, web]):
        engine.write(container, str(number), timestamp=START + number)


def test_several_services_are_one_stream_that_says_whose_each_line_is(two, client):
    with client.websocket_connect(f'/api/logs/ws/web,api?token={client.token}') as socket:
        first = [socket.receive_json() for _ in range(3)]
        assert [(message['service'], message['content']) for message in first] == [
            ('web', '0'),
            ('api', '1'),
            ('web', '2'),
        ]
    query = f'token={client.token}&since={first[0]["cursor"]}'
    with client.websocket_connect(f'/api/logs/ws/shop:*?{query}') as socket:
        rest = [socket.receive_json() for _ in range(2)]
        assert [(message['service'], message['content']) for message in rest] == [('api', '1'), ('web', '2')]


def test_several_services_are_one_file_merged_by_time(two, client):
    assert client.get('/api/logs/web,api/download').text == 'web | 0\napi | 1\nweb | 2\n'
    lines = client.get('/api/logs/shop:*/download?format=jsonl').text.splitlines()
    assert [(line['service'], line['content']) for line in map(json.loads, lines)] == [
        ('web', '0'),
        ('api', '1'),
        ('web', '2'),
    ]


def test_a_name_never_stands_within_a_line_of_a_merged_file(engine, client):
    web, api = engine.add('web'), engine.add('api')
    long = b'x' * (LONGEST_LINE - 1)  # held as a line without an ending, which the next one goes on with
    contents = [(web, b'panic'), (web, b'again\n'), (api, long), (api, b'its rest\n'), (api, b'last')]
    for number, (container, content) in enumerate(contents):
        engine.write(container, content, timestamp=START + number)
    _eventually(lambda: client.get('/api/services').json()['services'], 2)
    lines = client.get('/api/logs/web,api/download').content.split(b'\n')
    assert lines == [b'web | panic', b'web | again', b'api | ' + long + b'its rest', b'api | last']


# lines over time


def test_lines_are_told_by_time_and_level_with_what_a_question_finds_of_them(shop, client):
    told = client.get('/api/histogram?service=shop&filter=till').json()
    assert (told['service'], told['step'], told['lines']) == ('shop', 0.1, 11)
    bars = {bar['start']: bar for bar in told['bars'] if bar['lines']}
    assert len(told['bars']) == 81, 'there are no holes between the first line and the last one'
    assert bars['2026-01-02T03:04:08.000000000Z'] == {
        'start': '2026-01-02T03:04:08.000000000Z', 'lines': 2, 'levels': {'error': 2}, 'matches': 2,
    }  # fmt: skip
    assert sum(bar['matches'] for bar in told['bars']) == 4
    last = client.get('/api/histogram?service=shop&filter="order 9"').json()['bars'][-1]
    assert (last['lines'], last['matches']) == (1, 1), 'the last message has ended too'
    query = f'from={format_timestamp(START + 2 * SECOND)}&to={format_timestamp(START + 6 * SECOND)}&step=5s'
    told = client.get(f'/api/histogram?service=shop&{query}').json()
    assert [(bar['start'][17:19], bar['lines']) for bar in told['bars']] == [('05', 4), ('10', 2)]
    assert told['bars'][0]['levels'] == {'info': 2, 'error': 2}
    assert 'matches' not in told['bars'][0]


def test_lines_of_several_services_are_told_together(two, client):
    for names in ('web,api', 'shop:*', '*'):
        assert client.get(f'/api/histogram?service={names}').json()['lines'] == 3


def test_bars_are_few_whatever_the_time_and_bounded_where_their_width_is_asked_for(engine, client):
    container = engine.add('old')
    for days in range(400):
        engine.write(container, str(days), timestamp=START - days * 86_400 * SECOND)
    url = '/api/histogram?service=old'
    _eventually(lambda: client.get(url).status_code, lambda status: status == 200)
    told = client.get(url).json()
    assert (told['lines'], sum(bar['lines'] for bar in told['bars'])) == (400, 400)
    assert len(told['bars']) <= 120
    assert len(client.get(f'{url}&step=10h').json()['bars']) == 959
    refused = client.get(f'{url}&step=1s')
    assert refused.status_code == 422
    assert 'more than 1,000 bars: ask for a wider step' in refused.json()['detail']


@pytest.mark.parametrize(
    ('query', 'words'),
    [
        ('from=25:61', "from: '25:61' is no moment. Try 14:32"),
        ('to=tomorrow', "to: 'tomorrow' is no moment"),
        ('from=0001-01-01', 'from takes a time since 1970'),
        ('from=9999-01-01', 'from lies in the future'),
        ('from=5m&to=10m', 'and not before to'),
        ('from=1767323045&to=1767323045', 'and not before to'),
        ('from=2026-01-01&to=2026-01-02&step=1s', 'more than 1,000 bars'),
        ('step=0s', 'step takes a width such as 500ms'),
        ('step=1y', 'step takes a width such as 500ms'),
        ('step=50ms', 'in tenths of a second'),
        ('step=99999999999999999999999', 'step takes a width such as'),
        ('filter=/(/', 'regular expression'),
        ('service=', 'at least 1 character'),
    ],
)  # fmt: skip
def test_a_time_or_width_that_does_not_do_is_422_in_words(shop, client, query, words):
    answer = client.get(f'/api/histogram?service=shop&{query}')
    assert answer.status_code == 422
    assert words in str(answer.json()['detail'])


def test_lines_over_time_are_not_counted_in_the_thread_that_serves_everybody(web, client, monkeypatch):
    threads = []
    feed = Reckoner.feed
    monkeypatch.setattr(Reckoner, 'feed', lambda *args: threads.append(threading.get_ident()) or feed(*args))
    client.get('/api/histogram?service=web')
    assert threads
    assert client.portal.call(threading.get_ident) not in threads
