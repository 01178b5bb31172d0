"""An engine with a writer of numbered lines, a dashboard, and viewers; between them wires that can be cut."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from urllib.request import Request, urlopen

from docker.models.containers import Container
from docker.types import LogConfig
from playwright.sync_api import Browser

from dashboard.app import KEPT
from dashboard.model import SECOND, STAMP_LENGTH, format_timestamp, parse_timestamp
from tests.faults.account import Account, Gap, compare
from tests.faults.kept import is_kept, kept_in
from tests.faults.viewers import Follower, Watcher
from tests.support.browser import sign_in
from tests.support.docker_engine import Containers, PrivateEngine, wait_until
from tests.support.server import Server
from tests.support.until import PATIENCE
from tests.support.wire import Wire

SERVICE = 'web'
NUMBER = 'com.docker.compose.container-number'
# 100 lines twenty times a second, each unlike every other one, until it is told to end
WRITER = (
    'run=$(cut -c 1-8 /proc/sys/kernel/random/uuid); n=0; trap "" TERM;'
    ' while [ ! -e /end ]; do i=0; while [ $i -lt 100 ]; do i=$((i+1)); n=$((n+1)); echo "$run $n"; done;'
    ' usleep 45000; done; echo "$run end"; sleep 1000'
)
# 200 lines a second, after a past that makes Podman's reading of a tail slow
EVEN_WRITER = WRITER.replace('100', '10').replace(
    'trap', 'while [ $n -lt 3000 ]; do n=$((n+1)); echo "$run $n"; done; trap'
)
FAST_WRITER = WRITER.replace('-lt 100', '-lt 500')
SHARING_WRITER = WRITER.replace('-lt 100', '-lt 30')
SLOW_WRITER = (
    'run=$(cut -c 1-8 /proc/sys/kernel/random/uuid); n=0;'
    ' while [ ! -e /end ]; do n=$((n+1)); echo "$run $n"; usleep 200000; done; echo "$run end"; sleep 1000'
)


class Scene:
    """Everything that a fault can be done to.

    :param engine: runs, and has no containers; at the end it has none again
    :param environ: settings of the dashboard
    :param writer: what the first container does
    :param others: services that are watched together with the first one
    """

    def __init__(
        self,
        directory: Path,
        browser: Browser,
        engine: PrivateEngine,
        *,
        writer: str = WRITER,
        others: tuple[str, ...] = (),
        tcp: bool = False,
        log: dict[str, str],
        environ: dict[str, str],
    ) -> None:
        self.engine = engine
        self.client = engine.client()
        self.run = Containers(self.client)
        self.web = self.write(command=writer, **logging(**log))
        self.others = [self.write(command=writer, service=name) for name in others]
        self.watched = ','.join([SERVICE, *others])
        self.removed: list[str] = []  # what removed containers have written
        path = None if tcp else directory / 'wire.sock'
        self.to_engine = Wire(str(engine.directory / 'docker.sock'), path)
        host = f'tcp://127.0.0.1:{self.to_engine.port}' if tcp else f'unix://{path}'
        self._data, self._environ = directory / 'dashboard', {'DOCKER_HOST': host, **environ}
        self.server = Server(self._data, **self._environ)
        self.to_server = Wire(('127.0.0.1', self.server.port))
        self.url = f'http://127.0.0.1:{self.to_server.port}'
        self.token = self.server.token()
        self.context = browser.new_context()
        self.watcher = Watcher(self.context.new_page())
        sign_in(self.watcher.page, self, f'/logs?service={self.watched.replace(",", "&service=")}&tail=100')
        self.follower = Follower(self.url, self.watched, self.token)
        wait_until(lambda: self.watcher.page.evaluate('1') and self.watcher.last and self.follower.rows)

    # what faults do

    def write(self, number: int = 1, command: str = WRITER, service: str = SERVICE, **options) -> Container:
        """Start a container of a service that writes."""
        options.setdefault('labels', {})[NUMBER] = str(number)
        return self.run(service=service, command=command, **options)

    def rest(self, seconds: float) -> None:
        """Let it run; the browser's reports are taken meanwhile."""
        self.watcher.page.wait_for_timeout(seconds * 1_000)

    def remove(self, container: Container) -> None:
        """Remove a container, but keep what it wrote for the comparison."""
        container.reload()
        if container.status == 'running':
            container.kill()
        container.wait()
        self.removed += self._logged(container)
        container.remove(force=True)

    def set_back(self, container: Container, since: int, seconds: int) -> None:
        """Let a stopped container have logged so much earlier, as by a clock that was set back.

        :param since: nanoseconds since the epoch, of the first lines of which that is true
        """
        path = self.engine.directory / 'data' / 'containers' / container.id / f'{container.id}-json.log'
        records = path.read_bytes().splitlines(keepends=True)
        begun = next(place for place, record in enumerate(records) if _time_of(record) >= since)
        path.write_bytes(b''.join(records[:begun] + [_earlier(record, seconds) for record in records[begun:]]))

    def empty_log(self, container: Container) -> None:
        """Empty its log, as people do who need the room."""
        os.truncate(self.engine.directory / 'data' / 'containers' / container.id / f'{container.id}-json.log', 0)

    def restart_server(self, meanwhile: Callable[[], None]) -> None:
        """End the dashboard and start it again."""
        self.server.stop()
        meanwhile()
        self.server = Server(self._data, port=self.server.port, **self._environ)

    def until_badge(self, words: str, timeout: float = PATIENCE) -> None:
        """Wait until the page's badge says that."""
        wait_until(
            lambda: self.rest(0.1) or words in ' '.join(self.watcher.badge[-1:]),
            timeout,
            f'never {words!r}: {self.watcher.badge[-3:]}',
        )

    def until_reachable(self) -> None:
        """Wait until the dashboard says that the engine answers."""

        def is_reachable() -> bool:
            self.rest(0.1)
            with urlopen(f'{self.server.url}/api/health') as answer:
                return json.load(answer)['engine'] == 'reachable'

        wait_until(is_reachable, 60, 'the engine stays unreachable')

    def answers(self) -> Container:
        """The writer, as soon as the engine answers."""
        wait_until(self.engine.answers)
        self.web.reload()
        return self.web

    # the comparison

    def compare(
        self, rotates: bool = False, in_order: bool = False, crowded: bool = False, keeps: bool = False
    ) -> dict[str, Account]:
        """End the writers, wait for the viewers to have come to the end, and compare.

        :param rotates: the engine has not kept everything: go by the numbers in the lines
        :param in_order: go by the order of the only container's log, not by its timestamps
        :param crowded: go by the order of each writer's own lines
        :param keeps: the dashboard keeps lines, of removed containers too; it ends, to look at what it has
        """
        running = [item for item in self.client.containers.list() if item.status == 'running']
        for container in running:
            container.exec_run(['touch', '/end'])
        ends = set()
        for container in running:
            wait_until(lambda container=container: self._logged(container)[-1].endswith(' end'))
            ends.add(self._logged(container)[-1])
        kept = [line for item in self.client.containers.list(all=True) for line in self._logged(item)]
        settle = list if in_order else _settled
        kept = kept if in_order else sorted(kept, key=_moment_and_writer)
        wait_until(lambda: ends <= set(self.follower.rows), 60, 'the WebSocket client never came to the end')
        page = self.watcher
        wait_until(lambda: self.rest(0.1) or ends <= set(list(page.loads.values())[-1]), 60, 'nor the page')
        self.follower.close()
        if keeps:
            wanted = {SERVICE: len(kept)}
            wait_until(lambda: time.sleep(0.2) or is_kept(self.server, wanted), 30, 'nor what is kept')
        downloaded = settle(self._downloaded())
        assert keeps or downloaded == kept, f'the download is not what the engine has: {_difference(downloaded, kept)}'
        everything = kept if in_order else sorted([*kept, *self.removed], key=_moment_and_writer)
        name: Callable[[str | Gap], str | Gap] = _number if rotates else (lambda row: row)
        if rotates:
            run, last = kept[-2].split()[1:]
            everything = [*(f'{run} {number + 1}' for number in range(int(last))), f'{run} end']
        writer = (lambda line: line.split()[1]) if crowded else None
        return {
            'WebSocket': compare(everything, [list(map(name, settle(self.follower.rows)))], writer),
            'page': compare(everything, [list(map(name, settle(rows))) for rows in page.loads.values()], writer),
            'download': compare(everything if keeps else kept, [list(map(_told, downloaded))]),
            **({'kept': compare(everything, [settle(self._kept())])} if keeps else {}),
        }

    def _kept(self) -> list[str | Gap]:
        self.server.stop()
        with ThreadPoolExecutor() as aside:  # a loop of its own: Playwright has this thread's
            return aside.submit(asyncio.run, kept_in(self._data / KEPT)).result()[SERVICE]

    def _downloaded(self) -> list[str]:
        request = Request(f'{self.url}/api/logs/{self.watched}/download?timestamps=true')
        request.add_header('Authorization', f'Bearer {self.token}')
        with urlopen(request, timeout=PATIENCE) as answer:
            rows = answer.read().decode().splitlines()
        return [row.partition(' | ')[2] for row in rows] if self.others else rows

    def _logged(self, container: Container) -> list[str]:
        command = ['docker', '--host', self.engine.url, 'logs', '--timestamps', container.id]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE)
        found = done.stdout.splitlines()
        return [_in_full(row) for row in found]

    def close(self) -> None:
        self.follower.close()
        self.context.close()
        self.server.stop()
        self.to_server.close()
        self.to_engine.close()
        self.run.remove_all()


