"""The gate: what it lets through, what it refuses and how, what it adds."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import httpx
import pytest
import uvicorn
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from dashboard.access.accounts import Accounts
from dashboard.config import Settings
from dashboard.web.edge import SECURITY_HEADERS, Edge
from dashboard.web.guard import BODY_LIMIT, Guard
from dashboard.web.routes import OPEN, TABLE
from dashboard.web.server import configure
from tests.support.until import PATIENCE

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
SOCKETS = ['/api/logs/ws/web', '/_nicegui_ws/socket.io']
ANYBODYS = {path: methods.split()[0] for methods, path, access, _ in TABLE if access is OPEN}
METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']


async def answer(request: Request) -> JSONResponse:
    identity = getattr(request.state, 'identity', None)
    headers = {'X-Frame-Options': 'SAMEORIGIN'} if request.url.path == '/api/docs' else {}
    return JSONResponse({'user': identity and identity.username, 'query': request.url.query}, headers=headers)


async def greet(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(f'{websocket.state.identity.username}?{websocket.url.query}')
    await websocket.close()


@pytest.fixture(scope='module')
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Accounts:
    made = Accounts(tmp_path_factory.mktemp('guard') / 'data', hasher=CHEAP)
    made.users.add('ann', 'correct horse', is_admin=True)
    return made


@pytest.fixture(scope='module')
def here(accounts: Accounts) -> Iterator[str]:
    """The address of a real server, with the gate before a few routes."""
    paths = [
        '/',
        '/logs',
        '/api/docs',
        '/logout',
        '/api/services',
        '/_nicegui/x.js',
        '/_nicegui_ws/socket.io',
        *ANYBODYS,
    ]
    routes = [Route(path, answer, methods=METHODS) for path in paths]
    app = Starlette(routes=routes + [WebSocketRoute(path, greet) for path in SOCKETS])
    with serving(Edge(Guard(app, accounts), Settings())) as address:
        yield address


@contextmanager
def serving(app: ASGIApp, **options: Any) -> Iterator[str]:
    listener = socket.create_server(('127.0.0.1', 0))
    standard = {'http': 'h11', 'ws': 'websockets-sansio', 'lifespan': 'off', 'timeout_graceful_shutdown': 1}
    config = uvicorn.Config(app, log_config=None, proxy_headers=False, **{**standard, **options})
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    deadline = time.monotonic() + PATIENCE
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.005)
    try:
        yield f'http://127.0.0.1:{listener.getsockname()[1]}'
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def configured(settings: Settings) -> uvicorn.Config:
    """The real server's configuration, without what it does to the logging of this process."""
    with mock.patch.object(uvicorn.Config, 'configure_logging'):
        return configure(None, settings)


@pytest.fixture(scope='module')
def client(here: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=here, trust_env=False) as made:
        yield made


@pytest.fixture
def token(accounts: Accounts) -> str:
    return accounts.issue('ann')


def bearer(token: str) -> dict[str, str]:
    return {'Authorization': f'Bearer {token}'}


def cookie(token: str, **headers: str) -> dict[str, str]:
    return {'Cookie': f'dashboard_token={token}', **headers}


def key_of(accounts: Accounts, token: str) -> str:
    """The key that the browser of a session keeps for its origin."""
    return accounts.sessions.origin_key(accounts.identify(token))


def browser(accounts: Accounts, token: str, **headers: str) -> dict[str, str]:
    """What a script of our own pages sends."""
    return cookie(token, **{'X-Dashboard-Key': key_of(accounts, token)}, **headers)


def open_socket(here: str, path: str, headers: dict[str, str] | None = None) -> ClientConnection:
    return connect(here.replace('http', 'ws') + path, additional_headers=headers, proxy=None)


def greeting(here: str, path: str, headers: dict[str, str] | None = None) -> str:
    with open_socket(here, path, headers) as connection:
        return str(connection.recv())


