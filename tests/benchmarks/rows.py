"""The rows of the table, each measured in one run."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import docker
from playwright.sync_api import Browser, Page, Playwright, TimeoutError

from dashboard.app import tune_garbage_collection
from dashboard.engine.docker import DockerEngine
from dashboard.timeline.history import History
from tests.benchmarks import left
from tests.benchmarks.jumps import jump, long_log, since, stamp_of
from tests.benchmarks.kept import recorded, stored
from tests.benchmarks.machine import FULL_SPEED, PAYLOAD, cores, engine_streams, percentile, spread, usage, writer
from tests.benchmarks.meaning import figures
from tests.benchmarks.merged import account, numbered
from tests.benchmarks.page import Seen, observe, open_page
from tests.benchmarks.pauses import HOSTILE, Probe, fetch
from tests.benchmarks.strip import measured
from tests.support.docker_engine import Containers, wait_until
from tests.support.server import PASSWORD, Server, free_port

MILLION = 1_000_000
OPENING = 3_000  # milliseconds in which a page catches up with what came while it was loaded
Row = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """What a row is measured with."""

    options: argparse.Namespace
    client: docker.DockerClient
    containers: Containers
    server: Server
    browser: Browser
    playwright: Playwright

    @property
    def pid(self) -> int:
        return self.server.process.pid

    def seconds(self, full: float) -> float:
        return full / 3 if self.options.quick else full

    def page(self, service: str, browser: Browser | None = None, tail: int = 100, question: str = ''):
        url = f'{self.server.url}/logs?service={service}&tail={tail}&filter={quote(question)}'
        return open_page(browser or self.browser, url, 'admin', PASSWORD)

    def socket_url(self, service: str) -> str:
        return f'{self.server.url.replace("http", "ws")}/api/logs/ws/{service}?token={self.server.token()}&tail=0'


def reader(run: Run) -> Iterator[Row]:
    """Lines already logged, from the engine into the history."""
    count = MILLION // (5 if run.options.quick else 1)
    container = run.containers('reader', command=f'yes "{PAYLOAD} and so on for some bytes" | head -n {count}')
    container.wait()
    ours, theirs = [], []
    for _ in range(3):
        start = time.monotonic()
        with open(os.devnull, 'wb') as nowhere:
            subprocess.run(['docker', 'logs', '--timestamps', container.id], stdout=nowhere, check=True)
        theirs.append(time.monotonic() - start)
        with ThreadPoolExecutor() as aside:  # a loop of its own: Playwright has this thread's
            ours.append(aside.submit(asyncio.run, _read(container.id, count)).result())
    fast, reference = count / min(ours), count / min(theirs)
    yield (
        'reader: engine to history',
        f'{fast:,.0f} lines/s',
        f'`docker logs` {reference:,.0f} lines/s',
        f'{fast / reference:.2f}',
    )


async def _read(container_id: str, count: int) -> float:
    tune_garbage_collection()  # as the server does at its start
    engine = DockerEngine(os.environ)
    container = next(item for item in await engine.containers() if item.id == container_id)
    history, start = History(50_000, 64 << 20), time.monotonic()
    async for batch in engine.logs(container):
        history.append(batch)
    assert history.end == count, history.end
    await engine.close()
    return time.monotonic() - start


def page(run: Run) -> Iterator[Row]:
    """One page at each rate, and NiceGUI's own log element beside it."""
    for rate in (100, 1_000, 10_000, FULL_SPEED):
        name = f'page-{rate}'
        container = run.containers(name, command=writer(rate), log_config=ROTATED)
        tab = run.page(name)
        tab.wait_for_selector('.log .l')
        before = usage(run.pid)
        seen = observe(tab, run.seconds(15))
        after = usage(run.pid)
        tab.close()
        words = f'page, {rate:,} lines/s' if rate else f'page, full speed ({_rate(container):,.0f} lines/s)'
        aim = {10_000: 'p95 ≤ 250 ms', FULL_SPEED: 'p95 ≤ 1,000 ms'}.get(rate, '')
        lag = f'; the engine itself: {_follow_lag(container)}' if not rate else ''
        yield words, _figures(seen, before, after), f'{aim}{lag}', ''
        if rate and rate <= 1_000:
            reference = _ui_log(run, name)
            ratio = percentile(reference.ages, 0.95) / percentile(seen.ages, 0.95)
            figures = f'{spread(reference.ages)}; {_browser(reference)}'
            yield f'`ui.log`, {rate:,} lines/s', figures, 'the page above', f'{ratio:.1f}'
        container.kill()


