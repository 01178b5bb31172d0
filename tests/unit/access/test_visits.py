"""What is open follows its account: ended, narrowed or left alone, within a second and whoever changed it."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import replace
from functools import partial
from uuid import uuid4

import pytest
from starlette.websockets import WebSocketDisconnect

from dashboard.access.accounts import Accounts
from dashboard.access.identity import Identity
from dashboard.access.scope import EVERYTHING, Scope
from dashboard.access.visits import Visit, Visits
from dashboard.api.download import _held
from dashboard.config import Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.errors import InvalidToken, RightsChanged, ServiceNotFound
from dashboard.model import LogLine
from dashboard.timeline.hub import LogHub
from dashboard.view.lens import Redactor
from dashboard.view.view import View
from tests.support.app import PASSWORD, eventually, running
from tests.support.until import PATIENCE

AT_ONCE = 20  # seconds; the aim is one, which a busy machine may miss
ENDINGS = {
    'signing out': lambda accounts, me: accounts.logout(me),
    'another password': lambda accounts, me: accounts.users.set_password(me.username, 'battery staple'),
    'removal': lambda accounts, me: accounts.users.remove(me.username),
    'ending the session': lambda accounts, me: accounts.sessions.end(me.username, me.session_id),
    'ending all sessions': lambda accounts, me: accounts.sessions.end_all(me.username),
}


@pytest.fixture(scope='module')
def app(tmp_path_factory):
    with running(tmp_path_factory.mktemp('visits') / 'data') as app:
        yield app


@pytest.fixture(scope='module')
def web(app):
    container = app.on_loop(app.engine.add, 'web')
    app.on_loop(app.engine.add, 'db')
    app.on_loop(app.engine.write, container, 'hello')
    eventually(lambda: len(app.signed_in('ann').get('/api/services').json()['services']) == 2)
    return container


@pytest.fixture
def bob(app):
    """A client of a user who may be removed, narrowed and signed out."""
    name = f'bob-{uuid4().hex[:6]}'
    app.accounts.users.add(name, PASSWORD, scope=Scope.of(['shop/*']))
    client = app.signed_in(name)
    client.name = name
    return client


@pytest.fixture(autouse=True)
def quick(monkeypatch, request):
    """Looks often, so that these tests take less time; one of them is about the time it takes."""
    if 'another_process' not in request.node.name:
        monkeypatch.setattr('dashboard.access.visits.POLL', 0.02)


def expect_end(socket, seconds: float = AT_ONCE) -> None:
    """The socket is closed with 4001 within the time."""
    begun = time.monotonic()
    with pytest.raises(WebSocketDisconnect) as end:
        [socket.receive_json() for _ in range(1_000)]
    assert end.value.code == 4001
    assert time.monotonic() - begun < seconds


@pytest.mark.parametrize('ending', ENDINGS.values(), ids=ENDINGS)
def test_open_sockets_end_with_their_session(app, web, bob, ending):
    other = app.signed_in('ann')
    with (
        bob.websocket_connect(f'/api/logs/ws/web?tail=1&token={bob.token}') as logs,
        bob.websocket_connect(f'/api/logs/ws/status?token={bob.token}') as status,
        other.websocket_connect(f'/api/logs/ws/web?token={other.token}') as anns,
    ):
        for socket in (logs, status, anns):
            socket.receive_json()
        ending(app.accounts, app.accounts.identify(bob.token))
        expect_end(logs)
        expect_end(status)
        app.on_loop(app.engine.write, web, 'still here')
        assert anns.receive_json()['content'] == 'still here'


def test_open_sockets_end_with_their_api_token(app, web, bob):
    script = app.accounts.sessions.make_token(app.accounts.users.known(bob.name), 'ci', 1)
    client = app.with_token(script.secret)
    with client.websocket_connect(f'/api/logs/ws/web?token={client.token}') as logs:
        logs.receive_json()
        app.accounts.sessions.revoke(bob.name, script.session.id)
        expect_end(logs)


def test_open_sockets_end_when_their_token_expires(app, web, bob):
    client = app.with_token(app.accounts.issue(bob.name, lifetime=2))  # a busy machine may take one to open it
    with client.websocket_connect(f'/api/logs/ws/web?token={client.token}') as logs:
        logs.receive_json()
        expect_end(logs)


def test_open_sockets_end_when_another_process_removes_the_user(app, web, bob):
    with bob.websocket_connect(f'/api/logs/ws/web?tail=1&token={bob.token}') as logs:
        logs.receive_json()
        command = [sys.executable, '-m', 'dashboard', 'user', 'remove', bob.name, '--data-dir', str(app.data_dir)]
        subprocess.run(command, check=True, capture_output=True)
        expect_end(logs)


def test_nothing_outlives_a_token_that_ends_while_it_is_being_let_in(app, bob):
    """Between the look at the token and the visit another look may have taken note of the end, and told nobody."""
    visits, me = Visits(app.accounts.visits._store), app.accounts.identify(bob.token)
    app.accounts.logout(me)
    visits.check(changed=True)
    with visits.visit(me) as visit:
        visits.check(changed=False)
        assert visit.ended


def test_a_service_that_leaves_the_scope_ends_its_socket_and_is_removed_from_the_status(app, web, bob):
    with (
        bob.websocket_connect(f'/api/logs/ws/web?tail=1&token={bob.token}') as logs,
        bob.websocket_connect(f'/api/logs/ws/status?token={bob.token}') as status,
    ):
        logs.receive_json()
        status.receive_json()
        app.accounts.users.set_rights(bob.name, scope=Scope.of(['shop/db']))
        begun = time.monotonic()
        assert status.receive_json()['changes'] == [{'service': 'web', 'status': 'removed', 'health': 'none'}]
        assert logs.receive_json() == {'type': 'error', 'message': 'Service web not found'}
        assert time.monotonic() - begun < AT_ONCE
        app.accounts.users.set_rights(bob.name, scope=EVERYTHING)
        assert status.receive_json()['changes'][0]['service'] == 'web'


def test_nobody_stays_when_a_fault_keeps_anybody_from_being_checked_and_the_console_is_told_once(tmp_path, caplog):
    with running(tmp_path / 'data') as app:
        bob, visits, tries = app.signed_in('bob'), app.accounts.visits, []
        with bob.websocket_connect(f'/api/logs/ws/status?token={bob.token}') as status:
            visits.check = lambda changed: tries.append(1 / 0)
            expect_end(status)
        ended, visits._end = visits._end, lambda visits: tries.append(ended(visits))
        eventually(lambda: len(tries) > 2)
    assert [record.message[:29] for record in caplog.records] == ['The accounts cannot be read: ']


def test_what_is_open_costs_no_look_at_the_accounts_while_nothing_changes(app, web, bob, monkeypatch):
    visits, looks = app.accounts.visits, []
    with bob.websocket_connect(f'/api/logs/ws/web?tail=1&token={bob.token}') as logs:
        logs.receive_json()
        eventually(lambda: not visits._unchecked)
        monkeypatch.setattr(visits._store, 'identities', lambda ids: looks.append(ids) or {})
        app.on_loop(visits.check, changed=False)
        assert looks == []
        app.on_loop(visits.check, changed=True)
        assert looks == [{app.accounts.identify(bob.token).token_id}]


def test_a_visit_that_has_expired_is_looked_up_once(app, bob, monkeypatch):
    visits, looks = Visits(copy(app.accounts.visits._store)), []  # the app's own visits look as well
    look_up = visits._store.identities
    monkeypatch.setattr(visits._store, 'identities', lambda ids: looks.append(ids) or look_up(ids))
    me = app.accounts.identify(bob.token)
    with visits.visit(me) as visit:
        monkeypatch.setattr(time, 'time', lambda: me.expires)
        for _ in range(3):
            visits.check(changed=False)
        assert visit.ended
    assert looks == [{me.token_id}]


def test_a_change_is_noticed_whoever_makes_it_and_once(app, bob):
    with app.accounts.visits._store.watching() as changed:
        assert [changed(), changed()] == [True, False]
        app.accounts.login(bob.name, PASSWORD)
        assert [changed(), changed()] == [True, False]
        Accounts(app.data_dir).users.set_rights(bob.name, is_admin=True)
        assert [changed(), changed()] == [True, False]


def test_a_database_that_is_replaced_by_a_backup_is_looked_at_every_time(tmp_path):
    accounts = Accounts(tmp_path)
    with accounts.visits._store.watching() as changed:
        assert [changed(), changed()] == [True, False]
        shutil.copy(tmp_path / 'dashboard.db', tmp_path / 'backup')
        (tmp_path / 'backup').replace(tmp_path / 'dashboard.db')
        assert [changed(), changed()] == [True, True]


LESS = {
    'no session': (lambda accounts, me: accounts.logout(me), InvalidToken),
    'no right to see secrets': (
        lambda accounts, me: accounts.users.set_rights(me.username, is_admin=False),
        RightsChanged,
    ),
    'a scope without it': (
        lambda accounts, me: accounts.users.set_rights(me.username, is_admin=False, scope=Scope.of(['blog/*'])),
        ServiceNotFound,
    ),
}


@pytest.mark.parametrize('less', LESS.values(), ids=LESS)
@pytest.mark.parametrize('query', ['', '?since=0-0-aaaaaaaaaaaa'])
def test_a_download_ends_half_way_when_its_user_may_see_less(app, web, bob, monkeypatch, less, query):
    begun, goes_on = threading.Event(), threading.Event()
    change, reason = less

    async def slow_logs(container, **_):
        yield [LogLine.of(container, 1, 'first')]
        begun.set()
        await asyncio.to_thread(goes_on.wait, 5)
        yield [LogLine.of(container, 2, 'second')]

    monkeypatch.setattr(app.engine, 'logs', slow_logs)
    app.accounts.users.set_rights(bob.name, is_admin=True)
    me = app.accounts.identify(bob.token)
    with ThreadPoolExecutor(1) as threads:
        downloading = threads.submit(bob.get, f'/api/logs/web/download{query}')
        assert begun.wait(PATIENCE)
        change(app.accounts, me)
        eventually(lambda: all(visit.ended or visit.identity != me for visit in app.accounts.visits._open))
        goes_on.set()
        with pytest.raises(RuntimeError, match='response already started') as broken_off:
            downloading.result(5)
    assert isinstance(broken_off.value.__cause__, reason)


async def test_what_is_held_is_downloaded_no_further_than_the_visit(monkeypatch):
    monkeypatch.setattr('dashboard.api.ranges.BATCH', 1)
    engine = ScriptedEngine()
    engine.write_many(engine.add('web'), ['first', 'second'])
    async with LogHub(engine, Settings()) as hub:
        await hub.asked()
        visit = Visit(Identity('x', True, EVERYTHING, '', 'session', 1 << 40))
        view = View(hub, visit, Redactor())
        async with view.subscribe(hub.services[0].key, 10) as subscription:
            while len(subscription.feed.history.slice(0)) < 2:
                await subscription.wait()
            rows = _held(view, view.select('web'), 0)
            assert (await anext(rows))[0].text == 'first'
            visit.change(None)
            with pytest.raises(InvalidToken):
                await anext(rows)


def test_a_login_at_the_same_moment_does_not_disturb_anybody(app, web, bob):
    with bob.websocket_connect(f'/api/logs/ws/web?tail=1&token={bob.token}') as logs:
        logs.receive_json()
        app.accounts.login(bob.name, PASSWORD)
        app.on_loop(app.accounts.visits.check)
        app.on_loop(app.engine.write, web, 'still here')
        assert logs.receive_json()['content'] == 'still here'


def test_a_visit_is_told_of_its_end_once_and_also_when_it_came_too_late(app, bob):
    me = app.accounts.identify(app.accounts.issue(bob.name))
    visit, told = Visit(me), []
    with visit.telling(partial(told.append, 'first')):
        visit.change(me)
        visit.change(replace(me, is_admin=True))
        visit.change(None)
        visit.change(me)
        with visit.telling(partial(told.append, 'late')):
            pass
    assert told == ['first', 'first', 'late']
    assert visit.ended


def test_one_listener_that_fails_keeps_nobody_else_in(app, bob, caplog):
    me = app.accounts.identify(bob.token)
    first, second, told = Visit(me), Visit(me), []
    with first.telling(lambda: 1 / 0), first.telling(partial(told.append, 1)), second.telling(partial(told.append, 2)):
        first.change(None)
        second.change(None)
    assert told == [1, 2]
    assert 'ZeroDivisionError' in caplog.text


def test_the_use_of_what_stays_open_is_written_down(app, web, bob, monkeypatch):
    monkeypatch.setattr('dashboard.access.visits.COARSE', 0)
    with bob.websocket_connect(f'/api/logs/ws/web?tail=1&token={bob.token}') as logs:
        logs.receive_json()
        used = []
        monkeypatch.setattr(app.accounts.visits._store, 'used', used.append)
        eventually(lambda: used)
    assert used[0] == {app.accounts.identify(bob.token).token_id}
