"""Who gets a connection when there are too many, and what becomes of one that begins no WebSocket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute

from dashboard.access.accounts import Accounts
from dashboard.config import Settings, networks
from dashboard.web.connections import Connections
from dashboard.web.edge import Edge
from dashboard.web.guard import Guard
from tests.support.docker_engine import wait_until
from tests.support.until import PATIENCE
from tests.unit.web.test_guard import CHEAP, bearer, configured, open_socket, serving

UPGRADE = (
    'GET /api/logs/ws/web HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
)


class Connection:
    """Remembers whether it was shut."""

    shut = False

    def abort(self) -> None:
        self.shut = True


def entered(connections: Connections, *addresses: str) -> list[Connection]:
    made = [Connection() for _ in addresses]
    for connection, address in zip(made, addresses, strict=True):
        connections.enter(connection, address)
    return made


def test_the_oldest_stranger_gives_way_and_never_a_user():
    connections = Connections(3)
    user, *strangers = entered(connections, '10.0.0.1', '10.0.0.2', '10.0.0.3')
    connections.know(user, 'ann')
    entered(connections, '10.0.0.4')
    assert [connection.shut for connection in (user, *strangers)] == [False, True, False]
    assert len(connections) == 3


def test_when_all_places_are_users_nobody_is_shut():
    connections = Connections(2)
    users = entered(connections, '10.0.0.1', '10.0.0.2')
    for number, user in enumerate(users):
        connections.know(user, f'user {number}')
    assert entered(connections, '10.0.0.3')[0].shut is False  # the server answers it 503
    assert not any(user.shut for user in users)


def test_one_user_has_a_share_and_the_rest_give_way_like_strangers():
    connections = Connections(4)
    made = entered(connections, *[f'10.0.0.{number}' for number in range(4)])
    for connection in made:
        connections.know(connection, 'ann')
    entered(connections, '10.0.1.1')
    assert [connection.shut for connection in made] == [False, False, True, False]
    connections.leave(made[0])
    connections.know(made[3], 'ann')
    entered(connections, '10.0.1.2', '10.0.1.3', '10.0.1.4')
    assert made[3].shut is False


@pytest.mark.parametrize(
    'address', ['10.0.0.1', '2001:db8::{}', '2001:db8::{}%eth0', '::ffff:10.0.0.1'], ids=['4', '6', 'zone', 'mapped']
)
def test_the_strangers_of_one_address_have_a_share(address):
    connections = Connections(1_000)
    elsewhere = entered(connections, '192.0.2.1', '2001:db8:0:1::1')
    made = entered(connections, *[address.format(number) for number in range(101)])
    assert [connection.shut for connection in made] == [True] + [False] * 100
    assert not any(connection.shut for connection in elsewhere)


def test_a_trusted_proxy_brings_as_many_as_there_are():
    connections = Connections(1_000, networks('10.0.0.0/8'))
    assert not any(connection.shut for connection in entered(connections, *['10.0.0.1'] * 500))


def test_a_connection_that_has_ended_leaves_nothing_behind():
    connections = Connections(10)
    stranger, user = entered(connections, '10.0.0.1', '10.0.0.2')
    connections.know(user, 'ann')
    for connection in (stranger, user, user):
        connections.leave(connection)
    connections.know(user, 'ann')
    assert len(connections) == 0
    assert not connections._of
    assert not connections._count


@contextmanager
def served(data_dir: Path, most: int) -> Iterator[SimpleNamespace]:
    """A server with that many places, and tokens of two users."""
    accounts, settings = Accounts(data_dir, hasher=CHEAP), Settings(max_connections=most)
    for name in ('ann', 'bob'):
        accounts.users.add(name, 'correct horse')
    routes = [
        Route('/api/services', lambda _: PlainTextResponse('fine')),
        WebSocketRoute('/api/logs/ws/{service}', greet_and_stay),
    ]
    config = configured(settings)
    options = {name: getattr(config, name) for name in ('http', 'ws', 'limit_concurrency')}
    with serving(Edge(Guard(Starlette(routes=routes), accounts, settings), settings), **options) as url:
        yield SimpleNamespace(
            url=url,
            port=int(url.rpartition(':')[2]),
            token=accounts.issue('ann'),
            tokens=[accounts.issue('ann'), accounts.issue('bob')],
            open_ones=config.http.keywords['open_ones'],
        )


@pytest.fixture(scope='module')
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    with served(tmp_path_factory.mktemp('connections'), 60) as server:
        yield server


async def greet_and_stay(websocket) -> None:
    if websocket.query_params.get('late'):
        await websocket.receive()  # the connection itself
        await websocket.receive()  # and that it has gone
        return
    await websocket.accept()
    while (await websocket.receive())['type'] != 'websocket.disconnect':
        await websocket.send_text('here')


def connected(here: SimpleNamespace, sent: str = '') -> socket.socket:
    made = socket.create_connection(('127.0.0.1', here.port), timeout=PATIENCE)
    made.sendall(sent.encode())
    return made


def test_strangers_who_hold_every_place_keep_nobody_out_and_send_nobody_away(here):
    headers = bearer(here.token)
    with ExitStack() as stack, httpx.Client(base_url=here.url, headers=headers, trust_env=False) as client:
        assert client.get('/api/services').status_code == 200
        page = stack.enter_context(open_socket(here.url, '/api/logs/ws/web', headers))
        for _ in range(150):
            stack.enter_context(connected(here))
        assert client.get('/api/services').text == 'fine'
        assert httpx.get(f'{here.url}/api/services', headers=headers, trust_env=False).text == 'fine'
        page.send('still')
        assert page.recv(5) == 'here'


def test_when_users_hold_every_place_the_next_one_is_answered_503(tmp_path):
    with served(tmp_path, 2) as here, ExitStack() as stack:
        for token in here.tokens:
            page = stack.enter_context(open_socket(here.url, '/api/logs/ws/web', bearer(token)))
            page.send('here')
            assert page.recv(5) == 'here'
        assert httpx.get(f'{here.url}/api/services', headers=bearer(here.token), trust_env=False).status_code == 503


@pytest.mark.parametrize(
    'rest',
    [
        'Content-Length: 5\r\n\r\nhello',
        'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
        f'X-Long: {"y" * 9_000}\r\n\r\n',
        ''.join(f'X-{number}: y\r\n' for number in range(130)) + '\r\n',
        'X-Control: \1\r\n\r\n',
    ],
    ids=['body', 'chunked', 'long header', 'many headers', 'control'],
)
def test_an_upgrade_that_begins_no_websocket_is_answered_and_closed(here, rest):
    with connected(here, UPGRADE + rest) as odd:
        answer = b''
        with suppress(ConnectionResetError):
            while part := odd.recv(65_536):
                answer += part
    assert answer.startswith(b'HTTP/1.1 400 Bad Request\r\n')
    assert answer.endswith(b'and lines of 8,192 bytes.')


def test_a_websocket_whose_handshake_does_not_end_is_cut_off(here, monkeypatch):
    monkeypatch.setattr('dashboard.web.server.HANDSHAKE_TIME', 0.1)
    request = UPGRADE.replace('/web', f'/web?late=1&token={here.token}') + '\r\n'
    with connected(here, request) as waiting, suppress(ConnectionResetError):
        assert waiting.recv(100) == b''


def test_every_place_is_given_back_a_websockets_too(here):
    for _ in range(3):
        with open_socket(here.url, '/api/logs/ws/web', bearer(here.token)), connected(here):
            wait_until(lambda: len(here.open_ones) >= 2)
    wait_until(lambda: len(here.open_ones) == 0)
