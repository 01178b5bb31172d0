"""``dashboard doctor``: each thing that may be wrong is told in a line that says what to do."""

from __future__ import annotations

import gc
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dashboard import doctor
from dashboard.access import private
from dashboard.cli import main
from dashboard.config import MEBIBYTE, SETTINGS, Settings
from dashboard.doctor import Finding, examine
from dashboard.engine.about import Readable
from dashboard.engine.demo import ScriptedEngine
from dashboard.errors import LogsUnreadable


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for setting in SETTINGS.values():
        monkeypatch.delenv(setting.variable, raising=False)
    monkeypatch.setenv('DASHBOARD_DATA_DIR', str(tmp_path / 'data'))
    return tmp_path / 'data'


def look(data_dir: Path, **options) -> dict[str, Finding]:
    """What is found with the demo's engine; the last line of each subject."""
    settings = Settings(**{'demo': True, 'port': 0, 'data_dir': data_dir, **options})
    return {finding.subject: finding for finding in examine(settings)}


def test_all_is_well_in_about_ten_lines_and_nothing_is_changed(data_dir, capsys):
    assert main(['doctor', '--demo', '--port', '0']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ['ok', f'{subject}:'] for subject in ('Python', 'Engine', 'Clock', 'Logs', 'Data', 'Disk', 'Port', 'TLS')
    ]
    assert not data_dir.exists()


@pytest.mark.filterwarnings('ignore::ResourceWarning', 'ignore::pytest.PytestUnraisableExceptionWarning')
def test_a_problem_makes_the_status_1_and_says_what_to_do(monkeypatch, capsys):
    monkeypatch.setenv('DOCKER_HOST', 'unix:///nowhere/docker.sock')
    assert main(['doctor', '--port', '0']) == 1
    problems = [line for line in capsys.readouterr().out.splitlines() if line.startswith('problem')]
    assert len(problems) == 1
    for words in ('Engine:', 'unix:///nowhere/docker.sock (DOCKER_HOST)', 'does not exist', 'Start Docker'):
        assert words in problems[0]
    gc.collect()  # the SDK leaves a socket that could not connect to the collector


def test_an_engine_that_cannot_even_be_sought_is_a_line_like_the_others(monkeypatch, capsys):
    monkeypatch.setenv('DOCKER_HOST', 'tcp://127.0.0.1:2376')
    monkeypatch.setenv('DOCKER_TLS_VERIFY', '1')
    monkeypatch.setenv('DOCKER_CERT_PATH', '/nowhere')
    assert main(['doctor', '--port', '0']) == 1
    printed = capsys.readouterr().out
    assert 'ca.pem, cert.pem and key.pem' in printed
    assert 'ok       Port:' in printed


def test_an_engine_that_takes_connections_and_says_nothing_does_not_hold_it_up(monkeypatch, capsys):
    monkeypatch.setattr(doctor, 'ENGINE_TIME', 0.2)
    with socket.create_server(('127.0.0.1', 0)) as silent:
        monkeypatch.setenv('DOCKER_HOST', f'tcp://127.0.0.1:{silent.getsockname()[1]}')
        assert main(['doctor', '--port', '0']) == 1
    assert 'does not answer in 0.2 s' in capsys.readouterr().out


def test_whatever_hangs_is_a_problem_after_the_deadline_and_the_rest_is_told(data_dir, monkeypatch):
    forever = threading.Event()
    monkeypatch.setattr(doctor, 'DEADLINE', 0.5)
    monkeypatch.setattr(doctor, 'look_at_directory', lambda _: forever.wait())  # a file system on a dead network
    found = look(data_dir)
    forever.set()
    assert found['Data'].level == 'problem'
    assert 'hangs' in found['Data'].words
    assert found['Port'].level == 'ok'


def test_what_nobody_thought_of_is_a_line_too(data_dir, monkeypatch):
    monkeypatch.setattr(private.shutil, 'disk_usage', lambda _: 1 / 0)
    found = look(data_dir)['Data']
    assert (found.level, 'division by zero' in found.words) == ('problem', True)


# -- the engine's logs and clock


def refused(tried: int, count: int) -> Readable:
    return Readable(tried, [LogsUnreadable(f'web-{number}', 'none') for number in range(count)])


def test_logs_that_cannot_be_read_are_named_but_not_all_of_very_many():
    (few,), (many,) = doctor._logs(7, refused(7, 2)), doctor._logs(90, refused(90, 80))
    assert 'web-0 (none), web-1 (none). Use' in few.words
    assert few.words.startswith('2 of 7 ')
    assert 'web-12 (none) and 75 more.' in many.words


def test_logs_that_could_not_be_tried_in_time_are_counted():
    warning, well = doctor._logs(7, Readable(5, []))
    assert (warning.level, well.level) == ('warning', 'ok')
    assert 'Only 5 of 7' in warning.words


async def test_of_an_engine_that_goes_meanwhile_is_told_what_it_was():
    class Going(ScriptedEngine):
        async def containers(self):
            containers = await super().containers()
            self.fail('it has gone')
            return containers

    engine = Going()
    engine.add('web')
    found = [finding async for finding in doctor._ask(engine)]
    assert [(finding.subject, finding.level) for finding in found] == [
        ('Engine', 'ok'), ('Clock', 'ok'), ('Logs', 'problem'),
    ]  # fmt: skip
    assert 'it has gone' in found[-1].words


def test_no_container_is_no_problem():
    (none,) = doctor._logs(0, Readable(0, []))
    assert none.level == 'ok'


