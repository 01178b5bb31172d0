"""Who may use which address: one table. What is not in it is refused, to everybody.

``tests/unit/web/test_routes.py`` walks the routes of the whole product and fails for one that is missing here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from starlette.routing import compile_path

SOCKET = 'WEBSOCKET'  # stands among the methods for a WebSocket


class Access(Enum):
    """Who may use an address."""

    OPEN = 'anybody'
    READ = 'whoever is signed in, and API tokens'
    USER = 'whoever is signed in'
    ADMIN = 'administrators'


OPEN, READ, USER, ADMIN = Access.OPEN, Access.READ, Access.USER, Access.ADMIN

# methods (HEAD goes with GET), path as Starlette writes patterns, who may, which limit of a user it counts for
TABLE: tuple[tuple[str, str, Access, str], ...] = (
    ('GET POST', '/login', OPEN, ''),
    ('GET', '/favicon.ico', OPEN, ''),
    ('GET', '/api/health', OPEN, ''),
    ('GET', '/api/auth/setup-status', OPEN, ''),
    ('POST', '/api/auth/setup', OPEN, ''),
    ('POST', '/api/auth/login', OPEN, ''),
    ('POST', '/logout', USER, ''),
    ('GET', '/', USER, ''),
    ('GET', '/logs', USER, ''),
    ('GET', '/search', USER, ''),
    ('GET', '/account', USER, ''),
    ('GET', '/help', USER, ''),
    ('GET', '/help/{name}', USER, ''),
    ('GET', '/users', ADMIN, ''),
    ('GET', '/audit', ADMIN, ''),
    ('GET', '/storage', ADMIN, ''),
    ('GET', '/api/audit', ADMIN, ''),
    ('GET DELETE', '/api/storage', ADMIN, ''),
    ('GET', '/api/storage/export', ADMIN, 'downloads'),
    ('GET', '/api/auth/me', READ, ''),
    ('GET DELETE', '/api/auth/sessions', USER, ''),
    ('DELETE', '/api/auth/sessions/{id}', USER, ''),
    ('GET POST', '/api/auth/tokens', USER, ''),
    ('DELETE', '/api/auth/tokens/{id}', USER, ''),
    ('GET POST', '/api/users', ADMIN, ''),
    ('PATCH DELETE', '/api/users/{name}', ADMIN, ''),
    ('GET DELETE', '/api/users/{name}/sessions', ADMIN, ''),
    ('DELETE', '/api/users/{name}/sessions/{id}', ADMIN, ''),
    ('POST', '/api/auth/change-password', USER, ''),
    ('POST', '/api/auth/logout', USER, ''),
    ('GET', '/api/services', READ, ''),
    ('GET', '/api/logs', READ, ''),
    ('GET', '/api/logs/{service}', READ, 'reads'),
    ('GET', '/api/logs/{service}/download', READ, 'downloads'),
    ('GET', '/api/histogram', READ, 'downloads'),
    ('GET', '/api/search', READ, ''),  # the searches themselves are counted, those of pages too
    (SOCKET, '/api/logs/ws/{service}', READ, 'sockets'),
    ('GET', '/api/docs', READ, ''),
    ('GET', '/api/docs-assets/{path:path}', READ, ''),
    ('GET', '/api/openapi.json', READ, ''),
    ('GET', '/docs/oauth2-redirect', USER, ''),
    ('GET', '/_nicegui/{path:path}', USER, ''),
    (f'GET POST {SOCKET}', '/_nicegui_ws/{path:path}', USER, ''),
)

MANUAL = ('/api/docs', '/api/docs-assets/{path:path}', '/api/openapi.json')  # of the API, and so no one's


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of the table."""

    methods: frozenset[str]
    path: re.Pattern[str]
    access: Access
    limit: str  # a name of ``Settings.max_…``, or ''
    is_shell: bool = False  # it shows nothing of anybody, so that the cookie alone does


RULES = tuple(
    Rule(
        frozenset(methods.split()), compile_path(path)[0], access, limit, not path.startswith('/api/') or path in MANUAL
    )
    for methods, path, access, limit in TABLE
)


def rule_of(method: str, path: str) -> Rule | None:
    """The line for a request; None when there is none, so that it is to be refused."""
    wanted = 'GET' if method == 'HEAD' else method
    return next((rule for rule in RULES if wanted in rule.methods and rule.path.match(path)), None)


def may_open(path: str, is_admin: bool) -> bool:
    """Whether there is such a page for somebody who is signed in."""
    rule = rule_of('GET', path)
    return rule is not None and (is_admin or rule.access is not ADMIN)


def methods_of(path: str) -> set[str]:
    """The HTTP methods that the table has for a path; none for a path that is not in it."""
    return {method for rule in RULES if rule.path.match(path) for method in rule.methods} - {SOCKET}