def asked(run: Run) -> Iterator[Row]:
    """One page at each rate while it asks for fields, which every line has; from three seconds after it was opened."""
    for rate in (10_000, FULL_SPEED):
        name = f'asked-{rate}'
        container = run.containers(name, command=writer(rate, 'status=500 slow=1'), log_config=ROTATED)
        tab = run.page(name, question='status:>=500 slow:1')
        tab.wait_for_selector('.log .l')
        tab.wait_for_timeout(OPENING)
        before = usage(run.pid)
        seen = observe(tab, run.seconds(15))
        after = usage(run.pid)
        tab.close()
        speed = f'{rate:,} lines/s' if rate else f'full speed ({_rate(container):,.0f} lines/s)'
        aim = f'p95 ≤ {250 if rate else 1_000:,} ms'
        lag = '' if rate else f'; the engine itself: {_follow_lag(container)}'
        yield f'page with a question of fields, {speed}', _figures(seen, before, after), aim + lag, ''
        container.kill()


ROTATED = {'type': 'json-file', 'config': {'max-size': '100m', 'max-file': '3'}}


def _figures(seen: Seen, before, after) -> str:
    return (
        f'{spread(seen.ages)}; {_browser(seen)}; {seen.heap:.0f} MiB heap; '
        f'{cores(before, after):.2f} cores, {after.memory:.0f} MiB; {seen.lines:,} lines'
    )


def _browser(seen: Seen) -> str:
    return f'longest task {seen.longest_task:,.0f} ms; browser {seen.busy:.0%} busy'


def _rate(container) -> float:
    """Lines a second that the engine has logged of late, by its own timestamps."""
    lines = container.logs(tail=50_000, timestamps=True).splitlines()
    first, last = (float(line[17:29].decode().rstrip('Z')) for line in (lines[0], lines[-1]))
    return len(lines) / ((last - first) % 60 or 1)


def _follow_lag(container) -> str:
    """How late `docker logs --follow` is with the same container, without us."""
    command = ['docker', 'logs', '--follow', '--tail', '0', container.id]
    boot, ages = time.time() - float(Path('/proc/uptime').read_text().split()[0]), []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        deadline = time.monotonic() + 8
        for index, line in enumerate(process.stdout):
            if index % 1_000 == 0:
                ages.append(time.time() - boot - float(line[1:].split()[0]))
            if time.monotonic() > deadline:
                break
        process.kill()
    return spread(ages)


def _ui_log(run: Run, service: str) -> Seen:
    port = free_port()
    process = subprocess.Popen([sys.executable, '-m', 'tests.benchmarks.ui_log', str(port), service])
    try:
        wait_until(lambda: _listens(port), 20)
        tab = open_page(run.browser, f'http://127.0.0.1:{port}/', selector='.nicegui-log')
        tab.wait_for_timeout(2_000)
        seen = observe(tab, run.seconds(15), '.nicegui-log', '.nicegui-log .nicegui-label')
        tab.close()
        return seen
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(('127.0.0.1', port)) == 0


def fan_out(run: Run) -> Iterator[Row]:
    """Many viewers of one service at 1,000 lines/s."""
    run.containers('fan', command=writer(1_000))
    url = run.socket_url('fan')
    idle_streams, duration = engine_streams(run.pid), run.seconds(15) + 3
    for number in (1, 10, 100):
        with subprocess.Popen(
            [
                sys.executable,
                '-m',
                'tests.benchmarks.viewers',
                url,
                str(number),
                str(duration),
            ],
            stdout=subprocess.PIPE,
        ) as viewers:
            time.sleep(3)
            before = usage(run.pid)
            time.sleep(run.seconds(12))
            after, streams = usage(run.pid), engine_streams(run.pid) - idle_streams
            result = json.loads(viewers.communicate()[0])
        share = cores(before, after) / number * 100
        figure = f'{streams} stream; {share:.2f} % of a core a viewer; {spread(result["ages"])}'
        yield f'WebSocket viewers at 1,000 lines/s: {number}', figure, '1 stream; ≤ 1 % of a core a viewer', ''
    for number in (1, 10):
        tabs = [run.page('fan') for _ in range(number)]
        before = usage(run.pid)
        seen = observe(tabs[0], run.seconds(15))
        share = cores(before, usage(run.pid)) / number * 100
        yield f'pages at 1,000 lines/s: {number}', f'{share:.2f} % of a core a page; {spread(seen.ages)}', '', ''
        for tab in tabs:
            tab.close()


