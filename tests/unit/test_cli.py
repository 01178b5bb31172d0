"""The command line, run as a user runs it."""

import io
import os
import pty
import socket
import stat
import subprocess
import sys
import threading
import types
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dashboard import __version__, app
from dashboard.access.accounts import Accounts
from dashboard.access.scope import EVERYTHING
from dashboard.cli import main
from dashboard.config import SETTINGS, Settings, networks
from dashboard.engine.demo import DemoEngine
from dashboard.errors import InvalidCredentials, InvalidToken
from tests.support.app import CHEAP

PASSWORD = 'correct horse'


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for setting in SETTINGS.values():
        monkeypatch.delenv(setting.variable, raising=False)
    monkeypatch.setenv('DASHBOARD_DATA_DIR', str(tmp_path / 'data'))
    type_in(monkeypatch, f'{PASSWORD}\n')
    return tmp_path / 'data'


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, 'stdin', io.StringIO(text))


@pytest.fixture
def ann(data_dir: Path) -> Accounts:
    accounts = Accounts(data_dir, hasher=CHEAP)
    accounts.users.add('ann', PASSWORD)
    return accounts


def test_a_user_is_added_with_the_password_of_standard_input(data_dir, capsys):
    assert main(['user', 'add', 'ann', '--admin']) == 0
    assert capsys.readouterr().out == 'Added ann, an administrator.\n'
    assert Accounts(data_dir).login('ann', PASSWORD)


def test_the_first_user_is_an_administrator_and_is_told_so(capsys):
    main(['user', 'add', 'ann'])
    assert 'an administrator' in capsys.readouterr().out


def test_a_list_of_no_users_says_how_to_make_one(capsys):
    assert main(['user', 'list']) == 0
    captured = capsys.readouterr()
    assert captured.out == ''
    assert 'dashboard user add' in captured.err


def test_users_are_listed_with_what_they_are(ann, capsys):
    ann.users.add('bob', PASSWORD)
    assert main(['user', 'list']) == 0
    lines = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert lines == [['ann', 'admin'], ['bob', 'viewer']]


def test_a_viewer_is_given_a_scope_and_another_one(ann, capsys, monkeypatch):
    type_in(monkeypatch, f'{PASSWORD}\n')
    assert main(['user', 'add', 'bob', '--scope', 'shop/*', '*/web']) == 0
    assert capsys.readouterr().out == 'Added bob, a viewer of shop/* */web.\n'
    assert main(['user', 'scope', 'bob', '/redis']) == 0
    assert capsys.readouterr().out == 'bob sees /redis; what is open follows within a second.\n'
    main(['user', 'list'])
    assert [line.split('sees ')[1] for line in capsys.readouterr().out.splitlines()] == ['everything', '/redis']
    assert main(['user', 'scope', 'bob', '--all']) == 0
    assert ann.users.known('bob').scope == EVERYTHING


def test_a_viewer_becomes_an_administrator_and_the_other_way_round(ann, capsys):
    ann.users.add('bob', PASSWORD)
    assert main(['user', 'role', 'bob', 'admin']) == 0
    assert main(['user', 'role', 'ann', 'viewer']) == 0
    assert capsys.readouterr().out == 'bob is an administrator.\nann is a viewer of everything.\n'
    assert main(['user', 'role', 'bob', 'viewer']) == 2


def test_a_new_password_ends_the_tokens_of_a_running_server(ann, monkeypatch):
    token = ann.issue('ann')
    type_in(monkeypatch, 'battery staple\n')
    assert main(['user', 'passwd', 'ann']) == 0
    with pytest.raises(InvalidToken):
        ann.identify(token)
    with pytest.raises(InvalidCredentials):
        ann.login('ann', PASSWORD)
    assert ann.login('ann', 'battery staple')


def test_a_user_is_removed(ann, monkeypatch, capsys):
    ann.users.add('bob', PASSWORD)
    assert main(['user', 'remove', 'bob']) == 0
    assert main(['user', 'remove', 'ann']) == 2
    assert 'last administrator' in capsys.readouterr().err


