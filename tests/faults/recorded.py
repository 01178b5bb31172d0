"""Faults of the store while three containers write numbered lines: what is in it then."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from docker.models.containers import Container

from dashboard.app import KEPT
from tests.faults import account
from tests.faults.account import Account
from tests.faults.kept import GIBIBYTE, is_kept, kept_in
from tests.faults.scene import FAST_WRITER, WRITER
from tests.support.docker_engine import Containers, wait_until
from tests.support.server import Server

LONGEST = 1.5  # seconds between two kills at the most
NAMES = ('killed-a', 'killed-b', 'killed-c')  # the services that write; the last one is recreated meanwhile
LONG_WRITER = FAST_WRITER.replace('echo "$run $n"', f'echo "$run $n {"x" * 200}"')  # so that files are sealed soon
BEGUN = dict.fromkeys(NAMES, 1_000)  # lines of each service that are kept before it is killed


def killed(containers: Containers, data: Path, times: int) -> dict[str, Account]:
    """Kill it so often, at random moments; at last one container is recreated while it is dead.

    :returns: what the store has of each service, compared with what its containers wrote
    """
    chance = random.Random(times)
    writers = _begun(containers, WRITER)
    written: dict[str, list[str]] = defaultdict(list)
    for number in range(times):
        server = start(data)
        if not number:  # who was never read leaves no gap
            _until_recorded(server)
        time.sleep(chance.uniform(0, LONGEST))
        server.process.kill()
        server.stop()
    lost = NAMES[-1]
    written[lost] += logged(writers[lost])
    writers[lost].remove(force=True)
    writers[lost] = containers(lost, command=WRITER)
    with start(data) as server:
        time.sleep(1)
        _end(server, writers)
    return _compared(data, writers, written)


def filled(containers: Containers, data: Path) -> dict[str, Account]:
    """Fill the disk of the store, a small one, until nothing can be recorded; then make room again."""
    writers = _begun(containers, WRITER)
    with _small_disk(data):
        with start(data) as server:
            _until_recorded(server)
            ballast, token = data / 'ballast', server.token()  # on a full disk nobody can sign in
            ballast.write_bytes(bytes(shutil.disk_usage(data).free - (256 << 10)))
            wait_until(lambda: time.sleep(0.1) or 'is full' in _words(server, token), 60, 'it is not said to be full')
            time.sleep(2)
            ballast.unlink()
            wait_until(lambda: time.sleep(0.1) or not _words(server, token), 60, 'it is not recorded again')
            _end(server, writers)
        return _compared(data, writers)


def vanished(containers: Containers, data: Path) -> dict[str, Account]:
    """Remove a sealed file from the middle."""
    return _harmed(containers, data, Path.unlink)


def damaged(containers: Containers, data: Path) -> dict[str, Account]:
    """Write something else over a sealed file."""
    return _harmed(containers, data, lambda path: path.write_bytes(os.urandom(path.stat().st_size)))


def _harmed(containers: Containers, data: Path, harm: Callable[[Path], object]) -> dict[str, Account]:
    writers = _begun(containers, LONG_WRITER)
    with start(data) as server:
        wait_until(lambda: time.sleep(0.1) or len(_sealed(data)) > 2, 60, 'nothing is sealed')
        harm(_sealed(data)[1])
        _end(server, writers)
    return _compared(data, writers)


def _begun(containers: Containers, command: str) -> dict[str, Container]:
    return {name: containers(name, command=command) for name in NAMES}


def _until_recorded(server: Server) -> None:
    wait_until(lambda: time.sleep(0.1) or is_kept(server, BEGUN), 60, 'they were never recorded')


def _end(server: Server, writers: dict[str, Container]) -> None:
    """End the writers, and wait until all that they have written is kept."""
    for writer in writers.values():
        writer.exec_run(['touch', '/end'])
    for name in writers:
        wait_until(lambda name=name: time.sleep(0.2) or _has_ended(server, name), 60, f'{name} is not kept to its end')


def _compared(
    data: Path, writers: dict[str, Container], before: dict[str, list[str]] | None = None
) -> dict[str, Account]:
    """What they have written, and others of the same services before them, compared with what is kept."""
    for _ in range(2):  # what cannot be read is found at the first reading, and told from then on
        rows = asyncio.run(kept_in(data / KEPT))
    written = {name: [*(before or {}).get(name, []), *logged(writer)] for name, writer in writers.items()}
    return {name: account.compare(written[name], [rows[name]]) for name in writers}


def _has_ended(server: Server, name: str) -> bool:
    """Whether the last line of a service is kept."""
    _, body = server.get(f'/api/search?service={name}&filter={quote("/ end$/")}', server.token())
    return b' end"' in body


def _words(server: Server, token: str) -> str:
    """What is wrong with the store."""
    return json.loads(server.get('/api/storage', token)[1])['problem']


def _sealed(data: Path) -> list[Path]:
    return sorted((data / KEPT).glob('lines-*.parquet'))


@contextmanager
def _small_disk(place: Path) -> Iterator[None]:
    """A file system of 24 MiB there."""
    place.mkdir()
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=24m,mode=700', 'tmpfs', str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(['umount', '-l', str(place)], check=True)


def start(data: Path) -> Server:
    """A dashboard that records nothing but the writers."""
    options = {'DASHBOARD_STORE_BYTES': GIBIBYTE, 'DASHBOARD_STORE_INCLUDE': '*/killed-*'}
    return Server(data, **options)


def logged(container: Container) -> list[str]:
    """What the engine has of a container, as :func:`kept_in` says it."""
    return container.logs(timestamps=True).decode().splitlines()
