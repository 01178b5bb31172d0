"""How a user wants the pages to look: kept with the account, the same in all tabs that are opened."""

from __future__ import annotations

import asyncio

from dashboard.access import Accounts
from dashboard.errors import AccountsUnavailable
from dashboard.pages.allowance import Allowance

PAUSE, AT_ONCE = 1.0, 10  # seconds between writes of the database, and how many may come together
DEFAULTS = {'timestamps': True, 'utc': False, 'wrap': True, 'raw': False}


class Preferences:
    """Those of one user, as they were when the page was opened and as this page has changed them."""

    def __init__(self, accounts: Accounts, username: str) -> None:
        self._accounts = accounts
        self._username = username
        self._writes = Allowance(1 / PAUSE, AT_ONCE)
        self._later: asyncio.TimerHandle | None = None
        self._values: dict[str, object] = {**DEFAULTS, **accounts.users.preferences(username)}
        self._changed: dict[str, object] = {}  # and not written yet

    def on(self, name: str) -> bool:
        """Whether a switch is on."""
        return bool(self._values[name])

    @property
    def dark(self) -> bool | None:
        """Quasar's dark mode: True, False, or None for the system's."""
        return self.chosen('dark')

    def chosen(self, name: str) -> bool | None:
        """Whether a switch is on; None while its user has not chosen."""
        value = self._values.get(name)
        return value if isinstance(value, bool) else None

    def beginning_with(self, prefix: str) -> dict[str, object]:
        """Those whose names begin so, by the rest of their names."""
        found = (name for name in self._values if name.startswith(prefix))
        return {name.removeprefix(prefix): self._values[name] for name in found}

    def save(self, name: str, value: object) -> None:
        """Change one and remember it: at once, or a little later when many were remembered just now. None: no more."""
        self._values[name] = self._changed[name] = value
        if value is None:
            del self._values[name]
        if self._later is None:
            if self._writes.take():
                self._write()
            else:
                self._later = asyncio.get_running_loop().call_later(PAUSE, self._write)

    def _write(self) -> None:
        self._later = None
        try:
            # only what was changed here: another tab may have changed others meanwhile
            known = {**self._accounts.users.preferences(self._username), **self._changed}
            kept = {name: value for name, value in known.items() if value is not None}
            self._accounts.users.save_preferences(self._username, kept)
            self._changed.clear()
        except AccountsUnavailable as error:
            self._later = asyncio.get_running_loop().call_later(error.retry_after, self._write)
