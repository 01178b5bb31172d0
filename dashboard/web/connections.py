"""Which connections are open, and which gives way when there are too many: a stranger's, and of those the oldest.

Whoever is signed in keeps their place: connections of strangers, however many they open and however long they keep
them, never keep anybody out.
"""

from __future__ import annotations

from collections import Counter
from ipaddress import ip_address
from typing import Protocol

from dashboard.config import Networks

KNOWN = 'dashboard.known'  # the key of an ASGI scope's state by which the gate says whose connection it is
STRANGERS = 10  # a tenth of all places is for the strangers of one address
USERS = 2  # half of them is for one user


class Transport(Protocol):
    """What is needed of a connection."""

    def abort(self) -> None:
        """Close it at once."""


class Connections:
    """Used from the event loop only.

    :param most: how many there may be at once
    :param proxies: whose connections bring many clients each, so that the share of an address does not hold for them
    """

    def __init__(self, most: int, proxies: Networks = ()) -> None:
        self._most = most
        self._proxies = proxies
        self._strangers: dict[Transport, str] = {}  # where it is from, the oldest first
        self._of: dict[str, dict[Transport, None]] = {}  # the same by where they are from
        self._known: dict[Transport, str] = {}  # whose it is
        self._count: Counter[str] = Counter()  # of those

    def __len__(self) -> int:
        return len(self._strangers) + len(self._known)

    def enter(self, transport: Transport, address: str) -> None:
        """A connection has come; where there is no place for it, the oldest of a stranger gives way."""
        neighbourhood = _neighbourhood(address, self._proxies)
        others = self._of.get(neighbourhood, {})
        if neighbourhood and len(others) >= max(STRANGERS, self._most // STRANGERS):
            self._shut(next(iter(others)))
        elif len(self) >= self._most and self._strangers:
            self._shut(next(iter(self._strangers)))
        self._strangers[transport] = neighbourhood
        self._of.setdefault(neighbourhood, {})[transport] = None

    def know(self, transport: Transport, user: str) -> None:
        """It is the connection of somebody who is signed in; beyond the share of a user it stays as it was."""
        if transport in self._strangers and self._count[user] < max(1, self._most // USERS):
            self._forget(transport)
            self._known[transport] = user
            self._count[user] += 1

    def leave(self, transport: Transport) -> None:
        """A connection has ended."""
        self._forget(transport)
        if user := self._known.pop(transport, ''):
            self._count[user] -= 1
            if not self._count[user]:
                del self._count[user]

    def _shut(self, transport: Transport) -> None:
        self._forget(transport)
        transport.abort()

    def _forget(self, transport: Transport) -> None:
        neighbourhood = self._strangers.pop(transport, None)
        if neighbourhood is not None:
            del self._of[neighbourhood][transport]
            if not self._of[neighbourhood]:
                del self._of[neighbourhood]


def _neighbourhood(address: str, proxies: Networks) -> str:
    """An IPv4 address, or the 64 bits that one line has of IPv6; '' for a proxy, and for what has no address."""
    try:
        found = ip_address(address.partition('%')[0])
    except ValueError:
        return ''
    found = getattr(found, 'ipv4_mapped', None) or found
    if any(found in network for network in proxies):
        return ''
    return str(found) if found.version == 4 else found.exploded[:19]
