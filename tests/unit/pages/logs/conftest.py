"""What the tests of windows share: one on a tab, and the way to open that tab."""

from __future__ import annotations

import re

import pytest
from nicegui import Client
from nicegui.page import page

from dashboard.access.identity import Identity
from dashboard.access.scope import EVERYTHING
from dashboard.access.visits import Visit
from dashboard.config import Settings
from dashboard.pages.logs import lighting, render
from dashboard.pages.logs import past as past_module
from dashboard.pages.logs import viewer as viewer_module
from dashboard.pages.logs.viewer import LogViewer
from dashboard.timeline.hub import LogHub
from dashboard.view.lens import Redactor
from dashboard.view.view import View
from tests.support.until import until
from tests.support.window import CAPACITY, HELD, LINES, SlowEngine, Window, write


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    """What is bounded by time is whole here, however busy the machine is; tests of these bounds set their own."""
    monkeypatch.setattr(render, 'PIECE', 60.0)
    monkeypatch.setattr(lighting, 'TIME', 60.0)


@pytest.fixture
def window(monkeypatch):
    monkeypatch.setattr(past_module, 'PAGE', 500)
    monkeypatch.setattr(viewer_module, 'FLUSH', 0.01)
    return Window()


@pytest.fixture
async def client(monkeypatch, window):
    client = Client(page('/logs'), request=None)
    monkeypatch.setattr(client, 'run_javascript', window.run)
    yield client
    client.delete()


@pytest.fixture
async def tab(client, window):
    """Opens a tab on containers of these services, which have written in turn: ``await tab('web', 'web')``."""
    async with LogHub(engine := SlowEngine(), Settings(history_lines=HELD, linger=0)) as hub:
        viewers = []

        async def open_(*services: str, is_admin: bool = True, texts: str = '{}') -> LogViewer:
            engine.ones, engine.texts = [engine.add(service) for service in services or ['web']], texts
            write(engine, range(LINES))
            hub._watch.look_again()
            await until(lambda: sum(len(item.containers) for item in hub.services) == len(engine.ones))
            with client:
                viewer = LogViewer(
                    view := View(hub, Visit(Identity('x', is_admin, EVERYTHING, '', 'session', 1 << 40)), Redactor()),
                    CAPACITY,
                    lambda: None,
                )
            viewers.append(viewer)
            viewer.engine, viewer.hub = engine, hub
            viewer.watch(view.select('*' if len(hub.services) > 1 else 'web'), 300)
            # in a block of their own, or in the last one after those that came a moment before
            await until(lambda: window.blocks and re.search(f'{LINES - 1}(</div>)+$', window.blocks[-1]))
            return viewer

        yield open_
        for viewer in viewers:
            viewer.close()
