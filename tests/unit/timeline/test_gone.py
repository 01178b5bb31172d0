"""A service that is gone can still be read, as long as lines of it are kept; one that comes back is one story."""

from __future__ import annotations

import time

import pytest

from dashboard.access.identity import Identity
from dashboard.access.scope import EVERYTHING, Scope
from dashboard.access.visits import Visit
from dashboard.config import Settings
from dashboard.errors import ServiceNotFound
from dashboard.model import LogLine
from dashboard.store import Store
from dashboard.timeline import hub as hub_module
from dashboard.timeline.hub import LogHub
from dashboard.view.finding import Finder, Searches
from dashboard.view.lens import Redactor
from dashboard.view.view import View
from tests.support.until import until

pytestmark = pytest.mark.usefixtures('quick')


@pytest.fixture
async def kept(engine, tmp_path, monkeypatch):
    """A hub that keeps lines, of which ``shop:web`` was removed after it had written two."""
    monkeypatch.setattr(hub_module, 'GONE_EVERY', 0.0)
    web = engine.add('web', project='shop')
    engine.add('api', project='shop')
    engine.write_many(web, ['one', 'two'])
    async with LogHub(engine, Settings(), Store(tmp_path / 'store', 1 << 30, 1_000, gather=0.01)) as hub:
        await until(lambda: hub.store.usage().lines == 2)
        engine.remove(web)
        await until(lambda: web.service in hub.gone)
        hub.web = web.service
        yield hub


def view_of(hub, scope=EVERYTHING):
    return View(hub, Visit(Identity('ann', True, scope, 'token', 'session', 2**60)), Redactor())


async def texts(subscription, count):
    found = []
    while len(found) < count:
        await subscription.wait()
        found += [row.text for row in subscription.take(100) if isinstance(row, LogLine)]
    return found


async def test_what_a_gone_service_has_left_is_its_timeline(kept):
    view = view_of(kept)
    assert view.select('web') == kept.web
    assert abs(view.gone[kept.web] - time.time_ns()) < 60 * 10**9
    async with view.subscribe(kept.web, 1) as subscription:
        assert await texts(subscription, 1) == ['two']
        assert subscription.feed.status.phase == 'stopped'
        assert [row.text async for rows in view.read(view.service(kept.web)) for row in rows][:2] == ['one', 'two']


async def test_when_it_comes_back_its_timeline_goes_on(kept, engine):
    view = view_of(kept)
    async with view.subscribe(kept.web, 10) as subscription:
        assert await texts(subscription, 2) == ['one', 'two']
        again = engine.add('web', project='shop')
        engine.write(again, 'three')
        assert await texts(subscription, 1) == ['three']
        await until(lambda: kept.web not in view.gone)


async def test_a_gone_service_takes_no_name_from_others(kept, engine):
    engine.add('web', project='blog')
    view = view_of(kept)
    await until(lambda: any(service.key.project == 'blog' for service in view.services))
    assert view.select('web').project == 'blog'
    assert [view.name_of(key) for key in view.gone] == ['shop:web']
    assert view.select('shop:web') == kept.web


async def test_a_gone_service_is_in_scope_or_there_is_none(kept):
    view = view_of(kept, Scope.of(['shop/api']))
    assert not view.gone
    with pytest.raises(ServiceNotFound, match='Service web not found'):
        view.select('web')
    with pytest.raises(ServiceNotFound):
        async with view.subscribe(kept.web, 1):
            pass


async def test_where_one_project_is_shown_no_kept_service_of_another_is_told_or_searched(kept, monkeypatch):
    monkeypatch.setattr(kept, 'settings', Settings(compose_project='blog'))
    finder = Finder(kept, Visit(Identity('ann', True, EVERYTHING, 'token', 'session', 2**60)), Redactor(), Searches(2))
    assert not view_of(kept).gone
    assert kept.web not in {service.key for service in finder.services}
