"""Ways to the machine's engine, beside its socket."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import ssl
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.docker_engine import wait_until
from tests.support.server import free_port

SOCKET = '/var/run/docker.sock'


@pytest.fixture
def tcp_engine():
    """The machine's engine behind a TCP port: ``tcp_engine(context)`` with TLS."""
    listeners, open_sockets = [], []

    def serve(listener: socket.socket, context: ssl.SSLContext | None) -> None:
        while True:
            try:
                client, _ = listener.accept()
                client = context.wrap_socket(client, server_side=True) if context else client
            except ssl.SSLError:
                continue
            except OSError:
                return
            target = socket.socket(socket.AF_UNIX)
            target.connect(SOCKET)
            open_sockets.extend((client, target))
            for pair in ((client, target), (target, client)):
                threading.Thread(target=pipe, args=pair, daemon=True).start()

    def start(context: ssl.SSLContext | None = None) -> int:
        listener = socket.create_server(('127.0.0.1', 0))
        listeners.append(listener)
        threading.Thread(target=serve, args=(listener, context), daemon=True).start()
        return listener.getsockname()[1]

    yield start
    for item in [*listeners, *open_sockets]:
        with suppress(OSError):
            item.shutdown(socket.SHUT_RDWR)
        item.close()


@pytest.fixture
def ssh_host(tmp_path, monkeypatch):
    """``user@host:port`` of an SSH server that lets this user in, with a client configuration that knows it."""
    # ssh may have ended before the SDK closes its pipe; who kept that error until the end would keep the pipe as well
    monkeypatch.setattr('sys.unraisablehook', lambda _: None)
    server = shutil.which('sshd', path=f'{os.environ["PATH"]}:/usr/sbin')
    assert server, 'sshd is missing: apt-get install openssh-server'
    Path('/run/sshd').mkdir(exist_ok=True)
    port = free_port()
    for name in ('host', 'user'):
        subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', tmp_path / name], check=True)
    options = {
        'Port': port, 'ListenAddress': '127.0.0.1', 'HostKey': tmp_path / 'host', 'StrictModes': 'no',
        'AuthorizedKeysFile': tmp_path / 'user.pub', 'PidFile': tmp_path / 'pid', 'UsePAM': 'no',
        'PermitRootLogin': 'yes',
    }  # fmt: skip
    arguments = [item for name, value in options.items() for item in ('-o', f'{name}={value}')]
    process = subprocess.Popen([server, '-D', '-e', '-f', '/dev/null', *arguments], stderr=subprocess.DEVNULL)
    wrapper = tmp_path / 'bin' / 'ssh'
    wrapper.parent.mkdir()
    known = f'-o IdentityFile={tmp_path}/user -o UserKnownHostsFile={tmp_path}/known -o StrictHostKeyChecking=no'
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -q {known} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv('PATH', f'{wrapper.parent}:{os.environ["PATH"]}')
    wait_until(lambda: listens(port))
    yield f'{getpass.getuser()}@127.0.0.1:{port}'
    process.terminate()
    process.wait()


def pipe(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
    except OSError:
        pass
    finally:
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return not probe.connect_ex(('127.0.0.1', port))