def test_a_token_is_all_that_token_prints(ann, capsys):
    assert main(['token', 'ann', '--days', '2', '--label', 'backup']) == 0
    printed = capsys.readouterr().out
    identity = ann.identify(printed.removesuffix('\n'))
    assert identity.read_only
    assert ann.sessions.tokens_of('ann')[0].label == 'backup'
    assert (identity.username, printed.count('\n')) == ('ann', 1)
    assert main(['token', 'ann']) == 0
    longer = ann.identify(capsys.readouterr().out.strip())
    assert 87 * 86400 < longer.expires - identity.expires < 89 * 86400


@pytest.mark.parametrize(
    ('argv', 'words'),
    [
        (['token', 'nobody'], "There is no user 'nobody'."),
        (['user', 'passwd', 'nobody'], "There is no user 'nobody'."),
        (['user', 'remove', 'nobody'], "There is no user 'nobody'."),
        (['user', 'add', 'no way'], 'letters'),
        (['user', 'add', 'bob', '--scope', 'shop'], 'project/service'),
        (['user', 'scope', 'bob'], '--all'),
        (['user', 'scope', 'bob', 'shop/*', '--all'], '--all'),
        (['user', 'scope', 'nobody', 'shop/*'], "There is no user 'nobody'."),
        (['--data-dir', os.devnull, 'user', 'list'], 'not a directory'),
    ],
    ids=lambda value: ' '.join(value) if isinstance(value, list) else '',
)
def test_what_the_user_can_mend_is_one_line_and_status_2(argv, words, capsys):
    assert main(argv) == 2
    captured = capsys.readouterr()
    assert captured.out == ''
    assert captured.err.startswith('dashboard: ')
    assert captured.err.count('\n') == 1
    assert words in captured.err


def test_no_password_at_all_is_refused_in_words(monkeypatch, capsys):
    type_in(monkeypatch, '')
    assert main(['user', 'add', 'ann']) == 2
    assert '8 characters' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('argv', 'limits'),
    [
        *((['token', 'ann', '--days', days], '1 to 3,650') for days in ('0', '-1', 'x', '99999999')),
        (['--port', '70000'], '0 to 65,535'),
        (['--port', 'http'], '0 to 65,535'),
    ],
    ids=lambda value: ' '.join(value) if isinstance(value, list) else '',
)
def test_a_number_that_does_not_do_is_refused_with_its_limits(argv, limits, capsys):
    with pytest.raises(SystemExit, match='2'):
        main(argv)
    said = capsys.readouterr().err
    assert argv[-2] in said
    assert limits in said


@pytest.mark.parametrize(
    'argv',
    [['--data-dir', 'D', 'user', 'list'], ['user', '--data-dir', 'D', 'list'], ['user', 'list', '--data-dir', 'D']],
)
def test_the_data_directory_may_be_given_before_and_after_the_command(argv, tmp_path, data_dir):
    assert main([str(tmp_path / 'other') if part == 'D' else part for part in argv]) == 0
    assert stat.S_IMODE((tmp_path / 'other').stat().st_mode) == 0o700
    assert not data_dir.exists()


def test_a_password_typed_at_a_terminal_is_asked_for_twice_and_not_shown(data_dir):
    def typing(*passwords: str) -> str:
        return at_a_terminal(['user', 'add', 'ann', '--data-dir', str(data_dir)], passwords)

    assert 'The two passwords differ' in typing(PASSWORD, 'something else')
    shown = typing(PASSWORD, PASSWORD)
    assert 'Once more:' in shown
    assert 'Added ann' in shown
    assert PASSWORD not in shown


def at_a_terminal(argv: list[str], typed: tuple[str, ...]) -> str:
    """Run the command line on a terminal of its own and return what that shows."""
    terminal, other_side = pty.openpty()
    streams = {'stdin': other_side, 'stdout': other_side, 'stderr': other_side}
    with subprocess.Popen([sys.executable, '-m', 'dashboard', *argv], start_new_session=True, **streams):
        os.close(other_side)
        shown = b''
        waiting = list(typed)
        while chunk := read_terminal(terminal):
            shown += chunk
            if waiting and chunk.rstrip().endswith(b':'):
                os.write(terminal, waiting.pop(0).encode() + b'\n')
    os.close(terminal)
    return shown.decode()