def closing(here: str, path: str) -> tuple[int, str]:
    with open_socket(here, path) as connection, pytest.raises(ConnectionClosed) as closed:
        connection.recv()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


# -- who comes in


@pytest.mark.parametrize('path', ['/', '/logs', '/api/services', '/_nicegui/x.js', '/_nicegui_ws/socket.io'])
def test_nothing_is_answered_without_a_token_and_everything_with_one(client, accounts, token, path):
    assert client.get(path).status_code in (303, 401)
    assert client.get(path, headers=bearer('nonsense')).status_code in (303, 401)
    for headers in (bearer(token), {'authorization': f'bearer  {token}'}, browser(accounts, token)):
        assert client.get(path, headers=headers).json()['user'] == 'ann'


@pytest.mark.parametrize('path', sorted(ANYBODYS))
def test_the_open_paths_are_answered_to_anybody(client, path):
    assert client.request(ANYBODYS[path], path).json()['user'] is None


@pytest.mark.parametrize(
    'path', ['/login/', '/LOGIN', '/login/x', '/api/health/x', '/api//health', '//login', '/login%2f']
)
def test_only_the_exact_open_paths_are_open(client, here, path):
    assert client.get(here + path).status_code in (303, 401)


@pytest.mark.parametrize('path', SOCKETS)
def test_a_websocket_opens_with_a_token_from_each_source(here, accounts, token, path):
    for address, headers in ((path, bearer(token)), (path, browser(accounts, token)), (f'{path}?token={token}', {})):
        assert greeting(here, address, headers) == 'ann?'


def test_an_ended_token_is_refused_everywhere(client, here, accounts, token):
    accounts.logout(accounts.identify(token))
    assert client.get('/api/services', headers=bearer(token)).status_code == 401
    assert client.get('/logs', headers=cookie(token)).status_code == 303
    assert closing(here, f'/api/logs/ws/web?token={token}') == (4001, 'Unauthorized')


def test_an_api_token_opens_the_sockets_of_logs_and_no_other(here, accounts):
    script = bearer(accounts.sessions.make_token(accounts.users.known('ann'), 'ci', 1).secret)
    assert greeting(here, '/api/logs/ws/web', script) == 'ann?'
    for path in ('/_nicegui_ws/socket.io', '/login'):
        with pytest.raises(InvalidStatus, match='403'):
            open_socket(here, path, script)


def test_another_scheme_of_authorization_does_not_hide_the_cookie(client, token):
    headers = cookie(token, Authorization='Basic YTpi')
    assert client.get('/logs', headers=headers).json()['user'] == 'ann'


def test_a_wrong_bearer_token_is_not_saved_by_a_good_cookie(client, token):
    assert client.get('/api/services', headers=cookie(token, **bearer('nonsense'))).status_code == 401


# -- tokens in a URL


def test_http_does_not_take_a_token_from_the_url(client, token):
    assert client.get(f'/api/services?token={token}').status_code == 401


@pytest.mark.parametrize(
    'query',
    ['token={}&tail=5&x=%20', 'tail=5&token={}&x=%20', 'tail=5&x=%20&%74oken={}', 'token=a&tail=5&token=b&x=%20'],
)
def test_a_token_in_the_url_is_gone_before_anything_downstream_could_log_it(client, token, query):
    answered = client.get(f'/api/services?{query.format(token)}', headers=bearer(token))
    assert answered.json()['query'] == 'tail=5&x=%20'


def test_a_token_in_a_url_does_not_reach_the_servers_own_log(client, here, token, caplog):
    caplog.set_level(logging.INFO)
    client.get('/api/services', params={'token': token, 'tail': 5})
    greeting(here, f'/api/logs/ws/web?tail=5&token={token}')
    closing(here, '/api/logs/ws/web?tail=6&token=refused-one')
    logged = '\n'.join(record.getMessage() for record in caplog.records if record.name.startswith('uvicorn'))
    for address in ('GET /api/services?tail=5 ', '/api/logs/ws/web?tail=5"', '/api/logs/ws/web?tail=6"'):
        assert address in logged
    assert token not in logged
    assert 'refused-one' not in logged


