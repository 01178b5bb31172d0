"""Real Docker engines and containers for tests."""

from __future__ import annotations

import fcntl
import gc
import io
import os
import shutil
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import docker
from docker.errors import DockerException, ImageNotFound
from docker.models.containers import Container
from docker.transport.sshconn import SSHSocket

from tests.support.until import PATIENCE

TINY = 'docker-log-dashboard/tiny:1'
LABEL = 'docker-log-dashboard.test'  # on everything that tests make


def wait_until(condition: Callable[[], object], timeout: float = PATIENCE, message: str = '') -> object:
    """Look until the condition holds, and return what it gave; fail after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < deadline, message or f'not in {timeout} s: {condition}'
        time.sleep(0.02)
    return found


def ssh_is_collected() -> bool:
    """Whether the collector has had what the SDK's ssh transport leaves to it; wait where its warning is expected.

    A stream is closed in a thread of its own, so one look would often be too early.
    """
    subprocess.run(['true'], check=True)  # an ssh that had not ended when it was collected is kept until then
    gc.collect()
    return not any(isinstance(item, SSHSocket) for item in gc.get_objects())


def make_tiny_image(client: docker.DockerClient) -> str:
    """An image of nothing but busybox: no registry is asked."""
    with Path(__file__).open() as lock:  # tests that run side by side make it once
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            client.images.get(TINY)
        except ImageNotFound:
            client.api.import_image_from_data(_busybox(), repository=TINY, changes=['ENV PATH=/bin'])
    return TINY


def _busybox() -> bytes:
    """The files of the image, as a tar archive."""
    busybox = shutil.which('busybox')
    assert busybox, 'busybox is missing: apt-get install busybox-static'
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode='w') as tar:
        tar.add(busybox, 'bin/busybox')
        for applet in subprocess.check_output([busybox, '--list'], text=True).split():
            link = tarfile.TarInfo(f'bin/{applet}')
            link.type, link.linkname = tarfile.SYMTYPE, 'busybox'
            if applet != 'busybox':
                tar.addfile(link)
    return archive.getvalue()


WHEN_TOLD = 'while [ ! -e /told ]; do usleep 20000; done;'  # a command may begin with it, to wait for tell()


def tell(container: Container) -> None:
    """Let a container go on that waits :data:`WHEN_TOLD`."""
    container.exec_run(['touch', '/told'])


class Containers:
    """Starts containers as compose would label them; removes them all at the end."""

    def __init__(self, client: docker.DockerClient) -> None:
        self.mark = uuid4().hex  # the value of LABEL on these containers and no others
        self._client = client
        self._started: list[Container] = []

    def __call__(
        self, service: str = 'web', *, project: str = 'shop', command: str = 'sleep 1000', labels=None, **options
    ) -> Container:
        """Run ``command`` in a shell; '' as project for a container without compose, which then needs a ``name``."""
        compose = {
            'com.docker.compose.project': project,
            'com.docker.compose.service': service,
            'com.docker.compose.container-number': str(len(self._started) + 1),
        }
        container = self._client.containers.create(
            options.pop('image', None) or make_tiny_image(self._client),
            ['sh', '-c', command],
            network_mode=options.pop('network_mode', 'none'),
            stop_signal=options.pop('stop_signal', 'SIGKILL'),  # a shell as first process would ignore SIGTERM for 10 s
            labels={LABEL: self.mark, **(compose if project else {}), **(labels or {})},
            **options,
        )
        self._started.append(container)
        container.start()
        return container

    def remove_all(self) -> None:
        for container in self._started:
            with suppress(DockerException, OSError):  # the test has removed it, or ended the engine
                container.remove(force=True, v=True)


class PrivateEngine:
    """A Docker engine of its own: socket, data, processes; so that a test may stop, kill and freeze it.

    It has a network namespace of its own too: an engine without a bridge removes that of the machine's engine.
    """

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        self.url = f'unix://{directory}/docker.sock'
        self.process: subprocess.Popen | None = None
        self._options = options
        self._clients: list[docker.DockerClient] = []

    def start(self) -> PrivateEngine:
        """Start it, and wait until it answers."""
        # the number of a killed engine may be held by a process that nobody has reaped: it would wait a minute and fail
        for leftover in ('docker.pid', 'docker.sock', 'exec/containerd/containerd.pid'):
            (self.directory / leftover).unlink(missing_ok=True)
        with (self.directory / 'dockerd.log').open('ab') as log:
            self.process = subprocess.Popen(self._command(), stdout=log, stderr=log)
        wait_until(self.answers, 60, f'see {self.directory}/dockerd.log')
        return self

    def answers(self) -> bool:
        return not subprocess.run(
            ['timeout', '5', 'docker', '--host', self.url, 'version'], capture_output=True, check=False
        ).returncode

    def client(self) -> docker.DockerClient:
        client = docker.DockerClient(self.url, version='auto', timeout=PATIENCE)
        self._clients.append(client)
        return client

    def stop(self) -> None:
        """End it in order: its containers end with it, unless it runs with ``--live-restore``."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once: its containers live on, and stop when it starts again without ``--live-restore``."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it take connections and answer nothing, until :meth:`thaw`."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)  # its threads stop one after the other

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End it with all that it started, whatever the test has done to it."""
        if self.process is None:
            return
        with suppress(DockerException, AssertionError, subprocess.TimeoutExpired):  # else the hard way, below
            self._remove_containers()
            self.stop()
        for client in self._clients:
            client.close()
        for pid in self._processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
        for mount in self._mounts():
            subprocess.run(['umount', '-l', mount], check=False)

    def _command(self) -> list[str]:
        paths = {'data-root': 'data', 'exec-root': 'exec', 'pidfile': 'docker.pid'}
        return [
            *('unshare', '--net', 'dockerd', '--host', self.url, '--bridge=none', '--iptables=false'),
            *(f'--{option}={self.directory}/{path}' for option, path in paths.items()),
            *self._options,
        ]

    def _remove_containers(self) -> None:
        if self.process.poll() is None:
            self.thaw()
        else:  # only an engine can end, without a trace, the containers that a killed one has left
            self.start()
        for container in self.client().containers.list(all=True):
            container.remove(force=True)

    def _end(self, number: int) -> None:
        self.process.send_signal(number)
        self.process.wait(PATIENCE)
        wait_until(lambda: not self._processes('containerd\0--config'), 30, 'containerd has outlived its engine')

    def _processes(self, begin: str = '') -> list[int]:
        """The engine's own processes whose command line begins so: dockerd, containerd, the shims of containers."""
        found = []
        for entry in Path('/proc').glob('[0-9]*/cmdline'):
            with suppress(OSError):  # it has ended meanwhile
                command = entry.read_text(errors='replace')
                if f'{self.directory}/' in command and command.startswith(begin):
                    found.append(int(entry.parent.name))
        return found

    def _mounts(self) -> list[str]:
        mounts = [line.split()[1] for line in Path('/proc/mounts').read_text().splitlines()]
        return sorted((mount for mount in mounts if mount.startswith(f'{self.directory}/')), reverse=True)
