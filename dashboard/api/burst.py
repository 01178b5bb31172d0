"""Many WebSocket messages in one piece: framed once for all viewers, written at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from fastapi import WebSocket

from dashboard.api.wire import Naming, judged_messages
from dashboard.model import Row
from dashboard.timeline import Marks, Subscription, Timeline
from dashboard.view import Lens
from dashboard.web import BURST

KEPT = 8  # bursts remembered a service: viewers that keep up ask for the same one within a moment
FINAL_TEXT = b'\x81'  # RFC 6455, section 5.2: a whole message of text, not masked

_Key: TypeAlias = tuple[int, int, Naming, bool, bool]  # what a burst depends on


class Burst:
    """Messages of text, and their frames when somebody wants them."""

    def __init__(self, messages: Sequence[str]) -> None:
        self.messages = messages

    @cached_property
    def frames(self) -> bytes:
        """All messages as they go over the wire."""
        return b''.join(map(_frame, self.messages))


class Bursts:
    """Encodes rows for any number of viewers of a service."""

    def __init__(self) -> None:
        self._recent: WeakKeyDictionary[Timeline, dict[_Key, Burst]] = WeakKeyDictionary()

    def of(self, subscription: Subscription, rows: list[Row], names: Naming, batch: bool, lens: Lens) -> Burst:
        """The messages for rows just taken from a subscription, as a lens shows them; see :func:`encode`."""
        if subscription.skipped:
            return self._encode(subscription, rows, names, batch, lens)
        recent = self._recent.setdefault(subscription.feed, {})
        key = (subscription.position, len(rows), names, batch, lens.redacts)
        if key not in recent:
            recent[key] = self._encode(subscription, rows, names, batch, lens)
            while len(recent) > KEPT:
                del recent[next(iter(recent))]
        return recent[key]

    def _encode(self, subscription: Subscription, rows: list[Row], names: Naming, batch: bool, lens: Lens) -> Burst:
        marks = subscription.feed.marks_at(subscription.taken_from)
        return encode(lens.taken(subscription, rows), names, batch, marks)


def encode(rows: Sequence[Row], names: Naming, batch: bool, marks: Marks) -> Burst:
    """The messages for rows that follow ``marks``: one a row, or with ``batch`` one array of them."""
    return encode_judged(((row, True) for row in rows), names, batch, marks)


def encode_judged(rows: Iterable[tuple[Row, bool]], names: Naming, batch: bool, marks: Marks) -> Burst:
    """The same of those rows that are wanted; the marks go on over the others too."""
    messages = judged_messages(rows, names, marks)
    if batch:
        return Burst([text_of(messages)] if messages else [])
    return Burst([text_of(message) for message in messages])


async def send_burst(websocket: WebSocket, burst: Burst) -> None:
    """Send the messages in one go where the server can, else one by one. Waits while the client is slow to read."""
    if BURST in websocket.scope.get('extensions', {}):
        if burst.messages:
            await websocket.send({'type': 'websocket.send', BURST: burst.frames})
    else:
        for message in burst.messages:
            await websocket.send_text(message)


def text_of(message: Any) -> str:
    """Compact JSON."""
    return json.dumps(message, ensure_ascii=False, separators=(',', ':'))


def _frame(message: str) -> bytes:
    payload = message.encode()
    size = len(payload)
    if size < 126:
        return FINAL_TEXT + size.to_bytes(1, 'big') + payload
    if size < 1 << 16:
        return FINAL_TEXT + b'\x7e' + size.to_bytes(2, 'big') + payload
    return FINAL_TEXT + b'\x7f' + size.to_bytes(8, 'big') + payload
