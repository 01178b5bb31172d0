"""What a user, and all of them together, may have open at once, and in which words the next one is refused."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from types import SimpleNamespace

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from dashboard.access.accounts import Accounts
from dashboard.app import create_api
from dashboard.config import SETTINGS, Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.errors import ConfigError, LimitReached
from dashboard.timeline.hub import LogHub
from dashboard.web.edge import Edge
from dashboard.web.guard import Guard
from dashboard.web.slots import Slots
from tests.support.docker_engine import wait_until
from tests.support.until import PATIENCE
from tests.unit.web.test_guard import CHEAP, bearer, serving


@pytest.fixture(scope='module')
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    accounts = Accounts(tmp_path_factory.mktemp('limits'), hasher=CHEAP)
    for name in ('ann', 'bob'):
        accounts.users.add(name, 'correct horse')
    engine, limits = ScriptedEngine('demo', 'a test'), Settings(max_sockets=3, max_downloads=1, max_streams=2, linger=0)
    for name in ('web', 'api', 'job'):
        engine.write_many(engine.add(name), ['x' * 1_000] * 20_000)
    app = Edge(create_api(LogHub(engine, limits), accounts), limits)
    with (
        serving(app, lifespan='on') as url,
        httpx.Client(base_url=url, trust_env=False) as client,
    ):
        wait_until(
            lambda: len(client.get('/api/services', headers=bearer(accounts.issue('ann'))).json()['services']) == 3
        )
        yield SimpleNamespace(accounts=accounts, client=client, url=url, port=int(url.rpartition(':')[2]))


def watch(here: SimpleNamespace, user: str, service: str = 'web'):
    address = f'{here.url.replace("http", "ws")}/api/logs/ws/{service}?tail=1&token={here.accounts.issue(user)}'
    return connect(address, proxy=None)


def closing(opened) -> tuple[int, str]:
    with opened as connection:
        with suppress(ConnectionClosed):
            for _ in connection:  # what it is told before
                pass
        return connection.close_code, connection.close_reason


def test_a_websocket_too_many_is_closed_with_1013_and_words_and_others_are_not_touched(here):
    with ExitStack() as stack:
        for _ in range(3):
            assert stack.enter_context(watch(here, 'ann')).recv(5)
        code, reason = closing(watch(here, 'ann'))
        assert (code, reason) == (1013, 'You have 3 sockets open, which is the limit. Close some of them.')
        with watch(here, 'bob') as other:
            assert other.recv(5)
    wait_until(lambda: opens(here, 'ann'))


def opens(here: SimpleNamespace, user: str) -> bool:
    """Whether there is room again."""
    try:
        with watch(here, user) as opened:
            return bool(opened.recv(5))
    except ConnectionClosed:
        return False


def test_a_download_too_many_is_told_to_come_back(here):
    headers = bearer(here.accounts.issue('ann'))
    with socket.create_connection(('127.0.0.1', here.port)) as slow:  # reads nothing, so its download goes on
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        request = f'GET /api/logs/web/download HTTP/1.1\r\nHost: x\r\nAuthorization: {headers["Authorization"]}\r\n\r\n'
        slow.sendall(request.encode())
        assert slow.recv(15) == b'HTTP/1.1 200 OK'
        refused = refusal(here, headers)
        assert refused.headers['retry-after'] == '10'
        assert 'downloads' in refused.json()['detail']
        other = bearer(here.accounts.issue('bob'))
        assert here.client.get('/api/logs/web/download?tail=1', headers=other).status_code == 200
    wait_until(lambda: refusal(here, headers) is None)


def refusal(here: SimpleNamespace, headers: dict[str, str]) -> httpx.Response | None:
    answered = here.client.get('/api/logs/web/download?tail=1', headers=headers)
    return answered if answered.status_code == 429 else None


def test_one_user_cannot_take_all_streams_of_the_engine_by_asking_for_last_lines(tmp_path):
    accounts, limits = Accounts(tmp_path, hasher=CHEAP), Settings(max_reads=1)
    for name in ('ann', 'bob'):
        accounts.users.add(name, 'correct horse')
    begun, go_on = threading.Event(), threading.Event()

    async def read(request: Request) -> PlainTextResponse:
        begun.set()
        await asyncio.to_thread(go_on.wait, 10)
        return PlainTextResponse('lines')

    app = Edge(Guard(Starlette(routes=[Route('/api/logs/{service}', read)]), accounts, limits), limits)
    with serving(app) as url, ThreadPoolExecutor() as others:

        def ask(user: str) -> int:
            return httpx.get(f'{url}/api/logs/web', headers=bearer(accounts.issue(user)), trust_env=False).status_code

        first = others.submit(ask, 'ann')
        assert begun.wait(PATIENCE)
        assert ask('ann') == 429
        other = others.submit(ask, 'bob')
        go_on.set()
        assert [first.result(), other.result(), ask('ann')] == [200, 200, 200]


def test_a_stream_of_the_engine_too_many_is_refused_everywhere(here):
    headers = bearer(here.accounts.issue('bob'))
    with watch(here, 'bob', 'job') as first:
        cursor = json.loads(first.recv(5))['cursor']
    wait_until(lambda: here.client.get('/api/logs/job', headers=headers).status_code == 200)  # none of earlier tests
    with watch(here, 'ann', 'web') as one, watch(here, 'ann', 'api') as two:
        assert one.recv(5)
        assert two.recv(5)
        for path in ('/api/logs/job', '/api/logs/job/download', f'/api/logs/job?since={cursor}'):
            refused = here.client.get(path, headers=headers)
            assert (refused.status_code, refused.headers['retry-after']) == (503, '10')
            assert 'DASHBOARD_MAX_STREAMS' in refused.text
        assert closing(watch(here, 'bob', 'job'))[0] == 1013
        with watch(here, 'bob', 'web') as shared:  # a stream that is open already takes any number
            assert shared.recv(5)
    wait_until(lambda: here.client.get('/api/logs/job', headers=headers).status_code == 200)


def test_slots_are_counted_for_each_user_and_kind_and_given_back():
    slots = Slots({'a': 1, 'b': 1})
    with slots.hold('a', 'ann'), slots.hold('b', 'ann'), slots.hold('a', 'bob'):
        for kind, user in (('a', 'ann'), ('b', 'ann'), ('a', 'bob')):
            with pytest.raises(LimitReached), slots.hold(kind, user):
                pass
        with slots.hold('', 'ann'), slots.hold('', 'ann'):
            pass
    with pytest.raises(ValueError, match='x'), slots.hold('a', 'ann'):
        raise ValueError('x')
    with slots.hold('a', 'ann'):
        assert slots._held == {('a', 'ann'): 1}


@pytest.mark.parametrize('name', [name for name in SETTINGS if name.startswith('max_')])
def test_every_limit_is_a_setting_and_has_limits_itself(name):
    setting = SETTINGS[name]
    lowest = int(setting.limits[0])
    assert getattr(Settings.from_env({setting.variable: str(lowest)}), name) == lowest
    with pytest.raises(ConfigError, match=f'{setting.variable} must be from'):
        Settings.from_env({setting.variable: '0'})
