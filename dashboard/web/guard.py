"""One gate before everything: pages, API, raw WebSockets and NiceGUI's own socket. Refuses unless told otherwise.

It is pure ASGI because Starlette's ``BaseHTTPMiddleware`` does not see WebSockets, which would then be open to anybody.
"""

from __future__ import annotations

import asyncio
from html import escape
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.access import Accounts, Identity
from dashboard.config import MEBIBYTE, Settings
from dashboard.errors import AccountsUnavailable, InvalidToken, LimitReached, NotAllowed
from dashboard.web.connections import KNOWN
from dashboard.web.credentials import (
    UNAUTHORIZED,
    bearer_token,
    forget,
    is_foreign,
    path_for,
    path_of,
    take_query,
)
from dashboard.web.eviction import until_ended
from dashboard.web.origin_key import HEADER, proven, sessions_of, tickets
from dashboard.web.routes import ADMIN, OPEN, READ, SOCKET, Rule, methods_of, rule_of
from dashboard.web.slots import Slots

READING = frozenset({'GET', 'HEAD', 'OPTIONS'})
BODY_LIMIT = 16 * 1024  # bytes that a stranger may send
DISCARDED = MEBIBYTE  # bytes of a longer one that are read: many clients hear no answer before they have sent
BODY_TIME = 20.0  # seconds that a body may take
TRY_AGAIN = 1013  # the close code of a WebSocket with too many others
FOREIGN = (
    'The request comes from a page of another address ({origin}, this is {host}) and was refused. '
    'Behind a proxy, let it pass the Host header on unchanged.'
)
READS_ONLY = 'An API token reads logs and does nothing else. For this, sign in with user name and password.'
COOKIE_ALONE = (
    'The cookie reaches every port of this host, so it does not do alone. Send the token as Authorization: Bearer, '
    f'or with the cookie the key of the session, which the browser keeps for this origin, as {HEADER}.'
)
CLOSING = {'Connection': 'close'}  # the rest of the body is not read
# SameSite=Strict keeps the cookie back when a link in a chat or a mail leads here. So what may be such a link gets this
# page instead of a redirect: the request for /login then comes from us, brings the cookie, and is sent on at once.
BY_WAY_OF_SIGN_IN = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={}">
<title>Docker Log Dashboard</title></head><body></body></html>
"""
REFUSED = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>Docker Log Dashboard</title></head>
<body><p>{}</p><p><a href="{}">To the logs</a></p></body></html>
"""


