"""The connection to a Docker engine: one client, a thread for each stream, and why it failed, in words."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from typing import TypeVar

import docker

from dashboard.engine.address import EngineAddress, explain, find_engine
from dashboard.engine.bridge import Bridge
from dashboard.engine.stream import ANSWER_TIMEOUT, Client, Stream
from dashboard.errors import DashboardError, EngineUnavailable

Result = TypeVar('Result')

CLOSING = 1.0  # seconds that the client may take to close
CONNECTIONS = 16  # kept open for short requests; every open stream has one of its own beside


class Connection:
    """Lets the Docker SDK, which blocks, be asked from the event loop, by any of its transports.

    :param environ: where ``DOCKER_HOST`` and what belongs to it are looked up; see :func:`find_engine`
    :raises ConfigError: when a context is named that does not exist
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._where: EngineAddress = find_engine(environ)
        self.address = self._where.url
        self._making = threading.Lock()  # of the client; never held to forget it
        self._client: docker.APIClient | None = None
        self._open: set[Stream] = set()

    async def call(self, ask: Callable[[docker.APIClient], Result]) -> Result:
        """One short request, in a thread that the end of the program need not wait for.

        :raises EngineUnavailable: when it fails
        """

        def produce(_: Stream, bridge: Bridge[Result]) -> None:
            bridge.put([ask(self.client())])

        async with aclosing(self.stream(produce)) as answers:
            return (await anext(answers))[0]

    async def stream(
        self,
        produce: Callable[[Stream, Bridge[Result]], object],
        is_recent: Callable[[Result], bool] | None = None,
    ) -> AsyncGenerator[list[Result], None]:
        """What ``produce``, in a thread of its own, reads from the stream and puts on the bridge, in batches.

        Closing the generator closes the stream. For ``is_recent`` see :meth:`Bridge.batches`.

        :raises EngineUnavailable: when anything but an error of ours ends it; those are raised as they are
        """
        stream, bridge = Stream(self.client), Bridge[Result]()
        self._open.add(stream)
        threading.Thread(target=self._run, args=(produce, stream, bridge), name='engine-stream', daemon=True).start()
        try:
            async with aclosing(bridge.batches(is_recent)) as batches:
                async for batch in batches:
                    yield batch
        finally:
            bridge.close()
            stream.close()
            self._open.discard(stream)

    def _run(self, produce: Callable[[Stream, Bridge[Result]], object], stream: Stream, bridge: Bridge[Result]) -> None:
        try:
            produce(stream, bridge)
        except DashboardError as error:
            bridge.finish(error)
        except Exception as error:  # whatever an engine, or a proxy before it, may answer: the next try is soon
            bridge.finish(self._translate(error))
        else:
            bridge.finish()
        finally:
            stream.give_back()

    def client(self) -> docker.APIClient:
        """The SDK's client; made at first use, because making it asks the engine for its version. Blocks."""
        with self._making:
            client = self._client
            if client is None:
                client = self._client = Client(
                    base_url=self._where.url,
                    tls=self._where.tls,
                    version='auto',
                    timeout=int(ANSWER_TIMEOUT),
                    use_ssh_client=True,
                    max_pool_size=CONNECTIONS,
                )
            return client

    async def close(self) -> None:
        """Close every stream, and the client: aside, for it waits for who uses it, and no longer than a second."""
        for stream in list(self._open):
            stream.close()

        def produce(_: Stream, bridge: Bridge[None]) -> None:
            self._forget_client()

        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING), aclosing(self.stream(produce)) as nothing:
                async for _ in nothing:
                    pass

    def unavailable(self, reason: str) -> EngineUnavailable:
        """The error for an engine that failed in a way which only its reader could tell."""
        return explain(OSError(reason), self._where)

    def _translate(self, error: Exception) -> Exception:
        self._forget_client()  # the next engine at this address may speak another version
        return explain(error, self._where)

    def _forget_client(self) -> None:
        # without the lock: an ssh that hangs holds it, and the end must not wait for that
        client, self._client = self._client, None
        if client:
            client.close()
