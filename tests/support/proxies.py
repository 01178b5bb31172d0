"""Proxies for tests: one before the dashboard, as a web server would be, and one between it and the Docker socket."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress


class Proxy:
    """Listens on a port and passes connections on, one request each; what follows the head passes unseen."""

    def __init__(self) -> None:
        self.seen: list[str] = []  # method and path of each request
        self.refused: list[str] = []
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def dial(self) -> socket.socket:
        """A connection to what is behind."""
        raise NotImplementedError

    def admit(self, method: str, path: str, headers: str) -> tuple[str, str] | None:
        """The path and the headers to pass on; None to refuse."""
        raise NotImplementedError

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._listener.accept()[0],), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            head = b''
            while b'\r\n\r\n' not in head:
                if not (part := client.recv(1 << 16)):
                    return
                head += part
            head, _, body = head.partition(b'\r\n\r\n')
            line, _, headers = head.decode('latin-1').partition('\r\n')
            method, path, version = line.split(' ')
            self.seen.append(f'{method} {path}')
            admitted = self.admit(method, path, headers)
            if admitted is None:
                self.refused.append(f'{method} {path}')
                client.sendall(b'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
                return
            path, headers = admitted
            if 'upgrade: websocket' not in headers.lower():
                headers = re.sub(r'(?im)^connection:.*\r\n', '', headers + '\r\n') + 'Connection: close'
            with self.dial() as server:
                server.sendall(f'{method} {path} {version}\r\n{headers}\r\n\r\n'.encode('latin-1') + body)
                back = threading.Thread(target=_copy, args=(server, client), daemon=True)
                back.start()
                _copy(client, server)
                back.join()


class ReverseProxy(Proxy):
    """Before the dashboard, below a path.

    :param prefix: taken off the address when ``strips``, else left in it; what does not begin with it is refused
    """

    def __init__(self, port: int, prefix: str, *, strips: bool) -> None:
        self._target, self._prefix, self._strips = port, prefix, strips
        super().__init__()
        self.url = f'http://127.0.0.1:{self.port}'

    def dial(self) -> socket.socket:
        return socket.create_connection(('127.0.0.1', self._target))

    def admit(self, method: str, path: str, headers: str) -> tuple[str, str] | None:
        if not path.startswith(f'{self._prefix}/'):
            return None
        host = re.search(r'(?im)^host: *(.*?)\r?$', headers)[1]
        headers = re.sub(r'(?im)^host:.*$', f'Host: 127.0.0.1:{self._target}\r', headers).rstrip('\r')
        headers += f'\r\nX-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Host: {host}\r\nX-Forwarded-Proto: http'
        return path.removeprefix(self._prefix) if self._strips else path, headers


class SocketProxy(Proxy):
    """Before a Docker engine: lets nothing through but the reading of containers, their logs and events."""

    ALLOWED = re.compile(r'(/v[0-9.]+)?/(_ping|version|events|containers/json|containers/[\w.-]+/(json|logs))(\?.*)?')

    def __init__(self, path: str = '/var/run/docker.sock') -> None:
        self._path = path
        super().__init__()
        self.url = f'tcp://127.0.0.1:{self.port}'

    def dial(self) -> socket.socket:
        engine = socket.socket(socket.AF_UNIX)
        engine.connect(self._path)
        return engine

    def admit(self, method: str, path: str, headers: str) -> tuple[str, str] | None:
        return (path, headers) if method == 'GET' and self.ALLOWED.fullmatch(path) else None


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(1 << 16):
            target.sendall(part)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
