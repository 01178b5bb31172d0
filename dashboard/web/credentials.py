"""What a request brings to the gate, and the cookie that goes back: tokens, origin, address."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from dashboard.access import DEVICE_LIFETIME, LIFETIME

COOKIE = 'dashboard_token'
DEVICE_COOKIE = 'dashboard_device'  # stays when the user signs out
MOST_COOKIES = 5  # of a name that are looked at
UNAUTHORIZED = 4001  # the close code of a WebSocket without a valid token
AGENT_LENGTH = 40  # characters
# the first sign in a User-Agent that fits wins: Edge also calls itself Chrome, and Chrome Safari
BROWSERS = {'Edg': 'Edge', 'OPR/': 'Opera', 'Firefox': 'Firefox', 'Chrom': 'Chrome', 'Safari': 'Safari'}
SYSTEMS = {
    'Android': 'Android',
    'iPhone': 'iOS',
    'iPad': 'iOS',
    'Windows': 'Windows',
    'Mac OS': 'macOS',
    'Linux': 'Linux',
}
DEFAULT_PORTS = {'http': ':80', 'https': ':443'}


def bearer_token(headers: Headers) -> str:
    """The token of ``Authorization: Bearer``, or ''."""
    scheme, _, token = headers.get('authorization', '').partition(' ')
    return token.strip() if scheme.lower() == 'bearer' else ''


def cookie_tokens(scope: Scope, kind: str = COOKIE) -> list[str]:
    """The tokens of the browser's cookies: it may send several, of which anybody else on this host has planted some."""
    name = cookie_name(scope, kind)
    pairs = [pair.partition('=') for line in Headers(scope=scope).getlist('cookie') for pair in line.split(';')]
    return [value.strip() for found, _, value in pairs if found.strip() == name][:MOST_COOKIES]


def device_tokens(scope: Scope) -> list[str]:
    """The tokens of a browser in which somebody has signed in before."""
    return cookie_tokens(scope, DEVICE_COOKIE)


def cookie_name(scope: Scope, name: str = COOKIE) -> str:
    """On TLS, unless a base path forbids it, one that a browser takes from this very host and for all paths only."""
    sure = scope['scheme'] in ('https', 'wss') and not scope.get('root_path')
    return f'__Host-{name}' if sure else name


def take_query(scope: Scope, name: str) -> str:
    """A secret of the query, or ''. It leaves the scope, in place: the server writes its log from this very dict."""
    pairs = scope['query_string'].split(b'&')
    taken = [pair for pair in pairs if _name(pair) == name]
    if not taken:
        return ''
    scope['query_string'] = b'&'.join(pair for pair in pairs if _name(pair) != name)
    return next((value for _, value in parse_qsl(taken[0].decode('latin-1'))), '')


def _name(pair: bytes) -> str:
    return unquote_plus(pair.partition(b'=')[0].decode('latin-1'))


def is_foreign(scope: Scope) -> bool:
    """Whether a page of another origin sent this. Programs that are no browsers send no origin: those are not.

    On TLS an unencrypted page is another origin, even of the same host: anybody on the way may have written it. Without
    TLS there may be a proxy before us that has it and that nobody has named.
    """
    headers = Headers(scope=scope)
    origin = headers.get('origin')
    if origin is None:
        return False
    scheme, _, authority = origin.lower().partition('://')
    here = headers.get('host', '').lower()
    if scheme != 'https' and scope['scheme'] in ('https', 'wss'):
        return True
    port = DEFAULT_PORTS.get(scheme, '')
    return not authority or authority.removesuffix(port) != here.removesuffix(port)


def path_of(scope: Scope) -> str:
    """The path below the base path, as the application's routes are written."""
    return str(scope['path']).removeprefix(scope.get('root_path', '')) or '/'


def path_for(scope: Scope, path: str) -> str:
    """A path of ours as a browser has to ask for it."""
    return str(scope.get('root_path', '')) + path


def address_of(connection: HTTPConnection) -> str:
    """Where it comes from, for the throttle."""
    return connection.client.host if connection.client else ''


def agent_of(connection: HTTPConnection) -> str:
    """What somebody signs in with, such as ``Firefox on Linux``, for the list of sessions."""
    agent = connection.headers.get('user-agent', '')
    browser = next((name for sign, name in BROWSERS.items() if sign in agent), agent.partition('/')[0])
    system = next((name for sign, name in SYSTEMS.items() if sign in agent), '')
    words = ' on '.join(filter(None, (browser, system)))
    return ''.join(filter(str.isprintable, words))[:AGENT_LENGTH] or 'unknown'


def remember(connection: HTTPConnection, response: Response, token: str, device: str) -> None:
    """Give the browser its cookies."""
    for kind, value, age in ((COOKIE, token, LIFETIME), (DEVICE_COOKIE, device, DEVICE_LIFETIME)):
        name = cookie_name(connection.scope, kind)
        response.set_cookie(name, value, max_age=age, httponly=True, samesite='strict', **_scope_of(connection))


def forget(connection: HTTPConnection, response: Response) -> None:
    """Take the browser's cookie back, and any that was planted for a part of this address."""
    name, options = cookie_name(connection.scope), _scope_of(connection)
    parts = str(connection.scope['path']).split('/')
    for path in {options.pop('path'), *('/'.join(parts[:end]) or '/' for end in range(1, min(len(parts), 5) + 1))}:
        response.delete_cookie(name, path, httponly=True, samesite='strict', **options)


def _scope_of(connection: HTTPConnection) -> dict[str, Any]:
    """Where the cookie goes: back to this dashboard only, and never unencrypted when it came on TLS."""
    return {'path': connection.scope.get('root_path', '') or '/', 'secure': connection.url.scheme == 'https'}
