"""How long the server keeps others waiting while something costs it work: it is asked all the while how it is."""

from __future__ import annotations

import http.client
import threading
import time
import urllib.request
from contextlib import suppress
from types import TracebackType

INTERVAL = 0.005  # seconds between questions

# What a stranger may write: the name of its service, the command, and how many lines it has.
HOSTILE = {
    'marks': ('l=$(head -c 1000 /dev/zero | tr "\\0" x); yes "$l" | head -n 5000', 5_000),
    'codes': (
        'yes "$(printf "\\033[31mx\\033[m")" | head -n 6500 | tr -d "\\n" > /l; echo >> /l; '
        'for i in $(seq 1000); do cat /l; done',
        1_000,
    ),
    'long': ('l=$(head -c 16000 /dev/zero | tr "\\0" a); yes "$l" | head -n 10000', 10_000),
}


class Probe:
    """Asks ``/api/health`` while the ``with`` lasts; ``answers`` are the seconds that each answer took."""

    def __init__(self, port: int) -> None:
        self.answers: list[float] = []
        self._port = port
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Probe:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection('127.0.0.1', self._port, timeout=120)
        while not self._ended.wait(INTERVAL):
            start = time.monotonic()
            connection.request('GET', '/api/health')
            connection.getresponse().read()
            self.answers.append(time.monotonic() - start)
        connection.close()


def fetch(url: str, token: str) -> int:
    """Read an answer to its end; how many bytes it had."""
    request, size = urllib.request.Request(url, headers={'Authorization': f'Bearer {token}'}), 0
    with suppress(OSError), urllib.request.urlopen(request, timeout=300) as answer:
        while part := answer.read(1 << 16):
            size += len(part)
    return size
