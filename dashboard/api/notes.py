"""The audit log as a dependency of routes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from starlette.requests import HTTPConnection

from dashboard.access import Audit
from dashboard.web import address_of

Note: TypeAlias = Callable[..., None]  # takes an event and its details


class Notes:
    """Notes events in the name of whoever asks."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    async def __call__(self, connection: HTTPConnection) -> Note:
        """What notes an event of this request."""
        return partial(self._audit.record, who=connection.state.identity, address=address_of(connection))
