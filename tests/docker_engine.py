"""Real Docker engines and containers for tests."""

from __future__ import annotations

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

import docker
from docker.errors import DockerException, ImageNotFound
from docker.models.containers import Container

TINY = 'docker-log-dashboard/tiny:1'
LABEL = 'docker-log-dashboard.test'  # on everything that tests make


def wait_until(condition: Callable[[], object], timeout: float = 10, message: str = '') -> object:
    """Look until the condition holds, and return what it gave; fail after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < deadline, message or f'not in {timeout} s: {condition}'
        time.sleep(0.02)
    return found


def make_tiny_image(client: docker.DockerClient) -> str:
    """An image of nothing but busybox: no registry is asked."""
    try:
        client.images.get(TINY)
    except ImageNotFound:
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
        repository, tag = TINY.split(':')
        client.api.import_image_from_data(archive.getvalue(), repository=repository, tag=tag, changes=['ENV PATH=/bin'])
    return TINY


class Containers:
    """Starts containers as compose would label them; removes them all at the end."""

    def __init__(self, client: docker.DockerClient) -> None:
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
            make_tiny_image(self._client),
            ['sh', '-c', command],
            network_mode=options.pop('network_mode', 'none'),
            labels={LABEL: '1', **(compose if project else {}), **(labels or {})},
            **options,
        )
        self._started.append(container)
        container.start()
        return container

    def remove_all(self) -> None:
        for container in self._started:
            with suppress(DockerException):  # the test has removed it
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
        for leftover in ('docker.pid', 'docker.sock'):
            (self.directory / leftover).unlink(missing_ok=True)
        with (self.directory / 'dockerd.log').open('ab') as log:
            self.process = subprocess.Popen(
                [
                    'unshare', '--net', 'dockerd', '--host', self.url, '--data-root', f'{self.directory}/data',
                    '--exec-root', f'{self.directory}/exec', '--pidfile', f'{self.directory}/docker.pid',
                    '--bridge=none', '--iptables=false', *self._options,
                ],
                stdout=log,
                stderr=log,
            )  # fmt: skip
        wait_until(self.answers, 60, f'see {self.directory}/dockerd.log')
        return self

    def answers(self) -> bool:
        return not subprocess.run(
            ['docker', '--host', self.url, 'version'], capture_output=True, check=False
        ).returncode

    def client(self) -> docker.DockerClient:
        client = docker.DockerClient(self.url, version='auto', timeout=30)
        self._clients.append(client)
        return client

    def stop(self) -> None:
        self._signal(signal.SIGTERM)
        self.process.wait(30)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        self.process.wait(30)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """End it, its containers and the containerd it may have left behind."""
        if self.process and self.process.poll() is None:
            self.thaw()
            self.stop()
        for client in self._clients:
            client.close()
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                command = Path(f'/proc/{pid}/cmdline').read_bytes()
            except OSError:
                continue
            if str(self.directory).encode() in command and int(pid) != os.getpid():
                os.kill(int(pid), signal.SIGKILL)
        mounts = [line.split()[1] for line in Path('/proc/mounts').read_text().splitlines()]
        for mount in sorted((mount for mount in mounts if mount.startswith(str(self.directory))), reverse=True):
            subprocess.run(['umount', '-l', mount], check=False)

    def _signal(self, number: int) -> None:
        os.kill(self.process.pid, number)
