"""Page clients: whose they are, how many there may be, and who may speak for them.

NiceGUI lets whoever knows the id of a page act as its browser. Here a socket has to belong to the page's user.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from nicegui import Client, app, core, ui
from nicegui.helpers import should_await
from socketio.exceptions import ConnectionRefusedError  # type: ignore[import-untyped]
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from dashboard.config import Settings

PATIENCE = 20.0  # seconds that a page waits for its browser's socket; one that comes later loads the page anew
LOOK = 5.0  # seconds between looks at which pages wait in vain
GONE = 'Implicit handshake failed'  # what NiceGUI says of a page that is not there any more: load it anew
EVENTS = ('handshake', 'event', 'javascript_response', 'ack')  # all that name a page


def install(settings: Settings) -> None:
    """Put the checks before NiceGUI's handlers, and forget pages that nobody has opened."""
    sockets: dict[str, str] = {}  # socket → user
    handlers = core.sio.handlers['/']
    for name in EVENTS:
        core.sio.on(name, _checked(handlers[name], sockets))
    connect, disconnect = handlers['connect'], handlers['disconnect']

    async def on_connect(sid: str, environ: dict[str, Any], auth: object = None) -> bool | None:
        user = _user(environ.get('asgi.scope', {}))
        named = parse_qs(environ.get('QUERY_STRING', '')).get('client_id', [''])[0]
        if not _owns(user, named):
            raise ConnectionRefusedError(GONE)
        if list(sockets.values()).count(user) >= settings.max_sockets:
            return False
        sockets[sid] = user
        await connect(sid, environ, auth)
        return None

    def on_disconnect(sid: str, reason: str = '') -> None:
        sockets.pop(sid, None)
        disconnect(sid)

    core.sio.on('connect', on_connect)
    core.sio.on('disconnect', on_disconnect)
    core.sio.on('log', _ignore)
    core.sio.eio.cors_allowed_origins = []  # the gate compares the origin, and no other one is told that it may read
    app.add_exception_handler(404, _not_found)
    app.timer(LOOK, lambda: Client.prune_instances(client_age_threshold=PATIENCE))


def make_room(settings: Settings) -> Response | None:
    """Admit the page that is being made to those of its user, or give the answer that refuses it.

    Of pages that still wait for their browser the oldest gives way: a program that fetches pages only costs itself.
    """
    new = ui.context.client
    user = _user(new.request.scope)
    others = [client for client in Client.instances.values() if client is not new and owner(client) == user]
    waiting = [client for client in others if not client.has_socket_connection and client._pinned_tab_id is None]
    for client in waiting[: max(0, len(waiting) - settings.max_waiting_pages + 1)]:
        client.delete()
    if len(others) - len(waiting) < settings.max_pages:
        return None
    new.delete()
    words = f'You have {settings.max_pages:,} pages open, which is the limit. Close some of them.'
    return PlainTextResponse(words, 429, {'Retry-After': '10'})


def owner(client: Client) -> str:
    """The user whom a page was made for."""
    return _user(client.request.scope)


async def _ignore(sid: str, message: object = None) -> None:
    """What a browser would have us write: lines of anybody's making do not get to the console."""


async def _not_found(request: Request, error: Exception) -> Response:
    """In place of NiceGUI's page, which keeps a client for whoever asks for what is not there."""
    return PlainTextResponse('There is nothing at this address.', 404)


def _checked(handler: Callable[..., Any], sockets: dict[str, str]) -> Callable[..., Any]:
    async def checked(sid: str, message: object = None) -> Any:
        user = sockets.get(sid, '')
        if not isinstance(message, dict) or not _owns(user, message.get('client_id')):
            return False
        result = handler(sid, message)
        return await result if should_await(result) else result

    return checked


def _owns(user: str, client_id: object) -> bool:
    client = Client.instances.get(client_id) if isinstance(client_id, str) else None
    return client is not None and user != '' and owner(client) == user


def _user(scope: Any) -> str:
    identity = scope.get('state', {}).get('identity')
    return identity.username if identity else ''
