"""One timeline a service: complete, in order, shared, bounded, through every fault that the engine can have."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

import pytest

from dashboard.config import Settings
from dashboard.errors import EngineUnavailable, NoStreamLeft, ServiceNotFound
from dashboard.model import SECOND, Gap, LogLine, Notice
from dashboard.timeline.history import ROW_COST, History
from dashboard.timeline.hub import LogHub
from dashboard.timeline.marks import Marks
from dashboard.timeline.reader import BACKFILL
from dashboard.timeline.resume import Resume
from tests.support.until import PATIENCE, until

pytestmark = pytest.mark.usefixtures('quick')

START = 1_800_000_000 * SECOND + 1


async def known(hub, *names):
    await until(lambda: {service.key.name for service in hub.services} >= set(names))


async def texts(subscription, count):
    """The next ``count`` lines, with gaps and notices left out."""
    found = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            await subscription.wait()
            found += [row.text for row in subscription.take(count - len(found)) if isinstance(row, LogLine)]
    return found


def numbers(first, last):
    return [str(number) for number in range(first, last + 1)]


async def test_a_subscription_begins_with_the_tail_and_goes_on(engine, hub):
    web = engine.add('web')
    engine.write_many(web, numbers(1, 50))
    await known(hub, 'web')
    async with hub.subscribe(web.service, 3) as subscription:
        assert await texts(subscription, 3) == ['48', '49', '50']
        engine.write(web, 'new')
        assert await texts(subscription, 1) == ['new']


async def test_any_number_of_viewers_cost_the_engine_one_stream(engine, hub):
    web = engine.add('web')
    engine.write(web, 'line')
    await known(hub, 'web')
    async with hub.subscribe(web.service, 1) as one, hub.subscribe(web.service, 1) as two:
        assert await texts(one, 1) == await texts(two, 1)
        assert engine.open_streams == 1
    await until(lambda: engine.open_streams == 0)


async def test_a_service_can_be_watched_again_after_its_streams_were_closed(engine, hub):
    web = engine.add('web')
    engine.write(web, 'line')
    await known(hub, 'web')
    for _ in range(2):
        async with hub.subscribe(web.service, 1) as subscription:
            assert await texts(subscription, 1) == ['line']
        await until(lambda: engine.open_streams == 0 and hub.feed(web.service) is None)


@pytest.mark.parametrize('fault', ['break_streams', 'fail'])
async def test_no_line_is_lost_or_repeated_when_streams_break(engine, hub, fault):
    web = engine.add('web')
    await known(hub, 'web')
    async with hub.subscribe(web.service, 0) as subscription:
        for start in range(1, 400, 100):
            engine.write_many(web, numbers(start, start + 49))
            await asyncio.sleep(0)
            getattr(engine, fault)()
            engine.write_many(web, numbers(start + 50, start + 99))
            engine.heal()
            hub.feed(web.service).retry_now()
        assert await texts(subscription, 400) == numbers(1, 400)


async def test_lines_of_one_timestamp_are_neither_lost_nor_repeated(engine, hub):
    web = engine.add('web')
    await known(hub, 'web')
    async with hub.subscribe(web.service, 0) as subscription:
        for number in range(1, 31):
            engine.write(web, str(number), timestamp=7 * 10**9)
            if number % 10 == 0:
                await until(lambda: hub.feed(web.service).history.end >= number)  # noqa: B023 - waited for at once
                engine.break_streams()
        assert await texts(subscription, 30) == numbers(1, 30)


async def test_lines_that_were_rotated_away_meanwhile_are_a_gap(engine, hub):
    web = engine.add('web')
    await known(hub, 'web')
    async with hub.subscribe(web.service, 0) as subscription:
        engine.write_many(web, numbers(1, 10))
        assert await texts(subscription, 10) == numbers(1, 10)
        engine.fail()
        engine.write_many(web, numbers(11, 100))
        engine.rotate(web, kept=20)
        engine.heal()
        hub.feed(web.service).retry_now()
        await until(lambda: hub.feed(web.service).history.end >= 31)
        gap, *lines = subscription.take(100)
        assert isinstance(gap, Gap)
        assert gap.missed is None
        assert gap.start < gap.end == lines[0].timestamp
        assert [line.text for line in lines] == numbers(81, 100)


@pytest.mark.parametrize('back', [5, 60, 3_600])
async def test_what_is_written_after_the_clock_was_set_back_while_the_stream_was_cut_is_complete(engine, hub, back):
    web = engine.add('web')
    await known(hub, 'web')
    now = time.time_ns()

    def write(first, last, offset=0):
        for number in range(first, last + 1):
            engine.write(web, str(number), timestamp=now + number * 1_000_000 + offset * SECOND)

    async with hub.subscribe(web.service, 0) as subscription:
        write(1, 100)
        assert await texts(subscription, 100) == numbers(1, 100)
        engine.fail()
        write(101, 200)
        write(201, 300, -back)
        write(301, 400)
        engine.heal()
        hub.feed(web.service).retry_now()
        assert await texts(subscription, 300) == numbers(101, 400)
        write(401, 500, -back)
        assert await texts(subscription, 100) == numbers(401, 500)
        assert not any(isinstance(row, Gap) for row in hub.feed(web.service).history.slice(0))


async def test_a_gap_is_told_once_though_the_stream_ends_again_and_again_before_a_line_comes(engine, hub):
    web = engine.add('web')
    engine.write(web, 'old')
    await known(hub, 'web')
    async with hub.subscribe(web.service, 1) as subscription:
        assert await texts(subscription, 1) == ['old']
        engine.rotate(web, kept=0)
        feed = hub.feed(web.service)
        for number in range(3):
            opened = engine.streams_opened
            engine.stop(web)
            await until(lambda: feed.status.phase == 'stopped')
            engine.start(web)
            await until(lambda: engine.streams_opened > opened)  # noqa: B023 - waited for at once
            await until(lambda: feed.status.phase == 'live')
            if number == 1:
                engine.write(web, 'new')
                assert await texts(subscription, 1) == ['new']
        engine.write(web, 'newer')
        assert await texts(subscription, 1) == ['newer']
        assert sum(isinstance(row, Gap) for row in feed.history.slice(0)) == 1


@pytest.mark.parametrize('count', [1, 2, 7])
async def test_what_an_engine_gives_again_after_a_rotation_is_shown_once(engine, hub, count):
    web = engine.add('web')
    await known(hub, 'web')
    async with hub.subscribe(web.service, 0) as subscription:
        for start in range(1, 40, 10):
            engine.write_many(web, numbers(start, start + 9))
            assert await texts(subscription, 10) == numbers(start, start + 9)
            await until(lambda: hub.feed(web.service).status.phase == 'live')
            engine.read_again(web, count)
        engine.write(web, 'last')
        assert await texts(subscription, 1) == ['last']


@pytest.mark.parametrize('count', [600, 3_000])
async def test_what_an_engine_gives_again_from_before_all_that_is_held_is_shown_once(engine, count):
    web = engine.add('web')
    async with LogHub(engine, Settings(history_lines=500)) as hub:
        await known(hub, 'web')
        async with hub.subscribe(web.service, 0) as subscription:
            for start in range(1, 4_000, 100):
                engine.write_many(web, numbers(start, start + 99))
                assert await texts(subscription, 100) == numbers(start, start + 99)
            await until(lambda: hub.feed(web.service).status.phase == 'live')
            end = subscription.position
            engine.read_again(web, count)
            engine.write(web, 'last')
            assert await texts(subscription, 1) == ['last']
            assert subscription.position == end + 1


async def test_a_clock_that_is_set_back_to_before_all_that_is_held_loses_and_repeats_nothing(engine):
    web = engine.add('web')
    async with LogHub(engine, Settings(history_lines=500)) as hub:
        await known(hub, 'web')
        async with hub.subscribe(web.service, 0) as subscription:
            for number in range(1, 1_001):
                engine.write(web, str(number), timestamp=START + number * SECOND)
                if not number % 100:
                    assert await texts(subscription, 100) == numbers(number - 99, number)
            await until(lambda: hub.feed(web.service).status.phase == 'live')
            end = subscription.position
            for number in range(1_001, 1_301):
                engine.write(web, str(number), timestamp=START + (number - 1_001) * SECOND)
            assert await texts(subscription, 300) == numbers(1_001, 1_300)
            assert subscription.position == end + 300


async def test_equal_lines_of_one_timestamp_are_all_shown_once_whatever_is_given_again(engine, hub):
    web = engine.add('web')
    await known(hub, 'web')
    async with hub.subscribe(web.service, 0) as subscription:
        for number in range(10):
            for _ in range(10):
                engine.write(web, 'tick', timestamp=START + number)
            assert await texts(subscription, 10) == ['tick'] * 10
            await until(lambda: hub.feed(web.service).status.phase == 'live')
            engine.read_again(web, 13)
        engine.write(web, 'last')
        assert await texts(subscription, 1) == ['last']


async def test_a_restarted_container_goes_on_in_the_same_timeline_with_rows_that_say_so(engine, hub):
    web = engine.add('web')
    engine.write(web, 'before')
    await known(hub, 'web')
    async with hub.subscribe(web.service, 10) as subscription:
        assert await texts(subscription, 1) == ['before']
        engine.stop(web, exit_code=137)
        await until(lambda: hub.feed(web.service).status.phase == 'stopped')
        engine.start(web)
        engine.write(web, 'after')
        assert await texts(subscription, 1) == ['after']
        said = [row.text for row in hub.feed(web.service).history.slice(0) if isinstance(row, Notice)]
        assert said == [f'{web.name} stopped, exit code 137', f'{web.name} restarted, exit code 137']


async def test_a_restart_too_fast_to_be_listed_is_followed(engine, hub):
    web = engine.add('web')
    await known(hub, 'web')
    async with hub.subscribe(web.service, 0) as subscription:
        await until(lambda: hub.feed(web.service).status.phase == 'live')
        engine.stop(web)
        await asyncio.sleep(0)
        engine.start(web)
        engine.write(web, 'after')
        assert await texts(subscription, 1) == ['after']


async def test_a_cursor_costs_no_look_through_the_history_after_a_container_has_restarted(engine, hub, monkeypatch):
    web = engine.add('web')
    engine.write(web, 'old')
    await known(hub, 'web')
    async with hub.subscribe(web.service, 1) as subscription:
        assert await texts(subscription, 1) == ['old']
        engine.stop(web)
        await until(lambda: 'stopped' in ' '.join(said(hub, web)))
        engine.start(web)
        engine.write_many(web, numbers(1, 2_000))
        assert await texts(subscription, 2_000) == numbers(1, 2_000)
        history, looked = subscription.feed.history, []
        slice_of = history.slice
        monkeypatch.setattr(History, 'slice', lambda _, *place: looked.append(slice_of(*place)) or looked[-1])
        marks = subscription.feed.marks_at(history.end)
        assert list(marks.cursors.values()) == [slice_of(history.end - 1)[0].cursor]
        assert sum(map(len, looked)) == 1


async def test_a_recreated_container_is_the_same_service(engine, hub):
    first = engine.add('web')
    engine.write(first, 'old')
    await known(hub, 'web')
    async with hub.subscribe(first.service, 10) as subscription:
        assert await texts(subscription, 1) == ['old']
        engine.stop(first)
        engine.remove(first)
        second = engine.add('web')
        engine.write(second, 'new')
        assert await texts(subscription, 1) == ['new']
        assert [row.text for row in hub.feed(first.service).history.slice(0) if isinstance(row, LogLine)] == [
            'old',
            'new',
        ]


async def test_a_service_that_is_recreated_again_and_again_costs_no_more_than_before(engine, hub, monkeypatch):
    monkeypatch.setattr('dashboard.timeline.timeline.REMEMBERED', 0)
    container = engine.add('web')
    await known(hub, 'web')
    async with hub.subscribe(container.service, 0) as subscription:
        for number in range(6):
            engine.write(container, str(number))
            assert await texts(subscription, 1) == [str(number)]
            engine.stop(container)
            engine.remove(container)
            container = engine.add('web')
        engine.write(container, 'last')
        assert await texts(subscription, 1) == ['last']
        feed = subscription.feed
        await until(lambda: len(feed._readers) <= 3)
        last = next(row for row in feed.history.backwards() if isinstance(row, LogLine))
        assert feed.marks_at(feed.history.end).newest == last.cursor
        assert len(feed.marks_at(feed.history.end).cursors) <= 3


async def test_what_a_new_container_wrote_before_it_was_read_is_complete_however_much(engine, hub):
    first = engine.add('web')
    engine.write(first, 'old')
    await known(hub, 'web')
    async with hub.subscribe(first.service, 1) as subscription:
        assert await texts(subscription, 1) == ['old']
        engine.write_many(engine.add('web'), numbers(1, BACKFILL + 5_000))
        assert await texts(subscription, BACKFILL + 5_000) == numbers(1, BACKFILL + 5_000)


async def test_what_a_silent_container_writes_while_its_stream_is_broken_is_complete_however_much(engine, hub):
    web = engine.add('web')
    await known(hub, 'web')
    async with hub.subscribe(web.service, 0) as subscription:
        engine.break_streams()
        engine.write_many(web, numbers(1, BACKFILL + 5_000))
        assert await texts(subscription, BACKFILL + 5_000) == numbers(1, BACKFILL + 5_000)


def said(hub, container):
    return [row.text for row in hub.feed(container.service).history.slice(0) if isinstance(row, Notice)]


async def test_rows_say_that_a_container_ran_out_of_memory_and_was_restarted(engine, hub):
    web = engine.add('web')
    await known(hub, 'web')
    async with hub.subscribe(web.service, 0):
        engine.starve(web)
        engine.start(web)
        await until(lambda: len(said(hub, web)) == 3)
        how = 'exit code 137, out of memory'
        assert said(hub, web) == [
            f'{web.name} ran out of memory',
            f'{web.name} stopped, {how}',
            f'{web.name} restarted, {how}',
        ]


async def test_rows_say_that_a_container_was_recreated_and_from_which_images(engine, hub):
    first = engine.add('web', image='web:1', replica='1')
    await known(hub, 'web')
    async with hub.subscribe(first.service, 0):
        engine.stop(first)
        engine.remove(first)
        second = engine.add('web', image='web:2', replica='1')
        await until(lambda: len(said(hub, first)) == 3)
        assert said(hub, first)[1:] == [
            f'{first.name} was removed',
            f'{second.name} recreated: image web:1 → web:2',
        ]


async def test_rows_say_that_a_service_was_scaled_and_paused(engine, hub):
    first = engine.add('web')
    await known(hub, 'web')
    async with hub.subscribe(first.service, 0):
        second = engine.add('web')
        engine.pause(second)
        engine.unpause(second)
        await until(lambda: len(said(hub, first)) == 3)
        assert said(hub, first) == [
            f'{second.name} started',
            f'{second.name} paused',
            f'{second.name} goes on after a pause',
        ]


async def test_a_recreation_that_no_event_has_told_is_seen_in_the_listing_and_said_once(engine, hub):
    first = engine.add('web', image='web:1', replica='1')
    await known(hub, 'web')
    async with hub.subscribe(first.service, 0):
        await until(lambda: hub.feed(first.service).status.phase == 'live')
        engine.silence_streams()
        engine.remove(first)
        second = engine.add('web', image='web:2', replica='1')
        engine.fail()
        await until(lambda: hub.status.error)
        engine.heal()
        await until(lambda: any('recreated' in words for words in said(hub, first)), 8)
        engine.stop(second)
        await until(lambda: 'stopped' in said(hub, first)[-1])
        assert sum('recreated' in words for words in said(hub, first)) == 1


async def test_two_containers_of_one_number_are_not_taken_for_a_recreation_at_every_listing(engine, hub):
    for name in ('one', 'two'):
        engine.add('web', name=name, replica='1')
    await known(hub, 'web')
    key = hub.services[0].key
    async with hub.subscribe(key, 0) as subscription:
        engine.add('web', name='three', replica='1')
        for _ in range(3):
            await asyncio.gather(hub._watch._list(), hub._watch._list())
        await until(lambda: len(hub.services[0].containers) == 3 and subscription.feed.history.end)
        hub.feed(key).update(hub.services[0])
        await until(lambda: not list(subscription.feed._merger.backwards()))
        assert [row.text for row in subscription.take(100) if isinstance(row, Notice)] == ['three started']


async def test_streams_that_went_silent_with_the_network_are_opened_anew_when_the_engine_is_back(engine, hub):
    web = engine.add('web')
    await known(hub, 'web')
    async with hub.subscribe(web.service, 0) as subscription:
        engine.write(web, '1')
        assert await texts(subscription, 1) == ['1']
        await until(lambda: hub.feed(web.service).status.phase == 'live')
        engine.silence_streams()
        engine.write_many(web, ['2', '3'])
        engine._failure = 'no route to it'  # the network is gone: nothing breaks, nothing answers
        hub._watch.look_again()
        await until(lambda: hub.status.error)
        engine.heal()
        await until(lambda: hub.status.reachable, 8)
        engine.write(web, '4')
        assert await texts(subscription, 3) == ['2', '3', '4']
        engine.stop(web)
        await until(lambda: said(hub, web) == [f'{web.name} stopped, exit code 0'])


async def test_containers_of_a_scaled_service_are_merged_by_time(engine, hub):
    one, two = engine.add('web'), engine.add('web')
    for number in range(1, 101):
        engine.write((one, two)[number % 2], str(number), timestamp=number)
    await known(hub, 'web')
    await until(lambda: len(hub.services[0].containers) == 2)
    async with hub.subscribe(one.service, 100) as subscription:
        assert await texts(subscription, 100) == numbers(1, 100)
        for number in range(200, 101, -1):
            engine.write((one, two)[number % 2], str(number), timestamp=400 - number)
        live = await texts(subscription, 99)
        assert live == [str(number) for number in range(200, 101, -1)]


async def test_a_slow_subscriber_is_told_what_it_missed_and_delays_nobody(engine):
    async with LogHub(engine, Settings(history_lines=1_000)) as hub:
        web = engine.add('web')
        await known(hub, 'web')
        async with hub.subscribe(web.service, 0) as slow, hub.subscribe(web.service, 0) as quick:
            engine.write_many(web, numbers(1, 500))
            assert await texts(quick, 500) == numbers(1, 500)
            engine.write_many(web, numbers(501, 3_000))
            await until(lambda: hub.feed(web.service).history.end == 3_000)
            gap, *lines = slow.take(5_000)
            assert gap.missed + len(lines) == 3_000
            assert [line.text for line in lines] == numbers(gap.missed + 1, 3_000)
            assert len(lines) <= 1_000


def test_who_skips_a_gap_misses_what_it_stands_for_too(engine):
    history, lines = History(160, 1 << 30), lines_of(engine, 400)
    history.append([*lines[:50], Gap(1, 2, 7, 'skipped'), Notice(3, 'started'), *lines[50:100]])
    assert history.missing(0, 102) == 100 + 7
    history.append(lines[100:])
    assert history.first > 102, 'all of it has left'
    assert history.missing(0, 102) == 100 + 7
    assert history.missing(60, 70) == 10
    history.append([Gap(4, 5, None, 'nobody knows')])
    assert history.missing(300, history.end) is None


async def test_an_engine_that_is_away_is_told_and_comes_back_by_itself(engine, hub):
    web = engine.add('web')
    await known(hub, 'web')
    engine.fail('the socket does not exist')
    await until(lambda: hub.status.error is not None, 8)
    assert 'the socket does not exist' in str(hub.status.error)
    assert hub.find('web').key == web.service, 'what was known stays known'
    with pytest.raises(EngineUnavailable):
        hub.find('never-seen')
    engine.heal()
    await until(lambda: hub.status.reachable, 8)


async def test_a_tail_is_of_the_backlog_even_when_the_engine_was_away_at_first(engine, hub):
    web = engine.add('web')
    engine.write_many(web, numbers(1, 50))
    await known(hub, 'web')
    engine.fail()
    waiting = asyncio.ensure_future(hub.subscribe(web.service, 5).__aenter__())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    engine.heal()
    hub.feed(web.service).retry_now()
    subscription = await asyncio.wait_for(waiting, PATIENCE)
    assert await texts(subscription, 5) == numbers(46, 50)


async def test_reading_after_a_cursor_counts_among_the_streams_of_the_engine(engine):
    web = engine.add('web')
    engine.write_many(web, numbers(1, 5_000))
    async with LogHub(engine, Settings(max_streams=1)) as hub:
        await known(hub, 'web')
        marks = Marks.parse(f'{time.time_ns()}-0-{web.short_id}')
        async with aclosing(hub.reads.read_after(hub.find('web'), marks)) as first:
            await anext(first)
            with pytest.raises(NoStreamLeft):
                await anext(hub.reads.read_after(hub.find('web'), marks))
        assert isinstance(await anext(hub.reads.read_after(hub.find('web'), marks)), list)


async def test_only_the_wanted_project_is_seen(engine):
    async with LogHub(engine, Settings(compose_project='shop')) as hub:
        engine.add('web', project='shop')
        engine.add('web', project='blog')
        await known(hub, 'web')
        assert [service.key.project for service in hub.services] == ['shop']


async def test_names_that_fit_several_projects_are_told_apart(engine, hub):
    shop = engine.add('web', project='shop')
    engine.add('web', project='blog')
    await until(lambda: len(hub.services) == 2)
    with pytest.raises(ServiceNotFound, match='blog:web or shop:web'):
        hub.find('web')
    assert hub.find('shop:web').key == shop.service
    assert hub.name_of(shop.service) == 'shop:web'


async def test_changes_are_told_when_something_has_changed(engine, hub):
    async with hub.changes() as changes:
        await anext(changes)
        web = engine.add('web')
        await asyncio.wait_for(anext(changes), PATIENCE)
        assert hub.services[0].status == 'running'
        engine.stop(web)
        await asyncio.wait_for(anext(changes), PATIENCE)
        assert hub.services[0].status == 'exited'


async def test_leaving_ends_every_task(engine):
    before = asyncio.all_tasks()
    async with LogHub(engine, Settings()) as hub:
        web = engine.add('web')
        await known(hub, 'web')
        async with hub.subscribe(web.service, 0):
            pass
    assert asyncio.all_tasks() == before
    assert engine.open_streams == 0


# the resume itself


@pytest.mark.parametrize('size', [1, 2, 3, 7, 100])
def test_a_resume_gives_exactly_what_follows_however_the_stream_is_cut(engine, size):
    web = engine.add('web')
    moments = [1, 5, 4, 5, 5, 6, 6, 9, 8, 9]  # the two streams of a container race for its log
    lines = [LogLine.of(web, 10**9 * 100 + moment, str(number)) for number, moment in enumerate(moments)]
    seen: dict[int, int] = {}
    for line in lines:
        line.ordinal = seen[line.timestamp] = seen.get(line.timestamp, -1) + 1
    for last in range(len(lines)):
        resume, given = Resume(lines[last].cursor), []
        for start in range(0, len(lines), size):
            given += resume.sift(lines[start : start + size])
        given += resume.sift([])
        assert given == lines[last + 1 :]


# the history


def lines_of(engine, count, size=10):
    web = engine.add('web')
    return [LogLine.of(web, number, 'x' * size) for number in range(count)]


def test_a_history_keeps_no_more_rows_than_it_may(engine):
    history = History(100, 1 << 30)
    for row in lines_of(engine, 1_000):
        history.append([row])
        assert len(history.slice(0)) <= 100
    assert history.end == 1_000
    assert history.slice(0)[-1].timestamp == 999


def test_a_history_keeps_no_more_bytes_than_it_may_but_always_the_last_row(engine):
    limit = 50 * (ROW_COST + 41)
    history = History(1_000, limit)
    for row in lines_of(engine, 1_000):
        history.append([row])
        assert history.bytes <= limit
    history.append(lines_of(engine, 1, size=10 * limit))
    assert len(history.slice(0)) == 1


def test_a_tail_counts_lines_and_not_remarks(engine):
    history = History(1_000, 1 << 30)
    for row in lines_of(engine, 10):
        history.append([row, Notice(row.timestamp, 'remark')])
    assert history.lines(0) == 10
    assert history.lines(history.tail(4)) == 4
    assert history.tail(100) == 0


async def test_what_a_viewer_had_is_read_again_though_it_is_older_than_the_backlog_read_at_first(engine, hub):
    web = engine.add('web')
    engine.write_many(web, numbers(1, 2 * BACKFILL))
    await known(hub, 'web')
    async with hub.subscribe(web.service, 100) as subscription:
        assert len(subscription.feed.history.slice(0)) == BACKFILL
        first = (await anext(engine.logs(web)))[4]
        again = [line.text async for batch in hub.reads.read_from(subscription, first.timestamp) for line in batch]
        again += await texts(subscription, 2 * BACKFILL - 4 - len(again))
        assert again == numbers(5, 2 * BACKFILL)


async def test_the_first_lines_of_a_further_container_come_before_later_ones_of_the_others(engine, hub, monkeypatch):
    one, logs = engine.add('web', replica='1'), engine.logs

    async def slowly(container, **options):
        if container.id != one.id:
            await asyncio.sleep(0.4)  # longer than a window
        async with aclosing(logs(container, **options)) as batches:
            async for batch in batches:
                yield batch

    monkeypatch.setattr(engine, 'logs', slowly)
    await known(hub, 'web')
    async with hub.subscribe(one.service, 0) as subscription:
        engine.write(one, 'before')
        assert await texts(subscription, 1) == ['before']
        other = engine.add('web', replica='2')
        await until(lambda: hub.feed(one.service).begins)
        engine.write(other, 'first')
        engine.write(one, 'later')
        assert await texts(subscription, 2) == ['first', 'later']


async def test_lines_wait_no_longer_than_that_for_a_container_whose_log_does_not_come(engine, hub, monkeypatch):
    monkeypatch.setattr('dashboard.timeline.feed.BEGINS', 0.05)
    one = engine.add('web', replica='1')
    await known(hub, 'web')
    async with hub.subscribe(one.service, 0) as subscription:
        engine.write(one, 'before')
        assert await texts(subscription, 1) == ['before']
        feed = hub.feed(one.service)
        feed._await('a container that nobody can read')
        engine.write(one, 'later')
        assert await texts(subscription, 1) == ['later']


async def test_a_container_that_runs_again_is_not_taken_for_removed_by_what_came_of_its_last_run(
    engine, hub, monkeypatch
):
    monkeypatch.setattr('dashboard.timeline.feed.RECHECK', 0)
    web = engine.add('web')
    await known(hub, 'web')
    async with hub.subscribe(web.service, 0) as subscription:
        engine.write(web, 'first run')
        assert await texts(subscription, 1) == ['first run']
        feed = hub.feed(web.service)
        reader = feed._readers[web.id]
        reader.unchecked = True  # as while the end of its log is looked at
        feed._has_ended(reader)
        reader.unchecked = False
        engine.stop(web)
        await until(feed._tasks[web.id].done)
        engine.start(web)
        engine.write(web, 'second run')
        assert await texts(subscription, 1) == ['second run']
