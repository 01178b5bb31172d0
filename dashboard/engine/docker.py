"""A Docker engine: list containers, watch events, open a log stream."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import TypeVar

import docker
import docker.errors

from dashboard.engine.address import EngineAddress, explain, find_engine
from dashboard.engine.bridge import Bridge
from dashboard.engine.frames import FrameDecoder
from dashboard.engine.listing import container_of, event_of
from dashboard.engine.stream import ANSWER_TIMEOUT, Client, Stream, answer, event_query, log_query, unreadable, url_of
from dashboard.errors import ContainerGone, DashboardError, EngineUnavailable
from dashboard.model import SECOND, Container, ContainerEvent, LogLine, format_timestamp

Result = TypeVar('Result')

PING_TIMEOUT = 5.0  # seconds
RECENT = SECOND // 5  # a line written so shortly before its stream was opened counts as a live one
SETTLED_AT_LATEST = 5 * SECOND  # a stream that never pauses counts as caught up after this
CONNECTIONS = 16  # kept open for short requests; every open stream has one of its own beside


class DockerEngine:
    """A Docker engine, reached through the Docker SDK by any of its transports; blocking calls stay in threads."""

    def __init__(self, environ: Mapping[str, str], name: str = 'local') -> None:
        self.name = name
        self._where: EngineAddress = find_engine(environ)
        self.address = self._where.url
        self._lock = threading.Lock()
        self._client: docker.APIClient | None = None
        self._open: set[Stream] = set()

    async def ping(self) -> None:
        """Ask for a sign of life; see :meth:`Engine.ping`."""
        await self._call(lambda api: api.get(url_of(api, '_ping'), timeout=PING_TIMEOUT).raise_for_status())

    async def containers(self) -> list[Container]:
        """All containers; see :meth:`Engine.containers`."""

        def ask(api: docker.APIClient) -> list[Container]:
            return [container_of(self.name, fields) for fields in answer(api, 'containers/json', {'all': 1})]

        return await self._call(ask)

    async def events(self, since: int | None = None) -> AsyncGenerator[ContainerEvent | None, None]:
        """Container events; see :meth:`Engine.events`."""
        bridge: Bridge[ContainerEvent | None] = Bridge()

        def produce(stream: Stream) -> None:
            response = stream.open('events', event_query(since))
            bridge.put([None])
            pending = b''
            for body in stream.read(response):
                *documents, pending = (pending + body).split(b'\n')
                if not bridge.put(
                    [event_of(self.name, json.loads(document)) for document in documents if document.strip()]
                ):
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
        query = log_query(tail, since, until, follow)
        opened = time.time_ns()
        recent = format_timestamp(opened - RECENT).encode()

        def is_recent(line: LogLine) -> bool:
            return line.record > recent or time.time_ns() > opened + SETTLED_AT_LATEST

        def produce(stream: Stream) -> None:
            try:
                details = stream.inspect(container)
                response = stream.open(f'containers/{container.id}/logs', query)
            except docker.errors.APIError as error:
                if error.status_code in (404, 409):
                    raise ContainerGone('The container has been removed; its log went with it.') from error
                raise
            decoder = FrameDecoder(container, tty=details['Config']['Tty'])
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
        produce: Callable[[Stream], object],
        is_recent: Callable[[Result], bool] | None = None,
    ) -> AsyncGenerator[list[Result], None]:
        stream = Stream(self.client)

        def run() -> None:
            try:
                produce(stream)
            except DashboardError as error:
                bridge.finish(error)
            except Exception as error:  # whatever an engine, or a proxy before it, may answer: the next try is soon
                bridge.finish(self._translate(error))
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
                self._client = Client(
                    base_url=self._where.url,
                    tls=self._where.tls,
                    version='auto',
                    timeout=int(ANSWER_TIMEOUT),
                    use_ssh_client=True,
                    max_pool_size=CONNECTIONS,
                )
            return self._client

    def _translate(self, error: Exception) -> Exception:
        if 'does not support reading' in str(error):
            return unreadable('the container', 'set for it')
        self._forget_client()  # the next engine at this address may speak another version
        return explain(error, self._where)

    def _forget_client(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client:
            client.close()

    def _unavailable(self, reason: str) -> EngineUnavailable:
        return explain(OSError(reason), self._where)
