"""The whole product below a path behind a reverse proxy, and on TLS of its own."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import sys
import urllib.request
from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, expect
from websockets.sync.client import connect

from tests.support.browser import sign_in
from tests.support.proxies import ReverseProxy
from tests.support.server import PASSWORD, Server, free_port
from tests.unit.web.test_edge import make_certificate

pytestmark = pytest.mark.browser


@pytest.fixture(scope='module')
def behind(tmp_path_factory):
    """The dashboard below ``/logs-ui``, which it knows, behind a proxy that it trusts."""
    options = ('--demo', '--base-path', '/logs-ui', '--trusted-proxy', '127.0.0.1')
    server = Server(tmp_path_factory.mktemp('behind'), *options)
    yield server
    server.stop()


@pytest.mark.parametrize('strips', [False, True], ids=['path left', 'path taken off'])
def test_every_part_works_below_a_path(behind, browser, strips):
    proxy = ReverseProxy(behind.port, '/logs-ui', strips=strips)
    here = SimpleNamespace(url=f'{proxy.url}/logs-ui')
    context = browser.new_context(accept_downloads=True)
    page = context.new_page()
    missing: list[str] = []
    page.on('response', lambda answer: missing.append(answer.url) if answer.status >= 400 else None)
    sign_in(page, here, '/')
    assert page.url.startswith(f'{here.url}/logs')
    expect(page.locator('.log .l').first).to_be_visible()
    assert page.evaluate('window.socket.io.engine.transport.name') == 'websocket'
    cookie = next(cookie for cookie in context.cookies() if cookie['name'] == 'dashboard_token')
    assert (cookie['path'], cookie['httpOnly'], cookie['sameSite']) == ('/logs-ui', True, 'Strict')
    page.reload()
    page.wait_for_function('window.did_handshake === true')
    assert page.url.startswith(f'{here.url}/logs?')
    with page.expect_download() as download:
        page.get_by_role('button', name='Download').first.click()
    assert download.value.url.startswith(f'{here.url}/api/logs/')
    assert download.value.path().stat().st_size
    watch_by_hand(page, here.url)
    page.goto(f'{here.url}/api/docs')
    expect(page.get_by_text('/api/logs/{service}/download')).to_be_visible()
    page.goto(f'{here.url}/help')
    page.get_by_role('article').get_by_role('link', name='questions').click()
    expect(page.get_by_role('heading', name='Questions')).to_be_visible()
    assert page.url == f'{here.url}/help/questions'
    page.goto(f'{here.url}/logs')
    page.wait_for_function('window.did_handshake === true')
    page.get_by_role('button', name='Settings and account').click()
    page.get_by_role('button', name='Sign out').click()
    page.wait_for_url(re.compile(rf'{re.escape(here.url)}/login(\?next=/logs.*)?$'))  # its page may have left first
    assert all(line.split(' ')[1].startswith('/logs-ui') for line in proxy.seen if 'favicon' not in line)
    assert [url for url in missing if 'favicon' not in url] == []
    context.close()
    proxy.close()


def watch_by_hand(page: Page, url: str) -> None:
    """A script's way: a token, the services, a WebSocket."""
    answer = page.request.post(f'{url}/api/auth/login', data={'username': 'admin', 'password': PASSWORD})
    token = answer.json()['access_token']
    services = page.request.get(f'{url}/api/services', headers={'Authorization': f'Bearer {token}'})
    name = services.json()['services'][0]['name']
    address = f'{url.replace("http", "ws")}/api/logs/ws/{name}?token={token}&tail=1'
    with connect(address, proxy=None, origin=url.removesuffix('/logs-ui')) as viewer:
        assert json.loads(viewer.recv(10))['type'] == 'log'


def test_on_tls_of_its_own_the_page_works_and_the_cookie_stays_on_tls(browser, tmp_path):
    cert, key = make_certificate(tmp_path, 'own')
    port = free_port()
    files = ('--tls-cert', str(cert), '--tls-key', str(key))
    trust = ssl.create_default_context(cafile=str(cert))
    server = Server(tmp_path / 'data', '--demo', *files, port=port, tls=trust)
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    sign_in(page, server, '/logs')
    expect(page.locator('.log .l').first).to_be_visible()
    assert page.evaluate('window.socket.io.engine.transport.name') == 'websocket'
    assert next(cookie for cookie in context.cookies() if cookie['name'] == '__Host-dashboard_token')['secure'] is True
    with urllib.request.urlopen(f'{server.url}/api/health', context=trust) as answer:
        assert answer.headers['Strict-Transport-Security'].startswith('max-age=')
    healthy = [sys.executable, '-m', 'dashboard', 'health', '--port', str(port)]
    assert subprocess.run([*healthy, *files], check=False).returncode == 0
    assert subprocess.run(healthy, check=False, capture_output=True).returncode == 1
    context.close()
    server.stop()