@pytest.mark.parametrize('query', ['token', 'token=', 'token=&token=x', '&&token', 'token=%ff', 'token=a%00b', '=x'])
def test_a_strange_query_is_refused_and_breaks_nothing(here, query):
    assert closing(here, f'/api/logs/ws/web?{query}') == (4001, 'Unauthorized')


# -- how it refuses


def test_the_api_is_refused_in_json(client):
    refused = client.get('/api/services')
    assert (refused.status_code, refused.headers['www-authenticate']) == (401, 'Bearer')
    assert 'Sign in' in refused.json()['detail']


def test_a_page_leads_to_sign_in_and_back(client):
    assert client.get('/logs?service=web&filter=a%26b').headers['location'] == (
        '/login?next=/logs%3Fservice%3Dweb%26filter%3Da%2526b'
    )
    assert client.get('/').headers['location'] == '/login'
    assert client.post('/logout').headers['location'] == '/login'


def test_a_page_that_is_not_there_says_so_and_leads_to_the_logs(client, token):
    refused = client.get('/lgos', headers=cookie(token))
    assert (refused.status_code, refused.headers['content-type']) == (404, 'text/html; charset=utf-8')
    assert 'There is nothing at this address.' in refused.text
    assert '<a href="/logs">' in refused.text
    assert client.get('/api/lgos', headers=cookie(token)).json() == {'detail': 'There is nothing at this address.'}


def test_the_address_of_sign_in_never_carries_a_token(client):
    assert 'secret' not in client.get('/logs?token=secret&tail=5').headers['location']


def test_a_websocket_is_accepted_and_closed_with_4001_so_that_a_client_can_tell_why(here):
    assert closing(here, '/api/logs/ws/web') == (4001, 'Unauthorized')


def test_niceguis_socket_is_not_even_accepted(here):
    with pytest.raises(InvalidStatus, match='403'):
        open_socket(here, '/_nicegui_ws/socket.io')


# -- a link on another site, which comes without the SameSite=Strict cookie


HTML = {'Accept': 'text/html,*/*'}


@pytest.mark.parametrize('headers', [{'Sec-Fetch-Site': 'cross-site'}, {}], ids=['https', 'http'])
def test_a_link_from_elsewhere_goes_by_way_of_sign_in_so_that_the_cookie_comes_along(client, headers):
    page = client.get('/logs?service=<web>&tail=5', headers=HTML | headers)
    assert page.status_code == 200
    assert 'http-equiv="refresh" content="0; url=/login?next=/logs%3Fservice%3D%253Cweb%253E%26tail%3D5"' in page.text
    assert page.headers['cache-control'] == 'no-store'


@pytest.mark.parametrize('site', ['none', 'same-origin', 'same-site'])
def test_a_visit_of_ones_own_is_redirected(client, site):
    assert client.get('/logs', headers=HTML | {'Sec-Fetch-Site': site}).status_code == 303


# -- where it comes from


FOREIGN = ['http://evil', 'http://127.0.0.1:1', 'http://127.0.0.1', 'null', '', '{}.evil', '{}0', '{}@evil']


@pytest.mark.parametrize('origin', FOREIGN)
@pytest.mark.parametrize('method', METHODS[1:])
def test_a_page_of_another_origin_changes_nothing_with_the_users_cookie(client, here, token, origin, method):
    headers = cookie(token, Origin=origin.format(here))
    refused = client.request(method, '/api/services', headers=headers)
    assert refused.status_code == 403
    assert 'another address' in refused.json()['detail']


