"""The engine: list containers, watch events, open a log stream.  The only file that knows Docker."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from typing import Any, Protocol, TypeVar

import docker
import docker.errors
import requests

from dashboard.bridge import Bridge
from dashboard.engine_address import EngineAddress, explain, find_engine
from dashboard.errors import ContainerGone, EngineUnavailable, LogsUnreadable
from dashboard.frames import ChunkDecoder, FrameDecoder
from dashboard.model import SECOND, Container, ContainerEvent, LogLine, ServiceKey, format_timestamp

Result = TypeVar('Result')

ANSWER_TIMEOUT = 10.0  # seconds the engine may take to begin an answer
PING_TIMEOUT = 5.0  # seconds
READ_SIZE = 256 * 1024  # bytes asked of the socket at once
RECENT = SECOND // 5  # a line this close to the opening of its stream is a live one
SETTLED_AT_LATEST = 5 * SECOND  # a stream that never pauses counts as caught up after this
CONNECTIONS = 16  # kept open for short requests; every open stream has one of its own beside


class Engine(Protocol):
    """What the rest of the product asks of a container engine; every method is safe to call from the event loop."""

    name: str  # addresses the engine in a ServiceKey
    address: str  # for people: where it is, or was sought

    async def ping(self) -> None:
        """Ask for a sign of life.

        :raises EngineUnavailable: when none comes in time
        """

    async def containers(self) -> list[Container]:
        """All containers, stopped ones too.

        :raises EngineUnavailable: when it does not answer
        """

    def events(self) -> AsyncGenerator[ContainerEvent | None, None]:
        """Container events from now on; ``None`` first, when the watch has begun. Never ends by itself.

        :raises EngineUnavailable: when the watch breaks
        """

    def logs(
        self,
        container: Container,
        *,
        tail: int | None = None,
        since: int | None = None,
        until: int | None = None,
        follow: bool = False,
    ) -> AsyncGenerator[list[LogLine], None]:
        """The container's log in batches, in the engine's order.

        ``tail`` is the number of last lines (None: all), ``since`` and ``until`` (both inclusive) are nanoseconds
        since the epoch. With ``follow`` an empty batch comes once, when all that was already logged has been given,
        and the generator ends when the container stops. Closing the generator (``aclose``) closes the stream.

        :raises EngineUnavailable: when the engine cannot be reached or the stream breaks
        :raises ContainerGone: when the container does not exist
        :raises LogsUnreadable: when its log driver cannot be read
        """

    async def close(self) -> None:
        """Close every stream."""


class DockerEngine:
    """A Docker engine, reached through the Docker SDK by any of its transports; blocking calls stay in threads."""

    def __init__(self, environ: Mapping[str, str], name: str = 'local') -> None:
        self.name = name
        self._where: EngineAddress = find_engine(environ)
        self.address = self._where.url
        self._lock = threading.Lock()
        self._client: docker.APIClient | None = None
        self._open: set[_Stream] = set()

    async def ping(self) -> None:
        """Ask for a sign of life; see :meth:`Engine.ping`."""
        await self._call(lambda api: api.get(_url(api, '_ping'), timeout=PING_TIMEOUT).raise_for_status())

    async def containers(self) -> list[Container]:
        """All containers; see :meth:`Engine.containers`."""
        listed = await self._call(lambda api: _answer(api, 'containers/json', {'all': 1}))
        return [_container(self.name, fields) for fields in listed]

    async def events(self) -> AsyncGenerator[ContainerEvent | None, None]:
        """Container events; see :meth:`Engine.events`."""
        bridge: Bridge[ContainerEvent | None] = Bridge()

        def produce(stream: _Stream) -> None:
            response = stream.open('events', {'filters': json.dumps({'type': ['container']})})
            bridge.put([None])
            pending = b''
            for body in stream.read(response):
                *documents, pending = (pending + body).split(b'\n')
                if not bridge.put([_event(json.loads(document)) for document in documents if document.strip()]):
                    return
            raise self._unavailable('it closed the event stream')

        async with aclosing(self._stream(bridge, produce)) as batches:
            async for batch in batches:
                for event in batch:
                    yield event

    async def logs(
        self,
        container: Container,
        *,
        tail: int | None = None,
        since: int | None = None,
        until: int | None = None,
        follow: bool = False,
    ) -> AsyncGenerator[list[LogLine], None]:
        """A container's log; see :meth:`Engine.logs`."""
        bridge: Bridge[LogLine] = Bridge()
        query = _log_query(tail, since, until, follow)
        opened = time.time_ns()
        recent = format_timestamp(opened - RECENT).encode()

        def is_recent(line: LogLine) -> bool:
            return line.record > recent or time.time_ns() > opened + SETTLED_AT_LATEST

        def produce(stream: _Stream) -> None:
            details = stream.inspect(container)
            decoder = FrameDecoder(container, tty=details['Config']['Tty'])
            response = stream.open(f'containers/{container.id}/logs', query)
            bridge.opened()
            for body in stream.read(response):
                if not bridge.put(decoder.feed(body)):
                    return
            bridge.put(decoder.finish())

        async with aclosing(self._stream(bridge, produce, is_recent if follow else None)) as batches:
            async for batch in batches:
                yield batch

    async def close(self) -> None:
        """Close every stream; see :meth:`Engine.close`."""
        for stream in list(self._open):
            stream.close()
        self._forget_client()

    async def _stream(
        self,
        bridge: Bridge[Result],
        produce: Callable[[_Stream], object],
        is_recent: Callable[[Result], bool] | None = None,
    ) -> AsyncGenerator[list[Result], None]:
        stream = _Stream(self)

        def run() -> None:
            try:
                produce(stream)
            except (OSError, ValueError, requests.RequestException, docker.errors.DockerException) as error:
                bridge.finish(self._translate(error))
            except Exception as error:
                bridge.finish(error)
            else:
                bridge.finish()
            finally:
                stream.close()

        self._open.add(stream)
        threading.Thread(target=run, name='engine-stream', daemon=True).start()
        try:
            async with aclosing(bridge.batches(is_recent)) as batches:
                async for batch in batches:
                    yield batch
        finally:
            bridge.close()
            stream.close()
            self._open.discard(stream)

    async def _call(self, ask: Callable[[docker.APIClient], Result]) -> Result:
        """One short request, in a thread that the end of the program need not wait for."""
        bridge: Bridge[Result] = Bridge()
        async with aclosing(self._stream(bridge, lambda _: bridge.put([ask(self.client())]))) as answers:
            return (await anext(answers))[0]

    def client(self) -> docker.APIClient:
        """The SDK's client; made at first use, because making it asks the engine for its version. Blocks."""
        with self._lock:
            if self._client is None:
                self._client = _Client(
                    base_url=self._where.url,
                    tls=self._where.tls,
                    version='auto',
                    timeout=int(ANSWER_TIMEOUT),
                    use_ssh_client=True,
                    max_pool_size=CONNECTIONS,
                )
            return self._client

    def _translate(self, error: Exception) -> Exception:
        if isinstance(error, docker.errors.APIError) and error.status_code in (404, 409):
            return ContainerGone('The container has been removed; its log went with it.')
        if 'does not support reading' in str(error):
            return _unreadable('the container', 'set for it')
        self._forget_client()  # the next engine at this address may speak another version
        return explain(error, self._where)

    def _forget_client(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client:
            client.close()

    def _unavailable(self, reason: str) -> EngineUnavailable:
        return explain(OSError(reason), self._where)


class _Client(docker.APIClient):
    """The SDK's client, trusting the engine's own certificate authority whatever the environment says."""

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Put the session's authority before REQUESTS_CA_BUNDLE, which requests would prefer."""
        chosen = self.verify if verify is None else verify
        return super().merge_environment_settings(url, proxies, stream, chosen, cert)


class _Stream:
    """One long answer of the engine, read by one thread and closed by any."""

    def __init__(self, engine: DockerEngine) -> None:
        self._engine = engine
        self._response: requests.Response | None = None
        self._closed = False

    def inspect(self, container: Container) -> dict[str, Any]:
        """The container's details. Raises what the SDK raises, and LogsUnreadable for the driver ``none``."""
        details: dict[str, Any] = self._engine.client().inspect_container(container.id)
        driver = details['HostConfig'].get('LogConfig', {}).get('Type', '')
        if driver == 'none':
            raise _unreadable(container.name, driver)
        return details

    def open(self, path: str, query: dict[str, str]) -> requests.Response:
        """Begin the request and return when the engine has begun its answer."""
        api = self._engine.client()
        response = api.get(_url(api, path), params=query, stream=True, timeout=ANSWER_TIMEOUT)
        self._response = response
        _raise_for_status(response)
        # from now on the engine may be silent for as long as the container is
        sock = _socket(response)
        if hasattr(sock, 'settimeout') and query.get('follow', '1') == '1':
            sock.settimeout(None)
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
        if self._response is None:
            return
        sock = _socket(self._response)
        try:
            if hasattr(sock, 'proc'):  # the SDK's ssh transport: a pipe to a process
                sock.close()
            elif sock is not None:
                sock.shutdown(2)
        except OSError:
            pass  # already closed by the other side
        finally:
            self._response.close()


def _url(api: docker.APIClient, path: str) -> str:
    return f'{api.base_url}/v{api.api_version}/{path}'


def _socket(response: requests.Response) -> Any:
    connection = response.raw.connection
    return None if connection is None else connection.sock


def _answer(api: docker.APIClient, path: str, query: dict[str, Any]) -> Any:
    response = api.get(_url(api, path), params=query, timeout=ANSWER_TIMEOUT)
    _raise_for_status(response)
    return response.json()


def _raise_for_status(response: requests.Response) -> None:
    if response.status_code >= 400:
        message = response.json().get('message', response.reason)
        raise docker.errors.APIError(message, response=response, explanation=message)


def _unreadable(container: str, driver: str) -> LogsUnreadable:
    return LogsUnreadable(
        f'The log of {container} cannot be read: its log driver ({driver}) keeps nothing that can be read back. '
        'Use the driver json-file or local for it (docker run --log-driver, or logging: in compose.yaml).'
    )


def _log_query(tail: int | None, since: int | None, until: int | None, follow: bool) -> dict[str, str]:
    query = {'stdout': '1', 'stderr': '1', 'timestamps': '1', 'follow': '1' if follow else '0'}
    query['tail'] = 'all' if tail is None else str(tail)
    query |= {name: _seconds(value) for name, value in (('since', since), ('until', until)) if value is not None}
    return query


def _seconds(timestamp: int) -> str:
    """As the engine takes it, exact: seconds, a dot, nine digits of nanoseconds."""
    return f'{timestamp // SECOND}.{timestamp % SECOND:09}'


def _container(host: str, fields: Mapping[str, Any]) -> Container:
    labels: Mapping[str, str] = fields.get('Labels') or {}
    name = fields['Names'][0].lstrip('/') if fields.get('Names') else fields['Id'][:12]
    return Container(
        id=fields['Id'],
        name=name,
        service=ServiceKey(host, *_service(labels, name)),
        image=fields.get('Image', ''),
        status=fields.get('State', ''),
        health=_health(fields.get('Status', '')),
        created=int(fields.get('Created', 0)),
    )


def _service(labels: Mapping[str, str], name: str) -> tuple[str, str]:
    """Compose project and service; a container without compose, and a one-off of `compose run`, is its own service."""
    project = labels.get('com.docker.compose.project', '')
    service = labels.get('com.docker.compose.service', '')
    one_off = labels.get('com.docker.compose.oneoff', '').lower() == 'true'
    return (project, service) if service and not one_off else (project, name)


def _health(status: str) -> str:
    """The engine lists health only inside words such as ``Up 3 minutes (healthy)``."""
    for words, health in (('(healthy)', 'healthy'), ('(unhealthy)', 'unhealthy'), ('(health: starting)', 'starting')):
        if words in status:
            return health
    return 'none'


def _event(fields: Mapping[str, Any]) -> ContainerEvent:
    actor = fields.get('Actor') or {}
    return ContainerEvent(
        action=fields.get('Action') or fields.get('status') or '',
        container_id=actor.get('ID') or fields.get('id') or '',
        timestamp=int(fields.get('timeNano') or int(fields.get('time', 0)) * SECOND),
        attributes=dict(actor.get('Attributes') or {}),
    )
