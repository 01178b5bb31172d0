"""The sockets of pages: how many a user may have, what may be said on them, and for whose page.

NiceGUI lets whoever knows the id of a page act as its browser, and takes from a socket whatever Socket.IO can say. Here
a socket has to belong to the page's user, and only what our pages' browsers say gets through.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from nicegui import Client, core
from nicegui.helpers import should_await
from socketio.exceptions import ConnectionRefusedError  # type: ignore[import-untyped]

from dashboard.access import Accounts
from dashboard.config import Settings
from dashboard.pages.allowance import Allowance
from dashboard.pages.clients import owner, user_of
from dashboard.pages.origin_key import SIGN_IN
from dashboard.web import is_same

JOIN_TIME = 10.0  # seconds from the beginning of a socket to its page's handshake
GONE = 'Implicit handshake failed'  # what NiceGUI says of a page that is not there any more: load it anew
EVENTS = ('handshake', 'event', 'javascript_response', 'ack')  # all that name a page
CONNECT, DISCONNECT, EVENT = '0', '1', '2'  # types of Socket.IO's packets; the rest is binary, or an answer to none
RATE, AT_ONCE = 100, 300  # messages a second, and at once: a page that shows the most sends about 20 a second


def install(accounts: Accounts, settings: Settings) -> None:
    """Put the gate before NiceGUI's handlers."""
    gate = Gate(settings.max_sockets)
    for name in EVENTS:
        core.sio.on(name, _checked(core.sio.handlers['/'][name]))
    core.sio.on('log', _ignore)
    connect, disconnect = core.sio.handlers['/']['connect'], core.sio.handlers['/']['disconnect']
    core.sio.on('connect', _joining(connect, gate, accounts))
    core.sio.on('disconnect', lambda sid, *_: disconnect(sid))
    core.sio.async_handlers = False  # a task for each message would bring its faults to the console, and not to us
    core.sio.eio.cors_allowed_origins = []  # the web's gate compares the origin; no other one is told that it may read
    handlers = core.sio.eio.handlers
    for name, handler in {'connect': gate.open, 'message': gate.hear, 'disconnect': gate.close}.items():
        core.sio.eio.on(name, handler(handlers[name]))


class Gate:
    """Everything that has begun as a socket, whether it ever became a page's or not."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._sockets: dict[str, _Socket] = {}  # by Engine.IO's id
        self._of: Counter[str] = Counter()  # user → how many

    def open(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        async def opened(sid: str, environ: dict[str, Any]) -> bool | None:
            user = user_of(environ.get('asgi.scope', {}))
            if not user or self._of[user] >= self._most:
                return False
            self._of[user] += 1
            limit = asyncio.get_running_loop().call_later(JOIN_TIME, self._shut_later, sid)
            self._sockets[sid] = _Socket(user, limit)
            await inner(sid, environ)
            return None

        return opened

    def hear(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        async def heard(sid: str, packet: object) -> None:
            socket = self._sockets.get(sid)
            if socket is None or socket.shut:
                return
            if not socket.takes(packet):
                await self._shut(sid)
                return
            try:
                await inner(sid, packet)
            except Exception:  # whatever a parser or a handler says to nonsense: nobody is to read it on the console
                await self._shut(sid)

        return heard

    def close(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        async def closed(sid: str, reason: str) -> None:
            if socket := self._sockets.pop(sid, None):
                socket.limit.cancel()
                self._of[socket.user] -= 1
                if not self._of[socket.user]:
                    del self._of[socket.user]
            await inner(sid, reason)

        return closed

    def may_join(self, sid: str) -> bool:
        """Whether it may become the socket of a page: each does so once."""
        socket = self._sockets.get(sid)
        return socket is not None and not socket.joined

    def joined(self, sid: str) -> None:
        """It has become the socket of a page, and may stay."""
        if socket := self._sockets.get(sid):
            socket.joined = True
            socket.limit.cancel()

    def _shut_later(self, sid: str) -> None:
        task = asyncio.ensure_future(self._shut(sid))
        self._sockets[sid].shutting = task  # else nobody holds it

    async def _shut(self, sid: str) -> None:
        if socket := self._sockets.get(sid):
            socket.shut = True
        if engine := core.sio.eio.sockets.get(sid):
            await engine.close(wait=False)
            await engine.queue.put(None)  # ends the writer, and that the connection: else it stays for a ping's time


class _Socket:
    def __init__(self, user: str, limit: asyncio.TimerHandle) -> None:
        self.user = user
        self.limit = limit
        self.joined = self.shut = False
        self.shutting: asyncio.Future[None] | None = None
        self._joining = False  # whether it has asked to be joined to its page
        self._messages = Allowance(RATE, AT_ONCE)

    def takes(self, packet: object) -> bool:
        """Whether this may be said, now."""
        if not isinstance(packet, str) or not self._messages.take():
            return False
        if packet.startswith(CONNECT):
            self._joining, again = True, self._joining
            return not again
        return packet.startswith((EVENT, DISCONNECT))


def _joining(connect: Callable[..., Any], gate: Gate, accounts: Accounts) -> Callable[..., Any]:
    async def joining(sid: str, environ: dict[str, Any], auth: object = None) -> None:
        engine_id = core.sio.manager.eio_sid_from_sid(sid, '/')
        if not gate.may_join(engine_id):  # not a beginning, but an event of that name
            return
        named = parse_qs(environ.get('QUERY_STRING', '')).get('client_id', [''])[0]
        if not _owns(user_of(environ.get('asgi.scope', {})), named):
            raise ConnectionRefusedError(GONE)
        given = auth.get('key') if isinstance(auth, dict) else None
        if not is_same(given, accounts.sessions.origin_key(environ['asgi.scope']['state']['identity'])):
            raise ConnectionRefusedError(SIGN_IN)
        try:
            await connect(sid, environ, auth)
        except (KeyError, TypeError, ValueError):  # a handshake that lacks something
            raise ConnectionRefusedError(GONE) from None
        gate.joined(engine_id)

    return joining


def _checked(handler: Callable[..., Any]) -> Callable[..., Any]:
    async def checked(sid: str, message: object = None, *_: object) -> Any:
        user = user_of(core.sio.get_environ(sid).get('asgi.scope', {}))
        if not isinstance(message, dict) or not _owns(user, message.get('client_id')):
            return False
        try:
            result = handler(sid, message)
            return await result if should_await(result) else result
        except (AttributeError, KeyError, TypeError, ValueError):  # it lacks something, or has it in another shape
            return False

    return checked


async def _ignore(*_: object) -> None:
    """What a browser would have us write: lines of anybody's making do not get to the console."""


def _owns(user: str, client_id: object) -> bool:
    client = Client.instances.get(client_id) if isinstance(client_id, str) else None
    return client is not None and user != '' and owner(client) == user