def read_terminal(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # how Linux says that the other side has ended
        return b''


def test_the_module_runs_and_tells_its_version():
    run = subprocess.run([sys.executable, '-m', 'dashboard', '--version'], capture_output=True, text=True, check=True)
    assert run.stdout == f'dashboard {__version__}\n'


# -- serving


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list:
    """The settings with which the server would run."""
    kept: list = []
    monkeypatch.setitem(sys.modules, 'dashboard.app', types.SimpleNamespace(serve=kept.append))
    return kept


def test_without_a_command_it_serves_and_options_beat_the_environment(served, monkeypatch, tmp_path):
    monkeypatch.setenv('DASHBOARD_PORT', '9001')
    monkeypatch.setenv('DASHBOARD_HOST', '10.0.0.1')
    assert main(['--host', '::', '--demo', '--data-dir', str(tmp_path)]) == 0
    assert main([]) == 0
    first, second = served
    assert (first.host, first.port, first.demo, first.data_dir) == ('::', 9001, True, tmp_path)
    assert (second.host, second.port, second.demo) == ('10.0.0.1', 9001, False)


def test_the_environment_can_ask_for_the_demo(served, monkeypatch):
    monkeypatch.setenv('DASHBOARD_DEMO', 'true')
    main([])
    assert served[0].demo is True


@pytest.mark.parametrize(
    ('host', 'options', 'warned'),
    [
        ('127.0.0.1', {}, False),
        ('::1', {}, False),
        ('localhost', {}, False),
        ('0.0.0.0', {}, True),
        ('logs.example', {}, True),
        ('0.0.0.0', {'trusted_proxies': networks('10.0.0.7')}, False),  # TLS ends there
        ('0.0.0.0', {'tls_cert': Path('c'), 'tls_key': Path('k')}, False),
    ],
)
def test_the_console_warns_when_passwords_would_travel_unencrypted(host, options, warned, tmp_path, capsys):
    settings = Settings(host=host, base_path='/logs-ui', **options)
    with socket.create_server(('127.0.0.1', 0)) as listener:
        app._greet(settings, DemoEngine(), Accounts(tmp_path / 'new'), listener)
    printed = capsys.readouterr().out
    assert ('unencrypted' in printed) is warned
    assert 'a host name of its own' in printed
    assert f'{"https" if options.get("tls_cert") else "http"}://' in printed.splitlines()[0]
    assert printed.splitlines()[0].endswith('/logs-ui')


def test_the_options_of_the_edge_are_read(served):
    main(['--trusted-proxy', '10.0.0.7,10.1.0.0/16', '--base-path', '/a/', '--tls-cert', 'c', '--tls-key', 'k'])
    settings = served[0]
    assert (settings.trusted_proxies, settings.base_path) == (networks('10.0.0.7, 10.1.0.0/16'), '/a')
    assert (settings.tls_cert, settings.tls_key) == (Path('c'), Path('k'))
    for wrong in (['--trusted-proxy', 'x'], ['--base-path', '/logs']):
        with pytest.raises(SystemExit):
            main(wrong)


# -- health


@pytest.fixture
def health_server() -> Iterator[HTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        status = 200

        def do_GET(self) -> None:
            self.send_response(self.status if self.path == '/api/health' else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(('127.0.0.1', 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize('host', ['0.0.0.0', '127.0.0.1'])
def test_health_is_0_when_a_dashboard_answers(health_server, host, monkeypatch, capsys):
    monkeypatch.setenv('http_proxy', 'http://127.0.0.1:1')
    assert main(['health', '--host', host, '--port', str(health_server.server_port)]) == 0
    assert capsys.readouterr() == ('', '')


def test_health_is_1_with_a_word_when_it_answers_something_else(health_server, capsys):
    health_server.RequestHandlerClass.status = 503
    assert main(['--port', str(health_server.server_port), 'health']) == 1
    assert 'answers 503' in capsys.readouterr().err


def test_health_is_1_with_a_word_when_nobody_answers(capsys):
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        assert main(['--port', str(taken.getsockname()[1]), 'health']) == 1
    assert 'no answer from 127.0.0.1' in capsys.readouterr().err
