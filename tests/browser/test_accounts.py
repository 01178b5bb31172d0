"""Accounts in the browser: pages that end, scopes that hold, sessions and tokens."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, expect

from tests.support.browser import CONTRAST, PATIENCE, fill_in
from tests.support.docker_engine import wait_until
from tests.support.server import PASSWORD, Server

AT_ONCE = 20  # seconds; the aim is one, which a busy machine may miss
pytestmark = pytest.mark.browser
HIDDEN = ('api', 'db', 'worker')  # services of the demo that the viewer may not see
LEFT = "location.pathname === '/login'"
REFUSED = 'Only an administrator may do this.\n\nTo the logs'


@pytest.fixture
def admin(demo_server):
    """The API, with an administrator's session."""
    headers = {'Authorization': f'Bearer {demo_server.token()}'}
    with httpx.Client(base_url=demo_server.url, headers=headers, trust_env=False) as client:
        yield client


@pytest.fixture
def viewer(admin):
    """The name of a viewer of the service ``web`` alone."""
    name = f'bob-{uuid4().hex[:6]}'
    body = {'username': name, 'password': PASSWORD, 'scope': ['shop/web']}
    assert admin.post('/api/users', json=body).status_code == 200
    yield name
    admin.delete(f'/api/users/{name}')


@pytest.fixture
def open_as(browser, demo_server):
    """Opens a page as somebody else than the administrator, each time with a session of its own."""
    contexts = []

    def open_(name: str, path: str = '/logs', **options) -> Page:
        contexts.append(browser.new_context(viewport={'width': 1100, 'height': 700}, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.frames_seen = []

        def hear(frame: str | bytes) -> None:
            page.frames_seen.append(frame)

        page.on('websocket', lambda socket: socket.on('framereceived', hear))
        page.goto(demo_server.url + path)
        fill_in(page, name)
        return page

    yield open_
    for context in contexts:
        context.close()


def seconds_until_left(page: Page, since: float) -> float:
    page.wait_for_function(LEFT, polling=20)
    return time.monotonic() - since


# what ends


def test_a_page_ends_within_a_second_of_the_removal_of_its_user(open_as, admin, viewer):
    page = open_as(viewer, '/logs?service=web&filter=GET')
    page.wait_for_selector('.log .l')
    assert admin.delete(f'/api/users/{viewer}').status_code == 200
    assert seconds_until_left(page, time.monotonic()) < AT_ONCE
    assert 'next=/logs' in page.url
    page.goto(page.url.split('/login')[0] + '/logs')
    page.wait_for_function(LEFT)


def test_a_page_ends_within_a_second_of_a_new_password_set_on_the_command_line(open_as, viewer, demo_server):
    page = open_as(viewer)
    page.wait_for_selector('.log .l')
    command = [sys.executable, '-m', 'dashboard', 'user', 'passwd', viewer, '--data-dir', str(demo_server.data_dir)]
    subprocess.run(command, input='battery staple\n', text=True, check=True, capture_output=True)
    assert seconds_until_left(page, time.monotonic()) < AT_ONCE


def test_signing_out_in_one_tab_ends_the_other_and_no_other_session(open_as, viewer, demo_server):
    page, elsewhere = open_as(viewer), open_as(viewer)
    other_tab = page.context.new_page()
    other_tab.goto(demo_server.url + '/logs')
    other_tab.wait_for_selector('.log .l')
    page.get_by_label('Settings and account').click()
    page.get_by_role('button', name='Sign out').click()
    assert seconds_until_left(other_tab, time.monotonic()) < AT_ONCE
    lines = elsewhere.get_by_text(re.compile(r'\d+ lines$')).inner_text()
    expect(elsewhere.get_by_text(re.compile(r'\d+ lines$'))).not_to_have_text(lines)


def test_changing_ones_password_on_the_page_ends_all_sessions(open_as, viewer):
    page, elsewhere = open_as(viewer), open_as(viewer)
    page.get_by_label('Settings and account').click()
    page.get_by_role('button', name='Change password').click()
    page.get_by_label('Current password').fill(PASSWORD)
    page.get_by_label('New password').fill('battery staple')
    page.get_by_role('button', name='Change it and sign in again').click()
    for tab in (page, elsewhere):
        tab.wait_for_function(LEFT)


def test_a_page_whose_browser_does_not_go_hears_nothing_more(open_as, admin, viewer):
    page = open_as(viewer)
    page.wait_for_selector('.log .l')
    page.evaluate('window.socket.io.reconnection(false)')
    page.context.route('**/logs**', lambda route: route.abort())  # the way to sign-in is blocked
    admin.delete(f'/api/users/{viewer}')
    page.wait_for_function('!window.socket || !window.socket.connected')
    count = len(page.frames_seen)
    page.wait_for_timeout(700)
    assert len(page.frames_seen) == count


def test_a_page_that_was_offline_when_its_session_ended_goes_to_sign_in_when_it_is_back(open_as, admin, viewer):
    page = open_as(viewer)
    page.wait_for_selector('.log .l')
    page.context.set_offline(True)
    page.wait_for_function('!window.socket.connected')
    admin.delete(f'/api/users/{viewer}')
    page.context.set_offline(False)
    page.wait_for_function(LEFT)


# what a viewer sees


def test_a_viewer_is_offered_what_is_in_scope_and_hears_of_nothing_else(open_as, viewer):
    page = open_as(viewer)
    page.wait_for_selector('.log .l')
    page.get_by_label('Service').click()
    expect(page.locator('.services [role=option]')).to_have_text(['web running'])
    heard = page.content() + ''.join(map(str, page.frames_seen))
    for service in HIDDEN:
        assert f'shop-{service}' not in heard
        assert f'"{service}"' not in heard
        assert f'{service}:latest' not in heard


def test_the_page_of_a_service_out_of_scope_is_that_of_one_that_does_not_exist(open_as, viewer, demo_server):
    page = open_as(viewer)
    said = []
    for name in ('db', 'no'):
        page.goto(f'{demo_server.url}/logs?service={name}')
        expect(page.get_by_role('alert')).to_have_text(f'Service {name} not found')
        page.get_by_label('Service').click()
        expect(page.locator('.services [role=option]').first).to_be_visible()
        said.append(re.sub(rf'\b{name}\b', 'NAME', page.locator('body').inner_text()))
    assert said[0] == said[1]


def test_a_shared_address_of_a_project_shows_only_what_is_in_scope_now(open_as, admin, viewer):
    page = open_as(viewer, '/logs?project=shop')
    page.wait_for_selector('.log .l')
    expect(page.get_by_label('Service')).to_have_value('All of shop')
    assert not page.locator('.log .l', has_text=re.compile(r'job \d|order placed|checkpoint')).count()
    admin.patch(f'/api/users/{viewer}', json={'scope': ['shop/web', 'shop/db']})
    expect(page.locator('.log b[data-service="shop:db"]').first).to_be_visible()


def test_a_shared_address_of_several_services_shows_those_in_scope_and_says_which_are_not_found(open_as, viewer):
    page = open_as(viewer, '/logs?service=web&service=db&service=no')
    page.wait_for_selector('.log .l')
    expect(page.get_by_role('alert')).to_have_text('Service db not found. Service no not found.')
    expect(page.get_by_label('Connection')).to_contain_text('Live')
    assert not page.locator('.log .l', has_text='checkpoint').count()


def test_a_shared_address_of_a_range_shows_and_counts_only_what_is_in_scope(open_as, viewer):
    path = '/logs?project=shop&from=now-10m&to=now-1m'
    page, others = open_as(viewer, path), open_as('admin', path)
    names = "[...new Set([...document.querySelectorAll('.log .l b')].map(name => name.textContent))].sort().join()"
    others.wait_for_function(f"{names} === 'api,db,web-1,web-2,worker'")
    page.wait_for_function(f"{names} === 'web-1,web-2'")
    count = "parseInt(document.querySelector('.foot').textContent.replaceAll(',', ''))"
    page.wait_for_function(f'{count} > 0 && {count} === document.querySelectorAll(".log .l").length')
    others.wait_for_function(f'scoped => {count} > scoped', arg=page.evaluate(count))


def test_a_page_loses_a_service_within_a_second_of_its_leaving_the_scope(open_as, admin, viewer):
    page = open_as(viewer, '/logs?service=web')
    page.wait_for_selector('.log .l')
    admin.patch(f'/api/users/{viewer}', json={'scope': ['shop/db']})
    changed = time.monotonic()
    page.wait_for_function("!document.querySelector('.log .l')", polling=20)
    assert time.monotonic() - changed < AT_ONCE
    expect(page.get_by_role('alert')).to_have_text('Service web not found')
    page.get_by_label('Service').click()
    expect(page.locator('.services [role=option]')).to_have_text(['db running', 'web not found'])


# the pages about accounts


def test_sessions_are_listed_and_the_others_are_ended(open_as, viewer):
    one, two = open_as(viewer), open_as(viewer, '/account')
    sessions = two.get_by_role('list').first.get_by_role('listitem')
    expect(sessions).to_have_count(2)
    expect(sessions.filter(has_text='(this one)')).to_contain_text('Chrome on Linux from 127.0.0.1')
    two.get_by_role('button', name='End all others').click()
    expect(sessions).to_have_count(1)
    one.wait_for_function(LEFT)
    two.get_by_role('button', name=re.compile('End the session')).click()
    two.wait_for_function(LEFT)


def test_an_api_token_is_made_shown_once_and_revoked(open_as, viewer, demo_server):
    page = open_as(viewer, '/account')
    page.get_by_label('Name of the token').fill('<b>backup</b>')
    page.get_by_role('button', name='Make a token').click()
    secret = page.get_by_label('Token', exact=True).input_value()
    services = f'{demo_server.url}/api/services'
    bearer = {'Authorization': f'Bearer {secret}'}
    assert [item['name'] for item in httpx.get(services, headers=bearer).json()['services']] == ['web']
    page.get_by_role('button', name='Done').click()
    expect(page.get_by_text('<b>backup</b>')).to_be_visible()
    page.reload()
    expect(page.get_by_text('<b>backup</b>')).to_be_visible()
    assert secret not in page.content()
    page.get_by_role('button', name='Revoke the token').click()
    expect(page.get_by_text('<b>backup</b>')).to_be_hidden()
    wait_until(lambda: httpx.get(services, headers=bearer).status_code == 401)


def test_the_page_of_users_is_for_administrators(open_as, viewer):
    page = open_as(viewer)
    answer = page.goto(page.url.split('/logs')[0] + '/users')
    assert answer.status == 403
    assert page.locator('body').inner_text() == REFUSED
    page.get_by_role('link', name='To the logs').click()
    page.wait_for_url('**/logs*')


def test_an_administrator_adds_changes_and_removes_a_user(open_page, open_as, demo_server, admin):
    name = f'cleo-{uuid4().hex[:6]}'
    page = open_page(demo_server)
    page.goto(f'{demo_server.url}/users')
    page.get_by_role('button', name='Add a user').click()
    page.get_by_label('User name').fill(name)
    page.get_by_label('Role').click()
    page.get_by_role('option', name='Viewer of some services').click()
    page.get_by_label('Services, one pattern a line').fill('shop')
    page.get_by_label('Password', exact=True).fill(PASSWORD)
    page.get_by_role('button', name='Save').click()
    expect(page.get_by_text("'shop' is no pattern")).to_be_visible()
    page.get_by_label('Services, one pattern a line').fill('shop/web\nshop/db')
    page.get_by_role('button', name='Save').click()
    row = page.get_by_role('listitem').filter(has_text=name)
    expect(row).to_contain_text('viewer, sees shop/web shop/db')
    theirs = open_as(name)
    page.get_by_role('button', name=f'Change {name}').click()
    page.get_by_label('Role').click()
    page.get_by_role('option', name='Administrator').click()
    page.get_by_role('button', name='Save').click()
    expect(row).to_contain_text('admin, sees everything')
    page.get_by_role('button', name=f'Remove {name}').click()
    page.get_by_role('button', name=f'Yes, remove {name}').click()
    expect(row).to_have_count(0)
    theirs.wait_for_function(LEFT)


@pytest.mark.parametrize('path', ['/account', '/users'])
@pytest.mark.parametrize('look', ['dark', 'light'])
def test_the_pages_about_accounts_can_be_read_and_fit_a_phone(open_page, demo_server, look, path):
    page = open_page(demo_server, width=380, height=700, color_scheme=look)
    page.goto(demo_server.url + path)
    expect(page.get_by_role('heading', level=1)).to_be_visible()
    assert not (poor := page.evaluate(CONTRAST)), poor
    assert page.evaluate('document.documentElement.scrollWidth') <= 380


def test_a_page_that_is_open_for_long_asks_again_what_it_may_do(open_page, open_as, demo_server: Server, admin, viewer):
    """The administrator's page is still there when the right has gone: not even for a moment does it do anything."""
    admin.patch(f'/api/users/{viewer}', json={'role': 'admin'})
    page = open_as(viewer, '/users')
    page.get_by_role('button', name='Add a user').click()
    page.get_by_label('User name').fill('eve')
    page.get_by_label('Password', exact=True).fill(PASSWORD)
    admin.patch(f'/api/users/{viewer}', json={'role': 'viewer'})
    with suppress(PlaywrightError):  # when the page is on its way already, there is nothing left to click
        page.evaluate("[...document.querySelectorAll('button')].find(b => b.innerText === 'Save')?.click()")
    expect(page.locator('body')).to_have_text(REFUSED, use_inner_text=True)
    assert 'eve' not in [user['username'] for user in admin.get('/api/users').json()['users']]


def test_a_cookie_that_another_port_was_sent_opens_nothing_there(open_page, demo_server):
    page = open_page(demo_server)
    expect(page.locator('.log .l').first).to_be_visible()
    with another_port() as (elsewhere, cookies):
        page.goto(elsewhere)
        wait_until(lambda: cookies)
    stolen = {'Cookie': cookies[0]}
    assert 'dashboard_token=' in stolen['Cookie']  # or this test proves nothing
    with httpx.Client(base_url=demo_server.url, headers=stolen, trust_env=False) as thief:
        for path in ('/api/services', '/api/logs/web', '/api/auth/sessions', '/api/users', '/api/logs/web/download'):
            assert thief.get(path).status_code == 401
        assert thief.post('/api/auth/tokens', json={'name': 'mine'}).status_code == 401
    page.goto(f'{demo_server.url}/logs')
    expect(page.locator('.log .l').first).to_be_visible()


def test_a_browser_that_has_lost_its_key_signs_in_again_and_comes_back(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=api&tail=50', by_hand=True)
    page.evaluate('localStorage.clear()')
    page.reload()
    page.wait_for_url('**/login?again=1&next=**')
    page.get_by_label('User name').fill('admin')
    page.get_by_label('Password').fill(PASSWORD)
    page.get_by_role('button', name='Sign in').click()
    page.wait_for_url('**/logs?service=api&tail=50')
    expect(page.locator('.log .l').first).to_be_visible()


@contextmanager
def another_port() -> Iterator[tuple[str, list[str]]]:
    """The address of something else on this host, and the cookies that it is sent."""
    cookies: list[str] = []

    class Curious(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            cookies.extend(self.headers.get_all('Cookie', []))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(('127.0.0.1', 0), Curious) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}/', cookies
        server.shutdown()
