"""What every request passes first: who sent it through which proxy, how long it is, and the headers of every answer.

Whatever the server believes of ``X-Forwarded-…`` is decided here, and the headers end here: nothing further in, and no
library, sees one of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.config import Networks, Settings, base_path
from dashboard.web.endings import serve

FORWARDED = re.compile(rb'forwarded|x-forwarded-[a-z-]+|x-real-ip')
AUTHORITY = re.compile(r'[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?')
SCHEMES = {'http': ('http', 'ws'), 'https': ('https', 'wss'), 'ws': ('http', 'ws'), 'wss': ('https', 'wss')}
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
    'Cache-Control': 'no-store',  # logs and accounts; what may be kept says so itself
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'same-origin',  # with no-referrer a browser sends 'Origin: null' with our own forms
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
}
HSTS = 'max-age=31536000'  # this host only: what else runs below its name is not ours to decide


@dataclass(frozen=True, slots=True)
class Edge:
    """The outermost layer, around Starlette's own error handling too."""

    app: ASGIApp
    settings: Settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope['type'] == 'lifespan':
            await self.app(scope, receive, send)
            return
        base = _believe(scope, self.settings.trusted_proxies)
        send = _with_security_headers(send, scope['scheme'] in ('https', 'wss'))
        refusal = _ambiguous(scope) or _oversized(scope, self.settings)
        _place(scope, self.settings.base_path if base is None else base)
        await serve(refusal or self.app, scope, receive, send)


def address_behind(peer: str, forwarded_for: str, trusted: Networks) -> str:
    """Who the request is from: the right-most address that no trusted proxy has, as each adds whom it heard from."""
    found = peer
    for part in reversed(forwarded_for.split(',')):
        before = _address(part)
        if not before or not _is_within(found, trusted):
            break
        found = before
    return found


def _believe(scope: Scope, trusted: Networks) -> str | None:
    """Take what a trusted proxy says into the scope, and the headers that say so away; the prefix that it names."""
    told = Headers(raw=[(name, value) for name, value in scope['headers'] if FORWARDED.fullmatch(name)])
    scope['headers'] = [(name, value) for name, value in scope['headers'] if not FORWARDED.fullmatch(name)]
    peer, port = scope.get('client') or ('', 0)
    if not told or not _is_within(peer, trusted):
        return None
    scope['client'] = (address_behind(peer, ','.join(told.getlist('x-forwarded-for')), trusted), port)
    scheme = _last(told, 'x-forwarded-proto').lower()
    if scheme in SCHEMES:
        scope['scheme'] = SCHEMES[scheme][scope['type'] == 'websocket']
    host = _last(told, 'x-forwarded-host')
    if AUTHORITY.fullmatch(host):
        MutableHeaders(scope=scope)['host'] = host
    return _prefix(_last(told, 'x-forwarded-prefix'))


def _place(scope: Scope, base: str) -> None:
    """Put the application below a path, whether the proxy has taken it off the address or left it there."""
    if not base:
        return
    if scope['path'] == base or not scope['path'].startswith(f'{base}/'):
        rest = '/' if scope['path'] == base else scope['path']
        scope['path'] = base + rest
        scope['raw_path'] = base.encode() + (b'/' if rest == '/' else scope.get('raw_path') or rest.encode())
    scope['root_path'] = base


def _ambiguous(scope: Scope) -> Response | None:
    """A body with two lengths, of which a proxy may have taken the other one (RFC 9112, section 6.1)."""
    headers = Headers(scope=scope)
    if 'content-length' in headers and 'transfer-encoding' in headers:
        words = 'The body has both a Content-Length and a Transfer-Encoding.'
        return PlainTextResponse(words, 400, {'Connection': 'close'})
    return None


def _oversized(scope: Scope, settings: Settings) -> Response | None:
    if len(scope.get('raw_path') or scope['path']) + len(scope['query_string']) > settings.max_url:
        return PlainTextResponse(f'The address may have {settings.max_url:,} bytes at most.', 414)
    if sum(len(name) + len(value) + 4 for name, value in scope['headers']) > settings.max_headers:
        return PlainTextResponse(f'The headers may have {settings.max_headers:,} bytes at most.', 431)
    return None


def _with_security_headers(send: Send, on_tls: bool) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message['type'] in ('http.response.start', 'websocket.http.response.start'):
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)  # a page may be stricter, as the sign-in page is
            if on_tls:
                headers.setdefault('Strict-Transport-Security', HSTS)
        await send(message)

    return send_with_headers


def _last(headers: Headers, name: str) -> str:
    """The value that the nearest proxy gave; those before it may be anybody's."""
    return ','.join(headers.getlist(name)).rpartition(',')[2].strip()


def _prefix(text: str) -> str | None:
    try:
        return base_path(text) if text else None
    except ValueError:
        return None


def _address(text: str) -> str:
    """An address without its port and brackets; '' for anything else."""
    text = text.strip()
    if text.startswith('['):
        text = text[1:].partition(']')[0]
    elif text.count(':') == 1:
        text = text.partition(':')[0]
    try:
        address = ip_address(text)
    except ValueError:
        return ''
    return str(getattr(address, 'ipv4_mapped', None) or address)  # a socket for both tells IPv4 peers as IPv6


def _is_within(address: str, trusted: Networks) -> bool:
    plain = _address(address)
    return bool(plain) and any(ip_address(plain) in network for network in trusted)