def stalled(run: Run) -> Iterator[Row]:
    """A socket that reads nothing and a browser that is stopped, beside a healthy page."""
    run.containers('stall', command=writer(5_000), log_config=ROTATED)
    tab = run.page('stall')
    alone = observe(tab, run.seconds(15))
    other = run.playwright.chromium.launch(executable_path='/usr/bin/chromium', args=['--no-sandbox'])
    run.page('stall', other).wait_for_selector('.log .l')
    deaf = socket.create_connection(('127.0.0.1', run.server.port))
    path = run.socket_url('stall').partition(str(run.server.port))[2]
    key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13'
    deaf.sendall(
        f'GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}\r\n\r\n'.encode()
    )
    frozen = _renderers() - _renderers(run.browser)
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    before = usage(run.pid)
    beside = observe(tab, run.seconds(60))
    after = usage(run.pid)
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    deaf.close()
    other.close()
    memory = f'{before.memory:.0f} MiB at the start, {after.memory:.0f} MiB at the end'
    ratio = percentile(beside.ages, 0.95) / percentile(alone.ages, 0.95)
    yield (
        'a healthy page at 5,000 lines/s beside a stalled socket and a stopped browser',
        f'{spread(beside.ages)}; {memory}',
        f'alone {spread(alone.ages)}',
        f'{ratio:.2f}',
    )


def _renderers(browser: Browser | None = None) -> set[int]:
    """Processes of Chromium; of one browser those that were there before the other."""
    found = set()
    for entry in Path('/proc').iterdir():
        if entry.name.isdigit():
            try:
                if b'chromium' in (entry / 'cmdline').read_bytes():
                    found.add(int(entry.name))
            except OSError:
                continue
    if browser is None:
        return found
    # children of the first browser started before the second: take those older than its oldest process
    ages = sorted((int(Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[19]), pid) for pid in found)
    roots = [pid for _, pid in ages if b'--type=' not in Path(f'/proc/{pid}/cmdline').read_bytes()]
    second = roots[-1]
    return {pid for _, pid in ages if not _descends(pid, second)}


def _descends(pid: int, ancestor: int) -> bool:
    while pid > 1:
        if pid == ancestor:
            return True
        pid = int(Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[1])
    return False


def idle(run: Run) -> Iterator[Row]:
    """Many containers, nobody watching."""
    number = 200 if not run.options.quick else 40
    for index in range(number):
        run.containers(f'idle-{index}', command='sleep 10000')
    before = usage(run.pid)
    time.sleep(run.seconds(30))
    after = usage(run.pid)
    yield (
        f'{number} idle containers, nobody watching',
        f'{cores(before, after) * 100:.2f} % of a core, {after.memory:.0f} MiB',
        '',
        '',
    )


def first_lines(run: Run) -> Iterator[Row]:
    """From choosing a service to its lines, and from starting the program to its first answer."""
    run.containers('chosen', command='seq 1 10000; sleep 1000')
    run.containers('another', command='echo here; sleep 1000')
    times = []
    for _ in range(5):
        tab = run.page('another', tail=1000)
        tab.wait_for_selector('.log .l')
        tab.get_by_label('Service').click()
        option = tab.locator('.services').get_by_text('chosen', exact=True)
        option.wait_for()
        script = """option => new Promise(done => { const start = performance.now(); option.click();
          const look = () => document.querySelectorAll('.log .l').length === 1000 ? done(performance.now() - start)
            : requestAnimationFrame(look); look(); })"""
        times.append(option.evaluate(script) / 1_000)
        tab.close()
    yield 'choosing a service to 1,000 lines on screen', spread(times), '', ''
    starts = []
    for _ in range(3):
        begin = time.monotonic()
        server = Server(Path(run.server.process.args[-1]).parent / 'another')
        starts.append(time.monotonic() - begin)
        server.stop()
    yield 'starting the program to its first answer', f'{min(starts):.2f} s', '', ''


