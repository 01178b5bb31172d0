"""Answers HEAD as GET without the body, for every route alike: what watches over uptime asks so."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class Head:
    """Stands behind the gate; whatever is inside sees a GET, and a client that leaves when it has its headers."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope['type'] == 'http' and scope['method'] == 'HEAD':
            answer = _Headers(receive, send)
            await self.app({**scope, 'method': 'GET'}, answer.receive, answer.send)
        else:
            await self.app(scope, receive, send)


class _Headers:
    """Passes on the headers of an answer and nothing after them."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._asked = False
        self._answered = asyncio.Event()

    async def receive(self) -> Message:
        """The request, and then that the client has left: else a download would be read to its end for nobody."""
        if not self._asked:
            self._asked = True
            return {'type': 'http.request', 'body': b'', 'more_body': False}
        waiting = [asyncio.ensure_future(awaited) for awaited in (self._answered.wait(), self._receive())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        return {'type': 'http.disconnect'}

    async def send(self, message: Message) -> None:
        if message['type'] != 'http.response.body':
            await self._send(message)
        elif not self._answered.is_set():
            self._answered.set()
            await self._send({'type': 'http.response.body', 'body': b''})
