"""What a tab holds again after its connection broke."""

from __future__ import annotations

import time

import pytest

from dashboard.access.identity import Identity
from dashboard.access.scope import EVERYTHING
from dashboard.access.visits import Visit
from dashboard.config import Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.model import SECOND, Gap, LogLine
from dashboard.pages.logs.held import Held
from dashboard.pages.logs.place import Place
from dashboard.store import Store
from dashboard.timeline import recorder
from dashboard.timeline.hub import LogHub
from dashboard.view.lens import Redactor
from dashboard.view.view import View
from tests.support.until import until

pytestmark = pytest.mark.usefixtures('quick')


@pytest.mark.parametrize('recorded', [True, False])
async def test_a_container_that_was_removed_meanwhile_is_a_gap_only_where_its_lines_are_not_kept(
    tmp_path, monkeypatch, recorded
):
    monkeypatch.setattr(recorder, 'RELISTED', 0.05)
    engine = ScriptedEngine()
    web = engine.add('web')
    start = time.time_ns() - 10 * SECOND
    engine.write(web, 'one', timestamp=start)
    engine.write(web, 'two', timestamp=start + SECOND)
    store = Store(tmp_path / 'store', 1 << 30, 1_000, gather=0.01) if recorded else None
    async with LogHub(engine, Settings(linger=0), store) as hub:
        await hub.asked()
        view = View(hub, Visit(Identity('ann', True, EVERYTHING, 'token', 'session', 2**60)), Redactor())
        engine.write(web, 'three', timestamp=start + 2 * SECOND)
        if store:
            await until(lambda: store.usage().lines == 3)
        engine.stop(web)
        if store:
            await until(lambda: hub.find('web').containers[0].status == 'exited')
        engine.remove(web)
        again = engine.add('web')
        engine.write(again, 'four')
        await until(lambda: hub.find('web').containers[0].id == again.id)
        if store:
            await until(lambda: set(store.cursors) == {again.short_id})
        async with hub.subscribe(web.service, 10) as subscription:
            await until(lambda: subscription.feed.history.end)
            held = Held(subscription.position)
            place = Place(start, start + SECOND, start + SECOND, True, frozenset([web.short_id]))
            await held.read_again(view, subscription, place, 100)
            texts = [row.text for row in held.older if isinstance(row, LogLine)]
            gaps = [row.container for row in held.older if isinstance(row, Gap)]
        assert (texts, gaps) == ((['one', 'two', 'three'], []) if recorded else ([], [web.short_id]))
