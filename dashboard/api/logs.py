"""Logs over HTTP: the services that have one, and the last lines."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response

from dashboard.access import Audit
from dashboard.api.errors import READING, headers_of, status_of
from dashboard.api.recent import Answer, last_of
from dashboard.api.sifted import sifted
from dashboard.errors import DashboardError
from dashboard.lines import parse, parse_moment
from dashboard.model import Row, Service
from dashboard.timeline import BACKFILL, Marks, is_cursor
from dashboard.view import View, Views
from dashboard.web import address_of

MOST = BACKFILL  # lines that a tail may ask for, except in a download
WHEN = 'RFC 3339 time, seconds since 1970, or a duration ago such as `10m`'

Tail = Annotated[int, Query(ge=1, le=MOST, description='How many of the last lines.')]
Since = Annotated[
    str | None, Query(description=f'Only lines at or after this time: {WHEN}; or after the line of this `cursor`.')
]
Until = Annotated[str | None, Query(description=f'Only lines at or before this time: {WHEN}.')]
Filter = Annotated[
    str,
    Query(
        description='Only messages that this question finds: text, `/…/` (RE2), `field:value`, `level:>=warn`, `OR` …'
    ),
]
Levels = Annotated[
    str,
    Query(description='Only messages of these levels: `error,warn`. Beside `filter`, which takes `level:` as well.'),
]
Stamps = Annotated[bool, Query(description="Whether each line begins with the engine's timestamp.")]


def router(views: Views, audit: Audit) -> APIRouter:
    """The routes below ``/api/logs``."""
    routes = APIRouter(prefix='/api/logs', tags=['logs'])

    @routes.get('', responses=READING)
    async def available(hub: View = Depends(views)) -> dict[str, Any]:
        """Services that are running and so have a live log."""
        await hub.asked()
        if hub.status.error and not hub.services:
            raise hub.status.error
        running = [service for service in hub.services if service.status == 'running']
        return {
            'services': [
                {
                    'service': hub.name_of(service.key),
                    'status': service.status,
                    'container_id': next(item for item in service.containers if item.status == 'running').short_id,
                }
                for service in running
            ]
        }

    @routes.get('/{service}', response_model=None, responses=READING)
    async def recent(
        request: Request,
        service: str,
        tail: Tail = 100,
        since: Since = None,
        until: Until = None,
        timestamps: Stamps = True,
        filter: Filter = '',
        hub: View = Depends(views),
    ) -> Response:
        """The last lines of a service."""
        options = {'service': service, 'tail': tail, 'since': since, 'until': until}
        options |= {'filter': filter} if filter else {}
        note = partial(audit.record, 'read', request.state.identity, address_of(request), **options)
        try:
            question = parse(filter)
            await hub.asked()
            batches = select(hub, hub.find(service), tail, since, until)
            if since and is_cursor(since):
                batches = last_of(batches, tail, Marks.parse(since).newest.timestamp)
            return await Answer(sifted(batches, question), service, timestamps).response(
                lambda lines: note(lines=lines)
            )
        except DashboardError as error:
            return JSONResponse({'logs': [], 'error': str(error)}, status_of(error), headers_of(error))

    return routes


def select(
    hub: View, service: Service, tail: int | None, since: str | None, until: str | None
) -> AsyncGenerator[list[Row], None]:
    """What the engine holds of a service, between two times or after a cursor.

    :raises BadRequest: when a parameter is neither
    """
    end = None if until is None else parse_moment(until, 'until')
    if since and is_cursor(since):
        return hub.read_after(service, Marks.parse(since), until=end)
    return hub.read(service, tail=tail, since=None if since is None else parse_moment(since, 'since'), until=end)
