"""One gate before everything: pages, API, raw WebSockets and NiceGUI's own socket. Refuses unless told otherwise.

It is pure ASGI because Starlette's ``BaseHTTPMiddleware`` does not see WebSockets, which would then be open to anybody.
"""

from __future__ import annotations

from html import escape
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.auth import Accounts
from dashboard.credentials import UNAUTHORIZED, bearer_token, cookie_token, is_foreign, take_query_token
from dashboard.errors import InvalidToken
from dashboard.eviction import until_ended
from dashboard.identity import Identity

OPEN = frozenset(
    {  # exact paths over HTTP; nothing else is answered without a token
        '/login',
        '/favicon.ico',
        '/api/health',
        '/api/auth/setup-status',
        '/api/auth/setup',
        '/api/auth/login',
    }
)
READING = frozenset({'GET', 'HEAD', 'OPTIONS'})
BODY_LIMIT = 16 * 1024  # bytes that a stranger may send
# What an API token may read. Not the pages, whose buttons change things, and nothing about accounts.
FOR_API_TOKENS = ('/api/logs', '/api/services', '/api/auth/me', '/api/docs', '/api/docs-assets', '/api/openapi.json')
CONTENT_SECURITY_POLICY = '; '.join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # NiceGUI compiles its templates in the browser
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    'Content-Security-Policy': CONTENT_SECURITY_POLICY,
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'same-origin',  # with no-referrer a browser sends 'Origin: null' with our own forms
}
FOREIGN = (
    'The request comes from a page of another address ({origin}, this is {host}) and was refused. '
    'Behind a proxy, let it pass the Host header on unchanged.'
)
READS_ONLY = 'An API token reads logs and does nothing else. For this, sign in with user name and password.'
# SameSite=Strict keeps the cookie back when a link in a chat or a mail leads here. So what may be such a link gets this
# page instead of a redirect: the request for /login then comes from us, brings the cookie, and is sent on at once.
BY_WAY_OF_SIGN_IN = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={}">
<title>Docker Log Dashboard</title></head><body></body></html>
"""


class Guard:
    """The gate. What passes finds the identity in ``request.state.identity`` or ``websocket.state.identity``.

    A token comes as ``Authorization: Bearer``, as the cookie, or for a WebSocket also as ``?token=``. The last is
    removed from the scope at once, on HTTP too, so that nothing downstream can log it.
    """

    def __init__(self, app: ASGIApp, accounts: Accounts) -> None:
        self.app = app
        self.accounts = accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] == 'http':
            await (self._refusal(scope) or self._let_in)(scope, receive, _with_security_headers(send))
        elif scope['type'] == 'websocket':
            await (self._socket_refusal(scope) or self._let_in)(scope, receive, send)
        elif scope['type'] == 'lifespan':
            await self.app(scope, receive, send)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What is asked for, as a visit of the identity; a WebSocket for no longer than that lasts."""
        identity = scope.get('state', {}).get('identity')
        if identity is None:  # an open path
            await self.app(scope, receive, send)
            return
        with self.accounts.visits.visit(identity) as visit:
            scope['state']['visit'] = visit
            heard = until_ended(visit, scope, receive, send) if scope['type'] == 'websocket' else receive
            await self.app(scope, heard, send)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        take_query_token(scope)  # never accepted here, and never logged either
        headers, changes = Headers(scope=scope), scope['method'] not in READING
        bearer = bearer_token(headers)
        if changes and not bearer and is_foreign(headers):
            return _json(403, _foreign_words(headers))
        if scope['path'] in OPEN:
            return _unfit_body(headers) if changes else None
        if self._admits(scope, bearer or cookie_token(HTTPConnection(scope))):
            return _json(403, READS_ONLY) if _is_too_much(scope, changes) else None
        return _by_way_of_sign_in(scope) if _is_link_from_elsewhere(scope, headers) else _sign_in_first(scope)

    def _socket_refusal(self, scope: Scope) -> ASGIApp | None:
        headers, query_token = Headers(scope=scope), take_query_token(scope)
        if is_foreign(headers):
            return _Close(accept=False)
        if self._admits(scope, bearer_token(headers) or query_token or cookie_token(HTTPConnection(scope))):
            return _Close(accept=False) if _is_too_much(scope) else None
        # a client that was never accepted sees 403 or 1006 and cannot know why; NiceGUI's own asks no reason
        return _Close(accept=not scope['path'].startswith('/_nicegui'))

    def _admits(self, scope: Scope, token: str) -> bool:
        try:
            scope.setdefault('state', {})['identity'] = self.accounts.identify(token)
        except InvalidToken:
            return False
        return True


class _Close:
    """Ends a WebSocket before it begins."""

    def __init__(self, accept: bool) -> None:
        self.accept = accept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if self.accept:
            await send({'type': 'websocket.accept'})
        await send({'type': 'websocket.close', 'code': UNAUTHORIZED, 'reason': 'Unauthorized'})


def _is_too_much(scope: Scope, changes: bool = False) -> bool:
    """Whether this is more than an API token is for."""
    path = scope['path']
    readable = any(path == start or path.startswith(f'{start}/') for start in FOR_API_TOKENS)
    identity: Identity = scope['state']['identity']
    return identity.read_only and (changes or not readable)


def _sign_in_first(scope: Scope) -> Response:
    if scope['path'].startswith(('/api/', '/_nicegui_ws')):
        return _json(401, str(InvalidToken()), {'WWW-Authenticate': 'Bearer'})
    return RedirectResponse(_sign_in_address(scope), 303)


def _by_way_of_sign_in(scope: Scope) -> Response:
    return HTMLResponse(
        BY_WAY_OF_SIGN_IN.format(escape(_sign_in_address(scope))), headers={'Cache-Control': 'no-store'}
    )


def _sign_in_address(scope: Scope) -> str:
    if scope['method'] not in READING or scope['path'] == '/':
        return '/login'
    query = scope['query_string'].decode('latin-1')
    wanted = quote(scope['path']) + (f'?{query}' if query else '')
    return f'/login?next={quote(wanted, safe="/")}'


def _json(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({'detail': message}, status, headers)


def _foreign_words(headers: Headers) -> str:
    return FOREIGN.format(origin=headers.get('origin'), host=headers.get('host'))


def _is_link_from_elsewhere(scope: Scope, headers: Headers) -> bool:
    """Whether this may be a link on another site. Over plain HTTP a browser does not say where it comes from."""
    if scope['method'] != 'GET' or 'text/html' not in headers.get('accept', ''):
        return False
    return headers.get('sec-fetch-site', 'cross-site') == 'cross-site'


def _unfit_body(headers: Headers) -> Response | None:
    length = headers.get('content-length', '')
    if 'transfer-encoding' in headers or not length.isdecimal():
        return _json(411, 'Say how long the body is: send Content-Length.')
    if int(length) > BODY_LIMIT:
        return _json(413, f'The body may have {BODY_LIMIT:,} bytes at most.')
    return None


def _with_security_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message['type'] == 'http.response.start':
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)  # a page may be stricter, as the sign-in page is
        await send(message)

    return send_with_headers
