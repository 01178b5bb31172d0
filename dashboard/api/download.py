"""Logs as a file: streamed with constant memory, exact to the byte."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from enum import StrEnum
from functools import cache, partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from dashboard.access import Audit
from dashboard.api.errors import READING
from dashboard.api.logs import Filter, Levels, Since, Stamps, Until, select
from dashboard.api.sifted import sifted
from dashboard.api.wire import Naming, row_messages
from dashboard.errors import ServiceNotFound
from dashboard.lines import levels_named, parse
from dashboard.model import PREFIX, Gap, LogLine, Row, ServiceKey, format_timestamp
from dashboard.timeline import BATCH, Marks, Target, in_pieces, is_cursor
from dashboard.view import View, Views
from dashboard.web import address_of

MOST = 10**12  # lines that a tail may ask for: more than there are, and a number that fits everywhere


class Format(StrEnum):
    """The format of the file."""

    TEXT = 'text'
    JSONL = 'jsonl'


As = Annotated[Format, Query(description='`text`: the lines as they were written; `jsonl`: an object a line.')]
Tail = Annotated[int | None, Query(ge=1, le=MOST, description='Only so many of the last lines.')]
Held = Annotated[int | None, Query(description='For the page: from this row of what the server holds in memory.')]


def router(views: Views, audit: Audit) -> APIRouter:
    """The route ``/api/logs/{service}/download``."""
    routes = APIRouter(prefix='/api/logs', tags=['logs'])

    @routes.get('/{service}/download', response_class=StreamingResponse, responses=READING)
    async def download(
        request: Request,
        service: str,
        format: As = Format.TEXT,
        tail: Tail = None,
        since: Since = None,
        until: Until = None,
        filter: Filter = '',
        level: Levels = '',
        timestamps: Stamps = False,
        held: Held = None,
        hub: View = Depends(views),
    ) -> StreamingResponse:
        """The log as a file: all that the engine has, or what the parameters select; of several services merged."""
        await hub.asked()
        target, question = hub.select(service), parse(filter).among(levels_named(level))
        names = Naming.for_(service, hub, target)
        rows = select(hub, hub.service(target), tail, since, until) if held is None else _held(hub, target, held)
        marks = Marks.parse(since) if since and is_cursor(since) else Marks()
        encode = _as_jsonl(names, marks) if format is Format.JSONL else _AsText(names, timestamps)
        options = {'format': format.value, 'tail': tail, 'since': since, 'until': until, 'held': held}
        options |= {'service': service, 'filter': filter or None, 'level': level or None}
        note = partial(audit.record, 'download', request.state.identity, address_of(request), **options)
        return await _stream(_noted(_encoded(sifted(rows, question), encode), note), _file_name(service, format))

    return routes


async def _held(hub: View, target: Target, first: int) -> AsyncGenerator[list[Row], None]:
    """What the server remembers, from row ``first`` to the present end."""
    feed = hub.feed(target)
    if feed is None:
        raise ServiceNotFound('Nothing of this is held any more: open its page again, or download the whole log.')
    await hub.lens.look(feed.history)
    end = feed.history.end
    while first < end:
        first = max(first, feed.history.first)
        yield hub.held(feed, first, min(end, first + BATCH))
        first += BATCH


async def _encoded(
    batches: AsyncGenerator[list[Row], None],
    encode: Callable[[Iterable[Row]], bytes],
) -> AsyncGenerator[bytes, None]:
    async with aclosing(batches):
        async for wanted in batches:
            if wanted:
                yield b''.join([encode(piece) async for piece in in_pieces(wanted)])


async def _noted(chunks: AsyncGenerator[bytes, None], note: Callable[..., None]) -> AsyncGenerator[bytes, None]:
    """Note at the end, however it comes, how much was sent."""
    size, complete = 0, False
    try:
        async with aclosing(chunks):
            async for chunk in chunks:
                size += len(chunk)
                yield chunk
        complete = True
    finally:
        note(bytes=size, complete=complete)


async def _stream(chunks: AsyncGenerator[bytes, None], name: str) -> StreamingResponse:
    """Begin the download only when its first bytes are there, so that an error still gets its own status."""
    first = await anext(chunks, b'')

    async def rest() -> AsyncIterator[bytes]:
        async with aclosing(chunks):
            yield first
            async for chunk in chunks:
                yield chunk

    media_type = 'application/x-ndjson' if name.endswith('.jsonl') else 'text/plain; charset=utf-8'
    headers = {'Content-Disposition': f'attachment; filename="{name}"', 'Cache-Control': 'no-store'}
    return StreamingResponse(rest(), media_type=media_type, headers=headers)


class _AsText:
    """Lines as they were written, byte for byte; other rows as remarks on lines of their own.

    What a container wrote last may have no ending. Another one's line, or a remark, does not run into it.
    """

    def __init__(self, names: Naming, timestamps: bool) -> None:
        self._called = cache(lambda key: f'{names(key)} | '.encode()) if names.of else None
        self._start = 0 if timestamps else PREFIX
        self._unended: LogLine | None = None

    def __call__(self, rows: Iterable[Row]) -> bytes:
        parts: list[bytes] = []
        for row in rows:
            line = row if isinstance(row, LogLine) else None
            if self._unended and (line is None or line.container.id != self._unended.container.id):
                parts.append(b'\n')
            if self._called:
                parts.append(_whose(row, self._called))
            parts.append(line.record[self._start :] if line else _remark(row))
            self._unended = None if line is None or line.record.endswith(b'\n') else line
        return b''.join(parts)


def _as_jsonl(names: Naming, marks: Marks) -> Callable[[Iterable[Row]], bytes]:
    def encode(rows: Iterable[Row]) -> bytes:
        messages = row_messages(rows, names, marks)
        return ''.join(json.dumps(message, ensure_ascii=False) + '\n' for message in messages).encode()

    return encode


def _whose(row: Row, called: Callable[[ServiceKey], bytes]) -> bytes:
    """The name of a line's service, as it stands before it in ``docker compose logs``."""
    key = row.container.service if isinstance(row, LogLine) else row.service if isinstance(row, Gap) else None
    return called(key) if key else b''


def _remark(row: Row) -> bytes:
    """A row that is no line, in words."""
    if isinstance(row, Gap):
        missed = 'an unknown number of' if row.missed is None else f'{row.missed:,}'
        between = f'between {format_timestamp(row.start)} and {format_timestamp(row.end)}'
        return f'--- {missed} lines missed {between}: {row.reason} ---\n'.encode()
    return f'--- {format_timestamp(row.timestamp)} {row.text} ---\n'.encode()


def _file_name(service: str, format: Format) -> str:
    safe = re.sub(r'[^A-Za-z0-9._-]', '_', service).lstrip('.') or 'service'
    return f'{safe}-logs.{"jsonl" if format is Format.JSONL else "txt"}'
