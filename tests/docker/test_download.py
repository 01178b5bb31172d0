"""Downloads of large logs from a real engine: exact, with constant memory, and no work for a client that has left."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest

from tests.support.docker_engine import wait_until
from tests.support.server import Server
from tests.support.until import PATIENCE

pytestmark = [pytest.mark.engine, pytest.mark.timeout(720)]
LINES, WIDTH = 600_000, 160  # about 100 MB
PIECE = 1 << 20
MEBIBYTE = 1 << 20


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp('data'))
    yield server
    server.stop()


@pytest.fixture
def large(run_container):
    """A service with a large log."""
    name = f'large-{uuid4().hex[:6]}'
    fill = 'x' * (WIDTH - 10)
    run_container(service=name, command=f'yes {fill} | head -n {LINES} | cat -n').wait()
    return name


def download(server: Server, name: str):
    request = Request(f'{server.url}/api/logs/{name}/download')
    request.add_header('Authorization', f'Bearer {server.token()}')
    return urlopen(request, timeout=PATIENCE)


def memory(server: Server) -> int:
    """Bytes that are resident."""
    fields = Path(f'/proc/{server.process.pid}/status').read_text().split('VmRSS:')[1].split()
    return int(fields[0]) * 1024


def sockets(server: Server) -> int:
    count = 0
    for entry in Path(f'/proc/{server.process.pid}/fd').iterdir():
        with suppress(FileNotFoundError):  # it was closed since it was listed
            count += entry.readlink().name.startswith('socket:')
    return count


def test_a_large_download_is_what_the_engine_has_and_takes_no_memory(server, large, engine_client):
    container = engine_client.containers.list(all=True, filters={'label': f'com.docker.compose.service={large}'})[0]
    before, highest = memory(server), 0
    reference = subprocess.Popen(['docker', 'logs', container.id], stdout=subprocess.PIPE)
    with download(server, large) as answer, reference:
        size = 0
        while piece := answer.read(PIECE):
            assert piece == reference.stdout.read(len(piece))
            size += len(piece)
            highest = max(highest, memory(server))
        assert reference.stdout.read() == b''
    assert size > 90 * MEBIBYTE
    assert highest - before < 60 * MEBIBYTE, 'what is under way is bounded'


def test_a_client_that_leaves_half_way_stops_the_work(server, large):
    server.get('/api/health')
    with download(server, large) as answer:
        answer.read(PIECE)
        during = sockets(server)
    wait_until(lambda: sockets(server) <= during - 2, message='the client and the stream of the engine are closed')
