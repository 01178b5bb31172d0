"""What people see in the browser."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

from dashboard.access import Accounts, Audit
from dashboard.config import Settings
from dashboard.pages import account, clients, help, login, logs, mark, refusals, search, sockets, storage, users
from dashboard.pages import audit as audit_page
from dashboard.view import Views
from dashboard.web import Transfers, path_for

MARK = mark.mark()


def install(
    app: Starlette, views: Views, accounts: Accounts, settings: Settings, audit: Audit, transfers: Transfers
) -> None:
    """Add the pages to the application."""
    app.router.routes += [Route('/', _home), mark.ROUTE, *login.routes(accounts, audit)]
    refusals.install()
    clients.install()
    sockets.install(accounts, settings)
    logs.install(views, accounts, settings, audit, transfers)
    account.install(accounts, settings, audit)
    users.install(accounts, settings, audit)
    search.install(views, accounts, settings, audit)
    storage.install(views, accounts, settings, audit)
    audit_page.install(audit, accounts, settings)
    help.install(app, accounts, settings, audit)


async def _home(request: Request) -> RedirectResponse:
    return RedirectResponse(path_for(request.scope, '/logs'))
