"""Who somebody is, once they have been let in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from dashboard.access.scope import Scope

Role: TypeAlias = Literal['admin', 'viewer']


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a valid token stands for, at the moment when it was looked up. ``expires`` in seconds since the epoch."""

    username: str
    is_admin: bool
    scope: Scope
    token_id: str  # what the database knows the token by; never shown
    session_id: str  # what users and administrators know it by; grants nothing
    expires: int
    read_only: bool = False  # an API token: it reads logs and nothing else

    @property
    def role(self) -> Role:
        """``admin`` or ``viewer``."""
        return role_of(self.is_admin)


def role_of(is_admin: bool) -> Role:
    """What the roles are called."""
    return 'admin' if is_admin else 'viewer'
