"""What a page says when the accounts cannot be asked, or an action on it is refused: words, and no trace."""

from __future__ import annotations

import logging
from contextlib import suppress

from nicegui import app, ui
from starlette.requests import Request
from starlette.responses import Response

from dashboard.errors import AccountsUnavailable, DashboardError
from dashboard.web import in_words


def install() -> None:
    """For all pages and their handlers."""
    app.add_exception_handler(AccountsUnavailable, _answer)
    app.on_exception(_tell)
    logging.getLogger('nicegui').addFilter(_is_fault)


async def _answer(request: Request, error: Exception) -> Response:
    return in_words(request.scope, 503, str(error), {'Retry-After': str(AccountsUnavailable.retry_after)})


def _tell(error: Exception) -> None:
    if isinstance(error, DashboardError):
        with suppress(RuntimeError):  # it did not come from a page, or the page has gone
            ui.notify(str(error), type='negative')


def _is_fault(record: logging.LogRecord) -> bool:
    """Whether NiceGUI logs a fault of the program, which needs a trace, and no refusal, which its user reads."""
    return not isinstance(record.msg, DashboardError)
