"""Several services as one timeline: in the order of time, each line once, while services come and go."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

import pytest

from dashboard.errors import BadRequest, ServiceNotFound
from dashboard.model import SECOND, Gap, LogLine
from dashboard.timeline.catalog import MOST_NAMES
from dashboard.timeline.merge import LATELY, MORE, Lags, Merger
from tests.support.until import PATIENCE, until

pytestmark = pytest.mark.usefixtures('quick')

NOW = time.time_ns()


@pytest.fixture
async def shop(engine, hub):
    """Three services of one project."""
    containers = [engine.add(name, project='shop') for name in ('api', 'db', 'web')]
    await until(lambda: len(hub.services) == 3)
    return containers


async def lines(subscription, count):
    found = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            await subscription.wait()
            found += [row for row in subscription.take(1_000) if isinstance(row, LogLine)]
    return found


def texts(found):
    return [line.text for line in found]


async def test_backlogs_and_new_lines_are_one_in_the_order_of_time(engine, hub, shop):
    for number in range(30):
        engine.write(shop[number % 3], str(number), timestamp=NOW + number)
    async with hub.subscribe(hub.select('shop:*'), 20) as subscription:
        assert texts(await lines(subscription, 20)) == [str(number) for number in range(10, 30)]
        for number in (32, 30, 31):
            engine.write(shop[number % 3], str(number), timestamp=NOW + number)
        assert texts(await lines(subscription, 3)) == ['30', '31', '32']


async def test_the_streams_are_those_of_the_services_and_close_with_the_last_viewer(engine, hub, shop):
    async with hub.subscribe(hub.select('web,api'), 0) as both, hub.subscribe(shop[2].service, 0) as web:
        assert engine.open_streams == 2
        assert hub.feed(hub.select('web,api')) is both.feed
        engine.write(shop[2], 'seen by both')
        assert texts(await lines(both, 1)) == texts(await lines(web, 1)) == ['seen by both']
        engine.write(shop[1], 'of no service that was asked for')
        engine.write(shop[0], 'last')
        assert texts(await lines(both, 1)) == ['last']
    await until(lambda: engine.open_streams == 0 and hub.feed(hub.select('web,api')) is None)


async def test_a_service_that_comes_joins_and_one_that_goes_leaves(engine, hub, shop):
    async with hub.subscribe(hub.select('shop:*'), 0) as subscription:
        late = engine.add('worker', project='shop')
        other = engine.add('worker', project='other')
        await until(lambda: len(hub.services) == 5)
        engine.write(other, 'of another project')
        engine.write(late, 'joined')
        assert texts(await lines(subscription, 1)) == ['joined']
        engine.write(shop[1], 'last words')
        assert texts(await lines(subscription, 1)) == ['last words']
        engine.stop(shop[1])
        engine.remove(shop[1])
        await until(lambda: len(hub.services) == 4)
        engine.write(late, 'goes on')
        assert texts(await lines(subscription, 1)) == ['goes on']
        keys = {container.service.name for container in subscription.feed.service.containers}
        assert keys == {'api', 'web', 'worker'}


async def test_what_all_services_write_has_each_line_once_and_in_order(engine, hub, shop):
    async with hub.subscribe(hub.select('*'), 0) as subscription:
        clock = NOW
        for step in range(40):
            for container in shop:
                clock += 1_000_000
                engine.write(container, f'{container.name} {step}', timestamp=clock)
            if step % 10 == 9:
                engine.break_streams()
            await asyncio.sleep(0)
        found = await lines(subscription, 120)
    assert [line.timestamp for line in found] == sorted(line.timestamp for line in found)
    assert len({line.text for line in found}) == 120


async def test_a_cursor_goes_on_where_it_was_even_at_another_timeline_of_the_same(engine, hub, shop):
    for number in range(60):
        engine.write(shop[number % 3], str(number), timestamp=NOW + number)
    target = hub.select('shop:*')
    async with hub.subscribe(target, 60) as subscription:
        seen = subscription.take(25)
        marks = subscription.feed.marks_at(subscription.position)
    await until(lambda: hub.feed(target) is None)
    engine.write(shop[0], '60', timestamp=NOW + 60)
    async with hub.subscribe(target, 0) as subscription:
        rest = []
        async with aclosing(hub.reads.catch_up(subscription, marks)) as missed:
            async for rows in missed:
                rest += rows
        rest += subscription.take(1_000)
    assert texts([*seen, *rest]) == [str(number) for number in range(61)]


async def test_the_last_lines_have_no_hole_where_one_service_has_written_much_more(engine, hub, monkeypatch):
    monkeypatch.setattr('dashboard.timeline.several.LEAST', 10)
    monkeypatch.setattr('dashboard.timeline.several.BACKFILL', 10)
    loud, quiet = engine.add('loud'), engine.add('quiet')
    for number in range(100):
        engine.write(loud, str(number), timestamp=NOW + number)
    engine.write(quiet, 'older than what was taken of the other', timestamp=NOW + 50)
    await until(lambda: len(hub.services) == 2)
    async with hub.subscribe(hub.select('loud,quiet'), 100) as subscription:
        assert texts(subscription.take(100)) == [str(number) for number in range(90, 100)]


@pytest.mark.parametrize('names', ['shop:*', 'web'])
async def test_a_long_backlog_is_waited_for_while_it_comes(engine, hub, monkeypatch, names):
    monkeypatch.setattr('dashboard.timeline.straggler.SHORT', 0.1)
    monkeypatch.setattr('dashboard.timeline.straggler.AGAIN', 0.1)
    quick, slow = engine.add('web'), engine.add('api' if names == 'shop:*' else 'web')
    for number in range(40):
        engine.write((quick, slow)[number % 2], str(number), timestamp=NOW + number)
    await until(lambda: sum(len(service.containers) for service in hub.services) == 2)
    as_quick = engine.logs

    async def logs(container, **options):
        async for batch in as_quick(container, **options):
            for line in batch if container == slow else ():
                await asyncio.sleep(0.02)
                yield [line]
            if container != slow or not batch:
                yield batch

    monkeypatch.setattr(engine, 'logs', logs)
    async with hub.subscribe(hub.select(names), 40) as subscription:
        assert texts(await lines(subscription, 40)) == [str(number) for number in range(40)]


async def test_a_gap_tells_whose_lines_are_missing(engine, hub, shop):
    async with hub.subscribe(hub.select('web,db'), 0) as subscription:
        engine.write(shop[2], 'first')
        await lines(subscription, 1)
        engine.fail()
        engine.write_many(shop[2], ['lost', 'kept'])
        engine.rotate(shop[2], kept=1)
        engine.heal()
        hub.feed(shop[2].service).retry_now()
        rows = []
        while not any(isinstance(row, LogLine) for row in rows):
            await subscription.wait()
            rows += subscription.take(10)
        assert [row.service for row in rows if isinstance(row, Gap)] == [shop[2].service]


async def test_names_that_stand_for_nothing_are_told(hub, shop):
    with pytest.raises(ServiceNotFound, match='Service nothing not found'):
        hub.select('web,nothing')
    with pytest.raises(ServiceNotFound, match='Project nothing not found'):
        hub.select('nothing:*')
    with pytest.raises(BadRequest, match=f'at most {MOST_NAMES}'):
        hub.select(','.join(['web'] * (MOST_NAMES + 1)))
    assert hub.select('web') == hub.find('web').key


async def test_a_line_waits_a_window_for_older_ones_and_no_longer():
    passed = []
    merger = Merger(passed.append, window=0.05)
    merger.release()
    line = LogLine.of(None, NOW, 'x')
    begun = asyncio.get_running_loop().time()
    merger.add('a', [line])
    for _ in range(20):  # others go on coming
        merger.add('b', [LogLine.of(None, NOW + SECOND, 'y')])
        await asyncio.sleep(0.005)
        if passed:
            break
    await until(lambda: passed)
    assert passed[0][0] is line
    assert asyncio.get_running_loop().time() - begun >= 0.05
    merger.close()


def keys(*numbers: int) -> list[bytes]:
    return [b'%03d' % number for number in numbers]


def test_lines_wait_as_long_as_others_have_been_late_of_late():
    lags, (old, new, newer) = Lags(0.05), keys(1, 2, 3)
    assert lags.longest(0.0, 0.2) == 0.2, 'nothing is known yet'
    lags.note(0.0, old, b'')
    assert lags.longest(LATELY - 1, 0.2) == 0.2, 'nor enough'
    lags.note(10.0, newer, old)
    assert lags.longest(10.0, 0.2) == 0.05, 'nobody is late'
    lags.note(10.04, newer, newer)
    lags.note(10.14, new, newer)  # a tenth of a second after it was known that others had come further
    assert lags.longest(10.2, 0.2) == pytest.approx(MORE * 0.1)
    lags.note(10.3, newer, newer)
    assert lags.longest(10.3, 0.2) == pytest.approx(MORE * 0.1), 'one in time does not end it'
    assert lags.longest(10.2 + LATELY, 0.2) == 0.05


async def test_a_merger_of_sources_that_are_never_late_hands_lines_on_at_once(monkeypatch):
    monkeypatch.setattr('dashboard.timeline.merge.LATELY', 0.05)
    passed: list[LogLine] = []
    merger = Merger(passed.extend, window=1_000, least=0.01)
    merger.release()
    merger._lags.note(asyncio.get_running_loop().time(), b'0', b'')
    await asyncio.sleep(0.06)
    for number in range(3):
        merger.add('ab'[number % 2], [LogLine.of(None, NOW + number, 'x')])
    await until(lambda: len(passed) == 3)
    merger.close()


async def test_a_line_waits_longer_for_a_container_that_writes_all_the_time_and_is_late():
    passed: list[str] = []
    merger = Merger(lambda rows: passed.extend(row.text for row in rows), window=0.02)
    merger.release()
    for number in range(5):
        merger.add('busy', [LogLine.of(None, NOW + number, f'busy {number}')])
    merger.add('other', [LogLine.of(None, NOW + 9, 'other 9')])
    await until(lambda: len(passed) == 5)
    await asyncio.sleep(0.1)  # longer than a window
    assert passed == [f'busy {number}' for number in range(5)]
    merger.add('busy', [LogLine.of(None, NOW + 8, 'busy 8'), LogLine.of(None, NOW + 10, 'busy 10')])
    await until(lambda: len(passed) == 8)
    assert passed[5:] == ['busy 8', 'other 9', 'busy 10']
    merger.close()


async def test_a_line_does_not_wait_for_the_next_turn_of_a_container_that_writes_now_and_then():
    passed: list[str] = []
    merger = Merger(lambda rows: passed.extend(row.text for row in rows), window=0.02)
    merger.release()
    for number in range(4):
        await asyncio.sleep(0.14)  # its pace
        merger.add('in turns', [LogLine.of(None, NOW + number, str(number))])
    merger.add('other', [LogLine.of(None, NOW + 9, 'other')])
    await asyncio.sleep(0.1)
    assert passed[-1] == 'other'
    merger.close()


async def test_nothing_is_kept_of_containers_that_have_been_silent_for_a_while(monkeypatch):
    monkeypatch.setattr('dashboard.timeline.merge.BUSY', 60.0)
    passed: list[LogLine] = []
    merger = Merger(passed.extend, window=0.01)
    merger.release()
    for number in range(100):
        merger.add(f'gone-{number}', [LogLine.of(None, NOW + number, 'x')])
    await until(lambda: len(passed) == 100)
    for times in merger._given.values():
        times[-1] -= 61.0  # the last time that it gave anything is longer ago than that
    merger.add('here', [LogLine.of(None, NOW + 100, 'x')])
    await until(lambda: len(passed) == 101)
    assert set(merger._given) == set(merger._newest) == {'here'}
    merger.close()
