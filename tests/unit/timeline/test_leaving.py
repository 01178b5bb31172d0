"""Who has left holds no memory: neither lines, nor what held them, nor what the C library keeps of it."""

from __future__ import annotations

import asyncio
import ctypes
import gc
from pathlib import Path
from weakref import ref

import pytest

from dashboard.config import Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.model import LogLine
from dashboard.timeline import leaving
from dashboard.timeline.catalog import Selection
from dashboard.timeline.hub import LogHub
from dashboard.timeline.leaving import GiveBack
from tests.support.until import until

pytestmark = pytest.mark.usefixtures('quick', 'no_collector')
MARK = b'a line of a service that was left'


@pytest.fixture
def no_collector():
    gc.collect()  # what other tests have left
    gc.disable()
    yield
    gc.enable()


async def watch(hub, target, seen):
    async with hub.subscribe(target, 10) as subscription:
        async for rows in subscription:
            seen += [ref(subscription), ref(subscription.feed), ref(subscription.feed.history)]
            assert any(MARK in row.record for row in rows if isinstance(row, LogLine))
            if len(seen) > 3:
                break


@pytest.mark.parametrize('merged', [False, True])
@pytest.mark.parametrize('end', ['returns', 'is cancelled'])
async def test_a_feed_that_was_left_dies_without_the_collector(monkeypatch, end, merged):
    """Its history, its subscription, and every line that any of its readers had in its hands."""
    monkeypatch.setattr(leaving, 'WAIT', 1_000)  # nor does the collector come later
    engine = ScriptedEngine()
    containers = [engine.add('web'), engine.add('web')]
    for container in containers:
        engine.write_many(container, [MARK.decode()] * 50)
    async with LogHub(engine, Settings(linger=0)) as hub:
        await until(lambda: hub.services and len(hub.services[0].containers) == 2)
        seen: list[ref] = []
        key = containers[0].service
        target = Selection('web', frozenset([key]), frozenset()) if merged else key
        viewer = asyncio.create_task(watch(hub, target, seen))
        await until(lambda: seen)
        if end == 'returns':
            engine.write(containers[1], MARK)
        else:
            viewer.cancel()
        await asyncio.wait([viewer])
        del viewer  # a cancelled task keeps what it was about
        await until(lambda: not engine.open_streams)
        for container in containers:
            engine.rotate(container, 0)  # it has held them too
        await until(lambda: not any(known() for known in seen))
        assert not [item for item in gc.get_objects() if isinstance(item, LogLine) and MARK in item.record]


class Knot:
    """Holds itself, as a page and its elements do."""

    def __init__(self):
        self.itself = self


async def test_knots_that_were_left_are_collected_soon_after(monkeypatch):
    monkeypatch.setattr(leaving, 'WAIT', 0.05)
    monkeypatch.setattr(leaving, 'SHARE', 1)  # in a process of many tests one look takes long
    engine = ScriptedEngine()
    web = engine.add('web')
    async with LogHub(engine, Settings(linger=0)) as hub:
        await until(lambda: hub.services)
        for _ in range(2):  # again and again
            known = ref(Knot())
            async with hub.subscribe(web.service, 0):
                assert known()
            await until(lambda known=known: known() is None)


async def test_beside_very_many_rows_only_young_objects_are_looked_at(monkeypatch):
    monkeypatch.setattr(leaving, 'WAIT', 0)
    old = Knot()
    gc.collect()  # from now on it is old
    known, young = ref(old), ref(Knot())
    del old
    await GiveBack(lambda: leaving.MANY + 1).run()
    assert known()
    assert not young()
    await GiveBack(lambda: leaving.MANY).run()
    assert not known()


async def test_who_leaves_meanwhile_needs_no_turn_of_their_own():
    give_back = GiveBack(lambda: 0)
    assert give_back.ask()
    assert not give_back.ask()


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), 'malloc_trim'), reason='this C library is not told')
async def test_what_was_freed_goes_back_to_the_system(monkeypatch):
    monkeypatch.setattr(leaving, 'WAIT', 0)
    lines = [bytes(16_000) for _ in range(8_000)]
    kept = lines.pop()  # the end of the heap is in use, so the C library gives nothing back by itself
    full = resident()
    del lines
    await GiveBack(lambda: 0).run()
    assert resident() < full - 50
    assert kept


def resident() -> int:
    """MiB of this process."""
    status = Path('/proc/self/status').read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith('VmRSS')) // 1024
