"""Every line is kept once, whoever watches, and whatever ends us, the engine or a container."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from dashboard.config import Settings
from dashboard.model import ENGINE_SPLIT, PREFIX, SECOND, Gap, LogLine, Notice
from dashboard.store import Store, Wanted
from dashboard.timeline import recorder
from dashboard.timeline.hub import LogHub
from dashboard.timeline.merge import WINDOW
from tests.support.until import PATIENCE

pytestmark = pytest.mark.usefixtures('quick', 'brisk')


@pytest.fixture
def brisk(monkeypatch):
    """A recorder that looks again almost at once."""
    monkeypatch.setattr(recorder, 'GATHER', 0.01)
    monkeypatch.setattr(recorder, 'RELISTED', 2 * WINDOW)  # a notice of the end has come by then, as in earnest
    monkeypatch.setattr(recorder, 'FIRST_DELAY', 0.01)


@pytest.fixture
def recording(engine, tmp_path):
    """``async with recording() as store``: what the engine's containers write is recorded meanwhile."""

    @asynccontextmanager
    async def run(**options):
        store = Store(tmp_path / 'store', 1 << 30, 1_000, gather=0.01)
        async with LogHub(engine, Settings(**options), store) as hub:
            store.hub = hub
            yield store

    return run


async def rows_of(store):
    await store.flush()
    return [row async for rows in store.lines.between(Wanted()) for row in rows]


async def texts(store):
    return [row.text for row in await rows_of(store) if isinstance(row, LogLine)]


async def becomes(look, wanted):
    deadline = time.monotonic() + PATIENCE
    while (found := await look()) != wanted:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.02)


async def followed(store, container):
    feed = store.hub.recorded(container.service)
    return feed is not None and feed.ready.is_set()


async def killed(store):
    """What a ``kill -9`` leaves: nothing that waits is committed any more."""
    store._writer.commit = lambda batches: None


async def test_what_was_written_before_and_what_comes_is_kept_though_nobody_watches(engine, recording):
    web, api = engine.add('web'), engine.add('api')
    engine.write_many(web, ['one', 'two'])
    async with recording() as store:
        await becomes(lambda: texts(store), ['one', 'two'])
        engine.write(api, 'three')
        engine.write(web, 'four')
        await becomes(lambda: texts(store), ['one', 'two', 'three', 'four'])
        assert {row.container.service for row in await rows_of(store)} == {web.service, api.service}


async def test_it_goes_on_from_where_it_was(engine, recording):
    web = engine.add('web')
    engine.write_many(web, map(str, range(100)))
    async with recording() as store:
        await becomes(lambda: texts(store), [str(n) for n in range(100)])
    engine.write_many(web, map(str, range(100, 3_100)))
    async with recording() as store:
        await becomes(lambda: texts(store), [str(n) for n in range(3_100)])
        assert not [row for row in await rows_of(store) if isinstance(row, Gap)]


async def test_nothing_is_lost_or_there_twice_however_often_it_is_killed(engine, recording):
    web, api = engine.add('web'), engine.add('api')
    written = 0
    for round_ in range(5):
        async with recording() as store:
            for _ in range(20):
                engine.write(web, f'web {written}')
                engine.write(api, f'api {written}')
                written += 1
                await asyncio.sleep(0.002 * round_)
            await killed(store)
    async with recording() as store:
        wanted = [f'{name} {number}' for number in range(written) for name in ('web', 'api')]
        await becomes(lambda: texts(store), wanted)


async def test_a_container_that_was_removed_while_nobody_recorded_leaves_a_gap_once(engine, recording):
    web, api = engine.add('web'), engine.add('api')
    engine.write(web, 'last words')
    engine.write(api, 'and others')
    async with recording() as store:
        await becomes(lambda: texts(store), ['last words', 'and others'])
    engine.remove(web)
    engine.remove(api)
    new = engine.add('web', name='shop-web-1')
    engine.write(new, 'hello again')
    for _ in range(2):
        async with recording() as store:
            await becomes(lambda: texts(store), ['last words', 'and others', 'hello again'])

            async def gaps():
                return sorted((row.service.name, row.lost) for row in await rows_of(store) if isinstance(row, Gap))

            await becomes(gaps, [('api', True), ('web', True)])


