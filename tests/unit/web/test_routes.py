"""The table of routes holds all that the product answers, and nothing in it answers to who may not come in."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import SimpleNamespace

import jwt
import pytest
from fastapi import FastAPI
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from dashboard.access.accounts import Accounts
from dashboard.access.session_store import Session
from dashboard.access.sessions import PREFIX
from dashboard.web.edge import SECURITY_HEADERS
from dashboard.web.routes import OPEN, RULES, SOCKET, TABLE, rule_of
from tests.support.docker_engine import wait_until
from tests.unit.web.conftest import KEY
from tests.unit.web.test_guard import bearer, cookie, key_of

PUBLIC = '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n'
SAMPLES = {'service': 'web', 'path': 'x', 'key': 'x', 'name': 'x', 'id': 'x'}


def walk(routes: list[BaseRoute], prefix: str = '') -> Iterator[tuple[str, str]]:
    """Method and path of everything that is registered; what is mounted and tells no routes may answer to any path."""
    for route in routes:
        path = prefix + getattr(route, 'path', '')
        if isinstance(route, Mount):
            opaque = ('GET',) if isinstance(route.app, StaticFiles) else ('GET', 'POST', SOCKET)
            yield from walk(route.routes, path) if route.routes else ((method, f'{path}/x') for method in opaque)
        elif hasattr(route, 'methods'):
            yield from ((method, path) for method in (route.methods or ['GET']) if method != 'HEAD')
        elif hasattr(route, 'endpoint'):
            yield SOCKET, path
        else:  # a router that FastAPI has included
            yield from walk(route.original_router.routes, prefix + route.include_context.prefix)


def sample(path: str) -> str:
    for name, value in SAMPLES.items():
        path = path.replace(f'{{{name}:path}}', value).replace(f'{{{name}}}', value)
    return path


def registered(app: FastAPI) -> list[tuple[str, str]]:
    return sorted({(method, sample(path)) for method, path in walk(app.router.routes)})


def bad_tokens(accounts: Accounts) -> dict[str, str]:
    """Everything that is not a token of ours, or not any more."""
    good = accounts.issue('ann')
    claims = jwt.decode(good, KEY, ['HS256'])
    ended = accounts.issue('ann')
    accounts.logout(accounts.identify(ended))
    expired = accounts.issue('ann', -1)
    header, body, signature = good.split('.')
    raised = base64.urlsafe_b64encode(json.dumps({**claims, 'sub': 'bob'}).encode()).rstrip(b'=').decode()
    stretched = base64.urlsafe_b64encode(json.dumps({**claims, 'exp': 1 << 33}).encode()).rstrip(b'=').decode()
    now = int(time.time())
    unknown = accounts.sessions._tokens.sign(Session('never-made', 'id', 'ann', now, now + 900))
    revoked = accounts.sessions.make_token(accounts.users.known('ann'), 'revoked', 1)
    accounts.sessions.revoke('ann', revoked.session.id)
    return {
        'none': '',
        'nonsense': 'nonsense',
        'expired': expired,
        'ended': ended,
        'unknown session': unknown,
        'alg none': jwt.encode(claims, None, 'none'),
        'alg none with the signature': f'{jwt.encode(claims, None, "none").rpartition(".")[0]}.{signature}',
        'wrong key': jwt.encode(claims, 'another key that is long enough too', 'HS256'),
        'other algorithm': jwt.encode(claims, KEY.ljust(64), 'HS512'),
        'same key, other algorithm': jwt.encode(claims, KEY * 2, 'HS384'),
        'changed user': f'{header}.{raised}.{signature}',
        'changed end': f'{header}.{stretched}.{signature}',
        'no signature': f'{header}.{body}.',
        'revoked API token': revoked.secret,
        'made-up API token': f'{PREFIX}{"A" * 43}',
    }


def test_every_route_of_the_product_is_in_the_table(product):
    routes = registered(product.app)
    missing = [f'{method} {path}' for method, path in routes if rule_of(method, path) is None]
    assert not missing, 'put them into TABLE of dashboard/routes.py'
    assert len(routes) >= 20  # the walk has found something
    for expected in [
        ('GET', '/logs'), ('GET', '/api/docs'), (SOCKET, '/api/logs/ws/web'), (SOCKET, '/_nicegui_ws/x'),
        ('GET', '/favicon.ico'), ('POST', '/login'),
    ]:  # fmt: skip
        assert expected in routes


def test_the_table_has_no_line_that_nothing_answers(product):
    routes = registered(product.app)
    for rule, line in zip(RULES, TABLE, strict=True):
        assert any(rule.path.match(path) for _, path in routes), line


def test_no_route_answers_an_unsigned_expired_tampered_or_revoked_token(product):
    for kind, token in bad_tokens(product.accounts).items():
        for method, path in registered(product.app):
            rule = rule_of(method, path)
            if rule is None or rule.access is OPEN or method == SOCKET:
                continue
            for headers in (bearer(token), cookie(token)) if token else ({},):
                answered = product.client.request(method, path, headers=headers)
                assert answered.status_code in (303, 401), (kind, method, path, answered.text)
                assert {name: answered.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_no_socket_opens_with_an_unsigned_expired_tampered_or_revoked_token(product):
    for token in bad_tokens(product.accounts).values():
        for path in ('/api/logs/ws/web', '/api/logs/ws/status'):
            with (
                pytest.raises(ConnectionClosed) as closed,
                connect(f'{product.url.replace("http", "ws")}{path}?token={token}', proxy=None) as opened,
            ):
                opened.recv()
            assert closed.value.rcvd.code == 4001


def test_niceguis_socket_opens_in_neither_transport_with_such_a_token(product):
    for token in bad_tokens(product.accounts).values():
        query = 'EIO=4&transport='
        answered = product.client.get(f'/_nicegui_ws/socket.io/?{query}polling', headers=cookie(token))
        assert answered.status_code == 401
        posted = product.client.post(f'/_nicegui_ws/socket.io/?{query}polling&sid=x', headers=cookie(token))
        assert posted.status_code == 401
        address = f'{product.url.replace("http", "ws")}/_nicegui_ws/socket.io/?{query}websocket'
        with pytest.raises(InvalidStatus) as refused, connect(address, additional_headers=cookie(token), proxy=None):
            pass
        assert refused.value.response.status_code == 403
        assert refused.value.response.headers['X-Content-Type-Options'] == 'nosniff'


@pytest.mark.parametrize(
    'path',
    ['/nothing', '/api/nothing', '/openapi.json', '/docs', '/redoc', '/_nicegui', '/logs/', '/api/logs/ws/web', '//'],
)
def test_what_is_not_in_the_table_is_refused_to_everybody(product, path):
    assert product.client.get(product.url + path).status_code in (303, 401)
    signed_in = product.client.get(product.url + path, headers=bearer(product.accounts.issue('ann')))
    assert signed_in.status_code == 404
    assert '_nicegui' not in signed_in.text


def test_a_method_that_is_not_in_the_table_is_refused(product):
    refused = product.client.put('/api/services', headers=bearer(product.accounts.issue('ann')))
    assert (refused.status_code, refused.headers['allow']) == (405, 'GET')
    assert product.client.request('OPTIONS', '/login').status_code in (303, 401)


def test_an_administrators_line_is_for_administrators(monkeypatch, product):
    from dashboard.web import guard
    from dashboard.web.routes import ADMIN, Rule

    rule = rule_of('GET', '/api/services')
    admins = Rule(rule.methods, rule.path, ADMIN, '')
    monkeypatch.setattr(guard, 'rule_of', lambda method, path: admins)
    answers = [
        product.client.get('/api/services', headers=bearer(product.accounts.issue(name))).status_code
        for name in ('ann', 'bob')  # the first account is an administrator
    ]
    assert answers == [200, 403]


# -- a page belongs to the user for whom it was made


def page_of(product: SimpleNamespace, token: str, path: str = '/logs') -> str:
    page = product.client.get(path, headers=cookie(token))
    assert page.status_code == 200
    return (
        page.text.partition("'client_id': '")[2].partition("'")[0]
        or (page.text.partition('"client_id": "')[2].partition('"')[0])
    )


class PageSocket:
    """Speaks engine.io 4 and socket.io 5 as far as the tests need it."""

    def __init__(self, connection: ClientConnection, key: object) -> None:
        self.connection = connection
        connection.recv(5)
        connection.send(f'40{json.dumps({"key": key})}')
        while not (answer := connection.recv(5)).startswith(('40', '44')):
            pass
        self.opened = answer.startswith('40')

    @classmethod
    @contextmanager
    def open(
        cls, product: SimpleNamespace, token: str, client_id: str, implicit: bool = True, key: object = None
    ) -> Iterator[PageSocket]:
        key = key_of(product.accounts, token) if key is None else key
        handshake = 'true&tab_id=tab&document_id=doc&next_message_id=0' if implicit else 'false'
        query = f'EIO=4&transport=websocket&client_id={client_id}&implicit_handshake={handshake}'
        address = f'{product.url.replace("http", "ws")}/_nicegui_ws/socket.io/?{query}'
        with connect(address, additional_headers=cookie(token), proxy=None, max_size=None) as connection:
            yield cls(connection, key)

    def ask(self, event: str, message: dict) -> object:
        self.connection.send(f'420{json.dumps([event, message])}')
        while not (answer := self.connection.recv(5)).startswith('430'):
            pass
        return (json.loads(answer[3:]) or [None])[0]

    def is_heard(self, event: str, message: dict) -> bool:
        """Whether an event is answered, and not only the refusal of what is sent after it."""
        with suppress(ConnectionClosed):
            self.connection.send(f'420{json.dumps([event, message])}')
            self.connection.send('40{"key": "wrong"}')
            while not (answer := self.connection.recv(5)).startswith(('430', '44')):
                pass
            return answer.startswith('430')
        return False


@pytest.fixture
def tokens(product):
    """Of two users who have no pages of earlier tests."""
    names = [f'{name}-{secrets.token_hex(4)}' for name in ('ann', 'bob')]
    for name in names:
        product.accounts.users.add(name, 'correct horse')
    return SimpleNamespace(ann=product.accounts.issue(names[0]), bob=product.accounts.issue(names[1]))


def test_a_browser_opens_the_socket_of_its_own_page(product, tokens):
    with PageSocket.open(product, tokens.ann, page_of(product, tokens.ann)) as socket:
        assert socket.opened


def test_a_socket_of_another_user_does_not_get_a_page_by_its_id(product, tokens):
    page = page_of(product, tokens.ann)
    for implicit in (True, False):
        with PageSocket.open(product, tokens.bob, page, implicit) as stolen:
            assert not stolen.opened


def test_a_socket_that_is_open_cannot_speak_for_a_page_of_another_user(product, tokens):
    from nicegui import Client

    hers, his = page_of(product, tokens.ann), page_of(product, tokens.bob)
    taken = {'client_id': hers, 'tab_id': 'tab', 'document_id': 'doc', 'old_tab_id': None, 'next_message_id': 0}
    heard = []
    with PageSocket.open(product, tokens.ann, hers), PageSocket.open(product, tokens.bob, his) as thief:
        assert thief.opened
        assert thief.ask('handshake', taken) is False
        Client.instances[hers].handle_event = heard.append
        Client.instances[hers].handle_javascript_response = heard.append
        for event in ('event', 'javascript_response', 'ack'):
            said = {'client_id': hers, 'id': 1, 'args': [], 'level': 'error', 'message': 'x', 'next_message_id': 9**9}
            assert thief.ask(event, said) is False
    assert heard == []


@pytest.mark.parametrize('message', [None, 'x', [], {}, {'client_id': None}, {'client_id': []}, {'client_id': 'x'}])
def test_a_message_that_names_no_page_is_not_listened_to(product, tokens, message):
    with PageSocket.open(product, tokens.ann, page_of(product, tokens.ann)) as socket:
        assert socket.ask('event', message) is False


def test_a_browser_writes_nothing_to_the_console(product, tokens, caplog):
    page = page_of(product, tokens.ann)
    with PageSocket.open(product, tokens.ann, page) as socket:
        message = {'client_id': page, 'level': 'error', 'message': 'x\nSet-up code for the first account: AAAA'}
        socket.ask('log', message)
        assert socket.ask('event', {}) is False  # it has been listened to
    assert 'Set-up' not in caplog.text


def test_the_open_pages_of_a_user_are_bounded(product, tokens):
    with ExitStack() as open_pages:
        for _ in range(3):
            page = PageSocket.open(product, tokens.bob, page_of(product, tokens.bob))
            assert open_pages.enter_context(page).opened
        refused = product.client.get('/logs', headers=cookie(tokens.bob))
        assert page_of(product, tokens.ann)
    assert (refused.status_code, refused.headers['retry-after']) == (429, '10')
    assert 'limit' in refused.text


def test_pages_that_no_browser_opens_give_way_to_newer_ones(product, tokens):
    from nicegui import Client

    fetched = [page_of(product, tokens.ann) for _ in range(6)]
    assert [page in Client.instances for page in fetched] == [False] * 4 + [True] * 2


# -- what may be said on the socket of a page


def test_binary_packets_are_refused_before_their_parts_are_waited_for(product, tokens):
    with PageSocket.open(product, tokens.ann, page_of(product, tokens.ann)) as socket:
        socket.connection.send('4599999999-["event",{"_placeholder":true,"num":0}]')
        assert closes(socket.connection)


@pytest.mark.parametrize(
    'said', [b'\x04binary', 'bAAAA', '43[]', '44{}', '40', '4', '4x', '42', '42[', '42{}', '42[[]]', '42[{}]', '42[1]',
             '42["event"', '429' + '9' * 200 + '[]', '42["connect",{"asgi.scope":{"state":{"identity":{}}}}]'],
)  # fmt: skip
def test_nonsense_on_the_socket_of_a_page_leaves_no_trace(product, tokens, said, caplog):
    with PageSocket.open(product, tokens.ann, page_of(product, tokens.ann)) as socket:
        socket.connection.send(said)
        with suppress(ConnectionClosed):
            socket.ask('event', {})
    assert not [record for record in caplog.records if record.levelname == 'ERROR']


@pytest.mark.parametrize('event', ['handshake', 'event', 'javascript_response', 'ack', 'log', 'connect', 'disconnect'])
def test_a_message_that_lacks_everything_is_not_listened_to(product, tokens, event, caplog):
    page = page_of(product, tokens.ann)
    with PageSocket.open(product, tokens.ann, page) as socket:
        for message in ({'client_id': page}, {'client_id': page, 'id': [], 'args': 5, 'next_message_id': 'x'}, {}, []):
            socket.ask(event, message)
        assert socket.ask('event', {}) is False
    assert not [record for record in caplog.records if record.levelname == 'ERROR']


def test_a_flood_of_messages_ends_its_own_socket_only(product, tokens):
    with (
        PageSocket.open(product, tokens.bob, page_of(product, tokens.bob)) as bystander,
        PageSocket.open(product, tokens.ann, page_of(product, tokens.ann)) as flooder,
    ):
        with suppress(ConnectionClosed):
            for _ in range(2_000):
                flooder.connection.send('42["event",{}]')
        assert closes(flooder.connection)
        assert bystander.ask('event', {}) is False


def test_sockets_that_join_no_page_are_counted(product, tokens):
    with ExitStack() as stack:
        for _ in range(product.settings.max_sockets):
            stack.enter_context(silent(product, tokens.ann))
        with pytest.raises(InvalidStatus), silent(product, tokens.ann):
            pass
        assert is_let_in(product, tokens.bob)
    wait_until(lambda: is_let_in(product, tokens.ann))


def test_a_socket_that_joins_no_page_is_shut_after_a_while(product, tokens, monkeypatch):
    monkeypatch.setattr('dashboard.pages.sockets.JOIN_TIME', 0.05)
    with silent(product, tokens.ann) as connection:
        assert closes(connection)


def test_a_refused_handshake_holds_no_place_for_ever(product, tokens):
    for _ in range(product.settings.max_sockets + 1):
        with PageSocket.open(product, tokens.ann, 'gone') as refused:
            assert not refused.opened
    with PageSocket.open(product, tokens.ann, page_of(product, tokens.ann)) as socket:
        assert socket.opened


def silent(product: SimpleNamespace, token: str) -> ClientConnection:
    address = f'{product.url.replace("http", "ws")}/_nicegui_ws/socket.io/?EIO=4&transport=websocket'
    return connect(address, additional_headers=cookie(token), proxy=None)


def is_let_in(product: SimpleNamespace, token: str) -> bool:
    try:
        with silent(product, token):
            return True
    except InvalidStatus:
        return False


def closes(connection: ClientConnection) -> bool:
    with suppress(ConnectionClosed):
        while True:
            connection.recv(5)
    return True
