"""Requests to the engine over the Docker SDK's connection, and the one long answer of each stream."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import docker
import docker.errors
import requests

from dashboard.engine.form import driver_of
from dashboard.engine.frames import ChunkDecoder, PlainBody
from dashboard.errors import LogsUnreadable
from dashboard.model import SECOND, Container

ANSWER_TIMEOUT = 10.0  # seconds the engine may take to begin an answer
KEEP_ALIVE = {'TCP_KEEPIDLE': 15, 'TCP_KEEPINTVL': 5, 'TCP_KEEPCNT': 3}  # seconds, seconds, tries
READ_SIZE = 256 * 1024  # bytes asked of the socket at once
LONGEST_REFUSAL = 10_000  # bytes read of an answer that is an error: a proxy may send any page


class Client(docker.APIClient):
    """The SDK's client, trusting the engine's own certificate authority whatever the environment says."""

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Put the session's authority before REQUESTS_CA_BUNDLE, which requests would prefer."""
        chosen = self.verify if verify is None else verify
        return super().merge_environment_settings(url, proxies, stream, chosen, cert)


class Stream:
    """One long answer of the engine, read by one thread and closed by any.

    Closing only wakes that thread: to close the answer itself waits for who reads it, and the event loop must not.
    """

    def __init__(self, client: Callable[[], docker.APIClient]) -> None:
        self._client = client
        self._response: requests.Response | None = None
        self._socket: Any = None
        self._closed = False

    def inspect(self, container: Container) -> dict[str, Any]:
        """The container's details, as the engine inspects it. Raises what the SDK raises.

        :raises LogsUnreadable: when its log driver is ``none``
        """
        details: dict[str, Any] = get(self._client(), f'containers/{container.id}/json').json()
        if driver_of(details) == 'none':
            raise LogsUnreadable(container.name, 'none')
        return details

    def open(self, path: str, query: dict[str, str]) -> requests.Response:
        """Begin the request and return when the engine has begun its answer."""
        api = self._client()
        response = api.get(url_of(api, path), params=query, stream=True, timeout=ANSWER_TIMEOUT)
        self._response, self._socket = response, _socket(response)
        _raise_for_status(response)
        if hasattr(self._socket, 'settimeout') and query.get('follow', '1') == '1':
            self._socket.settimeout(None)  # from now on the engine may be silent for as long as the container is
            _keep_alive(self._socket)
        if self._closed:
            self.close()
        return response

    def read(self, response: requests.Response) -> Iterator[bytes]:
        """Body bytes as they come, in large pieces: urllib3 would give one piece a line.

        :raises OSError: when the answer stops before its end
        """
        # the only way to the buffered reader behind the answer, on every transport (a socket, TLS, ssh's pipe)
        source: Any = response.raw._fp.fp  # type: ignore[union-attr]
        body = ChunkDecoder() if response.raw.chunked else PlainBody(response.raw._fp.length)  # type: ignore[union-attr]
        while not body.ended:
            data = source.read1(READ_SIZE)
            if self._closed:
                return
            if not data and not body.may_end:
                raise ConnectionResetError('the stream broke off')
            if not data:
                return
            if part := body.feed(data):
                yield part

    def close(self) -> None:
        """Wake the reading thread. Never waits; safe from any thread, and twice."""
        self._closed = True
        with suppress(OSError, ValueError):  # already closed by the other side
            if hasattr(self._socket, 'proc'):  # the SDK's ssh transport: a pipe to a process
                self._socket.proc.terminate()
            elif self._socket is not None:
                self._socket.shutdown(2)

    def give_back(self) -> None:
        """Close the answer; for the thread that has read it."""
        self.close()
        for item in (self._socket if hasattr(self._socket, 'proc') else None, self._response):
            with suppress(OSError, ValueError):
                if item is not None:
                    item.close()


def url_of(api: docker.APIClient, path: str) -> str:
    """The URL of a path of the engine's API."""
    return f'{api.base_url}/v{api.api_version}/{path}'


def _socket(response: requests.Response) -> Any:
    """The socket that the answer comes from. After ``Connection: close`` only the answer itself still has it."""
    connection = response.raw.connection
    sock = None if connection is None else connection.sock
    return sock or getattr(getattr(getattr(response.raw._fp, 'fp', None), 'raw', None), '_sock', None)


def get(
    api: docker.APIClient, path: str, query: dict[str, Any] | None = None, timeout: float = ANSWER_TIMEOUT
) -> requests.Response:
    """What the engine answers, in one piece; ``timeout`` in seconds. Raises what the SDK raises."""
    response = api.get(url_of(api, path), params=query, timeout=timeout)
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
        message = _message(next(response.iter_content(LONGEST_REFUSAL), b'')) or response.reason
        raise docker.errors.APIError(message, response=response, explanation=message)


def _message(body: bytes) -> str:
    """The engine's own words in an answer that is an error; '' when there are none, as in a proxy's page."""
    try:
        return str(json.loads(body)['message'])
    except (ValueError, TypeError, KeyError):
        return ''


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
