"""What there is: services with their status and health, and whether the product itself is well."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends

from dashboard import __version__
from dashboard.api.errors import READING
from dashboard.api.wire import service_details
from dashboard.view import View, Views


def router(views: Views) -> APIRouter:
    """The routes ``/api/services`` and ``/api/health``."""
    routes = APIRouter(prefix='/api')

    @routes.get('/services', tags=['services'], responses=READING)
    async def services(hub: View = Depends(views)) -> dict[str, Any]:
        """All services, running ones first, with status, health and containers."""
        await hub.asked()
        if hub.status.error and not hub.services:
            raise hub.status.error
        return {'services': [service_details(service, hub.name_of(service.key)) for service in hub.services]}

    @routes.get('/health', tags=['health'])
    async def health() -> dict[str, str]:
        """Open to anybody: the dashboard answers; ``engine`` is ``reachable`` or ``unreachable``."""
        engine = 'reachable' if views.reachable else 'unreachable'
        return {'status': 'ok', 'engine': engine, 'version': __version__}

    return routes