class Guard:
    """The gate. What passes finds the identity in ``request.state.identity`` or ``websocket.state.identity``.

    A token comes as ``Authorization: Bearer``, as the cookie, or for a WebSocket also as ``?token=``. The last is
    removed from the scope at once, on HTTP too, so that nothing downstream can log it.
    """

    def __init__(self, app: ASGIApp, accounts: Accounts, settings: Settings | None = None) -> None:
        self.app = app
        self.accounts = accounts
        self.settings = settings or Settings()
        limits = self.settings
        self._slots = Slots(
            {'downloads': limits.max_downloads, 'reads': limits.max_reads, 'sockets': limits.max_sockets}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse one connection."""
        if scope['type'] == 'http':
            await self._serve(scope, receive, send)
        elif scope['type'] == 'websocket':
            await self._serve_socket(scope, receive, send)
        elif scope['type'] == 'lifespan':
            await self.app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            rule = await self._rule(scope)
            receive = await _whole_body(scope, receive, BODY_LIMIT if rule.access is OPEN else self.settings.max_body)
            await self._let_in(rule, scope, receive, send)
        except _Refused as refused:
            await refused.answer(scope, receive, send)
        except LimitReached as error:
            await _json(429, str(error), {'Retry-After': str(error.retry_after)})(scope, receive, send)
        except AccountsUnavailable as error:
            retry = {'Retry-After': str(error.retry_after)}
            await in_words(scope, 503, str(error), retry)(scope, receive, send)

    async def _serve_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._let_in(await self._socket_rule(scope), scope, receive, send)
        except _Refused as refused:
            await refused.answer(scope, receive, send)
        except LimitReached as error:
            await _Close(TRY_AGAIN, str(error))(scope, receive, send)
        except AccountsUnavailable:  # a reason of a close has no room for a path
            await _Close(TRY_AGAIN, 'The accounts cannot be used now.')(scope, receive, send)

    async def _let_in(self, rule: Rule, scope: Scope, receive: Receive, send: Send) -> None:
        """What is asked for, as a visit of the identity; a WebSocket for no longer than that lasts."""
        identity: Identity | None = scope.get('state', {}).get('identity')
        if identity is None:  # an open path
            await self.app(scope, receive, send)
            return
        if known := scope['state'].get(KNOWN):
            known(identity.username)
        with self._slots.hold(rule.limit, identity.username), self.accounts.visits.visit(identity) as visit:
            scope['state']['visit'] = visit
            heard = until_ended(visit, scope, receive, send) if scope['type'] == 'websocket' else receive
            await self.app(scope, heard, send)

    async def _rule(self, scope: Scope) -> Rule:
        """The line of the table by which this request is let in."""
        take_query(scope, 'token')  # never accepted here, and never logged either
        headers, changes = Headers(scope=scope), scope['method'] not in READING
        bearer, rule = bearer_token(headers), rule_of(scope['method'], path_of(scope))
        is_open = rule is not None and rule.access is OPEN
        # reading too: NiceGUI's socket over HTTP answers pages of any origin, and they could then read what it says
        if (changes or not is_open) and not bearer and is_foreign(scope):
            raise _Refused(_json(403, _foreign_words(headers)))
        if rule and is_open:
            return rule
        if not await self.accounts.patiently(self._admits, scope, rule, bearer):
            elsewhere = _is_link_from_elsewhere(scope, headers)
            raise _Refused(_by_way_of_sign_in(scope) if elsewhere else _sign_in_first(scope))
        return _permitted(scope, rule)

    async def _socket_rule(self, scope: Scope) -> Rule:
        headers, query_token = Headers(scope=scope), take_query(scope, 'token')
        if is_foreign(scope):
            raise _Refused(_json(403, _foreign_words(headers)))
        rule = rule_of(SOCKET, path_of(scope))
        token = bearer_token(headers) or query_token
        if not await self.accounts.patiently(self._admits, scope, rule, token):
            # a client that was never accepted sees 403 or 1006 and cannot know why; NiceGUI's own asks no reason
            silent = path_of(scope).startswith('/_nicegui')
            raise _Refused(_json(403, str(InvalidToken())) if silent else _Close(UNAUTHORIZED, 'Unauthorized'))
        return _permitted(scope, rule)

    def _admits(self, scope: Scope, rule: Rule | None, token: str) -> bool:
        identity = self.accounts.known_token(token) if token else self._of_cookie(scope, rule)
        if identity is None:
            return False
        state = scope.setdefault('state', {})
        state['identity'], state['ticket'] = identity, tickets(self.accounts.sessions.origin_key(identity))
        return True

    def _of_cookie(self, scope: Scope, rule: Rule | None) -> Identity | None:
        """Whose cookie it is: alone it opens what shows nothing of anybody; where there are several, none does."""
        sessions = sessions_of(self.accounts, scope)
        identity = proven(self.accounts, scope, sessions)
        if identity or not sessions:
            return identity
        if rule and not rule.is_shell:
            raise _Refused(_json(401, COOKIE_ALONE, {'WWW-Authenticate': 'Bearer'}))
        if len(sessions) > 1:
            if scope['type'] == 'http':
                raise _Refused(_without_cookies(scope))
            return None
        return sessions[0]


class _Refused(Exception):
    """The request is not let in, or its body is not taken."""

    def __init__(self, answer: ASGIApp) -> None:
        self.answer = answer


class _Close:
    """Ends a WebSocket at its beginning, in words: only one that was accepted can be told a code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({'type': 'websocket.accept'})
        await send({'type': 'websocket.close', 'code': self.code, 'reason': self.reason})


async def _whole_body(scope: Scope, receive: Receive, limit: int) -> Receive:
    """Read the body here, however its length is told, so that nothing behind the gate meets one that is too long."""
    headers = Headers(scope=scope)
    if 'content-length' not in headers and 'transfer-encoding' not in headers:
        return receive
    too_long = _Refused(_json(413, f'The body may have {limit:,} bytes at most.', CLOSING))
    if 'expect' in headers and 'transfer-encoding' not in headers and int(headers['content-length']) > limit:
        raise too_long  # the client waits for leave to send it
    body, size, more = b'', 0, True
    try:
        async with asyncio.timeout(BODY_TIME):
            while more and size <= DISCARDED:
                message = await receive()
                if message['type'] == 'http.disconnect':
                    break
                part, more = message.get('body', b''), message.get('more_body', False)
                size += len(part)
                body = body + part if size <= limit else b''
    except TimeoutError:
        raise _Refused(_json(408, f'The body did not come within {BODY_TIME:.0f} s.', CLOSING)) from None
    if size > limit:
        raise too_long
    return _replay(body, receive)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {'type': 'http.request', 'body': body, 'more_body': False}

    return receive_again


def _permitted(scope: Scope, rule: Rule | None) -> Rule:
    """Whether the table lets in who is signed in."""
    identity: Identity = scope['state']['identity']
    if identity.read_only and not (rule and rule.access is READ):
        raise _Refused(in_words(scope, 403, READS_ONLY))
    if rule and (rule.access is not ADMIN or identity.is_admin):
        return rule
    if rule:
        raise _Refused(in_words(scope, 403, str(NotAllowed())))
    if methods := methods_of(path_of(scope)):
        raise _Refused(_json(405, 'This address does not take that.', {'Allow': ', '.join(sorted(methods))}))
    raise _Refused(in_words(scope, 404, 'There is nothing at this address.'))


def _sign_in_first(scope: Scope) -> Response:
    if path_of(scope).startswith(('/api/', '/_nicegui_ws')):
        return _json(401, str(InvalidToken()), {'WWW-Authenticate': 'Bearer'})
    return RedirectResponse(_sign_in_address(scope), 303)


def _without_cookies(scope: Scope) -> Response:
    """To sign-in, and all cookies of ours away: nobody can say which of them is the user's own."""
    response = _sign_in_first(scope)
    forget(HTTPConnection(scope), response)
    return response


def _by_way_of_sign_in(scope: Scope) -> Response:
    return HTMLResponse(
        BY_WAY_OF_SIGN_IN.format(escape(_sign_in_address(scope))), headers={'Cache-Control': 'no-store'}
    )


def _sign_in_address(scope: Scope) -> str:
    login, path = path_for(scope, '/login'), path_of(scope)
    if scope['method'] not in READING or path == '/':
        return login
    query = scope['query_string'].decode('latin-1')
    wanted = quote(path) + (f'?{query}' if query else '')
    return f'{login}?next={quote(wanted, safe="/")}'


def _json(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({'detail': message}, status, headers)


def in_words(scope: Scope, status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """A refusal for a program or, on a page, for a person."""
    if path_of(scope).startswith(('/api/', '/_nicegui')):
        return _json(status, message, headers)
    return HTMLResponse(REFUSED.format(escape(message, quote=False), path_for(scope, '/logs')), status, headers)


def _foreign_words(headers: Headers) -> str:
    return FOREIGN.format(origin=headers.get('origin'), host=headers.get('host'))


def _is_link_from_elsewhere(scope: Scope, headers: Headers) -> bool:
    """Whether this may be a link on another site. Over plain HTTP a browser does not say where it comes from."""
    if scope['method'] != 'GET' or 'text/html' not in headers.get('accept', ''):
        return False
    return headers.get('sec-fetch-site', 'cross-site') == 'cross-site'
