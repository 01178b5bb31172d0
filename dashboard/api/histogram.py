"""How many lines a service wrote when, by level, and which of them a question finds: what the page's strip shows."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from decimal import Decimal
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from dashboard.access import Audit
from dashboard.api.errors import READING
from dashboard.api.ranges import From, To, range_of
from dashboard.errors import BadRequest
from dashboard.lines import (
    MOST_BARS,
    UNIT,
    Histogram,
    Level,
    Question,
    Range,
    Reckoner,
    Sifter,
    Volume,
    counted,
    counted_in,
    histogram,
    parse,
)
from dashboard.model import SECOND, Row, format_timestamp
from dashboard.view import View, Views
from dashboard.web import address_of

MOST = 1_000  # bars of a step that was asked for
_MILLISECONDS = {'ms': 1, 's': 1_000, 'm': 60_000, 'h': 3_600_000, 'd': 86_400_000, '': 1_000}

Name = Annotated[
    str, Query(min_length=1, description='A service, or several: `web,api`, a whole project `shop:*`, or all `*`.')
]
Matching = Annotated[str, Query(description='Beside all lines, count those of the messages that this question finds.')]
Step = Annotated[
    str | None,
    Query(
        description=f'The width of a bar, such as `500ms`, `10s`, `5m`, `1h` or `1d`, of which there may be {MOST:,}; '
        f'else it is chosen so that there are at most {MOST_BARS}.'
    ),
]


def router(views: Views, audit: Audit) -> APIRouter:
    """The route ``/api/histogram``."""
    routes = APIRouter(prefix='/api', tags=['logs'])

    @routes.get('/histogram', responses=READING)
    async def bars(
        request: Request,
        service: Name,
        start: From = None,
        to: To = None,
        filter: Matching = '',
        step: Step = None,
        hub: View = Depends(views),
    ) -> dict[str, Any]:
        """Lines over time, by level: of all that the engine has, or of what was written between two times."""
        times = range_of(start, to)
        volumes = Volumes(parse(filter), times, None if step is None else step_of(step))
        await hub.asked()
        of = hub.service(hub.select(service))
        options = {'service': service, 'since': start, 'until': to, 'filter': filter or None, 'step': step}
        note = partial(audit.record, 'read', request.state.identity, address_of(request), **options)
        try:
            await volumes.read(hub.read(of, since=times.start, until=times.end))
        finally:
            note(lines=volumes.lines)
        return {'service': service} | volumes.answer()

    return routes


class Volumes:
    """Counts what is read, a batch at a time in a thread.

    :param question: what counts as found
    :param step: the width of a bar in units of :data:`UNIT`; None: as narrow as fits
    :raises BadRequest: when the range has too many bars of that width
    """

    def __init__(self, question: Question, times: Range, step: int | None) -> None:
        self.lines = 0
        self._question = question
        self._all, self._found = Volume(step=step), Volume(step=step)
        self._step = step
        self._reckoner = Reckoner()
        self._sifter = Sifter(question)
        since, until = times.start, times.end
        if step and since is not None and until is not None and (until - since) // (step * UNIT) >= MOST:
            raise _too_many()

    async def read(self, batches: AsyncGenerator[list[Row], None]) -> None:
        """Count it all.

        :raises BadRequest: when there are too many bars
        """
        async with aclosing(batches):
            async for rows in batches:
                await asyncio.to_thread(self._count, rows)
        await asyncio.to_thread(self._count_found, self._sifter.end)

    def answer(self) -> dict[str, Any]:
        """The bars, without holes from the first line to the last one."""
        shown = histogram(self._all, self._found if self._question else None, MOST if self._step else MOST_BARS)
        return {'step': shown.step / SECOND, 'lines': self.lines, 'bars': bars_of(shown, bool(self._question))}

    def _count(self, rows: Sequence[Row]) -> None:
        lines = counted(*self._reckoner.feed(rows))
        self.lines += lines.total()
        self._all.add(lines)
        if self._question:
            self._count_found(partial(self._sifter.feed, rows))
        if self._step and self._all.span > MOST:
            raise _too_many()

    def _count_found(self, sift: Callable[[], list[Row]]) -> None:
        self._found.add(counted_in(sift()))


def step_of(text: str) -> int:
    """The width of a bar in units of :data:`UNIT`.

    :raises BadRequest: when the text is no width, or one that no bar can have
    """
    found = re.fullmatch(r'(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|m|h|d|)', text)
    units = Decimal(found[1]) * _MILLISECONDS[found[2]] * 1_000_000 / UNIT if found else Decimal(0)
    if units < 1 or units % 1 or units > 10**12:
        raise BadRequest(
            f'step takes a width such as 500ms, 10s, 5m, 1h or 1d, in tenths of a second; not {text[:40]!r}.'
        )
    return int(units)


def bars_of(shown: Histogram, asked: bool) -> list[dict[str, Any]]:
    """As JSON: only the levels that a bar has."""
    return [
        {
            'start': format_timestamp(bar.start),
            'lines': bar.lines,
            'levels': {level.name.lower(): bar.counts[level] for level in Level if bar.counts[level]},
        }
        | ({'matches': bar.matches} if asked else {})
        for bar in shown.bars
    ]


def _too_many() -> BadRequest:
    return BadRequest(f'These are more than {MOST:,} bars: ask for a wider step, or for a shorter time by from and to.')
