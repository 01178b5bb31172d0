"""What people see in the browser."""

from __future__ import annotations

from starlette.applications import Starlette

from dashboard.auth import Accounts
from dashboard.config import Settings
from dashboard.hub import LogHub
from dashboard.pages import login, logs


def install(app: Starlette, hub: LogHub, accounts: Accounts, settings: Settings) -> None:
    """Add the pages to the application."""
    app.router.routes += login.routes(accounts)
    logs.install(hub, accounts, settings)
