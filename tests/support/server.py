"""Starts the real program for tests, as a user would, on a free port and in a data directory of its own."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from tests.support.until import PATIENCE

PASSWORD = 'correct horse battery'


class Server:
    """One running dashboard."""

    def __init__(
        self,
        data_dir: Path,
        *options: str,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        program: Sequence[str] = (sys.executable, '-m', 'dashboard'),
        cwd: Path | None = None,
        **environ: str,
    ) -> None:
        self.port = port or free_port()
        self.url = f'{"https" if tls else "http"}://127.0.0.1:{self.port}'
        self._tls = tls
        self.data_dir = data_dir
        self.output = ''
        clean = {name: value for name, value in os.environ.items() if not name.startswith(('NICEGUI_', 'PYTEST_'))}
        self.process = subprocess.Popen(
            [*program, '--port', str(self.port), '--data-dir', str(data_dir), *options],
            cwd=cwd,
            # what is kept is not what most tests are about, and costs the machine more than what they are about
            env={**clean, 'DASHBOARD_ADMIN_PASSWORD': PASSWORD, 'DASHBOARD_STORE_BYTES': '0', **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._wait()

    def token(self) -> str:
        """A token of the first account."""
        body = f'{{"username": "admin", "password": "{PASSWORD}"}}'.encode()
        request = urllib.request.Request(
            f'{self.url}/api/auth/login', body, {'Content-Type': 'application/json'}, method='POST'
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return re.search(r'"access_token":"([^"]+)"', answer.read().decode())[1]

    def get(self, path: str, token: str | None = None) -> tuple[int, bytes]:
        """Status and body."""
        headers = {'Authorization': f'Bearer {token}'} if token else {}
        try:
            request = urllib.request.Request(self.url + path, headers=headers)
            with urllib.request.urlopen(request, timeout=PATIENCE, context=self._tls) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def forget_preferences(self) -> None:
        """Let all accounts have the pages as they are at first."""
        with closing(sqlite3.connect(self.data_dir / 'dashboard.db')) as database, database:
            database.execute("UPDATE users SET preferences = '{}'")

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> float:
        """SIGTERM; seconds until it has ended."""
        start = time.monotonic()
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join(PATIENCE)
        self.process.stdout.close()
        return time.monotonic() - start

    def _read(self) -> None:
        for line in self.process.stdout:
            self.output += line

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                return self.get('/api/health')
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        self.process.kill()
        raise RuntimeError(f'the dashboard did not start: {self.output}')


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]