def test_a_page_of_another_origin_reads_nothing_with_the_users_cookie(client, token):
    elsewhere = cookie(token, Origin='https://evil.example')
    for path in ('/_nicegui_ws/socket.io', '/api/services', '/logs'):
        assert client.get(path, headers=elsewhere).status_code == 403
        assert client.get(path, headers=bearer(token) | {'Origin': 'https://evil.example'}).status_code == 200


@pytest.mark.parametrize('path', ['/login', '/api/auth/login', '/api/auth/setup'])
def test_a_page_of_another_origin_signs_nobody_in(client, path):
    assert client.post(path, headers={'Origin': 'http://evil'}).status_code == 403


@pytest.mark.parametrize('origin', FOREIGN)
def test_a_page_of_another_origin_opens_no_websocket(here, token, origin):
    for path in SOCKETS:
        with pytest.raises(InvalidStatus, match='403'):
            open_socket(here, path, cookie(token, Origin=origin.format(here)))


def test_our_own_pages_and_programs_without_an_origin_pass(client, here, accounts, token):
    for origin in ({'Origin': here}, {'Origin': here.upper()}, {}):
        headers = browser(accounts, token, **origin)
        assert client.post('/logout', headers=headers).status_code == 200
        assert greeting(here, '/api/logs/ws/web', headers) == 'ann?'


@pytest.mark.parametrize(
    ('origin', 'host'), [('https://dash', 'dash'), ('https://dash', 'dash:443'), ('http://dash:80', 'dash')]
)
def test_the_default_port_may_be_written_or_not(client, token, origin, host):
    assert client.post('/logout', headers=cookie(token, Origin=origin, Host=host)).status_code == 200


def test_a_bearer_token_is_no_ones_by_accident_so_its_origin_does_not_matter(client, token):
    assert client.post('/logout', headers=bearer(token) | {'Origin': 'http://evil'}).status_code == 200


# -- what it adds and bounds


@pytest.mark.parametrize('path', ['/login', '/logs', '/api/services', '/api/auth/me'])
def test_every_answer_has_the_security_headers(client, token, path):
    for headers in ({}, bearer(token)):
        answered = client.get(path, headers=headers)
        assert {name: answered.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert client.post('/login', headers={'Origin': 'null'}).headers['x-frame-options'] == 'DENY'


def test_a_page_may_have_its_own(client, token):
    assert client.get('/api/docs', headers=bearer(token)).headers['x-frame-options'] == 'SAMEORIGIN'


def test_a_stranger_may_send_little(client):
    assert client.post('/login', content=b'x' * BODY_LIMIT).status_code == 200
    assert client.post('/login', content=b'x' * (BODY_LIMIT + 1)).status_code == 413
    assert client.post('/login', content=iter([b'x' * BODY_LIMIT])).status_code == 200
    assert client.post('/login', content=iter([b'x' * BODY_LIMIT, b'x'])).status_code == 413


def test_who_is_signed_in_may_send_more_and_not_much_more(client, token):
    limit = Settings().max_body
    assert client.post('/logout', content=iter([b'x'] * 3), headers=bearer(token)).status_code == 200
    assert client.post('/logout', content=b'x' * limit, headers=bearer(token)).status_code == 200
    assert client.post('/logout', content=iter([b'x' * limit, b'x']), headers=bearer(token)).status_code == 413


def test_a_body_with_two_lengths_is_refused_and_nothing_after_it_is_answered(here):
    body = b'0\r\n\r\nGET /api/auth/setup-status HTTP/1.1\r\nHost: smuggled\r\n\r\n'
    head = f'POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nTransfer-Encoding: chunked\r\n\r\n'
    with socket.create_connection(('127.0.0.1', int(here.rpartition(':')[2])), timeout=PATIENCE) as connection:
        connection.sendall(head.encode() + body)
        answered = connection.makefile('rb').read()  # up to the end of the connection
    assert answered.startswith(b'HTTP/1.1 400 ')
    assert answered.count(b'HTTP/1.1 ') == 1
