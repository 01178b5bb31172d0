"""The edge: what is believed of a proxy, where the dashboard lives below a path, and what is too long."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import re
import socket
import ssl
import subprocess
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from dashboard.access.accounts import Accounts
from dashboard.access.audit import Audit
from dashboard.config import Settings, base_path, networks
from dashboard.errors import ConfigError, InvalidToken
from dashboard.pages import login
from dashboard.web.credentials import address_of, path_of
from dashboard.web.edge import HSTS, SECURITY_HEADERS, Edge, address_behind
from dashboard.web.guard import Guard
from dashboard.web.routes import TABLE
from dashboard.web.server import BurstProtocol, PunctualProtocol
from dashboard.web.tls import check_tls
from tests.support.signing_in import goes_to, kept
from tests.support.until import PATIENCE
from tests.unit.web.test_guard import CHEAP, bearer, configured, cookie, greet, greeting, open_socket, serving

PROXIES = networks('127.0.0.1, 10.0.0.0/8, fd00::/8')
INVENTED = {
    'X-Forwarded-For': '203.0.113.9',
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Host': 'dash.example',
    'X-Forwarded-Prefix': '/evil',
    'Forwarded': 'for=203.0.113.9;proto=https',
    'X-Real-IP': '203.0.113.9',
}


async def tell(request: Request) -> JSONResponse:
    return JSONResponse(
        {
            'address': address_of(request),
            'url': str(request.url),
            'path': path_of(request.scope),
            'root': request.scope.get('root_path', ''),
            'forwarded': [name for name in request.headers if 'forwarded' in name or name == 'x-real-ip'],
        }
    )


async def fail(request: Request) -> JSONResponse:
    raise RuntimeError('a fault of the program')


@pytest.fixture(scope='module')
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Accounts:
    made = Accounts(tmp_path_factory.mktemp('edge'), hasher=CHEAP)
    made.users.add('ann', 'correct horse')
    return made


@pytest.fixture(scope='module')
def serve(accounts):
    """``serve(Settings(…))`` gives a client of a server with the gate, sign-in and a route that tells what it was."""
    servers = {}

    def of(settings: Settings) -> SimpleNamespace:
        key = repr(settings)
        servers[key] = server = servers.get(key) or start(settings)
        server.client.cookies.clear()
        return server

    def start(settings: Settings) -> SimpleNamespace:
        routes = [Route('/api/services', tell, methods=['GET', 'POST']), Route('/api/logs', fail), Route('/logs', tell)]
        routes += [Route('/logout', tell, methods=['POST']), WebSocketRoute('/api/logs/ws/{service}', greet)]
        inner = Starlette(routes=[*routes, *login.routes(accounts, Audit())])
        serving_ = serving(Edge(Guard(inner, accounts, settings), settings))
        url = serving_.__enter__()
        client = httpx.Client(base_url=url, trust_env=False)
        return SimpleNamespace(url=url, client=client, token=accounts.issue('ann'), serving=serving_)

    yield of
    for server in servers.values():
        server.client.close()
        server.serving.__exit__(None, None, None)


# -- whom it believes


def test_from_anybody_else_nothing_is_believed_and_nothing_passed_on(serve):
    here = serve(Settings(trusted_proxies=networks('10.0.0.0/8')))
    told = here.client.get('/api/services', headers=bearer(here.token) | INVENTED)
    assert told.json() == {
        'address': '127.0.0.1',
        'url': f'{here.url}/api/services',
        'path': '/api/services',
        'root': '',
        'forwarded': [],
    }
    assert 'strict-transport-security' not in told.headers


def test_a_trusted_proxy_is_believed_and_its_headers_end_here(serve):
    here = serve(Settings(trusted_proxies=PROXIES))
    told = here.client.get('/api/services', headers=bearer(here.token) | INVENTED | {'X-Forwarded-Prefix': '/ui'})
    assert told.json() == {
        'address': '203.0.113.9',
        'url': 'https://dash.example/ui/api/services',
        'path': '/api/services',
        'root': '/ui',
        'forwarded': [],
    }
    assert told.headers['strict-transport-security'] == HSTS


@pytest.mark.parametrize(
    ('forwarded', 'address'),
    [
        ('203.0.113.9', '203.0.113.9'),
        ('1.2.3.4, 203.0.113.9', '203.0.113.9'),  # what a client invents stands to the left
        ('1.2.3.4, 203.0.113.9, 10.1.1.1', '203.0.113.9'),
        ('203.0.113.9:4711', '203.0.113.9'),
        ('[2001:db8::1]:4711, 10.0.0.1', '2001:db8::1'),
        ('2001:db8::1', '2001:db8::1'),
        ('10.0.0.1, 10.0.0.2', '10.0.0.1'),
        ('203.0.113.9, nonsense', '127.0.0.1'),
        ('', '127.0.0.1'),
        ('<script>', '127.0.0.1'),
        ('::ffff:10.0.0.1, ::ffff:203.0.113.9', '203.0.113.9'),
    ],
)
def test_the_right_most_address_that_is_not_a_trusted_proxys_is_the_clients(forwarded, address):
    assert address_behind('127.0.0.1', forwarded, PROXIES) == address


@given(st.text(), st.text(max_size=20))
def test_no_header_makes_an_address_of_what_is_none(forwarded, peer):
    from ipaddress import ip_address

    found = address_behind(peer, forwarded, PROXIES)
    assert found == peer or ip_address(found)


def test_several_header_lines_are_one_list(serve):
    here = serve(Settings(trusted_proxies=PROXIES))
    lines = [(b'X-Forwarded-For', b'203.0.113.9'), (b'X-Forwarded-For', b'10.1.1.1')]
    told = here.client.get('/api/services', headers=[*bearer(here.token).items(), *lines])
    assert told.json()['address'] == '203.0.113.9'


def test_nonsense_of_a_trusted_proxy_is_ignored(serve):
    here = serve(Settings(trusted_proxies=PROXIES))
    for prefix in ('evil', '//evil', '/a"b', '/a b', 'https://evil', '/../x', '/login'):
        for host in ('evil"<', 'a b', 'evil@x', 'evil/x'):
            headers = {'X-Forwarded-Prefix': prefix, 'X-Forwarded-Host': host, 'X-Forwarded-Proto': 'javascript'}
            told = here.client.get('/api/services', headers=bearer(here.token) | headers)
            assert told.json()['url'] == f'{here.url}/api/services'


def test_the_origin_is_that_of_the_proxy(serve):
    here = serve(Settings(trusted_proxies=PROXIES))
    proxied = {'X-Forwarded-Host': 'dash.example', 'X-Forwarded-Proto': 'https'}
    ours, theirs = {'Origin': 'https://dash.example'}, {'Origin': 'https://evil.example'}
    assert here.client.post('/logout', headers=cookie(here.token) | proxied | ours).status_code != 403
    assert here.client.post('/logout', headers=cookie(here.token) | proxied | theirs).status_code == 403
    token = here.token
    assert greeting(here.url, f'/api/logs/ws/web?token={token}', proxied | ours).startswith('ann')
    for origin in (theirs, {'Origin': here.url}):
        with pytest.raises(InvalidStatus, match='403'):
            open_socket_once(here.url, f'/api/logs/ws/web?token={token}', proxied | origin)


def test_behind_a_proxy_with_tls_an_unencrypted_page_of_the_same_host_is_another_origin(serve):
    here = serve(Settings(trusted_proxies=PROXIES))
    proxied = {'X-Forwarded-Host': 'dash.example', 'X-Forwarded-Proto': 'https', 'Origin': 'http://dash.example'}
    assert here.client.post('/logout', headers=cookie(here.token) | proxied).status_code == 403


def test_a_client_cannot_name_its_own_origin_with_a_forwarded_host(serve):
    here = serve(Settings())
    headers = cookie(here.token) | {'X-Forwarded-Host': 'evil.example', 'Origin': 'https://evil.example'}
    assert here.client.post('/logout', headers=headers).status_code == 403
    with pytest.raises(InvalidStatus, match='403'):
        open_socket_once(here.url, '/api/logs/ws/web', headers)


def test_the_cookie_is_secure_when_the_proxy_speaks_tls(serve, accounts):
    here = serve(Settings(trusted_proxies=PROXIES))
    form = {'username': 'ann', 'password': 'correct horse'}
    plain = here.client.post('/login', data=form).headers['set-cookie']
    behind = here.client.post('/login', data=form, headers={'X-Forwarded-Proto': 'https'}).headers['set-cookie']
    assert 'Secure' not in plain
    assert 'Secure' in behind
    assert 'HttpOnly' in behind
    assert 'SameSite=strict' in behind


def test_guesses_are_counted_by_the_address_behind_the_proxy(serve):
    here = serve(Settings(trusted_proxies=PROXIES))

    def guess(address: str) -> int:
        form = {'username': 'victim', 'password': 'wrong'}
        return here.client.post('/login', data=form, headers={'X-Forwarded-For': address}).status_code

    assert 429 in [guess('203.0.113.1') for _ in range(8)]
    assert guess('203.0.113.2') == 401
    assert guess('1.2.3.4, 203.0.113.1') == 429  # inventing addresses does not help


# -- what a sign-in makes of what the browser brought


def test_signing_in_makes_a_new_session_whatever_cookie_was_planted(serve, accounts):
    here = serve(Settings())
    form = {'username': 'ann', 'password': 'correct horse'}
    planted = accounts.issue('ann')
    for cookie_value in (planted, 'chosen-by-somebody'):
        made = here.client.post('/login', data=form, headers=cookie(cookie_value)).headers['set-cookie']
        token = made.partition('=')[2].partition(';')[0]
        assert token not in (planted, cookie_value)
        assert accounts.identify(token).username == 'ann'
        with pytest.raises(InvalidToken):
            accounts.identify(planted)


@pytest.mark.parametrize('wanted', ['https://evil', '//evil', '/\\evil', '/\t/evil', 'javascript:alert(1)', ''])
def test_signing_in_leads_nowhere_else(serve, wanted):
    here = serve(Settings(base_path='/logs-ui'))
    form = {'username': 'ann', 'password': 'correct horse', 'next': wanted}
    location = goes_to(here.client.post('/login', data=form).text)
    assert location.startswith('/logs-ui/')
    assert httpx.URL(here.url).join(location).host == '127.0.0.1'


# -- below a path


@pytest.mark.parametrize('asked', ['/logs-ui/api/services', '/api/services'], ids=['left', 'taken off'])
def test_below_a_base_path_it_works_whether_the_proxy_takes_it_off_or_leaves_it(serve, asked):
    here = serve(Settings(base_path='/logs-ui'))
    told = here.client.get(asked, headers=bearer(here.token)).json()
    assert (told['path'], told['root'], told['url']) == (
        '/api/services', '/logs-ui', f'{here.url}/logs-ui/api/services',
    )  # fmt: skip


def test_all_that_leads_on_begins_with_the_base_path(serve):
    here = serve(Settings(base_path='/logs-ui'))
    assert here.client.get('/logs-ui/logs?tail=5').headers['location'] == '/logs-ui/login?next=/logs%3Ftail%3D5'
    assert here.client.get('/logs-ui').headers['location'] == '/logs-ui/login'
    page = here.client.get('/logs-ui/login?next=/logs%3Ftail%3D5')
    assert 'action="/logs-ui/login"' in page.text
    form = {'username': 'ann', 'password': 'correct horse', 'next': '/logs?tail=5'}
    signed_in = here.client.post('/logs-ui/login', data=form)
    assert goes_to(signed_in.text) == '/logs-ui/logs?tail=5'
    assert kept(signed_in.text)[0] == 'dashboard-key:/logs-ui'
    assert 'Path=/logs-ui;' in signed_in.headers['set-cookie']
    headers = {'Accept': 'text/html', 'Sec-Fetch-Site': 'cross-site'}
    with httpx.Client(base_url=here.url, trust_env=False) as stranger:
        assert 'url=/logs-ui/login?' in stranger.get('/logs-ui/logs', headers=headers).text


@pytest.mark.parametrize('text', ['logs', '/a//b', '/a b', '/ä', '/a?b', '/..', '//a', '/a"', '/logs', '/api/x', '/_x'])
def test_a_base_path_that_could_be_mistaken_is_refused(text):
    with pytest.raises(ConfigError, match='DASHBOARD_BASE_PATH takes a path such as'):
        Settings.from_env({'DASHBOARD_BASE_PATH': text})


def test_no_page_or_route_can_be_taken_for_a_base_path():
    for _, path, _, _ in TABLE:
        first = f'/{path.split("/")[1]}'
        if first != '/':
            with pytest.raises(ValueError, match=re.escape(first)):
                base_path(first)


def test_a_base_path_may_end_with_a_slash_and_have_parts():
    assert [base_path(text) for text in ('/', '', '/a/', '/logs-ui', '/a/b.c')] == ['', '', '/a', '/logs-ui', '/a/b.c']


@pytest.mark.parametrize('text', ['proxy', '10.0.0.0/33', '10.0.0.1/8', '1.2.3', '10.0.0.1;10.0.0.2'])
def test_what_is_no_address_of_a_proxy_is_refused(text):
    with pytest.raises(ConfigError, match='DASHBOARD_TRUSTED_PROXY takes addresses or networks'):
        Settings.from_env({'DASHBOARD_TRUSTED_PROXY': text})


# -- what every answer has, and what is too long


def test_faults_and_refusals_have_the_security_headers_too(serve):
    here = serve(Settings(max_url=300, max_headers=2_000))
    token = bearer(here.token)
    answers = {
        404: here.client.get('/nothing', headers=token),
        405: here.client.put('/api/services', headers=token),
        413: here.client.post('/login', content=b'x' * 20_000),
        414: here.client.get(f'/api/services?{"x" * 300}', headers=token),
        431: here.client.get('/api/services', headers=token | {'X-Long': 'x' * 2_000}),
        500: here.client.get('/api/logs', headers=token),  # last: it ends the connection
    }
    for status, answered in answers.items():
        assert answered.status_code == status
        assert {name: answered.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS, status


def test_a_socket_with_a_long_address_or_long_headers_is_refused(serve):
    here = serve(Settings(max_url=300, max_headers=2_000))
    for path, headers in ((f'/api/logs/ws/{"x" * 300}', {}), ('/api/logs/ws/web', {'X-Long': 'x' * 2_000})):
        with pytest.raises(InvalidStatus, match=r'414|431') as refused:
            open_socket_once(here.url, path, headers | bearer(here.token))
        assert refused.value.response.headers['X-Content-Type-Options'] == 'nosniff'


def open_socket_once(url: str, path: str, headers: dict[str, str]) -> None:
    with open_socket(url, path, headers):
        pass


# -- TLS


@pytest.fixture(scope='module')
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    """A certificate for localhost and its key."""
    directory = tmp_path_factory.mktemp('tls')
    return make_certificate(directory, 'one')


def make_certificate(directory: Path, name: str) -> tuple[Path, Path]:
    cert, key = directory / f'{name}.pem', directory / f'{name}.key'
    kind = ('-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2')
    names = ('-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1')
    command = ['openssl', 'req', *kind, *names, '-keyout', str(key), '-out', str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


def test_with_a_certificate_pages_and_sockets_are_served_on_tls_only(accounts, certificate):
    settings = Settings(tls_cert=certificate[0], tls_key=certificate[1])
    inner = Starlette(routes=[*login.routes(accounts, Audit()), WebSocketRoute('/api/logs/ws/{service}', greet)])
    files = {'ssl_certfile': settings.tls_cert, 'ssl_keyfile': settings.tls_key, 'ws': BurstProtocol}
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    with serving(Edge(Guard(inner, accounts, settings), settings), **files) as url:
        secure = url.replace('http:', 'https:')
        form = {'username': 'ann', 'password': 'correct horse'}
        with httpx.Client(verify=trust, trust_env=False) as client:
            signed_in = client.post(f'{secure}/login', data=form)
        assert signed_in.status_code == 200
        assert signed_in.headers['strict-transport-security'] == HSTS
        assert signed_in.headers['set-cookie'].startswith('__Host-dashboard_token=')
        assert {'Secure', 'Path=/'} <= set(signed_in.headers['set-cookie'].split('; '))
        shown = {'Cookie': f'__Host-dashboard_token={signed_in.cookies["__Host-dashboard_token"]}'}
        headers = {'Origin': secure, 'X-Dashboard-Key': kept(signed_in.text)[1], **shown}
        address = f'{secure.replace("https", "wss")}/api/logs/ws/web'
        with connect(address, ssl=trust, additional_headers=headers, proxy=None) as opened:
            assert opened.recv() == 'ann?'
        unencrypted = headers | {'Origin': url}  # a page that anybody on the way may have written
        with pytest.raises(InvalidStatus, match='403'):
            connect(address, ssl=trust, additional_headers=unencrypted, proxy=None)
        with pytest.raises((httpx.HTTPError, OSError)), httpx.Client(trust_env=False) as client:
            client.get(f'{url}/login')


def test_wrong_tls_files_are_told_in_words(tmp_path, certificate):
    cert, key = certificate
    other = make_certificate(tmp_path, 'other')[1]
    empty = tmp_path / 'empty.pem'
    empty.touch()
    locked = tmp_path / 'locked.key'
    subprocess.run(
        ['openssl', 'ec', '-in', str(key), '-aes256', '-passout', 'pass:x', '-out', str(locked)],
        check=True, capture_output=True,
    )  # fmt: skip
    for files, words in {
        (cert, tmp_path / 'none'): r'--tls-key: .*/none cannot be read: No such file or directory\.',
        (tmp_path, key): r'--tls-cert: .* cannot be read: Is a directory\.',
        (cert, other): 'the key does not belong to the certificate',
        (empty, key): 'no such PEM file',
        (cert, cert): 'no such PEM file',
        (cert, locked): 'the key has a passphrase',
    }.items():
        with pytest.raises(ConfigError, match=words):
            check_tls(Settings(tls_cert=files[0], tls_key=files[1]))
    check_tls(Settings(tls_cert=cert, tls_key=key))


def test_a_certificate_without_its_key_is_refused(certificate):
    with pytest.raises(ConfigError, match='TLS takes both'):
        Settings.from_env({'DASHBOARD_TLS_CERT': str(certificate[0])})


# -- how the server is set up


def test_the_server_itself_believes_nobody_and_takes_little():
    config = configured(Settings(max_connections=77))
    assert config.proxy_headers is False
    assert (config.limit_concurrency, config.ws_max_size) == (78, Settings().max_body)


def test_a_request_whose_headers_never_end_is_cut_off(accounts):
    settings = Settings()
    config = configured(settings)
    options = {'http': config.http, 'h11_max_incomplete_event_size': config.h11_max_incomplete_event_size}
    with serving(Edge(Guard(Starlette(), accounts, settings), settings), **options) as url:
        with socket.create_connection(('127.0.0.1', int(url.rpartition(':')[2]))) as endless:
            endless.sendall(b'GET / HTTP/1.1\r\nHost: x\r\n')
            with pytest.raises(OSError, match=r'reset|[Bb]roken'):
                endless.sendall(b'X-More: x\r\n' * 1_000_000)
        connection = http.client.HTTPConnection(url.removeprefix('http://'))
        connection.request('GET', '/login')
        assert connection.getresponse().status == 404
        connection.close()


def test_a_connection_that_sends_no_request_is_not_kept(accounts, monkeypatch):
    monkeypatch.setattr('dashboard.web.server.HEAD_TIME', 0.2)
    settings = Settings()
    with serving(
        Edge(Guard(Starlette(), accounts, settings), settings), http=PunctualProtocol, timeout_keep_alive=0.2
    ) as url:
        request = b'GET /login HTTP/1.1\r\nHost: x\r\n\r\n'
        for sent, answers in ((b'', 0), (request[:-2], 0), (request, 1), (request + request[:-2], 1)):
            with socket.create_connection(('127.0.0.1', int(url.rpartition(':')[2])), timeout=PATIENCE) as silent:
                silent.sendall(sent)
                answered = b''
                with contextlib.suppress(ConnectionResetError):
                    while part := silent.recv(65_536):
                        answered += part
                        silent.sendall(b'X' if sent == request else b'')  # the next one begins, and does not go on
            assert answered.count(b'HTTP/1.1 404') == answers
    assert configured(settings).http.func is PunctualProtocol


def test_a_request_may_take_longer_to_answer_than_to_come(accounts, monkeypatch):
    monkeypatch.setattr('dashboard.web.server.HEAD_TIME', 0.05)

    async def slow(request: Request) -> JSONResponse:
        await asyncio.sleep(0.2)
        return JSONResponse('done')

    app = Starlette(routes=[Route('/login', slow), WebSocketRoute('/api/logs/ws/{service}', wait_and_greet)])
    with serving(Edge(Guard(app, accounts), Settings()), http=PunctualProtocol) as url:
        assert httpx.get(f'{url}/login', trust_env=False).json() == 'done'
        assert greeting(url, '/api/logs/ws/web', bearer(accounts.issue('ann'))) == 'ann?'


async def wait_and_greet(websocket: WebSocket) -> None:
    await asyncio.sleep(0.2)
    await greet(websocket)
