"""Sign-in and set-up: plain pages made here, because NiceGUI's own socket is behind the gate."""

from __future__ import annotations

import re
from contextlib import suppress

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboard.access import Accounts, Audit
from dashboard.errors import AuthError, InvalidCredentials, InvalidToken, TooManyAttempts
from dashboard.pages.login_html import login_page
from dashboard.web import address_of, agent_of, cookie_token, forget, path_for, remember

HOME = '/'
LOCAL_PATH = re.compile(r'/(?![/\\])[^\\\x00-\x20\x7f]*')  # a browser reads //host and /\host as another host
STRICT = {
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    'Cache-Control': 'no-store',
}


def routes(accounts: Accounts, audit: Audit) -> list[Route]:
    """GET and POST /login, POST /logout."""

    async def show(request: Request) -> Response:
        wanted = local_path(request.query_params.get('next', ''))
        if _is_signed_in(accounts, request):
            return RedirectResponse(path_for(request.scope, wanted), 303)
        return _page(accounts, request, wanted)

    async def sign_in(request: Request) -> Response:
        fields = await _fields(request)
        wanted = local_path(fields.get('next', ''))
        try:
            token = await _enter(accounts, audit, fields, request)
        except AuthError as error:
            return _page(accounts, request, wanted, fields.get('username', ''), error)
        _end_former(accounts, request)
        response = RedirectResponse(path_for(request.scope, wanted), 303)
        remember(request, response, token)
        return response

    async def sign_out(request: Request) -> Response:
        await run_in_threadpool(accounts.logout, request.state.identity)
        audit.record('sign-out', request.state.identity, address_of(request))
        response = RedirectResponse(path_for(request.scope, '/login'), 303)
        forget(request, response)
        return response

    return [
        Route('/login', show, methods=['GET']),
        Route('/login', sign_in, methods=['POST']),
        Route('/logout', sign_out, methods=['POST']),
    ]


def local_path(text: str) -> str:
    """Where to go after signing in: a path of ours, or the front page for anything else."""
    return text if LOCAL_PATH.fullmatch(text) and not text.startswith(('/login', '/logout')) else HOME


async def _enter(accounts: Accounts, audit: Audit, fields: dict[str, str], request: Request) -> str:
    username, password = fields.get('username', '').strip(), fields.get('password', '')
    origin = (address_of(request), agent_of(request))
    if 'code' in fields:
        with audit.attempt('setup', username, origin[0]):
            return await accounts.aside(accounts.setup, fields['code'], username, password, *origin)
    with audit.attempt('sign-in', username, origin[0], via='page'):
        return await accounts.aside(accounts.login, username, password, *origin)


async def _fields(request: Request) -> dict[str, str]:
    async with request.form() as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


def _is_signed_in(accounts: Accounts, request: Request) -> bool:
    try:
        accounts.identify(cookie_token(request))
    except InvalidToken:
        return False
    return True


def _end_former(accounts: Accounts, request: Request) -> None:
    """End the session whose cookie is about to be replaced: nobody could end it by signing out any more."""
    with suppress(InvalidToken):
        accounts.logout(accounts.identify(cookie_token(request)))


def _page(
    accounts: Accounts, request: Request, wanted: str, username: str = '', error: AuthError | None = None
) -> Response:
    action, problem = path_for(request.scope, '/login'), str(error) if error else ''
    icon = path_for(request.scope, '/favicon.ico')
    page = login_page(accounts.needs_setup(), action, icon, wanted, username, problem)
    response = HTMLResponse(page, _status(error), STRICT)
    if isinstance(error, TooManyAttempts):
        response.headers['Retry-After'] = str(error.retry_after)
    return response


def _status(error: AuthError | None) -> int:
    if isinstance(error, TooManyAttempts):
        return 429
    if isinstance(error, InvalidCredentials):
        return 401
    return 400 if error else 200
