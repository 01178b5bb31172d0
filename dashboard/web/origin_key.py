"""What a browser shows beside its cookie: a key that stays with the origin, its port included.

Cookies ignore ports (RFC 6265, section 8.5). Whatever else listens on the same host, say another container, is sent
ours when its page is opened, and could send it to us from a program of its own, which no check of origins stops. So the
cookie alone opens only the empty shells of pages. The key of its session lies in the browser's storage for this origin,
which pages of another port cannot read; it is asked for by the socket that fills the shells, and by the API. A download
is a plain link and can bring no header: its address holds a ticket, which the page has made for this one link.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.types import Scope

from dashboard.access import Accounts, Identity
from dashboard.web.credentials import cookie_tokens, path_of, take_query

HEADER = 'X-Dashboard-Key'
TICKET = 'ticket'
TICKET_TIME = 60  # seconds from the click on a link to its request


def sessions_of(accounts: Accounts, scope: Scope) -> list[Identity]:
    """Those of the cookies that are valid: more than one when somebody else has planted theirs."""
    found = {accounts.known_token(token) for token in cookie_tokens(scope)}
    return [identity for identity in found if identity]


def proven(accounts: Accounts, scope: Scope, sessions: list[Identity]) -> Identity | None:
    """The session whose key, or whose ticket for this very address, comes with the request; takes the ticket out."""
    key, ticket = Headers(scope=scope).get(HEADER, ''), take_query(scope, TICKET)
    address = f'{path_of(scope)}?{scope["query_string"].decode("latin-1")}'
    for identity in sessions:
        own = accounts.sessions.origin_key(identity)
        if is_same(key, own) or (scope['type'] == 'http' and scope['method'] == 'GET' and _fits(ticket, own, address)):
            return identity
    return None


def tickets(key: str) -> Callable[[str], str]:
    """Makes an address of ours, without the base path, one that opens with the cookie alone for a minute."""

    def with_ticket(address: str) -> str:
        path, _, query = address.partition('?')
        expires = int(time.time()) + TICKET_TIME
        return f'{path}?{query}{"&" if query else ""}{TICKET}={_ticket(key, expires, f"{unquote(path)}?{query}")}'

    return with_ticket


def is_same(given: Any, key: str) -> bool:
    """Compares in constant time; what is not even text is not the key."""
    return isinstance(given, str) and hmac.compare_digest(given.encode('utf-8', 'replace'), key.encode())


def _ticket(key: str, expires: int, address: str) -> str:
    return f'{expires}.{hmac.new(key.encode(), f"{expires} {address}".encode(), "sha256").hexdigest()}'


def _fits(ticket: str, key: str, address: str) -> bool:
    expires = ticket.partition('.')[0]
    if not (expires.isascii() and expires.isdigit() and len(expires) < 12 and int(expires) >= time.time()):
        return False
    return is_same(ticket, _ticket(key, int(expires), address))
