"""A reverse proxy for tests: it passes connections on below a path, as others do, and adds what they add."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress


class ReverseProxy:
    """Listens on a port and speaks to one server, one thread a connection; WebSockets pass through.

    :param prefix: taken off the address when ``strips``, else left in it; anything else is answered 404
    """

    def __init__(self, port: int, prefix: str, *, strips: bool) -> None:
        self.seen: list[str] = []  # request lines
        self._target, self._prefix, self._strips = port, prefix, strips
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.url = f'http://127.0.0.1:{self._listener.getsockname()[1]}'
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._listener.accept()[0],), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """One request a connection, so that every request line passes here."""
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
            if not path.startswith(f'{self._prefix}/'):
                client.sendall(b'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
                return
            path = path.removeprefix(self._prefix) if self._strips else path
            host = re.search(r'(?im)^host: *(.*?)\r?$', headers)[1]
            if 'upgrade: websocket' not in headers.lower():
                headers = re.sub(r'(?im)^connection:.*\r\n', '', headers + '\r\n') + 'Connection: close'
            headers = re.sub(r'(?im)^host:.*$', f'Host: 127.0.0.1:{self._target}\r', headers)
            headers += f'\r\nX-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Host: {host}\r\nX-Forwarded-Proto: http'
            with socket.create_connection(('127.0.0.1', self._target)) as server:
                server.sendall(f'{method} {path} {version}\r\n{headers}\r\n\r\n'.encode('latin-1') + body)
                back = threading.Thread(target=_copy, args=(server, client), daemon=True)
                back.start()
                _copy(client, server)
                back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(1 << 16):
            target.sendall(part)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
