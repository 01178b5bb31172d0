"""What programs see: the HTTP and WebSocket routes beside the pages."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError

from dashboard.access import Accounts, Audit
from dashboard.api import audit as audit_routes
from dashboard.api import auth, download, histogram, logs, search, services, sessions, storage, stream, users
from dashboard.api.errors import answer_error, answer_unfit
from dashboard.errors import DashboardError
from dashboard.view import Views
from dashboard.web import Transfers

__all__ = ['install']


def install(app: FastAPI, views: Views, accounts: Accounts, audit: Audit, transfers: Transfers) -> None:
    """Add the routes to the application, and how it answers an error."""
    app.add_exception_handler(DashboardError, answer_error)
    app.add_exception_handler(RequestValidationError, answer_unfit)
    app.include_router(audit_routes.router(audit))
    for of_accounts in (auth, sessions, users):
        app.include_router(of_accounts.router(accounts, audit))
    app.include_router(services.router(views))
    for of_logs in (stream, logs, histogram, search):
        app.include_router(of_logs.router(views, audit))
    app.include_router(download.router(views, audit, transfers))
    app.include_router(storage.router(views, audit))
