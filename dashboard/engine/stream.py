"""Requests to the engine over the Docker SDK's connection, and the one long answer of each stream."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import docker
import docker.errors
import requests

from dashboard.engine.frames import ChunkDecoder
from dashboard.errors import LogsUnreadable
from dashboard.model import SECOND, Container

ANSWER_TIMEOUT = 10.0  # seconds the engine may take to begin an answer
KEEP_ALIVE = {'TCP_KEEPIDLE': 15, 'TCP_KEEPINTVL': 5, 'TCP_KEEPCNT': 3}  # seconds, seconds, tries
READ_SIZE = 256 * 1024  # bytes asked of the socket at once


class Client(docker.APIClient):
    """The SDK's client, trusting the engine's own certificate authority whatever the environment says."""

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Put the session's authority before REQUESTS_CA_BUNDLE, which requests would prefer."""
        chosen = self.verify if verify is None else verify
        return super().merge_environment_settings(url, proxies, stream, chosen, cert)


class Stream:
    """One long answer of the engine, read by one thread and closed by any."""

    def __init__(self, client: Callable[[], docker.APIClient]) -> None:
        self._client = client
        self._response: requests.Response | None = None
        self._closed = False
        self._lock = threading.Lock()

    def inspect(self, container: Container) -> dict[str, Any]:
        """The container's details, as the engine inspects it. Raises what the SDK raises.

        :raises LogsUnreadable: when its log driver is ``none``
        """
        details: dict[str, Any] = self._client().inspect_container(container.id)
        if driver_of(details) == 'none':
            raise LogsUnreadable(container.name, 'none')
        return details

    def open(self, path: str, query: dict[str, str]) -> requests.Response:
        """Begin the request and return when the engine has begun its answer."""
        api = self._client()
        response = api.get(url_of(api, path), params=query, stream=True, timeout=ANSWER_TIMEOUT)
        self._response = response
        _raise_for_status(response)
        sock = _socket(response)
        if hasattr(sock, 'settimeout') and query.get('follow', '1') == '1':
            sock.settimeout(None)  # from now on the engine may be silent for as long as the container is
            _keep_alive(sock)
        if self._closed:
            self.close()
        return response

    def read(self, response: requests.Response) -> Iterator[bytes]:
        """Body bytes as they come, in large pieces: urllib3 would give one piece a line.

        :raises OSError: when the answer stops before its end
        """
        # the only way to the buffered reader behind the answer, on every transport (a socket, TLS, ssh's pipe)
        source: Any = response.raw._fp.fp  # type: ignore[union-attr]
        chunks = ChunkDecoder()
        while not chunks.ended:
            data = source.read1(READ_SIZE)
            if self._closed:
                return
            if not data:
                raise ConnectionResetError('the stream broke off')
            if body := chunks.feed(data):
                yield body

    def close(self) -> None:
        """Wake the reading thread and give the connection back. Safe from any thread, and twice."""
        self._closed = True
        with self._lock:  # two threads may close at once: one of them does it
            response, self._response = self._response, None
        if response is None:
            return
        sock = _socket(response)
        with suppress(OSError, ValueError):  # already closed by the other side
            if hasattr(sock, 'proc'):  # the SDK's ssh transport: a pipe to a process
                sock.close()
            elif sock is not None:
                sock.shutdown(2)
        with suppress(OSError, ValueError):
            response.close()


def driver_of(details: dict[str, Any]) -> str:
    """The log driver in a container's details; '' when they do not say."""
    return str((details['HostConfig'].get('LogConfig') or {}).get('Type', ''))


def url_of(api: docker.APIClient, path: str) -> str:
    """The URL of a path of the engine's API."""
    return f'{api.base_url}/v{api.api_version}/{path}'


def _socket(response: requests.Response) -> Any:
    connection = response.raw.connection
    return None if connection is None else connection.sock


def get(api: docker.APIClient, path: str, query: dict[str, Any] | None = None) -> requests.Response:
    """What the engine answers, in one piece. Raises what the SDK raises."""
    response = api.get(url_of(api, path), params=query, timeout=ANSWER_TIMEOUT)
    _raise_for_status(response)
    return response


def _keep_alive(sock: Any) -> None:
    """Let the system look whether the other side of a silent tcp connection is still there."""
    if getattr(sock, 'family', None) in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEP_ALIVE.items():
            if hasattr(socket, option):  # not everywhere
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def _raise_for_status(response: requests.Response) -> None:
    if response.status_code >= 400:
        message = response.json().get('message', response.reason)
        raise docker.errors.APIError(message, response=response, explanation=message)


def log_query(tail: int | None, since: int | None, until: int | None, follow: bool) -> dict[str, str]:
    """The parameters of a log request; times in nanoseconds since the epoch."""
    query = {'stdout': '1', 'stderr': '1', 'timestamps': '1', 'follow': '1' if follow else '0'}
    query['tail'] = 'all' if tail is None else str(tail)
    query |= {name: _seconds(value) for name, value in (('since', since), ('until', until)) if value is not None}
    return query


def event_query(since: int | None) -> dict[str, str]:
    """The parameters of a watch of container events after a moment in nanoseconds since the epoch."""
    query = {'filters': json.dumps({'type': ['container']})}
    return query if since is None else query | {'since': _seconds(since + 1)}


def _seconds(timestamp: int) -> str:
    """As the engine takes it, exact: seconds, a dot, nine digits of nanoseconds."""
    return f'{timestamp // SECOND}.{timestamp % SECOND:09}'
