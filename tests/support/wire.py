"""A network between two programs that a test can cut: a proxy for tcp, in threads."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path

from tests.support.docker_engine import wait_until

CHUNK = 65_536


class Wire:
    """Carries what comes to ``port``, or to the unix socket ``path``, on to ``target``: ``(host, port)`` or a path."""

    def __init__(self, target: tuple[str, int] | str, path: Path | None = None) -> None:
        self._target = target
        self._path = path
        self._flows = threading.Event()
        self._flows.set()
        self._connections: list[socket.socket] = []
        self._forgotten: list[socket.socket] = []
        self._lock = threading.Lock()
        self.port = 0
        self._listener = self._listen()

    def drop(self) -> None:
        """Every connection breaks, and new ones are refused."""
        with suppress(OSError):  # already dropped
            self._listener.shutdown(socket.SHUT_RDWR)  # or a thread that accepts would keep it open
        self._listener.close()
        if self._path:
            self._path.unlink(missing_ok=True)
        self._forget()

    def silence(self) -> None:
        """Nothing passes any more, and nothing breaks."""
        self._flows.clear()

    def restore(self, *, forget: bool = False) -> None:
        """The network is back. With ``forget`` it knows the old connections no more: they stay silent for ever."""
        if self._listener.fileno() < 0:
            self._listener = self._listen()
        if forget:  # their threads wait for the old event
            self._forgotten += self._connections  # open, but not for ever
            self._flows, self._connections = threading.Event(), []
        self._flows.set()

    def close(self) -> None:
        self._connections += self._forgotten
        self.drop()
        self._flows.set()

    def _listen(self) -> socket.socket:
        def try_once():
            with suppress(OSError):
                if self._path:
                    return socket.create_server(str(self._path), family=socket.AF_UNIX, backlog=64)
                return socket.create_server(('127.0.0.1', self.port), backlog=64)

        listener = wait_until(try_once)
        if not self._path:
            self.port = listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                threading.Thread(target=self._carry, args=(near, self._flows), daemon=True).start()

    def _carry(self, near: socket.socket, flows: threading.Event) -> None:
        with self._lock:
            self._connections.append(near)
        flows.wait()
        try:
            far = self._connect()
        except OSError:
            return near.close()
        with self._lock:
            self._connections.append(far)
        threading.Thread(target=self._pump, args=(far, near, flows), daemon=True).start()
        return self._pump(near, far, flows)

    def _connect(self) -> socket.socket:
        if isinstance(self._target, tuple):
            return socket.create_connection(self._target, timeout=None)
        far = socket.socket(socket.AF_UNIX)
        try:
            far.connect(self._target)
        except OSError:
            far.close()
            raise
        return far

    def _pump(self, source: socket.socket, sink: socket.socket, flows: threading.Event) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                flows.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def _forget(self) -> None:
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                connection.close()
            self._connections = []
