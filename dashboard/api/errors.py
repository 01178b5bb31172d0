"""The one place that knows which HTTP status an error of the product has."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError

from dashboard import errors
from dashboard.web import in_words

STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (errors.ServiceNotFound, 404),
    (errors.ContainerGone, 404),
    (errors.LogsUnreadable, 409),
    (errors.AccountsUnavailable, 503),
    (errors.EngineError, 503),
    (errors.StoreUnavailable, 503),
    (errors.BadRequest, 422),
    (errors.RightsChanged, 409),
    (errors.BrokenOff, 409),
    (errors.NoStreamLeft, 503),
    (errors.LimitReached, 429),
    (errors.InvalidCredentials, 401),
    (errors.InvalidToken, 401),
    (errors.NotAllowed, 403),
    (errors.TooManyAttempts, 429),
    (errors.UnknownAccount, 404),
    (errors.AccountError, 400),
)

READING: dict[int | str, dict[str, Any]] = {  # for the OpenAPI document, of routes that read from the engine
    401: {'description': 'Sign in first.'},
    404: {'description': 'There is no such service, or its container has been removed.'},
    409: {'description': 'The log driver of the container keeps nothing that can be read.'},
    422: {'description': 'A parameter is wrong: `detail` says which, and what it takes.'},
    429: {'description': 'Too many at once: `Retry-After` says how many seconds to wait.'},
    503: {'description': 'The engine does not answer, or too many of its streams are open: see `Retry-After`.'},
}


def status_of(error: Exception) -> int:
    """The HTTP status of an error; 500 for one that no request should be able to cause."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


async def answer_error(request: Request, error: Exception) -> Response:
    """The exception handler for ``DashboardError``: its words as ``{"detail": …}``, or on a page for a person."""
    return in_words(request.scope, status_of(error), str(error), headers_of(error))


async def answer_unfit(request: Request, error: Exception) -> Response:
    """The exception handler for what does not fit a route's parameters or body: where, and what is taken there.

    FastAPI's own also repeats what came. That may be what no JSON can say (``NaN``, half a character, any bytes), and
    then its answer to a stranger's nonsense is a fault of the server.
    """
    found = error.errors() if isinstance(error, RequestValidationError) else []
    detail = [{name: problem[name] for name in ('type', 'loc', 'msg')} for problem in found]
    return Response(json.dumps({'detail': detail}), 422, media_type='application/json')


def headers_of(error: Exception) -> dict[str, str]:
    """What goes with the status: when to try again, how to sign in."""
    if isinstance(error, errors.TooManyAttempts | errors.LimitReached | errors.AccountsUnavailable):
        return {'Retry-After': str(error.retry_after)}
    return {'WWW-Authenticate': 'Bearer'} if status_of(error) == 401 else {}
