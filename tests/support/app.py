"""The routes on an engine in the same process, and clients that are signed in to them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from fastapi import FastAPI
from starlette.testclient import TestClient

from dashboard.access.accounts import Accounts
from dashboard.access.audit import Audit
from dashboard.access.scope import Scope
from dashboard.app import create_api
from dashboard.config import Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.store import Store
from dashboard.timeline.hub import LogHub
from tests.support.until import PATIENCE

PASSWORD = 'correct horse'
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class App:
    """A running application with an administrator ``ann`` and a viewer ``bob`` of ``shop/*``.

    :param keeps: whether it records what containers write
    """

    def __init__(self, data_dir: Path, keeps: bool = False) -> None:
        self.data_dir = data_dir
        self.engine = ScriptedEngine()
        self.accounts = Accounts(data_dir, hasher=CHEAP)
        self.accounts.users.add('ann', PASSWORD, is_admin=True)
        self.accounts.users.add('bob', PASSWORD, scope=Scope.of(['shop/*']))
        self.store = Store(data_dir / 'lines', 1 << 30, 36_500, gather=0.01) if keeps else None
        self.audit = Audit.of(Settings(data_dir=data_dir), self.accounts)
        self.api: FastAPI = create_api(LogHub(self.engine, Settings(), self.store), self.accounts, audit=self.audit)
        self.client = TestClient(self.api)

    def on_loop(self, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Call something on the event loop that serves."""
        return self.client.portal.call(partial(call, *arguments, **options))

    def signed_in(self, username: str) -> TestClient:
        """A client with a session of its own."""
        return self.with_token(self.accounts.issue(username))

    def with_token(self, token: str) -> TestClient:
        """A client of the same running application with this token, which is also its attribute ``token``."""
        client = TestClient(self.api, headers={'Authorization': f'Bearer {token}'})
        client.portal, client.token = self.client.portal, token
        return client


@contextmanager
def running(data_dir: Path, *, keeps: bool = False) -> Iterator[App]:
    """An application that serves for as long as the ``with`` lasts."""
    app = App(data_dir, keeps)
    with app.client:
        yield app


def eventually(look: Callable[[], Any], fits: Callable[[Any], bool] = bool, timeout: float = PATIENCE) -> Any:
    """What ``look`` gives, once it fits: the hub learns of containers a moment later."""
    deadline = time.monotonic() + timeout
    while not fits(found := look()):
        assert time.monotonic() < deadline, found
        time.sleep(0.01)
    return found
