"""While the accounts cannot be asked: nobody waits on the event loop, who is in goes on, and it is said in words."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from dashboard.access.accounts import Accounts
from dashboard.access.visits import BELIEVED
from dashboard.errors import AccountsUnavailable, InvalidToken
from tests.support.app import CHEAP, PASSWORD, App, eventually, running
from tests.support.until import PATIENCE
from tests.unit.access.test_visits import expect_end


@contextmanager
def locked(path: Path) -> Iterator[None]:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute('BEGIN EXCLUSIVE')
    try:
        yield
    finally:
        other.close()


@contextmanager
def damaged(path: Path) -> Iterator[None]:
    content = path.read_bytes()
    path.write_bytes(b'not a database' * 1_000)
    try:
        yield
    finally:
        path.write_bytes(content)


@contextmanager
def missing(path: Path) -> Iterator[None]:
    path.rename(path.with_suffix('.away'))
    try:
        yield
    finally:
        path.with_suffix('.away').rename(path)


FAULTS = {'locked': (locked, 'locked'), 'damaged': (damaged, 'not a database'), 'missing': (missing, 'not there')}


@pytest.fixture(params=FAULTS.values(), ids=FAULTS)
def fault(request) -> Callable[[Path], object]:
    return request.param[0]


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    monkeypatch.setattr('dashboard.access.visits.POLL', 0.02)
    monkeypatch.setattr('dashboard.access.accounts.ADMISSION', 0.2)
    monkeypatch.setattr('dashboard.access.store.PATIENCE', 0.2)


@pytest.fixture(scope='module')
def app(tmp_path_factory) -> Iterator[App]:
    with running(tmp_path_factory.mktemp('unavailable') / 'data') as app:
        container = app.on_loop(app.engine.add, 'web')
        app.on_loop(app.engine.write, container, 'hello')
        eventually(lambda: app.signed_in('ann').get('/api/services').json()['services'])
        app.web = container
        yield app


@pytest.fixture
def accounts(tmp_path) -> Accounts:
    accounts = Accounts(tmp_path / 'data', hasher=CHEAP)
    accounts.users.add('ann', PASSWORD)
    return accounts


@pytest.mark.parametrize(('fault', 'why'), FAULTS.values(), ids=FAULTS)
def test_who_is_in_goes_on_others_read_why_not_and_all_is_well_afterwards(app, caplog, fault, why):
    ann, bob, late = app.signed_in('ann'), app.signed_in('bob'), app.signed_in('ann')
    assert [client.get('/api/auth/me').status_code for client in (ann, bob)] == [200, 200]
    path = app.data_dir / 'dashboard.db'
    with bob.websocket_connect(f'/api/logs/ws/web?tail=1&token={bob.token}') as logs:
        logs.receive_json()
        with fault(path):
            eventually(lambda: app.accounts.visits._ailing)
            app.on_loop(app.engine.write, app.web, 'meanwhile')
            assert logs.receive_json()['content'] == 'meanwhile'
            assert ann.get('/api/logs/web').status_code == 200
            for answer in (
                late.get('/api/logs/web'),
                app.client.get('/api/auth/setup-status'),
                app.client.post('/api/auth/login', json={'username': 'ann', 'password': PASSWORD}),
                ann.get('/api/auth/sessions'),
            ):
                assert (answer.status_code, answer.headers['retry-after']) == (503, '5')
                assert f'The accounts in {path} cannot be used' in answer.json()['detail']
                assert why in answer.json()['detail']
        eventually(lambda: not app.accounts.visits._ailing)
        app.on_loop(app.engine.write, app.web, 'afterwards')
        assert logs.receive_json()['content'] == 'afterwards'
        assert late.get('/api/logs/web').status_code == 200
        app.accounts.logout(app.accounts.identify(bob.token))
        expect_end(logs)
    told = [record.message for record in caplog.records]
    assert len(told) == 2
    assert why in told[0]
    assert told[1] == 'The accounts can be used again.'
    assert not any(record.exc_info for record in caplog.records)


async def test_nobody_else_waits_while_a_request_waits_for_a_database_that_is_locked(accounts):
    token, turns = accounts.issue('ann'), 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    running = asyncio.create_task(others())
    with locked(accounts._store.path), pytest.raises(AccountsUnavailable):
        await accounts.patiently(accounts.identify, token)
    assert turns > 2
    assert (await accounts.patiently(accounts.identify, token)).username == 'ann'
    running.cancel()


async def test_a_request_waits_for_a_database_that_is_locked_for_a_moment(accounts, monkeypatch):
    monkeypatch.setattr('dashboard.access.accounts.ADMISSION', 30)
    token, lock = accounts.issue('ann'), locked(accounts._store.path)
    lock.__enter__()
    admitted = asyncio.create_task(accounts.patiently(accounts.identify, token))
    await asyncio.sleep(0.1)
    assert not admitted.done()
    lock.__exit__(None, None, None)
    assert (await admitted).username == 'ann'


def test_a_sign_in_is_believed_for_so_long_and_never_beyond_its_end(accounts, fault, monkeypatch):
    token, short = accounts.issue('ann'), accounts.issue('ann', lifetime=60)
    me, other = (accounts.identify(value) for value in (token, short))
    later = SimpleNamespace(time=time.time, monotonic=time.monotonic)
    monkeypatch.setattr('dashboard.access.sessions.time', later)  # an event loop of other tests goes by the real one
    with fault(accounts._store.path):
        assert accounts.identify(token) == accounts.sessions.still(me) == me
        later.time = lambda: other.expires
        assert accounts.sessions.still(me) == me
        with pytest.raises(AccountsUnavailable):
            accounts.sessions.still(other)
        later.monotonic = lambda: time.monotonic() + BELIEVED
        with pytest.raises(AccountsUnavailable):
            accounts.identify(token)


def test_a_sign_in_that_was_ended_is_not_believed(accounts, fault, monkeypatch):
    token = accounts.issue('ann')
    accounts.logout(accounts.identify(token))
    with pytest.raises(InvalidToken):
        accounts.identify(token)
    with fault(accounts._store.path), pytest.raises(AccountsUnavailable):
        accounts.identify(token)


def test_what_is_open_ends_when_nobody_could_be_asked_for_too_long(app, fault, monkeypatch):
    bob = app.signed_in('bob')
    with bob.websocket_connect(f'/api/logs/ws/status?token={bob.token}') as status:
        status.receive_json()
        monkeypatch.setattr('dashboard.access.visits.BELIEVED', -1)
        with fault(app.data_dir / 'dashboard.db'):
            expect_end(status)


def test_what_is_open_ends_in_time_while_nobody_can_be_asked(app, fault):
    client = app.with_token(app.accounts.issue('bob', lifetime=2))
    with client.websocket_connect(f'/api/logs/ws/status?token={client.token}') as status:
        status.receive_json()
        with fault(app.data_dir / 'dashboard.db'):
            expect_end(status)


async def test_the_use_of_a_session_is_written_down_beside_the_event_loop(accounts, monkeypatch):
    monkeypatch.setattr('dashboard.access.sessions.COARSE', -1)
    token, here, written = accounts.issue('ann'), threading.get_ident(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def note(_: object) -> None:
        assert threading.get_ident() != here
        loop.call_soon_threadsafe(written.set)

    monkeypatch.setattr(accounts.sessions._store, 'used', note)
    accounts.identify(token)
    await asyncio.wait_for(written.wait(), PATIENCE)
