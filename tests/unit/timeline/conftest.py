"""What the tests of timelines share: a scripted engine, and a hub that watches it."""

from __future__ import annotations

import pytest

from dashboard.config import Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.timeline.hub import LogHub


@pytest.fixture
def engine():
    return ScriptedEngine()


@pytest.fixture
async def hub(engine):
    async with LogHub(engine, Settings(linger=0)) as hub:
        await hub.asked()
        yield hub
