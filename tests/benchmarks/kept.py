"""What it costs to keep lines and to search days of them: alone, with many silent containers, beside a live page."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from dashboard.app import KEPT
from dashboard.store import Store
from tests.benchmarks.machine import cores, spread, usage, writer
from tests.benchmarks.page import observe, open_page
from tests.benchmarks.stored import RARE, batches
from tests.support.docker_engine import wait_until
from tests.support.server import PASSWORD, Server

if TYPE_CHECKING:
    from tests.benchmarks.rows import Row, Run

GIBIBYTE = str(1 << 30)
AIMS = {
    'taken': '≥ 100,000 lines/s',
    'at 10,000': '≤ 10 % of a core',
    'disk': '≤ 0.25',
    'memory at its highest': '≤ 500 MiB',
}


def stored(run: Run) -> Iterator[Row]:
    """The store in a process of its own; see :mod:`tests.benchmarks.stored`."""
    count = 1_000_000 if run.options.quick else 10_000_000
    command = [sys.executable, '-m', 'tests.benchmarks.stored', str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        for line in program.stdout:
            what, figure, *beside = line.rstrip('\n').split(' | ')
            aim = next((aim for name, aim in AIMS.items() if what.startswith(name)), '')
            yield f'kept lines, {count:,}: {what}', figure, '; '.join(filter(None, [aim, *beside])), ''


def recorded(run: Run) -> Iterator[Row]:
    """Silent containers that are recorded; and a page that shows what is written while days are searched."""
    number = 40 if run.options.quick else 200
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory) / 'silent'
        for index in range(number):
            run.containers(f'recorded-{index}', command=f'seq 1 100; sleep {10_000}')
        with serving(data) as server:
            pid, wanted = server.process.pid, 100 * number
            wait_until(lambda: time.sleep(1) or kept_lines(server) >= wanted, 120)
            time.sleep(run.seconds(150))  # a stream that falls silent is looked at now and then, and ever more seldom
            before = usage(pid)
            time.sleep(run.seconds(60))
            after = usage(pid)
            figure = f'{cores(before, after) * 100:.2f} % of a core, {after.memory:.0f} MiB'
            yield f'{number} silent containers, recorded', figure, '≤ 1 % of a core; with 50 ≤ 180 MiB', ''
        run.containers.remove_all()
        yield from _beside_a_search(run, Path(directory) / 'searched')


def _beside_a_search(run: Run, data: Path) -> Iterator[Row]:
    count = 500_000 if run.options.quick else 4_000_000
    with ThreadPoolExecutor() as aside:  # a loop of its own: Playwright has this thread's
        aside.submit(asyncio.run, _fill(data / KEPT, count)).result()
    run.containers('recorded-live', command=writer(5_000))
    with serving(data) as server:
        tab = open_page(run.browser, f'{server.url}/logs?service=recorded-live&tail=100', 'admin', PASSWORD)
        tab.wait_for_selector('.log .l')
        alone = observe(tab, run.seconds(15))
        ended, searches = threading.Event(), list[float]()
        thread = threading.Thread(target=_search_on, args=(server, ended, searches))
        thread.start()
        beside = observe(tab, run.seconds(15))
        ended.set()
        thread.join()
        tab.close()
        memory = usage(server.process.pid).memory
        words = f'page, 5,000 lines/s, while {count:,} kept lines are searched all the time'
        figure = f'{spread(beside.ages)}; {len(searches)} searches of {spread(searches)}; {memory:.0f} MiB'
        yield words, figure, f'p95 ≤ 300 ms; without a search {spread(alone.ages)}', ''


async def _fill(directory: Path, count: int) -> None:
    directory.parent.mkdir(parents=True)
    async with Store(directory, 1 << 40, 1_000_000) as store:
        for batch in batches(count):
            await store.append(batch[0].container.service, batch)
        await store.seal()


def _search_on(server: Server, ended: threading.Event, took: list[float]) -> None:
    token = server.token()
    while not ended.is_set():
        start = time.monotonic()
        request = urllib.request.Request(f'{server.url}/api/search?filter={quote(RARE)}')
        request.add_header('Authorization', f'Bearer {token}')
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
        took.append(time.monotonic() - start)


def kept_lines(server: Server) -> int:
    """How many lines it has recorded."""
    _, body = server.get('/api/storage', server.token())
    return json.loads(body)['lines']


def serving(data: Path) -> Server:
    """A dashboard that records the benchmark's containers and nothing else."""
    options = {'DASHBOARD_STORE_BYTES': GIBIBYTE, 'DASHBOARD_STORE_INCLUDE': '*/recorded-*'}
    return Server(data, DASHBOARD_STORE_DAYS='3650', **options)
