"""The audit log over HTTP, for administrators."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from dashboard.access import Audit, selecting

Limit = Annotated[int, Query(ge=1, le=1_000, description='How many events.')]
Before = Annotated[str | None, Query(max_length=40, description='The `before` of the last answer: go on from there.')]
User = Annotated[str, Query(max_length=300, description='Only those of this user.')]
Kind = Annotated[str, Query(max_length=300, description='Only this event, such as `download`.')]
Text = Annotated[str, Query(max_length=300, description='Only those that contain this.')]


def router(audit: Audit) -> APIRouter:
    """The route ``/api/audit``."""
    routes = APIRouter(prefix='/api', tags=['audit'])

    @routes.get('/audit')
    async def events(
        request: Request, limit: Limit = 100, before: Before = None, user: User = '', event: Kind = '', text: Text = ''
    ) -> dict[str, Any]:
        """Who did what, newest first. For administrators."""
        page = await asyncio.to_thread(audit.read, limit, before, selecting(user, event, text))
        request.state.visit.require_admin()  # reading may take a while
        return {'events': page.events, 'before': page.before}

    return routes
