"""Between two times: how a request says which, and what was written then."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query

from dashboard.errors import BadRequest
from dashboard.lines import Range, parse_moment, parse_when
from dashboard.model import STAMP_LENGTH, Gap, LogLine, Row, format_timestamp
from dashboard.timeline import BATCH, SKIPPED, Marks, Subscription, Target
from dashboard.view import View

WHEN = 'RFC 3339 time, seconds since 1970, `10m` or `now-10m` for ten minutes ago, or as in `yesterday 9pm`, in UTC'

_LATEST = b'~'  # follows every timestamp

From = Annotated[str | None, Query(alias='from', description=f'Only lines at or after this time: {WHEN}.')]
To = Annotated[str | None, Query(description=f'Only lines at or before this time: {WHEN}.')]


def range_of(start: str | None, to: str | None) -> Range:
    """The two times.

    :raises BadRequest: when one is none, there is no log of that time, or the first is not before the second
    """
    since, until = moment_of(start, 'from'), moment_of(to, 'to')
    if since is not None and since > time.time_ns():
        raise BadRequest(f'from lies in the future, at {format_timestamp(since)}: nothing was written then yet.')
    if since is not None and until is not None and since >= until:
        raise BadRequest(f'from is {format_timestamp(since)} and not before to, which is {format_timestamp(until)}.')
    return Range(since, until)


async def between(hub: View, target: Target, times: Range) -> AsyncGenerator[list[Row], None]:
    """The lines of a range, and the gaps among them; constant memory.

    What is held is taken from there, for it also has the lines of containers that were removed since; what is older is
    read from the engine.

    :raises DashboardError: see :meth:`View.read`
    """
    since, until = times.start, times.end
    async with hub.joined(target) as reader:
        begins = reader.feed.history.time_of(reader.feed.complete_from) if reader else None
        if reader is None or begins is None or (until is not None and until < begins):
            source = hub.read(hub.service(target), since=since, until=until)
        else:
            source = _older_and_held(hub, reader, since or 0)
        first, last = _stamp(since or 0), _LATEST if until is None else _stamp(until)
        async with aclosing(source) as batches:
            async for rows in batches:
                yield [row for row in rows if _is_within(row, first, last)]


async def held_from(hub: View, reader: Subscription) -> AsyncGenerator[list[Row], None]:
    """What is held from a reader's position up to the present end.

    What leaves meanwhile, as its client is slow, is read from the engine, or is a gap.

    :raises DashboardError: see :meth:`View.read`
    """
    history, marks = reader.feed.history, reader.feed.marks_at(reader.position)
    async for rows in _held_after(hub, reader, marks, history.end):
        yield rows


async def _older_and_held(hub: View, reader: Subscription, since: int) -> AsyncGenerator[list[Row], None]:
    """What is older than all that is held completely, and then that."""
    feed = reader.feed
    marks = feed.marks_at(max(feed.complete_from, feed.history.find(since)))  # where the reading will go on
    async with aclosing(hub.read_from(reader, since)) as older:
        async for rows in older:
            yield rows
    async for rows in _held_after(hub, reader, marks, feed.history.end):
        yield rows


async def _held_after(hub: View, reader: Subscription, marks: Marks, end: int) -> AsyncGenerator[list[Row], None]:
    """The rows from a reader's position up to row number ``end``, where the marks tell what came before."""
    feed = reader.feed
    await hub.lens.look(feed.history)
    while reader.position < end:
        if reader.position < feed.history.first and marks.cursors:
            async with aclosing(hub.catch_up(reader, marks)) as missed:
                async for rows in missed:
                    yield rows
            return  # it has come to what was the end when it began
        if reader.position < feed.history.first:
            yield [_gap(reader)]
            reader.go_on(feed.history.first, 0)
        rows = hub.held(feed, reader.position, min(end, reader.position + BATCH))
        reader.go_on(reader.position + len(rows), 0)
        marks.read(rows)
        marks.row = reader.position
        yield rows


def _gap(reader: Subscription) -> Gap:
    """Stands for what has left the history while nobody knew where to find it in the engine's logs."""
    history = reader.feed.history
    moment = history.time_of(history.first) or 0
    return Gap(moment, moment, history.missing(reader.position, history.first), SKIPPED)


def _is_within(row: Row, first: bytes, last: bytes) -> bool:
    """Whether a line or a gap belongs between two times; what else was noticed is known only while somebody watches."""
    if isinstance(row, LogLine):
        return first <= row.record[:STAMP_LENGTH] <= last
    return isinstance(row, Gap) and _stamp(row.end) >= first and _stamp(row.start) <= last


def _stamp(moment: int) -> bytes:
    return format_timestamp(moment).encode()


def moment_of(text: str | None, name: str) -> int | None:
    """A time of a request, in nanoseconds since the epoch.

    :raises BadRequest: when it is no time, or one before 1970
    """
    if text is None:
        return None
    moment = _parsed(text, name)
    if moment < 0:
        raise BadRequest(f'{name} takes a time since 1970, not {text[:100]!r}.')
    return moment


def _parsed(text: str, name: str) -> int:
    with suppress(BadRequest):
        return parse_moment(text, name)
    try:
        return parse_when(text, UTC, datetime.now(UTC))
    except BadRequest as error:
        raise BadRequest(f'{name}: {error}') from None