def logging(driver: str = 'json-file', **options: str) -> dict[str, LogConfig]:
    """What a container takes to log so."""
    return {'log_config': LogConfig(type=driver, config=options)}


def _told(row: str) -> str | Gap:
    """A row of a download, which may say that lines are missing."""
    return Gap(None) if row.startswith('--- ') else row


def _moment_and_writer(row: str | Gap) -> list[str]:
    """The moment of a row, and who wrote it."""
    return [] if isinstance(row, Gap) else row.split()[:2]


def _settled(rows: Iterable[str | Gap]) -> list[str | Gap]:
    """Rows of one nanosecond by their writers: which of two containers was first then, nobody can tell."""
    moments = groupby(rows, lambda row: _moment_and_writer(row)[:1])
    return [row for _, together in moments for row in sorted(together, key=_moment_and_writer)]


def _difference(found: list[str], wanted: list[str]) -> str:
    """Where two lists of lines part, and what one has more."""
    place = next((place for place, pair in enumerate(zip(found, wanted, strict=False)) if pair[0] != pair[1]), -1)
    more, less = len(set(found) - set(wanted)), len(set(wanted) - set(found))
    return f'{more} more, {less} less; from {place} on {found[place : place + 3]}, not {wanted[place : place + 3]}'


def _number(row: str | Gap) -> str | Gap:
    """A line without its time."""
    return row if isinstance(row, Gap) else row.partition(' ')[2]


def _in_full(row: str) -> str:
    """A row with its time as we write it: Podman tells whole seconds, and within lines too."""
    stamp, _, text = row.partition(' ')
    if len(stamp) == STAMP_LENGTH:
        return row
    return f'{format_timestamp(parse_timestamp(stamp))} {re.sub(_WHOLE_SECOND, "", text)}'


_WHOLE_SECOND = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ')


def _time_of(record: bytes) -> int:
    """When a record of a log of the driver json-file was written, in nanoseconds since the epoch."""
    return parse_timestamp(json.loads(record)['time'])


def _earlier(record: bytes, seconds: int) -> bytes:
    """A record of a log of the driver json-file, that many seconds earlier."""
    fields = json.loads(record) | {'time': format_timestamp(_time_of(record) - seconds * SECOND)}
    return json.dumps(fields).encode() + b'\n'
