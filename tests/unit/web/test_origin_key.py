"""A cookie that has reached another port of this host is worth nothing there: pages and API ask for more."""

from __future__ import annotations

import re
from types import SimpleNamespace

import httpx
import pytest
from nicegui import Client
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from dashboard.web.origin_key import tickets
from dashboard.web.routes import OPEN, RULES, SOCKET, TABLE
from tests.unit.web.test_guard import bearer, browser, cookie, key_of
from tests.unit.web.test_routes import PageSocket, page_of, sample

DOWNLOAD = '/api/logs/web/download'
ASKS = [(rule, line) for rule, line in zip(RULES, TABLE, strict=True) if not rule.is_shell and rule.access is not OPEN]
SHELLS = [
    path
    for rule, (methods, path, access, _) in zip(RULES, TABLE, strict=True)
    if rule.is_shell and access is not OPEN and 'GET' in methods and not path.startswith(('/api', '/_nicegui'))
]


@pytest.fixture(scope='module')
def token(product: SimpleNamespace) -> str:
    """Of an administrator who has made an API token and is signed in elsewhere too."""
    product.accounts.users.add('zoe', 'correct horse', is_admin=True)
    product.accounts.sessions.make_token(product.accounts.users.known('zoe'), 'the name of a token', 1)
    product.accounts.issue('zoe', address='192.0.2.77', agent='Firefox on Haiku')
    return product.accounts.issue('zoe')


@pytest.mark.parametrize(('rule', 'line'), ASKS, ids=[f'{line[0]} {line[1]}' for _, line in ASKS])
def test_the_api_does_not_take_the_cookie_alone(product, token, rule, line):
    for method in rule.methods - {SOCKET}:
        for headers in (cookie(token), cookie(token, **{'X-Dashboard-Key': 'x' * 64})):
            refused = product.client.request(method, sample(line[1]), headers=headers)
            assert refused.status_code == 401, (method, line[1])
            assert 'X-Dashboard-Key' in refused.json()['detail']


def test_it_takes_the_cookie_with_the_key_of_its_session_and_no_other(product, token):
    assert product.client.get('/api/auth/me', headers=browser(product.accounts, token)).json()['username'] == 'zoe'
    other = key_of(product.accounts, product.accounts.issue('zoe'))
    assert product.client.get('/api/auth/me', headers=cookie(token, **{'X-Dashboard-Key': other})).status_code == 401


def test_a_raw_websocket_does_not_take_the_cookie_alone(product, token):
    address = f'{product.url.replace("http", "ws")}/api/logs/ws/web'
    with pytest.raises(InvalidStatus), connect(address, additional_headers=cookie(token), proxy=None):
        pass
    with connect(address, additional_headers=browser(product.accounts, token), proxy=None) as opened:
        assert opened.recv(5)


@pytest.mark.parametrize('path', SHELLS)
def test_what_the_cookie_alone_opens_shows_nothing_of_anybody(product, token, path):
    shown = product.client.get(sample(path), headers=cookie(token))
    assert shown.status_code in (200, 303, 307, 404)
    for secret in ('a line', '192.0.2.77', 'Haiku', 'the name of a token', 'correct horse', '>kim<', '"kim"', '"web"'):
        assert secret not in shown.text, (path, secret)
    assert key_of(product.accounts, token) not in shown.text


@pytest.mark.parametrize('key', ['', None, 'x' * 64, 5, ['x'], {'key': 'x'}])
def test_the_socket_of_a_page_asks_for_the_key(product, token, key):
    page = page_of(product, token)
    for implicit in (True, False):
        with PageSocket.open(product, token, page, implicit, key='' if key is None else key) as thief:
            assert not thief.opened
            here = {'client_id': page, 'tab_id': 'x', 'document_id': 'x', 'next_message_id': 0}
            assert not thief.is_heard('handshake', here)
            assert not Client.instances[page].has_socket_connection


# -- links that can bring no header


def test_a_ticket_opens_its_own_address_with_its_own_cookie_for_a_while(product, token, monkeypatch):
    link = tickets(key_of(product.accounts, token))(f'{DOWNLOAD}?format=text&filter=%2F')
    read = product.client.get(link, headers=cookie(token))
    assert (read.status_code, 'ticket' in read.text) == (200, False)
    other = product.accounts.issue('zoe')
    for address, headers in {
        link: {},
        link.replace('text', 'jsonl'): cookie(token),
        link.replace('/web/', '/api/'): cookie(token),
        f'{link}&tail=1': cookie(token),
        link + ' ': cookie(other),
        re.sub(r'ticket=\d+', 'ticket=99999999999', link): cookie(token),
    }.items():
        assert product.client.get(address, headers=headers).status_code == 401, address
    ended = tickets(key_of(product.accounts, token))('/api/auth/sessions')
    assert product.client.delete(ended, headers=cookie(token)).status_code == 401
    monkeypatch.setattr('dashboard.web.origin_key.TICKET_TIME', -1)
    late = tickets(key_of(product.accounts, token))(DOWNLOAD)
    assert product.client.get(late, headers=cookie(token)).status_code == 401


@pytest.mark.parametrize('ticket', ['', 'x', '.', '9' * 5_000 + '.x', '-1.x', '٣.x', '%ff.%00'])
def test_nonsense_is_no_ticket(product, token, ticket):
    assert product.client.get(f'{DOWNLOAD}?ticket={ticket}', headers=cookie(token)).status_code == 401


# -- cookies that somebody else has planted


def test_of_several_sessions_none_opens_a_page_and_all_cookies_are_taken_back(product, token):
    planted = product.accounts.issue('bob')
    for pair in ((token, planted), (planted, token)):
        headers = {'Cookie': '; '.join(f'dashboard_token={value}' for value in pair)}
        refused = product.client.get('/logs?tail=50', headers=headers)
        assert refused.headers['location'] == '/login?next=/logs%3Ftail%3D50'
        gone = [line.partition('; expires')[0] for line in refused.headers.get_list('set-cookie')]
        paths = {re.search('Path=([^;]+)', line)[1] for line in refused.headers.get_list('set-cookie')}
        assert len(gone) == len(paths)
        assert {'/', '/logs'} <= paths
        assert 'name="password"' in product.client.get('/login', headers=headers).text
        assert product.client.get('/api/auth/me', headers=headers).status_code == 401


def test_the_key_says_which_of_several_sessions_is_the_users_own(product, token):
    planted = product.accounts.issue('bob')
    for pair in ((token, planted), (planted, token)):
        headers = {'Cookie': '; '.join(f'dashboard_token={value}' for value in pair)}
        mine = headers | {'X-Dashboard-Key': key_of(product.accounts, token)}
        assert product.client.get('/api/auth/me', headers=mine).json()['username'] == 'zoe'


def test_a_planted_cookie_that_is_no_session_changes_nothing(product, token):
    headers = {'Cookie': f'dashboard_token=made-up; dashboard_token={token}; dashboard_token={token}'}
    assert product.client.get('/logs', headers=headers).status_code == 200


def test_on_tls_only_a_cookie_of_this_very_host_counts():
    from dashboard.web.credentials import cookie_name

    assert cookie_name({'scheme': 'https', 'root_path': ''}) == '__Host-dashboard_token'
    assert cookie_name({'scheme': 'https', 'root_path': '/logs-ui'}) == 'dashboard_token'
    assert cookie_name({'scheme': 'http'}) == 'dashboard_token'


def test_a_script_needs_no_key(product, token):
    with httpx.Client(base_url=product.url, trust_env=False) as script:
        assert script.get('/api/auth/me', headers=bearer(token)).status_code == 200
