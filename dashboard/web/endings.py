"""How an answer ends that cannot be finished: in words while nothing was sent, and then by hanging up.

A client can tell from a connection that breaks off that it has not had everything. To the console it is no news.
"""

from __future__ import annotations

import asyncio

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.errors import DashboardError

HANG_UP = 'dashboard.hang_up'  # in the state of a connection: closes it at once
STOPPING = 'The dashboard is being stopped: ask again in a moment.'


async def serve(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one connection, also when the server stops meanwhile, or what is being sent breaks off."""
    if scope['type'] != 'http':
        await app(scope, receive, send)
        return
    begun = False

    async def note(message: Message) -> None:
        nonlocal begun
        begun = True
        await send(message)

    try:
        await app(scope, receive, note)
    except asyncio.CancelledError:  # the server has waited for it long enough
        if begun:
            await _hang_up(scope)
        else:
            await PlainTextResponse(STOPPING, 503, {'Retry-After': '5'})(scope, receive, send)
    except RuntimeError as error:  # Starlette's words for an error that came too late for an answer of its own
        if not begun or not isinstance(error.__cause__, DashboardError):
            raise
        await _hang_up(scope)


async def _hang_up(scope: Scope) -> None:
    scope.get('state', {}).get(HANG_UP, int)()
    await asyncio.sleep(0)  # until the server has noticed: it would complain that nobody has finished the answer
