"""What people see in the browser."""

from __future__ import annotations

from starlette.applications import Starlette

from dashboard.auth import Accounts
from dashboard.config import Settings
from dashboard.pages import account, login, logs, users
from dashboard.view import Views


def install(app: Starlette, views: Views, accounts: Accounts, settings: Settings) -> None:
    """Add the pages to the application."""
    app.router.routes += login.routes(accounts)
    logs.install(views, accounts, settings)
    account.install(accounts)
    users.install(accounts)
