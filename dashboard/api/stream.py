"""The raw WebSocket routes: the live log of a service, and status changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing, suppress
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, WebSocket, WebSocketDisconnect

from dashboard.access import Audit
from dashboard.api.burst import Burst, Bursts, encode, send_burst, text_of
from dashboard.api.logs import MOST, Filter
from dashboard.api.sifted import Sifted
from dashboard.api.wire import Naming, error_message, service_status, status_message
from dashboard.errors import BadRequest, DashboardError, EngineUnavailable, InvalidToken, LimitReached
from dashboard.lines import parse
from dashboard.timeline import Marks, Subscription, in_pieces
from dashboard.view import View, Views
from dashboard.web import UNAUTHORIZED, address_of

DIGITS = 20  # of a number: Python itself refuses to read very long ones
NORMAL, POLICY, TRY_AGAIN = 1000, 1008, 1013  # close codes of RFC 6455, section 7.4.1, and its registry

Token = Annotated[str, Query(description='A token of `/api/auth/login`; or send it as `Authorization: Bearer`.')]
Since = Annotated[str, Query(description='The `cursor` of a log message: go on after that line, whatever `tail` is.')]
Batch = Annotated[bool, Query(description='Whether messages come in arrays, many at a time.')]
Tail = Annotated[str, Query(description=f'How many of the last lines come first, 0 to {MOST}.')]


def router(views: Views, audit: Audit) -> APIRouter:
    """The routes below ``/api/logs/ws``; the gate has checked the token before they are reached."""
    routes = APIRouter(prefix='/api/logs/ws')
    bursts = Bursts()

    # before the other route, whose pattern it fits: a service called "status" is asked for as "project:status"
    @routes.websocket('/status')
    async def status(websocket: WebSocket, token: Token = '', hub: View = Depends(views)) -> None:
        """Status changes of all services."""
        await websocket.accept()
        await _until_closed(websocket, _send_status(websocket, hub))

    @routes.websocket('/{service}')
    async def logs(
        websocket: WebSocket,
        service: str,
        token: Token = '',
        tail: Tail = '100',
        since: Since = '',
        batch: Batch = False,
        filter: Filter = '',
        hub: View = Depends(views),
    ) -> None:
        """The last lines, or those after a cursor, then every new one; of several: `web,api`, `shop:*`, `*`."""
        await websocket.accept()
        sending = _send_logs(websocket, hub, bursts, service, tail, since, batch, filter)
        options = {'via': 'websocket', 'tail': tail, 'since': since or None}
        options |= {'filter': filter} if filter else {}
        with audit.watching(websocket.state.identity, address_of(websocket), service, **options):
            await _until_closed(websocket, sending)

    return routes


async def _send_logs(
    websocket: WebSocket, hub: View, bursts: Bursts, name: str, tail: str, since: str, batch: bool, filter: str
) -> None:
    question = parse(filter)
    await hub.asked()
    marks, target = Marks.parse(since) if since else None, hub.select(name)
    names = Naming.for_(name, hub, target)
    async with hub.subscribe(target, _tail(tail)) as subscription:
        status = subscription.feed.status
        if status.phase == 'unreadable':
            await websocket.send_text(text_of(error_message(status.error)))
        if filter:
            made = Sifted(question, names, batch).bursts(hub, subscription, marks)
        else:
            made = _all(hub, subscription, marks, bursts, names, batch)
        async with aclosing(made):
            async for burst in made:
                async with asyncio.timeout(hub.settings.stalled):
                    await send_burst(websocket, burst)


async def _all(
    hub: View, subscription: Subscription, marks: Marks | None, bursts: Bursts, names: Naming, batch: bool
) -> AsyncGenerator[Burst, None]:
    """Everything that follows the marks, or the position of a subscription."""
    if marks:
        async with aclosing(hub.catch_up(subscription, marks)) as missed:
            async for rows in missed:
                async for piece in in_pieces(rows):
                    yield encode(piece, names, batch, marks)
    async for rows in subscription:
        yield bursts.of(subscription, rows, names, batch, hub.lens)


async def _send_status(websocket: WebSocket, hub: View) -> None:
    """All services at first, then those that have changed; one that is gone has the status ``removed``."""
    known: dict[str, dict[str, str]] = {}
    async with hub.changes() as changes:
        async for _ in changes:
            if hub.status.error:
                await websocket.send_text(text_of(error_message(hub.status.error)))
                continue
            names = [(hub.name_of(service.key), service) for service in hub.services]
            current = {name: service_status(service, name) for name, service in names}
            gone = [{'service': name, 'status': 'removed', 'health': 'none'} for name in known.keys() - current.keys()]
            changed = [status for name, status in current.items() if known.get(name) != status]
            if changed or gone:
                await websocket.send_text(text_of(status_message(changed + gone)))
            known = current


async def _until_closed(websocket: WebSocket, work: Coroutine[Any, Any, None]) -> None:
    """Run ``work`` until it ends or the client leaves, whichever is first; tell the client of an error in words."""
    sending = asyncio.create_task(work)
    listening = asyncio.create_task(_closed(websocket))
    try:
        await asyncio.wait((sending, listening), return_when=asyncio.FIRST_COMPLETED)
    finally:
        listening.cancel()
        sending.cancel()
        await asyncio.wait((sending, listening))
    with suppress(WebSocketDisconnect, RuntimeError):  # the client left while we were speaking
        await _say_goodbye(websocket, sending)


async def _say_goodbye(websocket: WebSocket, sending: asyncio.Task[None]) -> None:
    error = None if sending.cancelled() else sending.exception()
    if isinstance(error, DashboardError):
        await websocket.send_text(text_of(error_message(error)))
        await websocket.close(_close_code(error))
    elif isinstance(error, TimeoutError):
        await websocket.close(TRY_AGAIN, 'You do not read what is sent.')
    elif error is not None:
        raise error
    elif not sending.cancelled():
        await websocket.close(NORMAL)


async def _closed(websocket: WebSocket) -> None:
    """Return when the client has closed; what it says is not listened to."""
    while (await websocket.receive())['type'] != 'websocket.disconnect':
        pass


def _close_code(error: DashboardError) -> int:
    if isinstance(error, EngineUnavailable | LimitReached):
        return TRY_AGAIN
    if isinstance(error, InvalidToken):  # it ended while we were sending
        return UNAUTHORIZED
    return POLICY if isinstance(error, BadRequest) else NORMAL


def _tail(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS and int(text) <= MOST):
        raise BadRequest(f'tail takes a whole number from 0 to {MOST:,}, not {text[:20]!r}.')
    return int(text)
