"""Sign-in and set-up: plain pages made here, because NiceGUI's own socket is behind the gate."""

from __future__ import annotations

import re
import secrets

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboard.access import Accounts, Audit
from dashboard.errors import AuthError, InvalidCredentials, TooManyAttempts
from dashboard.pages.login_html import login_page
from dashboard.pages.origin_key import key_page
from dashboard.web import address_of, agent_of, device_tokens, forget, path_for, remember, sessions_of

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
        if 'again' not in request.query_params and len(sessions_of(accounts, request.scope)) == 1:
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
        response = _keep_key(request, wanted, accounts.sessions.origin_key(accounts.identify(token)))
        remember(request, response, token, accounts.device(fields['username'].strip(), device_tokens(request.scope)))
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
        return await accounts.aside(accounts.login, username, password, *origin, device_tokens(request.scope))


async def _fields(request: Request) -> dict[str, str]:
    async with request.form() as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


def _end_former(accounts: Accounts, request: Request) -> None:
    """End the session whose cookie is about to be replaced: nobody could end it by signing out any more."""
    for identity in sessions_of(accounts, request.scope):
        accounts.logout(identity)


def _keep_key(request: Request, wanted: str, key: str) -> Response:
    """A page that puts the key into the browser's storage, which no redirect can, and goes on."""
    nonce = secrets.token_urlsafe(16)
    page = key_page(nonce, key, path_for(request.scope, ''), path_for(request.scope, wanted))
    policy = STRICT['Content-Security-Policy'] + f"; script-src 'nonce-{nonce}'"
    return HTMLResponse(page, headers=STRICT | {'Content-Security-Policy': policy})


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