@pytest.mark.parametrize(
    ('ahead', 'words'), [(90.2, '90 s ahead of the one here'), (-7_200, '7,200 s behind the one here')]
)
def test_a_clock_that_differs_is_told_in_seconds_and_in_which_direction(ahead, words):
    clock = doctor._clock(ahead)
    assert clock.level == 'warning'
    assert words in clock.words
    assert doctor._clock(1.0).level == 'ok'


# -- the data directory


def test_a_directory_that_others_can_list_is_a_warning(data_dir):
    data_dir.mkdir(0o755)
    data_dir.chmod(0o755)
    assert (look(data_dir)['Data'].level, data_dir.stat().st_mode & 0o777) == ('warning', 0o755)
    data_dir.chmod(0o700)
    assert look(data_dir)['Data'].level == 'ok'


def test_a_file_in_its_place_is_a_problem(data_dir):
    data_dir.touch()
    assert 'not a directory' in look(data_dir)['Data'].words


def test_a_directory_that_cannot_be_written_or_made_is_a_problem(data_dir, monkeypatch):
    monkeypatch.setattr(private.os, 'access', lambda *_: False)  # as for all but root, who runs these tests
    assert 'cannot be made' in look(data_dir)['Data'].words
    data_dir.mkdir(0o700)
    assert 'cannot be written' in look(data_dir)['Data'].words


def test_files_of_another_user_are_named(data_dir, monkeypatch):
    data_dir.mkdir(0o700)
    (data_dir / 'dashboard.db').touch()
    monkeypatch.setattr(private.os, 'geteuid', lambda: os.getuid() + 4_711)
    found = look(data_dir)['Data']
    assert found.level == 'problem'
    assert f'{data_dir}/dashboard.db belongs to root' in found.words


def test_a_directory_and_files_that_would_be_refused_are_each_a_problem(data_dir, capsys):
    data_dir.mkdir()
    data_dir.chmod(0o777)
    (data_dir / 'secret.key').symlink_to('/etc/hostname')
    assert main(['doctor', '--demo', '--port', '0']) == 1
    problems = [line for line in capsys.readouterr().out.splitlines() if line.startswith('problem')]
    assert ['chmod go-w' in line for line in problems] == [True, False]
    assert 'secret.key is a symbolic link' in problems[1]


@pytest.mark.parametrize(('free', 'level'), [(1_000, 'problem'), (59 * MEBIBYTE, 'warning'), (60 * MEBIBYTE, 'ok')])
def test_space_is_enough_when_the_audit_log_can_grow_to_its_size(free, level):
    assert doctor._space(free, 60 * MEBIBYTE).level == level


# -- the port


@contextmanager
def answering(body: bytes) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(('127.0.0.1', 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ('body', 'level', 'words'),
    [
        (json.dumps({'status': 'ok', 'engine': 'reachable', 'version': '1.2'}).encode(), 'ok', 'version 1.2'),
        (json.dumps({'status': 'ok', 'engine': 'unreachable'}).encode(), 'warning', 'does not reach its engine'),
        (b'<html>', 'problem', 'Something else answers'),
        (b'[]', 'problem', 'Something else answers'),
    ],
    ids=['dashboard', 'engine away', 'page', 'list'],
)
def test_who_answers_at_the_port_is_told(data_dir, body, level, words):
    with answering(body) as port:
        found = look(data_dir, port=port)['Port']
    assert found.level == level
    assert words in found.words


def test_a_port_that_is_taken_by_something_that_speaks_no_http_is_a_problem(data_dir, monkeypatch):
    monkeypatch.setattr('dashboard.health.TIMEOUT', 0.2)
    with socket.create_server(('127.0.0.1', 0)) as taken:
        found = look(data_dir, port=taken.getsockname()[1])['Port']
    assert found.level == 'problem'
    assert '--port' in found.words


# -- TLS


@pytest.fixture
def certificate(tmp_path: Path) -> Callable[[float, float], dict[str, Path]]:
    """Makes a certificate that is valid from and until so many days from now: the settings of it and its key."""

    def make(begin: float, end: float) -> dict[str, Path]:
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, 'localhost')])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now + timedelta(begin)).not_valid_after(now + timedelta(end))
        cert_file, key_file = tmp_path / 'cert.pem', tmp_path / 'key.pem'
        cert_file.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        key_file.write_bytes(key.private_bytes(*form))
        return {'tls_cert': cert_file, 'tls_key': key_file}

    return make


@pytest.mark.parametrize(
    ('begin', 'end', 'level', 'words'),
    [
        (-1, 30.5, 'ok', 'valid for 30 more days'),
        (-1, 13.5, 'warning', 'valid for 13 more days'),
        (-9, -0.5, 'problem', 'has expired'),
        (1, 30, 'problem', 'valid only from'),
    ],
)
def test_a_certificate_is_told_with_the_days_it_lasts(data_dir, certificate, begin, end, level, words):
    found = look(data_dir, **certificate(begin, end))['TLS']
    assert found.level == level
    assert words in found.words


def test_a_key_that_does_not_fit_is_a_problem(data_dir, certificate):
    files = certificate(-1, 30)
    other = files['tls_cert'].rename(data_dir.parent / 'other.pem')
    found = look(data_dir, **{**certificate(-1, 30), 'tls_cert': other})['TLS']
    assert (found.level, 'does not belong' in found.words) == ('problem', True)


def test_no_certificate_is_a_warning_only_where_others_can_read(data_dir):
    assert look(data_dir)['TLS'].level == 'ok'
    assert look(data_dir, host='0.0.0.0')['TLS'].level == 'warning'
    assert look(data_dir, host='0.0.0.0', trusted_proxies=('10.0.0.7',))['TLS'].level == 'ok'
