"""The raw WebSocket under load, on the real server: bursts, arrays, and clients that do not read."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest
from websockets.asyncio.client import connect

from tests.support.server import Server
from tests.support.until import PATIENCE

pytestmark = pytest.mark.engine


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp('data'), DASHBOARD_HISTORY_LINES='20000')
    yield server
    server.stop()


@pytest.fixture
def strict_server(tmp_path):
    server = Server(tmp_path, DASHBOARD_STALLED='1')
    yield server
    server.stop()


def url(server: Server, service: str, query: str = '') -> str:
    return f'{server.url.replace("http", "ws")}/api/logs/ws/shop:{service}?token={server.token()}{query}'


async def test_lines_that_come_together_are_still_one_message_each(server, run_container):
    run_container(service='burst', command='seq 1 5000; sleep 1000')
    async with connect(url(server, 'burst', '&tail=5000')) as viewer:
        contents = [json.loads(await viewer.recv())['content'] for _ in range(5_000)]
    assert contents == [str(number) for number in range(1, 5_001)]


async def test_with_batch_messages_come_in_arrays(server, run_container):
    run_container(service='arrays', command='seq 1 5000; sleep 1000')
    contents, arrays = [], 0
    async with connect(url(server, 'arrays', '&tail=5000&batch=1'), max_size=None) as viewer:
        while len(contents) < 5_000:
            contents += [message['content'] for message in json.loads(await viewer.recv())]
            arrays += 1
    assert contents == [str(number) for number in range(1, 5_001)]
    assert arrays <= 10


@pytest.mark.parametrize('size', [1, 10, 200, 70_000])
async def test_messages_of_every_frame_size_arrive_whole(server, run_container, size):
    run_container(service=f'size-{size}', command=f'head -c {size} /dev/zero | tr "\\0" ü; echo; sleep 1000')
    async with connect(url(server, f'size-{size}'), max_size=None) as viewer:
        assert len(json.loads(await viewer.recv())['content']) == size


async def read_until(viewer, last: int) -> list[dict]:
    """All gaps up to the line with that number; every other number must follow the one before it."""
    expected, gaps = 1, []
    while expected <= last:
        message = json.loads(await viewer.recv())
        if message['type'] == 'gap':
            gaps.append(message)
            expected = expected + message['missed'] if message['missed'] else None
        else:
            number = int(message['content'])
            assert expected in (None, number)
            expected = number + 1
    return gaps


@pytest.mark.alone
async def test_a_viewer_that_falls_behind_is_told_how_many_it_missed_and_delays_nobody(server, run_container):
    # slow enough for the engine to keep up, and far more than the history and all buffers hold
    run_container(
        service='flood', command='sleep 1; for n in $(seq 0 99); do seq $((n*2000+1)) $((n*2000+2000)); sleep 0.1; done'
    )
    target = url(server, 'flood', '&tail=0')
    async with connect(target) as slow, connect(target) as quick:
        slow.transport.pause_reading()
        assert await read_until(quick, 200_000) == []
        slow.transport.resume_reading()
        gaps = await read_until(slow, 200_000)
    assert gaps
    assert all(gap['missed'] and gap['from'] <= gap['to'] and gap['reason'] for gap in gaps)


async def test_a_container_that_is_removed_at_full_speed_ends_with_a_gap(server, run_container):
    flood = run_container(service='removed-flood', command='seq 1 100000000')
    async with asyncio.timeout(PATIENCE), connect(url(server, 'removed-flood', '&batch=1'), max_size=None) as viewer:
        messages = json.loads(await viewer.recv())
        await asyncio.to_thread(flood.remove, force=True)
        while not (messages[-1]['type'] == 'gap' and 'was removed before' in messages[-1]['reason']):
            messages = json.loads(await viewer.recv())
    assert messages[-1]['missed'] is None


async def test_a_client_that_reads_nothing_is_closed_and_finds_out_why_when_it_reads(strict_server, run_container):
    run_container(
        service='deaf', command='while true; do yes "0123456789 quick brown fox" | head -n 2000; sleep 0.1; done'
    )
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.connect(('127.0.0.1', strict_server.port))
        path = url(strict_server, 'deaf').partition(str(strict_server.port))[2]
        key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13'
        host = f'Host: 127.0.0.1:{strict_server.port}'
        deaf.sendall(
            f'GET {path} HTTP/1.1\r\n{host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}\r\n\r\n'.encode()
        )
        await asyncio.sleep(6)  # it reads nothing for longer than it may
        farewell = b'\x03\xf5You do not read what is sent.'  # 0x03f5 is 1013
        received = b''
        while not received.endswith(farewell) and (part := deaf.recv(1 << 16)):
            received = received[-100:] + part
    assert received.endswith(farewell)