async def test_a_container_that_was_removed_while_it_was_followed_leaves_none(engine, recording):
    web = engine.add('web')
    engine.write(web, 'one')
    async with recording() as store:
        await becomes(lambda: texts(store), ['one'])
        await becomes(lambda: followed(store, web), True)
        engine.write(web, 'two')
        engine.stop(web)
        await becomes(lambda: texts(store), ['one', 'two'])
        engine.remove(web)

        async def known():
            return len(store.cursors)

        async def notices():
            return [row.text for row in await rows_of(store) if isinstance(row, Notice)]

        await becomes(notices, ['shop-web-1 stopped, exit code 0', 'shop-web-1 was removed'])
        await becomes(known, 0)
    async with recording() as store:
        assert not [row for row in await rows_of(store) if isinstance(row, Gap)]
        assert len(await notices()) == 2


async def test_containers_that_come_and_start_again_are_recorded_too(engine, recording):
    web = engine.add('web', status='exited')
    engine.write(web, 'one')
    async with recording() as store:
        await becomes(lambda: texts(store), ['one'])
        engine.start(web)
        engine.write(web, 'two')
        second = engine.add('web')
        engine.write(second, 'three')
        await becomes(lambda: texts(store), ['one', 'two', 'three'])


async def test_what_is_to_be_left_out_is(engine, recording):
    for service, recorded in (('web', True), ('api', False), ('db', True), ('job', True)):
        engine.write(engine.add(service, recorded=recorded), service)
    engine.write(engine.add('web', recorded=False), 'not this one')
    async with recording(store_include=('shop/web', 'shop/db', 'shop/api'), store_exclude=('*/db',)) as store:
        await becomes(lambda: texts(store), ['web'])
        await asyncio.sleep(0.1)
        assert await texts(store) == ['web']


async def test_it_goes_on_when_the_engine_was_away(engine, recording):
    web = engine.add('web')
    engine.write(web, 'one')
    async with recording() as store:
        await becomes(lambda: texts(store), ['one'])
        engine.fail()
        await asyncio.sleep(0.05)
        engine.write(web, 'two')
        engine.heal()
        await becomes(lambda: texts(store), ['one', 'two'])


async def test_more_than_is_held_is_read_from_the_log(engine, recording, monkeypatch):
    monkeypatch.setattr('dashboard.timeline.hub.RECORDED_ROWS', 100)
    web = engine.add('web')
    engine.write(web, '0')
    async with recording() as store:
        await becomes(lambda: texts(store), ['0'])
        engine.write_many(web, map(str, range(1, 5_000)))
        await becomes(lambda: texts(store), [str(number) for number in range(5_000)])


async def test_what_was_recorded_is_not_held_in_memory(engine, recording):
    web = engine.add('web')
    engine.write(web, '0')
    async with recording() as store:
        await becomes(lambda: texts(store), ['0'])
        for start in range(1, 10_001, 1_000):
            engine.write_many(web, map(str, range(start, start + 1_000)))
            await asyncio.sleep(0.03)
        await becomes(lambda: texts(store), [str(number) for number in range(10_001)])
        history = store.hub.recorded(web.service).history
        assert history.end - history.first <= recorder.HELD
        assert history.bytes < 1_000_000


async def test_streams_are_left_for_others(engine, recording):
    for number in range(10):
        engine.write(engine.add(f'web{number}'), 'x')
    async with recording(max_streams=10) as store:

        async def kept():
            return sum(
                len(store.hub.recorded(service.key).service.containers)
                for service in store.hub.services
                if store.hub.recorded(service.key)
            )

        await becomes(kept, 8)

        async def said():
            return ['DASHBOARD_MAX_STREAMS' in words for words in store.hub.recorder.problems.values()]

        await becomes(said, [True, True])


async def test_only_what_is_young_enough_is_read_at_first(engine, tmp_path):
    web = engine.add('web')
    engine.write(web, 'long ago', timestamp=time.time_ns() - 5 * 86_400 * SECOND)
    engine.write(web, 'now')
    store = Store(tmp_path / 'store', 1 << 30, 3, gather=0.01)
    async with LogHub(engine, Settings(), store):
        await becomes(lambda: texts(store), ['now'])


async def test_a_line_that_was_being_written_when_the_log_was_read_is_kept_once_it_is_whole(
    engine, recording, monkeypatch
):
    web, half = engine.add('web'), b'x' * ENGINE_SPLIT
    engine.write_many(web, ['one', f'{half.decode()} and its end'])
    as_written = engine.logs

    async def logs(container, *, follow=False, **options):
        """As an engine gives a line of which only the first piece is there when the log is read, not followed."""
        async for batch in as_written(container, follow=follow, **options):
            yield (
                batch
                if follow
                else [LogLine(web, row.stream, row.record[: PREFIX + ENGINE_SPLIT], row.ordinal) for row in batch]
            )

    monkeypatch.setattr(engine, 'logs', logs)
    async with recording() as store:
        await becomes(lambda: texts(store), ['one', f'{half.decode()} and its end'])
