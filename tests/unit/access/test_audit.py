"""Who did what is written down, whatever comes in and however the program ends."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from dashboard.access.accounts import Accounts
from dashboard.access.audit import LONGEST_VALUE, Audit, selecting
from dashboard.access.failures import LINES, MINUTE, REFILL, Failures
from dashboard.access.identity import Identity
from dashboard.access.scope import EVERYTHING
from dashboard.app import create_api
from dashboard.cli import main
from dashboard.config import Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.errors import InvalidCredentials, TooManyAttempts
from dashboard.timeline.hub import LogHub
from tests.support.docker_engine import wait_until

ANN = Identity('ann', True, EVERYTHING, 'token-id', 'session', 1 << 40)
PASSWORD = 'correct horse'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / 'audit.jsonl'


@pytest.fixture
def audit(path: Path) -> Audit:
    return Audit(path)


def events(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_event_is_one_line_of_json_for_its_owner_alone(audit, path):
    audit.record('download', ANN, '10.0.0.1', service='shop:web', bytes=12, since=None)
    event = events(path)[0]
    assert event.pop('time').startswith('20')
    assert event == {'event': 'download', 'user': 'ann', 'address': '10.0.0.1', 'service': 'shop:web', 'bytes': 12}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_a_path_nothing_is_kept():
    Audit().record('x')
    assert Audit().read(10).events == []


@given(st.text(st.characters(), max_size=20), st.text(st.sampled_from('"\\\n\r\x1b\x7f\u2028\ud800,}'), max_size=9))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_value_breaks_its_line(path, name, value):
    path.unlink(missing_ok=True)
    audit = Audit(path)
    audit.record('a', name, value, service=value)
    audit.record('b')
    content = path.read_bytes()
    assert content.count(b'\n') == 2
    assert content.isascii()
    assert not any(byte < 32 or byte == 127 for byte in content.replace(b'\n', b''))
    last, first = audit.read(5).events
    assert (first['user'], first['service'], last['event']) == (name, value, 'b')


def test_a_long_value_is_cut(audit, path):
    audit.record('a', 'x' * 10_000)
    assert len(events(path)[0]['user']) == LONGEST_VALUE + 1


def test_old_files_are_kept_up_to_their_number_and_read_as_one(path):
    audit = Audit(path, most_bytes=500, kept=3)
    for number in range(40):
        audit.record('e', 'ann', number=number)
    assert sorted(item.name for item in path.parent.iterdir()) == [
        'audit.jsonl', 'audit.jsonl.1', 'audit.jsonl.2', 'audit.jsonl.3'
    ]  # fmt: skip
    assert all(
        item.stat().st_size <= 500 and stat.S_IMODE(item.stat().st_mode) == 0o600 for item in path.parent.iterdir()
    )
    numbers = [event['number'] for event in audit.read(100).events]
    assert numbers == list(range(39, 39 - len(numbers), -1))
    assert len(numbers) > 15


def test_paging_gives_every_event_once(path):
    audit = Audit(path, most_bytes=1_000, kept=10)
    for number in range(30):
        audit.record('e', 'ann', number=number)
    found, before = [], None
    while True:
        page = audit.read(7, before)
        found += [event['number'] for event in page.events]
        before = page.before
        if before is None:
            break
    assert found == list(range(29, -1, -1))


def test_events_are_selected_by_user_kind_and_text(audit):
    audit.record('sign-in', 'Ann')
    audit.record('sign-in', 'bob')
    audit.record('download', 'ann', service='shop:été')

    def found(**terms) -> list[str]:
        return [f'{event["event"]} {event["user"]}' for event in audit.read(9, None, selecting(**terms)).events]

    assert found(user='ann') == ['download ann', 'sign-in Ann']
    assert found(user='an') == []
    assert found(event='SIGN-IN') == ['sign-in bob', 'sign-in Ann']
    assert found(text='ÉTÉ') == ['download ann']
    assert found(user='bob', event='download') == []


def test_threads_do_not_mix_their_lines(path):
    audit = Audit(path, most_bytes=3_000, kept=100)
    threads = [
        threading.Thread(target=lambda: [audit.record('e', 'ann', filler='x' * 50) for _ in range(50)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = audit.read(1_000).events
    assert len(found) == len({event['time'] for event in found}) == 200


# a disk without room


def test_a_full_disk_is_told_once_and_does_no_harm(audit, path, capsys, monkeypatch):
    audit.record('before')
    with monkeypatch.context() as full:
        full.setattr(
            os, 'write', lambda descriptor, data: (_ for _ in ()).throw(OSError(errno.ENOSPC, 'No space left'))
        )
        for _ in range(3):
            audit.record('lost')
    told = capsys.readouterr().err
    assert told.count('cannot be written: No space left') == 1
    audit.record('after')
    assert [event['event'] for event in events(path)] == ['before', 'audit-lost', 'after']
    assert events(path)[1]['lost'] == 3
    assert '3 events were lost' in capsys.readouterr().err


def test_half_a_line_does_not_spoil_the_next(audit, path, monkeypatch):
    real = os.write
    with monkeypatch.context() as full:
        full.setattr(os, 'write', lambda descriptor, data: real(descriptor, data[:20]))
        audit.record('torn')
    audit.record('after')
    assert [event['event'] for event in audit.read(5).events] == ['after', 'audit-lost']


def test_a_directory_that_is_gone_does_no_harm(tmp_path, capsys):
    Audit(tmp_path / 'gone' / 'audit.jsonl').record('x')
    assert 'cannot be written' in capsys.readouterr().err


def test_a_link_in_its_place_is_not_followed(path, tmp_path, capsys):
    path.symlink_to(tmp_path / 'elsewhere')
    Audit(path).record('x')
    assert not (tmp_path / 'elsewhere').exists()
    assert 'it is a symbolic link. Events are being lost: move the file itself there.' in capsys.readouterr().err


def test_a_directory_in_its_place_is_told_and_the_log_can_be_read_all_the_same(audit, path, capsys):
    audit.record('before')
    path.rename(path.with_name('audit.jsonl.1'))
    path.mkdir()
    audit.record('x')
    assert 'it is a directory. Events are being lost: move it away.' in capsys.readouterr().err
    assert [event['event'] for event in audit.read(5).events] == ['before']


def test_nothing_is_lost_when_the_program_is_killed(path):
    code = (
        'import os, signal, pathlib, dashboard.access.audit as a\n'
        f'log = a.Audit(pathlib.Path({str(path)!r}))\n'
        'for n in range(100): log.record("e", "ann", n=n)\n'
        'os.kill(os.getpid(), signal.SIGKILL)'
    )
    subprocess.run([sys.executable, '-c', code], check=False)
    assert len(events(path)) == 100


# attempts


def test_a_failure_names_only_users(tmp_path, path):
    accounts = Accounts(tmp_path / 'data', hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    accounts.users.add('ann', PASSWORD)
    audit = Audit(path, accounts=accounts)
    for name in ('ANN', 'my-password-typed-too-early'):
        with pytest.raises(InvalidCredentials), audit.attempt('sign-in', name, '10.0.0.1', via='page'):
            raise InvalidCredentials
    assert [(event['event'], event['user'], event['reason']) for event in events(path)] == [
        ('sign-in-failed', 'ann', 'InvalidCredentials'),
        ('sign-in-failed', '(unknown)', 'InvalidCredentials'),
    ]


def test_a_flood_of_throttled_tries_is_one_event(audit, path):
    for address in ['10.0.0.1'] * 100 + ['10.0.0.2']:
        with pytest.raises(TooManyAttempts), audit.attempt('sign-in', 'ann', address):
            raise TooManyAttempts(5)
    assert [event['address'] for event in events(path)] == ['10.0.0.1', '10.0.0.2']


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(audit) -> Clock:
    clock = Clock()
    audit._failures = Failures(clock)
    return clock


def fail(audit: Audit, address: str, who: Identity | str = 'x', event: str = 'sign-in') -> None:
    with pytest.raises(InvalidCredentials), audit.attempt(event, who, address):
        raise InvalidCredentials


def test_failures_that_are_alike_are_counted_in_one_line_a_minute(audit, path, clock):
    for number in range(100):
        fail(audit, f'2001:db8::{number}')  # one network
    fail(audit, '10.0.0.2')
    clock.now = 59
    audit.record('read', ANN)
    clock.now = 60
    audit.record('read', ANN)
    assert [(event['event'], event['address'], event.get('more')) for event in events(path)] == [
        ('sign-in-failed', '2001:db8::0', None),
        ('sign-in-failed', '10.0.0.2', None),
        ('read', '', None),
        ('sign-in-failed', '2001:db8::0', 99),
        ('read', '', None),
    ]
    fail(audit, '2001:db8::1')
    assert len(events(path)) == 6


def test_strangers_get_only_so_many_lines_from_however_many_addresses(audit, path, clock):
    for number in range(5_000):
        fail(audit, f'10.{number // 250}.{number % 250}.1')
        clock.now += 0.1
    audit.record('read', ANN)
    found = events(path)
    assert len(found) < LINES + 3 * 500 * REFILL + 10
    clock.now += MINUTE
    audit.record('read', ANN)
    found = [event for event in events(path) if event['event'] == 'sign-in-failed']
    assert sum(event.get('more', 1) for event in found) == 5_000
    assert len(audit._failures._counted) <= 1_000


def test_what_the_signed_in_fail_at_is_written_while_strangers_get_no_line(audit, path, clock):
    for number in range(2 * int(LINES)):
        fail(audit, f'10.0.{number}.1')
    fail(audit, '10.1.1.1', ANN, 'password-change')
    assert events(path)[-1] | {'time': ''} == {
        'time': '', 'event': 'password-change-failed', 'user': 'ann', 'address': '10.1.1.1',
        'reason': 'InvalidCredentials',
    }  # fmt: skip


def test_what_is_still_being_counted_is_written_at_the_end(audit, path, clock):
    for _ in range(3):
        fail(audit, '10.0.0.1')
    audit.close()
    assert [event.get('more', 1) for event in events(path)] == [1, 2]


@pytest.mark.parametrize(
    ('route', 'body'),
    [
        ('/api/auth/setup', {'code': 'x', 'username': 'x', 'password': 'x' * 8}),
        ('/api/auth/login', {'username': 'x', 'password': 'x'}),
    ],
)
def test_a_stranger_who_asks_again_and_again_gets_two_lines(server, path, route, body):
    before = len(events(path))
    for _ in range(40):
        assert server.post(route, json=body).status_code in (400, 401, 429)
    reasons = [event.get('reason') for event in events(path)[before:]]
    assert len(reasons) == len(set(reasons)) <= 2


# the routes


@pytest.fixture
def server(tmp_path, path):
    accounts = Accounts(tmp_path / 'data', hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    accounts.users.add('ann', PASSWORD)
    accounts.users.add('bob', PASSWORD)
    engine = ScriptedEngine()
    with TestClient(create_api(LogHub(engine, Settings()), accounts, audit=Audit(path, accounts=accounts))) as client:
        container = client.portal.call(engine.add, 'web')
        client.portal.call(engine.write, container, 'the text of the log')
        client.sign_in = lambda name: client.post('/api/auth/login', json={'username': name, 'password': PASSWORD})
        client.token = client.sign_in('ann').json()['access_token']
        client.headers['Authorization'] = f'Bearer {client.token}'
        wait_until(lambda: client.get('/api/services').json()['services'])
        yield client


def test_what_happens_on_the_routes_is_recorded_without_secrets(server, path):
    server.post('/api/auth/login', json={'username': 'bob', 'password': 'wrong password'})
    server.get('/api/logs/web?tail=5')
    server.get('/api/logs/web/download?filter=text&format=jsonl')
    with server.websocket_connect(f'/api/logs/ws/web?token={server.token}&tail=1') as socket:
        socket.receive_text()
    wait_until(lambda: 'watch-end' in path.read_text())
    body = {'current_password': PASSWORD, 'new_password': 'battery staple'}
    token = server.post('/api/auth/change-password', json=body).json()['access_token']
    server.post('/api/auth/logout', headers={'Authorization': f'Bearer {token}'})
    found = events(path)
    assert [event['event'] for event in found] == [
        'start', 'sign-in', 'sign-in-failed', 'read', 'download', 'watch', 'watch-end', 'password-change', 'sign-out'
    ]  # fmt: skip
    assert {event['address'] for event in found[1:]} == {'testclient'}
    assert [event['user'] for event in found[1:]] == ['ann', 'bob'] + ['ann'] * 6
    download = found[4]
    assert (download['service'], download['filter'], download['complete']) == ('web', 'text', True)
    assert download['bytes'] > 100
    assert found[5]['via'] == 'websocket'
    assert found[6]['seconds'] >= 0
    for secret in (PASSWORD, 'wrong password', 'battery staple', server.token, token, 'the text of the log'):
        assert secret not in path.read_text()


def test_an_administrator_reads_it_page_by_page(server):
    for _ in range(3):
        server.get('/api/logs/web')
    first = server.get('/api/audit?limit=2').json()
    assert [event['event'] for event in first['events']] == ['read', 'read']
    second = server.get('/api/audit', params={'limit': 2, 'before': first['before']}).json()
    assert [event['event'] for event in second['events']] == ['read', 'sign-in']
    assert [event['event'] for event in server.get('/api/audit?event=sign-in').json()['events']] == ['sign-in']
    assert server.get('/api/audit?limit=0').status_code == 422


def test_nobody_else_reads_it(server):
    token = server.sign_in('bob').json()['access_token']
    answer = server.get('/api/audit', headers={'Authorization': f'Bearer {token}'})
    assert answer.status_code == 403
    assert 'administrator' in answer.json()['detail']


def test_what_is_done_on_the_command_line_is_recorded(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr('dashboard.cli._new_password', lambda: PASSWORD)
    options = ['--data-dir', str(tmp_path)]
    for command in (
        ['user', 'add', 'ann'],
        ['user', 'add', 'bob'],
        ['user', 'passwd', 'bob'],
        ['user', 'remove', 'bob'],
        ['token', 'ann'],
    ):
        assert main([*command, *options]) == 0
    token = capsys.readouterr().out.splitlines()[-1]
    found = [(event['event'], event['user'], event['name']) for event in events(tmp_path / 'audit.jsonl')]
    assert found == [
        ('user-add', '(console)', 'ann'),
        ('user-add', '(console)', 'bob'),
        ('password-set', '(console)', 'bob'),
        ('user-remove', '(console)', 'bob'),
        ('token-make', '(console)', 'ann'),
    ]
    content = (tmp_path / 'audit.jsonl').read_text()
    assert token not in content
    assert PASSWORD not in content
