"""The whole product, served once for all tests of the wing: NiceGUI takes one application a process."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import httpx
import pytest

from dashboard.access.accounts import Accounts
from dashboard.app import create_app
from dashboard.config import Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.timeline.hub import LogHub
from tests.unit.web.test_guard import CHEAP, configured, serving

KEY = 'a key of this test that is long enough'


@pytest.fixture(scope='session')
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """With the administrators ``ann`` and ``kim``, the viewer ``bob`` of everything, and a service ``web``."""
    accounts = Accounts(tmp_path_factory.mktemp('product'), KEY, hasher=CHEAP)
    for name in ('ann', 'bob', 'kim'):
        accounts.users.add(name, f'correct horse of {name}', is_admin=name != 'bob')
    settings, engine = Settings(max_pages=3, max_waiting_pages=2, max_sockets=8), ScriptedEngine('demo', 'a test')
    engine.write_many(engine.add('web'), ['a line'])
    config = configured(settings)
    options = {name: getattr(config, name) for name in ('http', 'ws', 'ws_max_size')}
    edge = create_app(settings, LogHub(engine, settings), accounts)
    with serving(edge, lifespan='on', **options) as url, httpx.Client(base_url=url, trust_env=False) as client:
        port = int(url.rpartition(':')[2])
        yield SimpleNamespace(app=edge.app, accounts=accounts, client=client, url=url, port=port, settings=settings)
