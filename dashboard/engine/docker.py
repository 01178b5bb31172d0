"""A Docker engine: list containers, watch events, open a log stream."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

import docker
import docker.errors
import requests

from dashboard.engine.about import about_of
from dashboard.engine.bridge import Bridge
from dashboard.engine.connection import Connection
from dashboard.engine.form import LogForm, form_of
from dashboard.engine.frames import FrameDecoder
from dashboard.engine.listing import container_of, event_of
from dashboard.engine.protocol import About
from dashboard.engine.stream import Stream, event_query, get, log_query
from dashboard.errors import ContainerGone, LogsUnreadable
from dashboard.model import SECOND, Container, ContainerEvent, LogLine, format_timestamp

PING_TIMEOUT = 5.0  # seconds
PODMAN_TAIL = 2_000  # lines of which Podman counts the last ones: the time it takes grows with their square
KNOWN = 10_000  # containers whose details are remembered
PODMAN = 'Libpod-API-Version'  # a header of all its answers
RECENT = SECOND // 5  # a line written so shortly before its stream was opened counts as a live one
SETTLED_AT_LATEST = 5 * SECOND  # a stream that never pauses counts as caught up after this


class DockerEngine:
    """What a Docker engine is asked, through the Docker SDK and by any of its transports."""

    def __init__(self, environ: Mapping[str, str], name: str = 'local') -> None:
        self.name = name
        self._connection = Connection(environ)
        self.address = self._connection.address
        self.joins = True
        self._logs: dict[str, LogForm] = {}  # by container id: it never changes

    async def ping(self) -> None:
        """Ask for a sign of life; see :meth:`Engine.ping`."""
        await self._connection.call(lambda api: get(api, '_ping', timeout=PING_TIMEOUT))

    async def about(self) -> About:
        """What it is; see :meth:`Engine.about`."""

        def ask(api: docker.APIClient) -> About:
            asked = time.time()
            response = get(api, 'version')
            return about_of(response.json(), response.headers.get('Date'), asked, time.time())

        return await self._connection.call(ask)

    async def containers(self) -> list[Container]:
        """All containers; see :meth:`Engine.containers`."""

        def ask(api: docker.APIClient) -> list[Container]:
            response = get(api, 'containers/json', {'all': 1})
            # Podman reads the last lines, and then goes to the end: what is written between is in neither
            self.joins = PODMAN not in response.headers
            return [container_of(self.name, fields) for fields in response.json()]

        return await self._connection.call(ask)

    async def events(self, since: int | None = None) -> AsyncGenerator[ContainerEvent | None, None]:
        """Container events; see :meth:`Engine.events`."""

        def produce(stream: Stream, bridge: Bridge[ContainerEvent | None]) -> None:
            response = stream.open('events', event_query(since))
            bridge.put([None])
            pending = b''
            for body in stream.read(response):
                *documents, pending = (pending + body).split(b'\n')
                if not bridge.put(
                    [event_of(self.name, json.loads(document)) for document in documents if document.strip()]
                ):
                    return
            raise self._connection.unavailable('it closed the event stream')

        async with aclosing(self._connection.stream(produce)) as batches:
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
        counts = not self.joins and not follow and tail is not None and tail > PODMAN_TAIL
        query = log_query(None if counts else tail, since, until, follow)
        opened = time.time_ns()
        recent = format_timestamp(opened - RECENT).encode()

        def is_recent(line: LogLine) -> bool:
            return line.record > recent or time.time_ns() > opened + SETTLED_AT_LATEST

        def produce(stream: Stream, bridge: Bridge[LogLine]) -> None:
            terminal, response = self._open_log(stream, container, query)
            decoder = FrameDecoder(container, tty=terminal, anywhere=not self.joins)
            last: deque[LogLine] = deque(maxlen=tail)
            put = last.extend if counts else bridge.put
            bridge.opened()
            for body in stream.read(response):
                if put(decoder.feed(body)) is False:
                    return
            put(decoder.finish())
            bridge.put(list(last))

        async with aclosing(self._connection.stream(produce, is_recent if follow else None)) as batches:
            async for batch in batches:
                yield batch

    def log_file(self, container: Container) -> float | None:
        """Bytes of a file of its log; see :meth:`Engine.log_file`."""
        form = self._logs.get(container.id)
        return form and form.file

    def rotates(self, container: Container) -> bool:
        """Whether its log may have lost lines; see :meth:`Engine.rotates`."""
        form = self._logs.get(container.id)
        return form is not None and form.rotates

    async def close(self) -> None:
        """Close every stream; see :meth:`Engine.close`."""
        await self._connection.close()

    def _open_log(self, stream: Stream, container: Container, query: dict[str, str]) -> tuple[bool, requests.Response]:
        """Whether the log is a terminal's, and its answer; raises what the SDK raises, and our words for refusals."""
        form = self._logs.get(container.id)
        try:
            if form is None:
                form = form_of(stream.inspect(container))
            response = stream.open(f'containers/{container.id}/logs', query)
        except docker.errors.APIError as error:
            # a proxy may refuse with 404 too; a container that is being removed is a 409
            if error.status_code == 409 or (error.status_code == 404 and 'no such container' in str(error).lower()):
                raise ContainerGone('The container has been removed; its log went with it.') from error
            if 'does not support reading' in str(error):
                raise LogsUnreadable(container.name, form.driver if form else '') from error
            raise
        if len(self._logs) >= KNOWN:
            self._logs.clear()
        self._logs[container.id] = form
        return form.terminal, response
