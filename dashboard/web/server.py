"""How the application is served: uvicorn, with a WebSocket that can write many messages at once."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from dashboard.config import Settings
from dashboard.errors import ConfigError

BURST = 'dashboard.burst'  # the ASGI extension for many messages in one piece, and the key of its message
GRACE = 1  # seconds that open connections get when the server stops
HEAD_TIME = 10.0  # seconds that a request line and its headers may take, from the connection's or their first byte
PARTING = 30.0  # seconds that a client that does not read has for reading why it was closed


class PunctualProtocol(H11Protocol):
    """uvicorn's HTTP, which also hangs up when a request does not come: else whoever opens connections holds them."""

    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Wait for the first request."""
        super().connection_made(transport)
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
        super().connection_lost(exc)

    def _stop_waiting(self) -> None:
        if self._limit:
            self._limit.cancel()
            self._limit = None


class BurstProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, which also takes messages that are framed already.

    One message a line means a frame, a buffer and a system call a line and viewer. A burst holds the frames of all
    lines that came together; it is made once for all viewers, and written by one call. The wire format is the same.
    """

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
    return uvicorn.Config(
        app,
        http=PunctualProtocol,  # h11 bounds what it holds of a request; httptools takes headers of any size
        h11_max_incomplete_event_size=settings.max_headers + settings.max_url,
        limit_concurrency=settings.max_connections,
        proxy_headers=False,  # the edge decides whom to believe
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        log_level='warning',  # below that uvicorn logs URLs, and a URL may hold a token
        access_log=False,
        use_colors=False,  # the console lets no control sequence through
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
