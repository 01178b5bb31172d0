"""Services of long lines, watched and left again and again: what the server keeps of them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from playwright.sync_api import Page
from websockets.asyncio.client import connect

from tests.benchmarks.machine import engine_streams, usage
from tests.support.docker_engine import Containers, wait_until
from tests.support.server import Server

SERVICES, REPLICAS = 10, 2
LINES, LENGTH = 2_500, 16_000  # of each container at first; bytes
COMMAND = (
    f'l=$(head -c {LENGTH} /dev/zero | tr "\\0" a); yes "$l" | head -n {LINES}; touch /written; '
    'while :; do yes "$l" | head -n 2; sleep 1; done'
)
TAIL, NEW = 1_000, 5  # lines that each WebSocket waits for: the last ones, and new ones
LINGER = 1  # seconds that the server keeps what nobody watches
SETTLED = 10.0  # seconds without less memory after which it counts as given back


def start(containers: Containers) -> list[str]:
    """Start the services and wait until they have written; their names."""
    names = [f'left-{number}' for number in range(SERVICES)]
    log = {'type': 'json-file', 'config': {'max-size': '100m'}}
    for container in [containers(name, command=COMMAND, log_config=log) for name in names * REPLICAS]:
        wait_until(lambda container=container: not container.exec_run('ls /written').exit_code, 300)
    return names


def rounds(server: Server, tab: Page, names: Sequence[str], number: int) -> Iterator[float]:
    """MiB of the server after each round, in which every service is watched by a WebSocket and a page, and left.

    :param tab: signed in
    """
    pid, token = server.process.pid, server.token()
    idle = engine_streams(pid) + SERVICES * REPLICAS // 2  # other threads may begin meanwhile, but not so many
    for _ in range(number):
        with ThreadPoolExecutor() as aside:  # a loop of its own: Playwright has this thread's
            watching = aside.submit(asyncio.run, _watch(server.url, token, names))
            for name in names:
                tab.goto(f'{server.url}/logs?service={name}')
                tab.wait_for_selector('.log .l')
            watching.result()
        tab.goto('about:blank')
        wait_until(lambda: engine_streams(pid) <= idle, 60, 'the streams of services that were left stay open')
        yield _settled(pid)


async def _watch(url: str, token: str, names: Sequence[str]) -> None:
    address = url.replace('http', 'ws') + '/api/logs/ws'
    await asyncio.gather(*(_see(f'{address}/{name}?token={token}&tail={TAIL}&batch=1') for name in names))


async def _see(url: str) -> None:
    count = 0
    async with connect(url, max_size=None, compression=None) as viewer:
        while count < TAIL + NEW:
            count += len(json.loads(await viewer.recv()))


def _settled(pid: int) -> float:
    """MiB of the process once it has given back what it will."""
    least, since = usage(pid).memory, time.monotonic()
    while time.monotonic() < since + SETTLED:
        time.sleep(0.1)
        if (now := usage(pid).memory) < least - 1:
            least, since = now, time.monotonic()
    return usage(pid).memory
