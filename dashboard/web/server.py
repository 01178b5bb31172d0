"""How the application is served: uvicorn, with a WebSocket that can write many messages at once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from dashboard.config import Settings
from dashboard.errors import ConfigError
from dashboard.web.connections import KNOWN, Connections
from dashboard.web.endings import HANG_UP

BURST = 'dashboard.burst'  # the ASGI extension for many messages in one piece, and the key of its message
GRACE = 1  # seconds that open connections get when the server stops
HEAD_TIME = 10.0  # seconds that a request line and its headers may take, from the connection's or their first byte
HANDSHAKE_TIME = 10.0  # seconds from the headers of a WebSocket to its beginning
UNFIT = (
    'This does not begin a WebSocket: that takes a GET without a body, at most 128 headers, and lines of 8,192 bytes.'
)
PARTING = 30.0  # seconds that a client that does not read has for reading why it was closed


class PunctualProtocol(H11Protocol):
    """uvicorn's HTTP, which also hangs up when a request does not come: else whoever opens connections holds them."""

    _limit: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, open_ones: Connections | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._open_ones = Connections(Settings().max_connections) if open_ones is None else open_ones

    def connection_made(self, transport: Any) -> None:
        """Take a place, and wait for the first request."""
        super().connection_made(transport)
        self._open_ones.enter(transport, self.client[0] if self.client else '')
        self.app_state = {
            **self.app_state,
            KNOWN: partial(self._open_ones.know, transport),
            HANG_UP: transport.abort,
        }
        self._limit = self.loop.call_later(HEAD_TIME, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Stop waiting when the headers are complete; wait again when another request has begun."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._limit is None:
            self._limit = self.loop.call_later(HEAD_TIME, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more comes."""
        self._stop_waiting()
        self._open_ones.leave(self.transport)
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Hand the connection on, and its place with it."""
        super().handle_websocket_upgrade(event)
        protocol = self.transport.get_protocol()
        if isinstance(protocol, BurstProtocol):
            protocol.left = partial(self._open_ones.leave, self.transport)

    def _stop_waiting(self) -> None:
        if self._limit:
            self._limit.cancel()
            self._limit = None


class BurstProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, which also takes messages that are framed already.

    One message a line means a frame, a buffer and a system call a line and viewer. A burst holds the frames of all
    lines that came together; it is made once for all viewers, and written by one call. The wire format is the same.
    """

    _limit: asyncio.TimerHandle | None = None
    left: Callable[[], None] | None = None  # called when the connection has ended

    def connection_made(self, transport: Any) -> None:
        """Wait for the handshake: the timer of HTTP has ended with the headers."""
        super().connection_made(transport)
        self._limit = self.loop.call_later(HANDSHAKE_TIME, self._give_up)

    def data_received(self, data: bytes) -> None:
        """Take what has come; the first is a whole head, and one that begins no WebSocket is answered.

        uvicorn leaves a client without answer and time limit whose handshake the library behind it does not take.
        """
        super().data_received(data)
        if not self.handshake_initiated:
            self._refuse()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more comes."""
        if self._limit:
            self._limit.cancel()
        if self.left:
            self.left()
        super().connection_lost(exc)

    def _refuse(self) -> None:
        self.handshake_initiated = self.close_sent = True
        status = HTTPStatus.BAD_REQUEST
        head = f'HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/plain\r\nConnection: close\r\n'
        self.transport.write(f'{head}Content-Length: {len(UNFIT)}\r\n\r\n{UNFIT}'.encode())
        self.transport.close()

    def _give_up(self) -> None:
        if not self.handshake_complete:
            self.transport.abort()

    def handle_connect(self, event: Any) -> None:
        """Tell the application that bursts are taken, as an ASGI extension."""
        super().handle_connect(event)
        if hasattr(self, 'scope'):
            self.scope['extensions'][BURST] = {}

    async def send(self, message: Any) -> None:
        """Send an ASGI message, or a burst in the key :data:`BURST` of ``websocket.send``."""
        if burst := message.get(BURST):
            await self.writable.wait()
            if self.disconnected or self.close_sent or self.transport.is_closing():
                raise ClientDisconnected
            self.transport.write(burst)
            return
        if message['type'] == 'websocket.close' and not self.writable.is_set():
            # do not wait for a client that does not read: the reason waits in its queue, for a while
            self.writable.set()
            self.loop.call_later(PARTING, self.transport.abort)
        await super().send(message)


def configure(app: Any, settings: Settings) -> uvicorn.Config:
    """The server's configuration."""
    open_ones = Connections(settings.max_connections, settings.trusted_proxies)
    return uvicorn.Config(
        app,
        # h11 bounds what it holds of a request; httptools takes headers of any size
        http=partial(PunctualProtocol, open_ones=open_ones),  # type: ignore[arg-type]
        h11_max_incomplete_event_size=settings.max_headers + settings.max_url,
        limit_concurrency=settings.max_connections + 1,  # 503 when all of them are of users
        proxy_headers=False,  # the edge decides whom to believe
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        log_config=None,  # all logs have one way to the console
        log_level='warning',  # below that uvicorn logs URLs, and a URL may hold a token
        access_log=False,
        ws=BurstProtocol,
        ws_per_message_deflate=False,
        ws_max_size=settings.max_body,
        timeout_graceful_shutdown=GRACE,
        server_header=False,
    )


def listen(settings: Settings) -> socket.socket:
    """The listening socket; made before the server, so that a taken port is told in our words.

    :raises ConfigError: when the address cannot be listened on
    """
    try:
        family = socket.AF_INET6 if ':' in settings.host else socket.AF_INET
        return socket.create_server((settings.host, settings.port), family=family, backlog=256)
    except OSError as error:
        raise ConfigError(
            f'Cannot listen on {settings.host} port {settings.port}: {error.strerror or error}. '
            'Choose others with --host and --port.'
        ) from None
