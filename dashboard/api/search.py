"""Search days of kept lines of many services: what is found is sent as it is found, the newest first."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from dashboard.access import Audit
from dashboard.api.download import stream
from dashboard.api.errors import READING
from dashboard.api.logs import Filter
from dashboard.api.ranges import From, To, range_of
from dashboard.api.wire import error_message, log_message
from dashboard.errors import BadRequest, DashboardError
from dashboard.lines import Level, Message, Question, Range, parse
from dashboard.model import LogLine, ServiceKey, format_timestamp
from dashboard.store import Found, Place
from dashboard.view import View, Views
from dashboard.web import address_of

TELL = 1.0  # seconds between two messages of how far it has come
MOST = 10_000  # messages of one answer

Of = Annotated[
    str, Query(description='One service or several: `web,api`, `shop:*`; else all. Removed ones are searched as well.')
]
Limit = Annotated[int, Query(ge=1, le=MOST, description='So many messages at the most.')]
Cursor = Annotated[str | None, Query(description='Goes on behind an earlier answer: the `cursor` of its last line.')]


def router(views: Views, audit: Audit) -> APIRouter:
    """The route ``/api/search``."""
    routes = APIRouter(prefix='/api', tags=['logs'])

    @routes.get('/search', response_class=StreamingResponse, responses=READING)
    async def search(
        request: Request,
        filter: Filter = '',
        service: Of = '',
        start: From = None,
        to: To = None,
        limit: Limit = 1_000,
        cursor: Cursor = None,
        hub: View = Depends(views),
    ) -> StreamingResponse:
        """The messages that a question finds in what is kept, the newest first: the lines of each as an object a line.

        Between them an object of the type `progress` says how far back all has been searched; the last one has the type
        `end`, and a `cursor` when there may be more.
        """
        question, times = parse(filter), range_of(start, to)
        keys = hub.kept.keys_of(service)
        answer = Answer(hub, keys, times, None if cursor is None else place_of(cursor), limit)
        details = {'service': service or None, 'filter': filter or None, 'since': start, 'until': to}
        note = partial(audit.record, 'search', request.state.identity, address_of(request), **details)
        return await stream(_noted(answer, answer.objects(question), note), 'search.jsonl')

    return routes


class Answer:
    """What is found, as JSON lines.

    :param limit: messages at the most
    """

    def __init__(self, hub: View, keys: list[ServiceKey], times: Range, before: Place | None, limit: int) -> None:
        self.found = 0  # messages so far
        self._hub = hub
        self._called = hub.kept.naming()
        self._keys = keys
        self._times = times
        self._before = before
        self._limit = limit
        self._told = time.monotonic()

    async def objects(self, question: Question) -> AsyncGenerator[bytes, None]:
        """Lines, progress, and the end; or, after the first of these, an error."""
        place, step = self._before, None
        try:
            async with aclosing(self._hub.kept.search(question, self._keys, self._times, self._before)) as steps:
                async for step in steps:
                    messages = step.messages[: self._limit - self.found]
                    self.found += len(messages)
                    yield b''.join(self._lines(messages))
                    if self.found == self._limit:
                        place = step.places[len(messages) - 1] if messages else place
                        break
                    if time.monotonic() - self._told > TELL:
                        self._told = time.monotonic()
                        yield _object({'type': 'progress'} | self._progress(step))
                else:
                    place = None
        except DashboardError as error:
            if step is None:
                raise
            yield _object(error_message(error))
            return
        yield _object({'type': 'end', 'cursor': place and f'{place.time}-{place.seq}'} | self._progress(step))

    def _lines(self, messages: tuple[Message, ...]) -> list[bytes]:
        return [_object(self._told_of(line, message.level)) for message in messages for line in message.lines]

    def _told_of(self, line: LogLine, level: Level) -> dict[str, Any]:
        return log_message(line, self._called(line.container.service), line.cursor) | {'level': level.name.lower()}

    def _progress(self, step: Found | None) -> dict[str, Any]:
        if step is None:
            return {'found': 0, 'back_to': None, 'bytes': 0, 'of': 0}
        back = None if step.back_to is None else format_timestamp(step.back_to)
        return {'found': self.found, 'back_to': back, 'bytes': step.done, 'of': step.total}


def place_of(cursor: str) -> Place:
    """That of the cursor of an answer.

    :raises BadRequest: when it is none
    """
    found = re.fullmatch(r'(-?\d{1,19})-(\d{1,19})', cursor)
    if not found:
        raise BadRequest('cursor takes the cursor of the last line of an earlier answer.')
    return Place(int(found[1]), int(found[2]))


async def _noted(answer: Answer, chunks: AsyncGenerator[bytes, None], note: Any) -> AsyncGenerator[bytes, None]:
    """Note at the end, however it comes, how much was found."""
    try:
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk
    finally:
        note(found=answer.found)


def _object(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b'\n'
