"""What only the store has is joined to what the engine has: nothing is missing, nothing is there twice."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager

import pytest

from dashboard.config import Settings
from dashboard.model import ENGINE_SPLIT, SECOND, Gap, LogLine, Service, ServiceKey
from dashboard.store import Store
from dashboard.timeline import Beside
from dashboard.timeline.hub import LogHub
from dashboard.timeline.marks import Marks
from dashboard.timeline.pieces import TOO_LONG
from tests.support.until import until

START = 1_767_323_045 * SECOND
WEB = ServiceKey('local', 'shop', 'web')

pytestmark = pytest.mark.usefixtures('quick')


@pytest.fixture
def kept(engine, tmp_path):
    """``async with kept() as hub``: a hub with a store, in which is what the engine's containers have written so far.

    It records nothing more, so that a test knows what is where.
    """

    @asynccontextmanager
    async def run():
        lines = [line for log in engine._logs.values() for line in log.lines]
        store = Store(tmp_path / 'store', 1 << 30, 1_000_000, gather=0)
        async with LogHub(engine, Settings(store_exclude=('*/*',)), store) as hub:
            await store.append(WEB, lines)
            await store.flush()
            await hub.asked()
            yield hub

    return run


def write(engine, container, numbers):
    for number in numbers:
        engine.write(container, str(number), timestamp=START + number * 1_000_000)


def numbers_of(rows):
    return [int(row.text) for row in rows if isinstance(row, LogLine)]


async def read(hub, service=None, **options):
    service = service or hub.find('web')
    return [row async for rows in hub.reads.read(service, **options) for row in rows]


async def walk(hub, cursor, *, forward=False, most=7, after=None):
    """Page by page from a line to the end: what is there."""
    service, found, after = hub.find('web'), [], {} if after is None else after
    for _ in range(100):
        asked = Beside(cursor, most, forward, after, START + 10**12)
        async with aclosing(hub.reads.beside(service, asked)) as batches:
            rows = [row async for batch in batches for row in batch]
        found = [*found, *rows] if forward else [*rows, *found]
        lines = [row for row in rows if isinstance(row, LogLine)]
        if asked.ended or not lines:
            return found
        cursor = lines[-1 if forward else 0].cursor
    raise AssertionError('it never ends')


@pytest.fixture
def story(engine):
    """A service that was recreated, whose log was rotated, and of which a second container was removed: 300 lines."""
    first, second = engine.add('web'), engine.add('web')
    write(engine, first, range(0, 100, 2))
    write(engine, second, range(1, 100, 2))
    third = engine.add('web')
    for number in range(100, 300):
        write(engine, second if 150 <= number < 250 and number % 3 == 0 else third, [number])
    return first, second, third


def keep_little(engine, story):
    """Only the last container is there, with its last 40 lines."""
    first, second, third = story
    engine.remove(first)
    engine.remove(second)
    engine.rotate(third, kept=40)


async def test_a_service_that_was_recreated_is_one_story(engine, kept, story):
    third = story[-1]
    async with kept() as hub:
        keep_little(engine, story)
        write(engine, third, range(300, 320))
        assert numbers_of(await read(hub)) == list(range(320))
        part = await read(hub, since=START + 40_000_000, until=START + 260_000_000)
        assert numbers_of(part) == list(range(40, 261))


@pytest.mark.parametrize('number', [0, 10, 120, 199, 290, 319])
@pytest.mark.parametrize('removed', [False, True])
async def test_around_a_moment_there_is_what_either_of_them_has_each_line_once(engine, kept, story, number, removed):
    first, second, third = story
    async with kept() as hub:
        engine.remove(first)
        if removed:
            engine.remove(second)
        engine.rotate(third, kept=40)
        write(engine, third, range(300, 320))
        around = hub.reads.around(hub.find('web'), START + number * 1_000_000, 5)
        found = numbers_of([row async for rows in around for row in rows])
        assert found == list(range(found[0], 320))
        assert found[0] <= max(0, number - 4)


async def test_who_scrolls_up_comes_to_the_first_line_that_was_kept(engine, kept, story):
    async with kept() as hub:
        keep_little(engine, story)
        last = (await read(hub))[-1]
        assert numbers_of(await walk(hub, last.cursor)) == list(range(299))


async def test_who_scrolls_down_from_an_old_line_comes_to_the_newest(engine, kept, story):
    async with kept() as hub:
        keep_little(engine, story)
        start = next(row for row in await read(hub) if row.text == '9')
        assert numbers_of(await walk(hub, start.cursor, forward=True)) == list(range(10, 300))


async def test_a_removed_service_can_still_be_read(engine, kept, story):
    async with kept() as hub:
        for container in story:
            engine.remove(container)
        assert numbers_of(await read(hub, Service(WEB, ()))) == list(range(300))
        assert WEB in hub.store.services()


async def test_gaps_are_read_with_the_lines(engine, kept, story):
    async with kept() as hub:
        gap = Gap(START, START + 99_500_000, None, 'they are lost', lost=True, container='a' * 12, service=WEB)
        await hub.store.append(WEB, [gap])
        await hub.store.flush()
        rows = await read(hub)
        assert rows.index(gap) == 100


@pytest.mark.parametrize('tail', [1, 39, 40, 60, 61, 230, 320, 1000, 10**12])
@pytest.mark.parametrize('redacted', [False, True])
async def test_the_last_lines_go_on_into_the_past_of_the_store(engine, kept, story, tail, redacted):
    before = list[LogLine]()
    async with kept() as hub:
        keep_little(engine, story)
        write(engine, story[-1], range(300, 320))
        found = await read(hub, tail=tail, before=before.extend if redacted else None)
        assert numbers_of(found) == list(range(max(0, 320 - tail), 320))
        since = await read(hub, tail=tail, since=START + 200_000_000, before=before.extend if redacted else None)
        assert numbers_of(since) == list(range(max(200, 320 - tail), 320))
    assert not redacted or START + 199_000_000 in [line.timestamp for line in before] or tail < 120


@pytest.mark.parametrize('tail', [1, 7, 299, 1000])
async def test_the_last_lines_of_a_removed_service_are_those_that_were_kept(engine, kept, story, tail):
    async with kept() as hub:
        for container in story:
            engine.remove(container)
        assert numbers_of(await read(hub, Service(WEB, ()), tail=tail)) == list(range(max(0, 300 - tail), 300))
        some = await read(hub, Service(WEB, ()), tail=tail, since=START + 296_000_000)
        assert numbers_of(some) == list(range(max(296, 300 - tail), 300))


async def test_where_the_engine_has_enough_lines_the_store_is_not_asked(engine, kept, story):
    async with kept() as hub:
        engine.remove(story[0])
        long = engine.add('long')
        engine.write(long, 'x' * 3 * ENGINE_SPLIT, timestamp=START)
        await hub.store.append(ServiceKey('local', 'shop', 'long'), engine._logs[long.id].lines)
        await hub.store.flush()
        await until(lambda: any(service.key.name == 'long' for service in hub.services))
        hub.store.lines.older = None  # whoever asks it fails
        assert numbers_of(await read(hub, tail=200)) == list(range(100, 300))
        assert len(await read(hub, hub.find('long'), tail=3)) == 1, 'the engine counts what it cuts'


async def test_what_cannot_be_held_beside_the_last_lines_is_a_gap(engine, kept, story, monkeypatch):
    monkeypatch.setattr('dashboard.timeline.reads.HELD_BYTES', 300)
    monkeypatch.setattr('dashboard.timeline.stored.HELD_BYTES', 300)
    async with kept() as hub:
        for container in story[:2]:
            engine.remove(container)
        await until(lambda: len(hub.find('web').containers) == 1)
        lines = [line for line in await read(hub) if line.container.id == story[2].id]
        gap, *rows = await read(hub, tail=1000)
        assert (gap.end, gap.missed, gap.reason) == (START + 100_000_000, None, TOO_LONG)
        assert rows == lines
        assert await read(hub, tail=len(lines) - 1) == lines[1:], 'the engine has more'


async def test_gaps_are_among_the_last_lines(engine, kept, story):
    async with kept() as hub:
        keep_little(engine, story)
        early, late = (
            Gap(START, START + end, None, 'lost', lost=True, container='a' * 12) for end in (50, 250_500_000)
        )
        await hub.store.append(WEB, [early, late])
        await hub.store.flush()
        for end in (None, START + 10**12):
            rows = await read(hub, tail=100, until=end)
            assert [row.end for row in rows if isinstance(row, Gap)] == [late.end]
            assert rows.index(next(row for row in rows if isinstance(row, Gap))) == 51
            assert numbers_of(rows) == list(range(200, 300))


async def test_without_a_store_that_can_be_read_there_is_what_the_engine_has(engine, kept, story):
    async with kept() as hub:
        engine.remove(story[0])
        hub.store.database.close()
        assert len(numbers_of(await read(hub))) == 250
        assert len(numbers_of(await read(hub, tail=1000))) == 250


async def resumed(hub, lines, way):
    """What follows these lines, for one who reads once and for one who goes on reading."""
    marks, found = Marks({line.container.short_id: line.cursor for line in lines}), []
    if way == 'once':
        return [row async for rows in hub.reads.read_after(hub.find('web'), marks) for row in rows]
    async with hub.subscribe(WEB, 0) as subscription:
        async with aclosing(hub.reads.catch_up(subscription, marks)) as missed:
            async for rows in missed:
                found += rows
        return [row for row in [*found, *subscription.take(1_000)] if isinstance(row, LogLine | Gap)]


def lines_of(engine, container):
    return {int(line.text): line for line in engine._logs[container.id].lines}


@pytest.mark.parametrize('way', ['once', 'on and on'])
async def test_who_resumes_after_a_line_of_a_container_that_was_removed_gets_the_rest_of_it(engine, kept, story, way):
    first, second, _ = story
    read = [lines_of(engine, second)[11], lines_of(engine, first)[12]]
    async with kept() as hub:
        await hub.store.append(WEB, (), [first.short_id, second.short_id])  # nothing more will come of them
        await hub.store.flush()
        engine.remove(first)
        engine.remove(second)
        await until(lambda: len(hub.find('web').containers) == 1)
        rows = await resumed(hub, read, way)
        assert numbers_of(rows) == list(range(13, 300))
        assert [row for row in rows if isinstance(row, Gap)] == []


@pytest.mark.parametrize('way', ['once', 'on and on'])
async def test_a_container_that_came_and_went_meanwhile_is_there_for_one_who_resumes(engine, kept, story, way):
    first, second, third = story
    read = [lines_of(engine, second)[99], lines_of(engine, third)[101]]
    engine.remove(first)
    fourth = engine.add('web')
    write(engine, fourth, range(400, 410))
    async with kept() as hub:
        await hub.store.append(WEB, (), [first.short_id, fourth.short_id])
        await hub.store.flush()
        engine.remove(fourth)
        await until(lambda: len(hub.find('web').containers) == 2)
        rows = await resumed(hub, read, way)
        assert numbers_of(rows) == [*range(102, 300), *range(400, 410)]


@pytest.mark.parametrize('way', ['once', 'on and on'])
@pytest.mark.parametrize('why', ['its end was not recorded', 'the line is not kept'])
async def test_where_not_all_of_it_is_kept_a_gap_says_so(engine, kept, story, way, why):
    first, second, _ = story
    read = [lines_of(engine, second)[11], lines_of(engine, first)[12]]
    async with kept() as hub:
        if why == 'the line is not kept':
            await hub.store.append(WEB, (), [first.short_id, second.short_id])
            await hub.store.purge(WEB, START + 50_000_000)
        engine.remove(first)
        await until(lambda: len(hub.find('web').containers) == 2)
        gap, *rows = await resumed(hub, read, way)
        assert (gap.container, gap.reason) == (first.short_id, 'their container has been removed')
        assert numbers_of(rows) == [number for number in range(13, 300) if number >= 100 or number % 2]