def sign_ins(run: Run) -> Iterator[Row]:
    """A thousand wrong sign-ins, each for another account from another address, so each with its hash."""
    run.containers('guessed', command=writer(5_000), log_config=ROTATED)
    tab = run.page('guessed')
    tab.wait_for_selector('.log .l')
    alone = observe(tab, run.seconds(15))
    number = 1_000 if not run.options.quick else 200
    begin, during = time.monotonic(), []
    with ThreadPoolExecutor(20) as guessers:
        guesses = [guessers.submit(_guess, run.server.url, index) for index in range(number)]
        while not all(guess.done() for guess in guesses):
            during += observe(tab, 2).ages
    seconds = time.monotonic() - begin
    refused = Counter(guess.result() for guess in guesses)
    ratio = percentile(during, 0.95) / percentile(alone.ages, 0.95)
    yield (
        f'a page at 5,000 lines/s during {number:,} wrong sign-ins '
        f'({number / seconds:.0f} a second: {", ".join(f"{count} × {status}" for status, count in refused.items())})',
        spread(during),
        f'before {spread(alone.ages)}',
        f'{ratio:.2f}',
    )


def _guess(url: str, number: int) -> int:
    body = json.dumps({'username': f'nobody-{number}', 'password': 'a wrong password'}).encode()
    request = urllib.request.Request(
        f'{url}/api/auth/login',
        body,
        {'Content-Type': 'application/json', 'X-Forwarded-For': f'10.0.{number // 250}.{number % 250}'},
    )
    try:
        urllib.request.urlopen(request, timeout=60).close()
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    return 200


def meaning(run: Run) -> Iterator[Row]:
    """What lines say, on one core: their levels, fields and messages, and questions of them."""
    for name, rate, reference, reference_rate in figures(run.seconds(3)):
        yield (
            f'one core: {name}',
            f'{rate:,.0f} lines/s',
            f'{reference} {reference_rate:,.0f} lines/s',
            f'{rate / reference_rate:.2f}',
        )


def pauses(run: Run) -> Iterator[Row]:
    """Lines and requests that are much work, beside a healthy page: how long others wait."""
    run.containers('healthy', command=writer(1_000), log_config=ROTATED)
    for name, (command, _) in HOSTILE.items():
        run.containers(name, command=f'{command}; sleep 10000')
    tab, token = run.page('healthy'), run.server.token()
    tab.wait_for_selector('.log .l')
    with Probe(run.server.port) as idle:
        alone = observe(tab, run.seconds(15))
    reference = f'alone {spread(idle.answers)}; page {spread(alone.ages)}'

    def beside(words: str, begin: Callable[[], object]) -> Row:
        with Probe(run.server.port) as probe:
            work, ages = begin(), list[float]()
            while not ages or (isinstance(work, Future) and not work.done()):
                ages += observe(tab, run.seconds(15)).ages
        if isinstance(work, Page):
            work.close()
        ratio = f'{max(probe.answers) / max(idle.answers):.1f}'
        return words, f'others wait {spread(probe.answers)}; page {spread(ages)}', reference, ratio

    def open_(name: str, question: str) -> Page:
        url = f'{run.server.url}/logs?service={name}&tail={HOSTILE[name][1]}&filter={question}'
        return open_page(run.browser, url, 'admin', PASSWORD)

    with ThreadPoolExecutor(1) as aside:
        url = f'{run.server.url}/api/logs/long'
        yield beside('a page that marks each of 5,000,000 characters', lambda: open_('marks', '/./'))
        yield beside('a page of 1,000 lines of 64 KiB of colours', lambda: open_('codes', ''))
        yield beside('10,000 last lines of 16 kB', lambda: aside.submit(fetch, f'{url}?tail=10000', token))
        expression = quote('/a.{100}b.{100}c/')
        searched = f'{url}/download?filter={expression}'
        yield beside('a download of them through a dear expression', lambda: aside.submit(fetch, searched, token))


def left_behind(run: Run) -> Iterator[Row]:
    """Services of long lines, watched and left, again and again: what the server keeps of them."""
    names = left.start(run.containers)
    server = Server(run.server.data_dir.parent / f'{run.server.data_dir.name}-left', DASHBOARD_LINGER=f'{left.LINGER}')
    tab = open_page(run.browser, f'{server.url}/logs', 'admin', PASSWORD)
    try:
        idle = usage(server.process.pid).memory
        after = list(left.rounds(server, tab, names, 4 if run.options.quick else 12))
    finally:
        tab.close()
        server.stop()
        shutil.rmtree(server.data_dir)
    yield (
        f'{len(names)} services of lines of {left.LENGTH:,} bytes, watched and left: the server after each round',
        f'{" ".join(f"{memory:,.0f}" for memory in after)} MiB',
        f'before {idle:,.0f} MiB; the last round ≤ 2 × the first',
        f'{after[-1] / after[0]:.2f}',
    )


