"""Every way on which a line leaves the server, asked by an administrator and by a viewer."""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from dashboard.access.accounts import Accounts
from dashboard.access.identity import Identity
from dashboard.access.scope import EVERYTHING
from dashboard.access.visits import Visit
from dashboard.app import create_api
from dashboard.config import Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.errors import BadRequest
from dashboard.lines import parse
from dashboard.model import SECOND, Gap, LogLine
from dashboard.pages.logs import viewer as viewer_module
from dashboard.pages.logs.counting import Counts
from dashboard.pages.logs.highlights import Highlight
from dashboard.pages.logs.viewer import LogViewer
from dashboard.timeline.hub import LogHub
from dashboard.view.lens import Redactor
from dashboard.view.view import View
from tests.support.docker_engine import wait_until
from tests.support.until import until

pytestmark = pytest.mark.usefixtures('quick')

START = 1_767_323_045 * SECOND
SECRET = 'hunter2hunter2'
KEY = [
    '-----BEGIN PRIVATE KEY-----',
    'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj',
    'Mz==',
    '-----END PRIVATE KEY-----',
]
LINES = ['first', f'url postgres://ann:{SECRET}@db', 'ping', *KEY, f'url redis://:{SECRET}@cache', 'last']
PIECES = (SECRET, KEY[1], KEY[2])
TAIL = 6  # begins inside the key
PREFIXED = ['first', *(f'app-1  | {text}' for text in KEY), 'last']


class Clients:
    """One server, with a client of an administrator and one of a viewer."""

    def __init__(self, client: TestClient, tokens: dict[str, str]) -> None:
        self.client = client
        self.tokens = tokens

    def get(self, who: str, path: str) -> str:
        return self.client.get(path, headers={'Authorization': f'Bearer {self.tokens[who]}'}).text

    def receive(self, who: str, path: str, until: str) -> str:
        texts = []
        with self.client.websocket_connect(f'{path}&token={self.tokens[who]}') as socket:
            while not texts or until not in texts[-1]:
                texts.append(socket.receive_text())
        return '\n'.join(texts)


