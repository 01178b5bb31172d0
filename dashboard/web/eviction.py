"""Shows a WebSocket out when the token that opened it ends, and that of a page also when its user changes."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive, Scope, Send

from dashboard.access import Visit
from dashboard.web.credentials import UNAUTHORIZED, path_of

NOTICE = 0.3  # seconds between telling a page to go and closing its socket, over which it is told


def until_ended(visit: Visit, scope: Scope, receive: Receive, send: Send) -> Receive:
    """``receive`` for as long as the visit lasts.

    Then the client is sent 4001, and the application hears that it has left. That ends any application in the way it is
    used to, wherever it is, and it need not know of visits. That of a page ends too when its user may do other things:
    the page has gone, and a browser that has not heard so hears it when it comes back.
    """
    is_page, before = path_of(scope).startswith('/_nicegui'), visit.identity
    notice = NOTICE if is_page else 0

    async def heard() -> Message:
        limit = asyncio.timeout(None)

        def look() -> None:
            if visit.ended or (is_page and visit.identity != before):
                limit.reschedule(asyncio.get_running_loop().time() + notice)

        try:
            async with limit:
                with visit.telling(look):
                    look()
                    return await receive()
        except TimeoutError:
            await send({'type': 'websocket.close', 'code': UNAUTHORIZED, 'reason': 'Unauthorized'})
            return {'type': 'websocket.disconnect', 'code': UNAUTHORIZED}

    return heard
