"""Logs as a file: streamed with constant memory, exact to the byte."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from dashboard.access import Audit
from dashboard.api.errors import READING
from dashboard.api.formats import AsJsonLines, AsText, Format, file_name
from dashboard.api.logs import Filter, Levels, Since, Stamps, Until, select
from dashboard.api.ranges import From, To, between, held_from, range_of
from dashboard.api.sifted import sifted
from dashboard.api.wire import Naming
from dashboard.errors import BadRequest, ServiceNotFound
from dashboard.lines import Range, levels_named, parse
from dashboard.model import Row
from dashboard.timeline import Marks, Target, in_pieces, is_cursor
from dashboard.view import View, Views
from dashboard.web import Transfers, address_of

MOST = 10**12  # lines that a tail may ask for: more than there are, and a number that fits everywhere

As = Annotated[Format, Query(description='`text`: the lines as they were written; `jsonl`: an object a line.')]
Tail = Annotated[int | None, Query(ge=1, le=MOST, description='Only so many of the last lines.')]
Held = Annotated[int | None, Query(description='For the page: from this row of what the server holds in memory.')]
Named = Annotated[str, Query(description='For the page: the name by which it counts the bytes that were sent.')]


def router(views: Views, audit: Audit, transfers: Transfers) -> APIRouter:
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
        start: From = None,
        to: To = None,
        filter: Filter = '',
        level: Levels = '',
        timestamps: Stamps = False,
        held: Held = None,
        transfer: Named = '',
        hub: View = Depends(views),
    ) -> StreamingResponse:
        """The log as a file: all that the engine has, or what the parameters select; of several services merged."""
        with transfers.asked(transfer, hub.visitor.username) as sending:
            times = range_of(start, to)
            if times and (since or until or held is not None):
                raise BadRequest('from and to stand in place of since, until and held: give only these.')
            await hub.asked()
            target, question = hub.select(service), parse(filter).among(levels_named(level))
            if held is not None:
                rows = _held(hub, target, held)
            elif times:
                rows = _between(hub, target, tail, times)
            else:
                rows = select(hub, hub.service(target), tail, since, until)
            names, marks = (
                Naming.for_(service, hub, target),
                Marks.parse(since) if since and is_cursor(since) else Marks(),
            )
            encode = AsJsonLines(names, marks) if format is Format.JSONL else AsText(names, timestamps)
            options = {
                'format': format.value,
                'tail': tail,
                'since': since or start,
                'until': until or to,
                'held': held,
            }
            options |= {'service': service, 'filter': filter or None, 'level': level or None}
            note = partial(audit.record, 'download', request.state.identity, address_of(request), **options)
            chunks = sending.counted(_noted(_encoded(sifted(rows, question), encode), note))
            return await stream(chunks, file_name(service, format, (times.start, times.end)))

    return routes


def _between(hub: View, target: Target, tail: int | None, times: Range) -> AsyncGenerator[list[Row], None]:
    """All lines between two times, or the last ones of them."""
    if tail is None:
        return between(hub, target, times)
    return hub.read(hub.service(target), tail=tail, since=times.start, until=times.end)


async def _held(hub: View, target: Target, first: int) -> AsyncGenerator[list[Row], None]:
    """What the server remembers, from row ``first`` to the present end."""
    async with hub.joined(target) as reader:
        if reader is None:
            raise ServiceNotFound('Nothing of this is held any more: open its page again, or download the whole log.')
        reader.go_on(max(first, reader.feed.history.first), 0)
        async for rows in held_from(hub, reader):
            yield rows


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


async def stream(chunks: AsyncGenerator[bytes, None], name: str) -> StreamingResponse:
    """Begin the download only when its first bytes are there, so that an error still gets its own status."""
    first = await anext(chunks, b'')

    async def rest() -> AsyncIterator[bytes]:
        async with aclosing(chunks):
            yield first
            async for chunk in chunks:
                yield chunk

    media_type = _MEDIA_TYPES[name.rpartition('.')[2]]
    headers = {'Content-Disposition': f'attachment; filename="{name}"', 'Cache-Control': 'no-store'}
    return StreamingResponse(rest(), media_type=media_type, headers=headers)


_MEDIA_TYPES = {
    'txt': 'text/plain; charset=utf-8',
    'jsonl': 'application/x-ndjson',
    'parquet': 'application/vnd.apache.parquet',
}