def merged(run: Run) -> Iterator[Row]:
    """Many services on one page, and one that writes as much as all of them."""
    number, rate = (30 if not run.options.quick else 10), 300
    single = run.containers('alone', command=numbered(number * rate), log_config=ROTATED)
    alone = _counted(run, 'alone')
    single.kill()
    containers = [
        run.containers(f'm{index}', project='many', command=numbered(rate), log_config=ROTATED)
        for index in range(number)
    ]
    time.sleep(3)
    together = _counted(run, 'many:*')
    for container in containers:
        container.kill()
    yield f'one service of {number * rate:,} lines/s on a page', alone[1], '', ''
    yield (
        f'{number} services of {rate:,} lines/s on one page',
        together[1],
        'p95 ≤ 300 ms; 0 / 0 / 0; beside the page above',
        f'{percentile(together[0], 0.95) / percentile(alone[0], 0.95):.2f}',
    )


def _counted(run: Run, service: str) -> tuple[list[float], str]:
    tab = run.page(service)
    tab.wait_for_selector('.log .l')
    tab.wait_for_timeout(5_000)
    before = usage(run.pid)
    found = account(tab, run.seconds(20))
    after = usage(run.pid)
    tab.close()
    figures = f'{spread(found.ages)}; {found}; longest task {found.longest_task:,.0f} ms'
    return found.ages, f'{figures}; {cores(before, after):.2f} cores, {after.memory:.0f} MiB'


def jumps(run: Run) -> Iterator[Row]:
    """To the lines at a tenth, the middle and nine tenths of a long log."""
    count = MILLION // (5 if run.options.quick else 1)
    container = run.containers('jumps', command=long_log(count))
    wait_until(lambda: not container.exec_run('ls /written').exit_code, 300)
    for share in (0.1, 0.5, 0.9):
        number = int(count * share)
        stamp, ours, theirs = stamp_of(container.id, count, number), [], []
        for _ in range(5):
            theirs.append(since(container.id, stamp))
            tab = run.page('jumps')
            tab.wait_for_selector('.log .l')
            ours.append(jump(tab, stamp, number))
            tab.close()
        ratio = percentile(ours, 0.5) / percentile(theirs, 0.5)
        words = f'a jump on the page to line {number:,} of {count:,}'
        yield (
            words,
            spread(ours),
            f'≤ 1,000 ms; `docker logs --since` to its first line {spread(theirs)}',
            f'{ratio:.2f}',
        )


def strip(run: Run) -> Iterator[Row]:
    """What the strip of bars costs the server, of one core: two pages of which one had none would differ by chance."""
    rate = 10_000
    with ThreadPoolExecutor() as aside:  # a loop of its own: Playwright has this thread's
        counting, all_, part = aside.submit(measured, rate, int(run.seconds(30))).result()
    yield (
        f'lines over time, at {rate:,} lines/s',
        f'counting {counting:.1%}, drawing {all_:.1%}, or {part:.1%} where a part of what is held is shown',
        '≤ 5 % of a core; the levels above the log need the counting too',
        '',
    )


def other(run: Run) -> Iterator[Row]:
    """Another viewer, by the same measure."""
    for rate in (100, 1_000, 10_000, FULL_SPEED):
        container = run.containers('bench', command=writer(rate), name='bench', log_config=ROTATED)
        tab = _found(run)
        seen = observe(tab, run.seconds(15), run.options.selector, run.options.line)
        figures = f'{spread(seen.ages)}; {_browser(seen)}; {seen.lines:,} lines'
        yield f'{run.options.url}, {rate or "full"} lines/s', figures, '', ''
        tab.close()
        container.remove(force=True)


def _found(run: Run) -> Page:
    """The page of the other viewer, once it shows lines: it may need a moment to learn of a new container."""
    options = run.options
    for _ in range(6):
        tab = run.browser.new_page(viewport={'width': 1280, 'height': 760})
        tab.goto(options.url)
        with suppress(TimeoutError):
            tab.wait_for_selector(options.selector, state='attached', timeout=5_000)
            tab.wait_for_selector(options.line, state='attached', timeout=5_000)
            return tab
        tab.close()
    sys.exit(f'No line of the container "bench" is on {options.url}: look at --selector and --line.')


ROWS: dict[str, Callable[[Run], Iterator[Row]]] = {
    '1': reader, '2': page, '3': fan_out, '4': stalled, '5': idle, '6': first_lines, '7': sign_ins,
    '8': meaning, '9': pauses, '10': asked, '11': left_behind, '12': merged, '13': jumps, '14': strip,
    '15': stored, '16': recorded, 'other': other,
}  # fmt: skip
