"""How HTTP reaches the rest: the server and its limits, the edge, the gate, and what each route asks for."""

from dashboard.web.credentials import (
    UNAUTHORIZED,
    address_of,
    agent_of,
    cookie_tokens,
    device_tokens,
    forget,
    path_for,
    path_of,
    remember,
)
from dashboard.web.edge import Edge
from dashboard.web.eviction import NOTICE
from dashboard.web.guard import Guard, in_words
from dashboard.web.head import Head
from dashboard.web.origin_key import HEADER, is_same, sessions_of
from dashboard.web.routes import may_open
from dashboard.web.server import BURST, configure, listen
from dashboard.web.tls import UNENCRYPTED, check_tls, is_unencrypted, validity
from dashboard.web.transfers import Transfer, Transfers

__all__ = [
    'BURST',
    'HEADER',
    'NOTICE',
    'UNAUTHORIZED',
    'UNENCRYPTED',
    'Edge',
    'Guard',
    'Head',
    'Transfer',
    'Transfers',
    'address_of',
    'agent_of',
    'check_tls',
    'configure',
    'cookie_tokens',
    'device_tokens',
    'forget',
    'in_words',
    'is_same',
    'is_unencrypted',
    'listen',
    'may_open',
    'path_for',
    'path_of',
    'remember',
    'sessions_of',
    'validity',
]