@contextmanager
def serving(directory: Path, settings: Settings):
    accounts = Accounts(directory, hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    for name in ('admin', 'viewer'):
        accounts.users.add(name, 'correct horse')
    tokens = {name: accounts.issue(name) for name in ('admin', 'viewer')}
    engine = ScriptedEngine()
    with TestClient(create_api(LogHub(engine, settings), accounts)) as client:
        container = client.portal.call(partial(engine.add, 'web'))
        for number, text in enumerate(LINES):
            client.portal.call(partial(engine.write, container, text, timestamp=START + number * SECOND))
        other = client.portal.call(partial(engine.add, 'prefixed'))
        for number, text in enumerate(PREFIXED):
            client.portal.call(partial(engine.write, other, text, timestamp=START + number * SECOND // 10))
        clients = Clients(client, tokens)
        clients.other = other.short_id
        clients.cursor = f'{START}-0-{container.short_id}'
        wait_until(lambda: 'web' in clients.get('admin', '/api/services'))
        yield clients


@pytest.fixture(scope='module')  # no test changes anything
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp('exits'), Settings()) as clients:
        yield clients


HTTP = [
    '/api/logs/web',
    f'/api/logs/web?tail={TAIL - 1}',
    '/api/logs/web?since=CURSOR',
    '/api/logs/web/download',
    '/api/logs/web/download?format=jsonl',
    '/api/logs/web/download?timestamps=true',
    f'/api/logs/web/download?tail={TAIL - 1}',
    '/api/logs/web/download?since=CURSOR',
    '/api/logs/web/download?from=1970-01-01',
    '/api/logs/web/download?from=1970-01-01&to=now&format=jsonl',
    '/api/logs/web/download?filter=url',
    '/api/logs/web/download?filter=/./',
]
SOCKETS = ['tail=100', f'tail={TAIL - 1}', 'tail=100&batch=1', 'since=CURSOR']


@pytest.mark.parametrize('path', HTTP)
def test_over_http_a_viewer_gets_marks_and_an_administrator_the_log(server, path):
    path = path.replace('CURSOR', server.cursor)
    seen = server.get('viewer', path)
    assert '[redacted: ' in seen
    assert not any(piece in seen for piece in PIECES)
    assert SECRET in server.get('admin', path)


@pytest.mark.parametrize('query', SOCKETS)
@pytest.mark.parametrize('order', [('admin', 'viewer', 'admin'), ('viewer', 'admin', 'viewer')])
def test_sockets_share_a_stream_and_never_each_others_messages(server, query, order):
    path = f'/api/logs/ws/web?{query}'.replace('CURSOR', server.cursor)
    for who in order:
        seen = server.receive(who, path, until='last')
        assert (SECRET in seen) is (who == 'admin')
        assert (KEY[2] in seen) is (who == 'admin')
        assert ('[redacted: ' in seen) is (who == 'viewer')


def test_a_socket_that_resumes_further_back_than_the_server_remembers_gets_marks(tmp_path):
    with serving(tmp_path, Settings(history_lines=2)) as server:
        for who in ('admin', 'viewer'):
            seen = server.receive(who, f'/api/logs/ws/web?since={server.cursor}', until='last')
            assert 'ping' in seen
            assert (SECRET in seen) is (who == 'admin')
        for start in range(2, len(PREFIXED) - 1):
            after = f'{START + (start - 1) * SECOND // 10}-0-{server.other}'
            path = f'/api/logs/ws/prefixed?since={after}'
            assert_hidden(*(server.receive(who, path, until='last') for who in ('viewer', 'admin')))


def test_what_is_held_is_downloaded_with_marks(server):
    with server.client.websocket_connect(f'/api/logs/ws/web?token={server.tokens["admin"]}') as socket:
        socket.receive_text()
        for start in range(len(LINES)):
            seen = server.get('viewer', f'/api/logs/web/download?held={start}')
            assert seen.endswith('last\n')
            assert not any(piece in seen for piece in PIECES)
        assert SECRET in server.get('admin', '/api/logs/web/download?held=0')


@pytest.mark.parametrize('start', range(2, len(PREFIXED) - 1))
def test_a_key_behind_a_loggers_words_is_hidden_from_wherever_it_is_read_on(server, start):
    """Its short lines are known by nothing but its beginning, which is before the part that is asked for."""
    moment = START + start * SECOND // 10
    cursor = f'{moment - SECOND // 10}-0-{server.other}'
    tail, since, after = f'tail={len(PREFIXED) - start}', f'since={moment / SECOND:.1f}', f'since={cursor}'
    for query in (tail, since, after):
        for path in ('', '/download', '/download?format=jsonl'):
            joined = f'/api/logs/prefixed{path}{"&" if "?" in path else "?"}{query}'
            assert_hidden(server.get('viewer', joined), server.get('admin', joined))
    between = f'/api/logs/prefixed/download?from={moment / SECOND:.1f}'
    assert_hidden(server.get('viewer', between), server.get('admin', between))
    for query in (tail, after, f'{after}&batch=1'):
        path = f'/api/logs/ws/prefixed?{query}'
        assert_hidden(*(server.receive(who, path, until='last') for who in ('viewer', 'admin')))
    with server.client.websocket_connect(f'/api/logs/ws/prefixed?token={server.tokens["admin"]}') as socket:
        socket.receive_text()
        for path in (f'/api/logs/prefixed/download?held={start}', between):
            assert_hidden(server.get('viewer', path), server.get('admin', path))


def assert_hidden(viewers: str, administrators: str) -> None:
    assert 'last' in viewers
    assert '[redacted: private key]' in viewers
    assert not any(piece in viewers for piece in PIECES)
    assert 'END PRIVATE KEY' in administrators


@pytest.mark.parametrize('term', ['hunter', '/hunt.r2/', KEY[1][:8], '/^Mz==$/', ':hunter2hunter2@'])
def test_a_filter_is_no_oracle_for_what_is_redacted(server, term):
    path = f'/api/logs/web/download?filter={term}'
    assert server.get('viewer', path) == ''
    assert server.get('admin', path) != ''


def test_a_cursor_of_a_redacted_line_is_that_of_the_line(server):
    lines = {who: server.get(who, '/api/logs/web/download?format=jsonl').splitlines() for who in ('admin', 'viewer')}
    cursors = {who: [json.loads(line)['cursor'] for line in found] for who, found in lines.items()}
    assert cursors['admin'] == cursors['viewer']


@pytest.mark.parametrize('expression', ['/(/', '/a(?=b)/'])
def test_a_bad_expression_is_refused_in_words(server, expression):
    answer = json.loads(server.get('viewer', f'/api/logs/web/download?filter={expression}'))
    assert 'is no regular expression' in answer['detail']


# the page


class Screen:
    """In place of the browser: keeps the rows it is given."""

    def __init__(self, render, capacity, on_follow, on_open, on_beyond) -> None:
        self.capacity, self.hidden = capacity, False
        self.render = render
        self.at_top = ''  # the cursor of the line that its reader has there
        self.fills = 0
        self.open, self.come_near, self.follow_ = on_open, on_beyond, on_follow
        self.shown: list = []
        self.running = ''
        self.first = None, []

    def close(self) -> None:
        self.closed = True

    def note_more(self, more, words='') -> None:
        self.more = more

    def say_past(self, words, *, answered=False) -> None:
        self.past = words

    def note_running(self, containers) -> None:
        self.running = containers

    async def replace(self, rows, *, follow=True, keep=False) -> bool:
        self.shown = list(rows)
        self.fills += 1
        render, self.html, done = self.render(len(rows)).piece, '', 0
        while done < len(rows):
            count, html = render(rows[done:])
            self.html, done = self.html + html, done + count
        return True

    async def append(self, rows, *, follow) -> bool:
        self.shown += rows
        return True

    @property
    def rows(self) -> int:
        return len(self.shown)

    async def top(self) -> str:
        return self.at_top

    def scroll_to_end(self) -> None:
        self.at_top = ''

    def seek(self) -> None:
        self.at_top = ''

    def point_at(self, cursor) -> None:
        self.at_top = cursor

    @property
    def texts(self) -> list[str]:
        return [row.text for row in self.shown if isinstance(row, LogLine)]


@pytest.fixture
async def page(monkeypatch):
    """Makes the viewer of a page: ``page(is_admin)``."""
    monkeypatch.setattr(viewer_module, 'LogView', Screen)
    engine, viewers = ScriptedEngine(), []
    container = engine.add('web')
    for number, text in enumerate(LINES):
        engine.write(container, text, timestamp=START + number * SECOND)
    async with LogHub(engine, Settings()) as hub:
        await hub.asked()

        def make(is_admin: bool, capacity: int = 1_000) -> LogViewer:
            identity = Identity('x', is_admin, EVERYTHING, '', 'session', 1 << 40)
            viewers.append(LogViewer(View(hub, Visit(identity), Redactor()), capacity, lambda: None))
            viewers[-1].engine, viewers[-1].container = engine, container
            viewers[-1].watch(hub.services[0].key, 100)
            return viewers[-1]

        yield make
        for viewer in viewers:
            viewer.close()


async def test_the_page_of_a_viewer_shows_marks(page):
    ann, bob = page(True), page(False)
    await until(lambda: ann.view.texts[-1:] == bob.view.texts[-1:] == ['last'])
    assert ann.view.texts == LINES
    assert len(bob.view.texts) == len(LINES)
    assert not any(piece in '\n'.join(bob.view.texts) for piece in PIECES)
    ann.engine.write(ann.container, f'new http://x:{SECRET}@y')
    await until(lambda: len(ann.view.texts) == len(bob.view.texts) == len(LINES) + 1)
    assert bob.view.texts[-1] == 'new http://[redacted: URL credentials]@y'
    assert SECRET in ann.view.texts[-1]


@pytest.mark.parametrize(('is_admin', 'matches'), [(True, 2), (False, 0)])
async def test_the_pages_count_of_matches_comes_from_what_is_shown(page, is_admin, matches):
    viewer = page(is_admin)
    await until(lambda: viewer.view.texts[-1:] == ['last'])
    viewer.filter(SECRET)
    await until(lambda: len(viewer.view.texts) == matches)
    assert viewer.finds.matches == matches
    viewer.filter('/^url .*db$/')
    await until(lambda: viewer.finds.matches == 1)


@pytest.mark.parametrize('is_admin', [True, False])
async def test_a_highlight_colours_counts_and_goes_to_nothing_behind_a_mark(page, is_admin):
    viewer, question = page(is_admin), parse(SECRET)
    await until(lambda: viewer.view.texts[-1:] == ['last'])
    viewer.highlight([Highlight(SECRET, 1, True, question, '')])
    await until(lambda: viewer.view.fills > 1)
    assert ('data-h="1"' in viewer.view.html) is is_admin
    counted = Counts().of(viewer.feed, question, viewer._hub.lens)
    for _ in range(2):
        counted._due = 0
        await counted.look(viewer._hub.lens)
    assert counted.of(0) == (2 if is_admin else 0, True)
    assert await viewer.seek(question, '', up=True) is is_admin


async def test_a_gap_that_is_opened_shows_marks(page):
    viewer = page(False)
    await until(lambda: viewer.view.texts[-1:] == ['last'])
    gap = Gap(START, START + 100 * SECOND, None, 'the engine could not keep up')
    viewer._gaps.remember([gap])
    viewer.view.shown = []
    viewer.view.open(gap.key)
    await until(lambda: viewer.view.texts)
    assert viewer.view.texts[0] == 'url postgres://[redacted: URL credentials]@db'
    assert not any(piece in '\n'.join(viewer.view.texts) for piece in PIECES)


async def test_a_bad_expression_leaves_the_pages_filter_in_force(page):
    viewer = page(True)
    viewer.filter('/p.ng/')
    with pytest.raises(BadRequest, match='no regular expression'):
        viewer.filter('/(/')
    assert viewer.term == '/p.ng/'
    await until(lambda: viewer.view.texts == ['ping'])
