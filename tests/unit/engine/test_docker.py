"""An engine, or a proxy in its place, may answer anything: it is away then, and no task of ours ends by it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import aclosing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dashboard.config import Settings
from dashboard.engine.docker import DockerEngine
from dashboard.engine.listing import container_of
from dashboard.errors import ConfigError, ContainerGone, EngineUnavailable
from dashboard.model import Container, ServiceKey
from dashboard.timeline.hub import LogHub
from tests.support.docker_engine import ssh_is_collected
from tests.support.until import until

pytestmark = pytest.mark.usefixtures('quick')

WEB = {'Id': 'a' * 64, 'Names': ['/web'], 'Image': 'web', 'State': 'exited', 'Status': 'Exited (0)', 'Created': 1}
NONSENSE = [
    (404, {'message': 'page not found'}),
    (409, {'message': 'no'}),
    (200, [{}]),
    (200, 7),
    (500, 'x'),
    (200, ''),
]


@pytest.fixture
def answers():
    """What the engine at ``answers['url']`` answers, by the last part of the path: a status and a document."""
    answers = {'version': (200, {'ApiVersion': '1.41'}), '_ping': (200, 'OK'), 'events': (404, {'message': 'no'})}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, document = answers[self.path.partition('?')[0].rpartition('/')[2]]
            body = json.dumps(document).encode() if document else b'<html>'
            self.send_response(status)
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def date_time_string(self, timestamp=None):
            return super().date_time_string(time.time() + answers.get('ahead', 0))

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(('127.0.0.1', 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        answers['url'] = f'tcp://127.0.0.1:{server.server_port}'
        yield answers
        server.shutdown()


@pytest.mark.parametrize('nonsense', NONSENSE, ids=str)
async def test_whatever_it_answers_the_dashboard_comes_alive_when_it_answers_well(answers, nonsense):
    answers['json'] = nonsense
    async with LogHub(DockerEngine({'DOCKER_HOST': answers['url']}), Settings()) as hub:
        await until(lambda: hub.status.error)
        assert answers['url'] in str(hub.status.error)
        answers['json'] = (200, [WEB])
        await until(lambda: [service.key.name for service in hub.services] == ['web'])


async def test_a_container_that_is_not_there_is_told_from_an_engine_that_is_not_there(answers):
    answers['json'] = (404, {'message': 'No such container'})
    engine = DockerEngine({'DOCKER_HOST': answers['url']})
    with pytest.raises(ContainerGone):
        async with aclosing(engine.logs(Container('b' * 64, 'web', ServiceKey('local', '', 'web'), '', ''))) as batches:
            await anext(batches)
    with pytest.raises(EngineUnavailable):
        await engine.containers()
    await engine.close()


async def about(answers):
    engine = DockerEngine({'DOCKER_HOST': answers['url']})
    try:
        return await engine.about()
    finally:
        await engine.close()


@pytest.mark.parametrize(
    ('fields', 'name'),
    [
        ({'Version': '28.2.2', 'Components': [{'Name': 'Engine'}]}, 'Docker Engine 28.2.2 (API 1.41)'),
        ({'Version': '5.4.2', 'Components': [{'Name': 'Podman Engine'}]}, 'Podman Engine 5.4.2 (API 1.41)'),
        ({'Version': '1.13.1'}, 'Docker Engine 1.13.1 (API 1.41)'),
    ],
    ids=lambda value: value if isinstance(value, str) else '',
)
async def test_it_is_told_by_its_name_and_version(answers, fields, name):
    answers['version'] = (200, {'ApiVersion': '1.41', **fields})
    assert (await about(answers)).name == name


@pytest.mark.parametrize('ahead', [0, 90, -90])
async def test_its_clock_is_compared_with_ours_to_a_second(answers, ahead):
    answers['ahead'], begun = ahead, time.time()
    told = (await about(answers)).ahead
    assert abs(told - ahead) <= 1 + time.time() - begun, 'further off than the answer took'
    assert bool(told) is bool(ahead)


@pytest.mark.filterwarnings('ignore::ResourceWarning', 'ignore::pytest.PytestUnraisableExceptionWarning')
async def test_it_can_be_closed_while_an_ssh_to_it_hangs(tmp_path, monkeypatch):
    began, ssh = tmp_path / 'began', tmp_path / 'ssh'
    ssh.write_text(f'#!/bin/sh\necho $$ >{began}\nwhile read -r line; do :; done\n')  # takes all, answers nothing
    ssh.chmod(0o755)
    monkeypatch.setenv('PATH', f'{tmp_path}:{os.environ["PATH"]}')
    engine = DockerEngine({'DOCKER_HOST': 'ssh://there'})
    asking = asyncio.create_task(engine.ping())
    await until(lambda: began.exists() and began.read_text().endswith('\n'))
    await engine.close()
    hangs = engine._connection._making.locked()  # else close had to wait until it gave up
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    os.kill(int(began.read_text()), signal.SIGKILL)
    await until(lambda: 'engine-stream' not in {thread.name for thread in threading.enumerate()})
    await until(ssh_is_collected)
    assert hangs


def test_tls_without_its_files_is_refused_in_words(tmp_path):
    with pytest.raises(ConfigError, match=f'ca.pem, cert.pem and key.pem .* {tmp_path}'):
        DockerEngine({'DOCKER_HOST': 'tcp://x:2376', 'DOCKER_TLS_VERIFY': '1', 'DOCKER_CERT_PATH': str(tmp_path)})


@pytest.mark.parametrize(
    ('state', 'words', 'code'),
    [
        ('exited', 'Exited (137) 3 minutes ago', 137),
        ('exited', 'Exited (0) Less than a second ago', 0),
        ('restarting', 'Restarting (1) 5 seconds ago', 1),
        ('running', 'Up 3 minutes (healthy)', None),
        ('created', 'Created', None),
    ],
)
def test_the_exit_code_is_read_from_the_words_of_the_list(state, words, code):
    assert container_of('local', {'Id': 'c' * 64, 'State': state, 'Status': words}).exit_code == code


def test_the_sdk_comes_without_an_ssh_library_of_its_own_and_can_use_ssh_all_the_same():
    look = (
        'import sys, dashboard.app, docker.transport; print("paramiko" in sys.modules, docker.transport.SSHHTTPAdapter)'
    )
    run = subprocess.run([sys.executable, '-c', look], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("False <class 'docker.transport.sshconn.SSHHTTPAdapter'>")
