"""What an engine's followers leave out is read from the log itself, and what nobody can read is told."""

from __future__ import annotations

import asyncio

import pytest

from dashboard.config import Settings
from dashboard.model import ENGINE_SPLIT, PREFIX, SECOND, Container, Gap, LogLine, Notice, ServiceKey
from dashboard.timeline.hub import LogHub
from dashboard.timeline.joint import Joint
from dashboard.timeline.stall import SkipWatch
from tests.support.until import until
from tests.unit.timeline.test_feed import known, numbers, texts

pytestmark = pytest.mark.usefixtures('quick')


@pytest.fixture
async def web(engine, hub):
    web = engine.add('web')
    await known(hub, 'web')
    return web


@pytest.fixture
def watchful(monkeypatch):
    """Who looks into silent logs almost at once."""
    for delay in ('FIRST_LOOK', 'EARLY_LOOK'):
        monkeypatch.setattr(f'dashboard.timeline.stall.{delay}', 0.02)
    monkeypatch.setattr('dashboard.timeline.stall.GRACE', 0.02)


def told(hub, web):
    """Lines and gaps of a service."""
    rows = hub.feed(web.service).history.slice(0)
    return ['gap' if isinstance(row, Gap) else row.text for row in rows if not isinstance(row, Notice)]


async def test_last_words_that_no_follower_gives_are_shown(engine, hub, web):
    async with hub.subscribe(web.service, 0) as subscription:
        engine.write(web, 'first')
        assert await texts(subscription, 1) == ['first']
        engine.stick(web)
        engine.write(web, b'panic: no newline')
        engine.stop(web, exit_code=2)
        assert await texts(subscription, 1) == ['panic: no newline']
        await until(lambda: hub.feed(web.service).status.phase == 'stopped')
        assert told(hub, web) == ['first', 'panic: no newline']


async def test_the_only_words_of_a_container_are_shown_though_no_follower_gives_them(engine, hub, web):
    async with hub.subscribe(web.service, 0) as subscription:
        await until(lambda: hub.feed(web.service).status.phase == 'live')
        engine.stick(web)
        engine.write(web, 'panic')
        engine.stop(web)
        assert await texts(subscription, 1) == ['panic']


async def test_the_log_of_a_stopped_container_is_read_once(engine, hub):
    web = engine.add('web', status='exited')
    engine.write(web, 'old')
    await known(hub, 'web')
    async with hub.subscribe(web.service, 1) as subscription:
        assert await texts(subscription, 1) == ['old']
        await until(lambda: hub.feed(web.service).status.phase == 'stopped')
        assert engine.streams_opened == 1


@pytest.mark.usefixtures('watchful')
async def test_a_stuck_stream_is_noticed_and_taken_up_where_it_was(engine, hub, web):
    async with hub.subscribe(web.service, 0) as subscription:
        engine.write_many(web, numbers(1, 3))
        assert await texts(subscription, 3) == numbers(1, 3)
        engine.stick(web)
        engine.write_many(web, numbers(4, 9))
        assert await texts(subscription, 6) == numbers(4, 9)
        assert told(hub, web) == numbers(1, 9)


@pytest.mark.usefixtures('watchful')
async def test_what_a_stuck_stream_missed_and_nobody_has_any_more_is_a_gap(engine, hub, web):
    async with hub.subscribe(web.service, 0) as subscription:
        engine.write_many(web, numbers(1, 3))
        assert await texts(subscription, 3) == numbers(1, 3)
        engine.stick(web)
        engine.write_many(web, numbers(4, 9))
        engine.rotate(web, kept=2)
        assert await texts(subscription, 2) == numbers(8, 9)
        assert told(hub, web) == [*numbers(1, 3), 'gap', *numbers(8, 9)]


async def test_what_a_busy_stream_skips_is_read_from_the_log_when_it_jumps_ahead(engine, hub, web):
    async with hub.subscribe(web.service, 0) as subscription:
        start = 1_800_000_000 * SECOND
        for number in range(1, 601):
            engine.write(web, str(number), timestamp=start + number)
        assert await texts(subscription, 600) == numbers(1, 600)
        engine.skip(web, 300)
        for number in range(601, 901):
            engine.write(web, str(number), timestamp=start + number)
        engine.write(web, '901', timestamp=start + SECOND)
        engine.write(web, '902', timestamp=start + SECOND + 1)
        assert await texts(subscription, 302) == numbers(601, 902)
        assert told(hub, web) == numbers(1, 902)


async def test_a_burst_after_a_pause_is_no_gap_though_it_is_longer_than_a_look_into_the_log(engine, hub, web):
    async with hub.subscribe(web.service, 0) as subscription:
        start = 1_800_000_000 * SECOND
        engine.write(web, '1', timestamp=start)
        assert await texts(subscription, 1) == ['1']
        for number in range(2, 9_001):
            engine.write(web, str(number), timestamp=start + SECOND + number)
        assert await texts(subscription, 8_999) == numbers(2, 9_000)
        assert told(hub, web) == numbers(1, 9_000)
        assert engine.streams_opened <= 1 + 3, 'the stream was right'


def write_fast(engine, web, first, last):
    """Lines of a log that is written 4,000 lines a second."""
    for number in range(first, last + 1):
        engine.write(web, str(number), timestamp=1_800_000_000 * SECOND + number * SECOND // 4_000)


async def read_fast(engine, web, subscription, first, last):
    """All of them come, and in their order."""
    write_fast(engine, web, first, last)
    assert await texts(subscription, last - first + 1) == numbers(first, last)


async def test_a_fast_stream_that_jumps_by_less_than_a_blink_is_checked(engine, hub, web):
    async with hub.subscribe(web.service, 0) as subscription:
        await read_fast(engine, web, subscription, 1, 1_000)
        await read_fast(engine, web, subscription, 1_001, 2_000)
        engine.skip(web, 500)
        await read_fast(engine, web, subscription, 2_001, 2_510)
        assert told(hub, web) == numbers(1, 2_510)


async def test_a_stream_that_skips_again_and_again_and_gives_little_between_loses_nothing(engine, hub, web):
    async with hub.subscribe(web.service, 0) as subscription:
        await read_fast(engine, web, subscription, 1, 2_000)
        for first in range(2_001, 5_000, 1_000):
            engine.skip(web, 990)
            await read_fast(engine, web, subscription, first, first + 999)
        assert told(hub, web) == numbers(1, 5_000)


async def test_what_a_stream_skipped_and_its_log_has_no_more_is_a_gap(engine, hub, web):
    async with hub.subscribe(web.service, 0) as subscription:
        await read_fast(engine, web, subscription, 1, 2_000)
        engine.skip(web, 990)
        write_fast(engine, web, 2_001, 3_000)
        engine.rotate(web, kept=15)
        assert await texts(subscription, 15) == numbers(2_986, 3_000)
        assert told(hub, web) == [*numbers(1, 2_000), 'gap', *numbers(2_986, 3_000)]


async def test_what_was_skipped_too_far_back_to_be_held_is_left_out_and_said(engine, monkeypatch):
    monkeypatch.setattr('dashboard.timeline.reader.NEAR', 2_000)
    web = engine.add('web')
    async with LogHub(engine, Settings(history_lines=3_000)) as hub:
        await known(hub, 'web')
        async with hub.subscribe(web.service, 0) as subscription:
            await read_fast(engine, web, subscription, 1, 2_000)
            engine.skip(web, 3_990)
            write_fast(engine, web, 2_001, 6_000)
            assert await texts(subscription, 2_000) == numbers(4_001, 6_000)
            gap = next(row for row in subscription.feed.history.slice(0) if isinstance(row, Gap))
        assert (gap.reason, gap.lost) == ('the engine could not keep up', False), 'the engine has these lines'


def test_a_jump_is_suspicious_where_a_third_of_a_file_may_be_missing():
    web = Container('a' * 64, 'web', ServiceKey('local', '', 'web'), '', 'running')
    start = 1_800_000_000 * SECOND
    burst = [LogLine.of(web, start + number * 250_000, 'x' * 200) for number in range(1_000)]  # a megabyte a second
    later = [LogLine.of(web, start + SECOND // 2, 'after a quarter of a second')]
    for file, found in ((None, True), (100e3, True), (600e3, True), (900e3, False), (100e6, False)):
        watch = SkipWatch()
        watch.find(burst[:400], file)
        watch.find(burst[400:], file)
        assert (watch.find(later, file) is not None) is found, file


async def test_a_line_that_is_being_written_where_a_stream_skips_comes_once_it_is_whole(engine, hub, web, monkeypatch):
    as_written, half, written = engine.logs, 'x' * ENGINE_SPLIT, asyncio.Event()

    def begun(line):
        return LogLine(web, line.stream, line.record[: PREFIX + ENGINE_SPLIT], line.ordinal)

    async def logs(container, *, follow=False, **options):
        async for batch in as_written(container, follow=follow, **options):
            yield batch if follow or written.is_set() else [begun(line) for line in batch]

    monkeypatch.setattr(engine, 'logs', logs)
    async with hub.subscribe(web.service, 0) as subscription:
        await read_fast(engine, web, subscription, 1, 2_000)
        engine.skip(web, 990)
        write_fast(engine, web, 2_001, 3_000)
        engine.write(web, f'{half} and its end')
        assert await texts(subscription, 1_000) == numbers(2_001, 3_000)
        written.set()
        engine.write(web, 'after it')
        assert await texts(subscription, 2) == [f'{half} and its end', 'after it']


async def test_a_stream_that_skipped_is_trusted_again_after_a_while(engine, hub, web, monkeypatch):
    monkeypatch.setattr('dashboard.timeline.reader.DISTRUST', 0.0)
    async with hub.subscribe(web.service, 0) as subscription:
        await read_fast(engine, web, subscription, 1, 2_000)
        engine.skip(web, 990)
        await read_fast(engine, web, subscription, 2_001, 3_000)
        opened = engine.streams_opened
        await read_fast(engine, web, subscription, 3_001, 3_010)
        assert engine.streams_opened == opened, 'and nobody looks into the log'


async def test_a_log_that_is_silent_is_looked_at_ever_more_seldom(engine, hub, web, monkeypatch, watchful):
    waits, sleep = [], asyncio.sleep

    async def brief(seconds):
        if seconds >= 0.02:
            waits.append(seconds)
        await sleep(min(seconds, 0.02))

    monkeypatch.setattr('dashboard.timeline.stall.asyncio.sleep', brief)
    async with hub.subscribe(web.service, 0):
        await until(lambda: max(waits, default=0) > 0.5)
    assert sorted(set(waits))[:4] == pytest.approx([0.02, 0.04, 0.08, 0.16])


async def test_what_a_removed_container_wrote_while_its_stream_was_cut_is_a_gap(engine, hub, web):
    async with hub.subscribe(web.service, 0) as subscription:
        engine.write(web, 'first')
        assert await texts(subscription, 1) == ['first']
        engine.fail()
        engine.write_many(web, numbers(1, 412))
        engine.remove(web)
        engine.heal()
        hub.feed(web.service).retry_now()
        await until(lambda: 'gap' in told(hub, web))
        gap = next(row for row in hub.feed(web.service).history.slice(0) if isinstance(row, Gap))
        assert (gap.container, gap.missed, gap.lost) == (web.short_id, None, True)
        await asyncio.sleep(0)
        assert told(hub, web) == ['first', 'gap']


async def test_a_container_that_was_removed_before_it_was_even_listed_is_a_gap(engine, hub, web):
    async with hub.subscribe(web.service, 0):
        await until(lambda: hub.feed(web.service).status.phase == 'live')
        brief = engine.add('web')
        engine.write(brief, 'nobody reads this')
        engine.stop(brief)
        engine.remove(brief)
        await until(lambda: 'gap' in told(hub, web))
        gap = next(row for row in hub.feed(web.service).history.slice(0) if isinstance(row, Gap))
        assert gap.container == brief.short_id
        assert gap.start <= gap.end


async def test_one_that_is_listed_before_it_can_be_asked_for_has_missed_nothing(engine, hub, web, monkeypatch):
    monkeypatch.setattr('dashboard.timeline.feed.RECHECK', 0.01)
    async with hub.subscribe(web.service, 0) as subscription:
        early = engine.add('web', status='created')
        await until(lambda: len(hub.feed(web.service).service.containers) == 2)
        await asyncio.sleep(0.05)  # it is asked for and looked at again
        engine.start(early)
        engine.write(early, 'now I am')
        assert await texts(subscription, 1) == ['now I am']
        assert 'gap' not in told(hub, web)


async def test_one_that_could_not_be_asked_for_and_ran_and_was_removed_is_a_gap(engine, hub, web):
    async with hub.subscribe(web.service, 0):
        early = engine.add('web', status='created')
        await until(lambda: len(hub.feed(web.service).service.containers) == 2)
        await asyncio.sleep(0.02)
        engine.start(early)
        engine.write(early, 'nobody reads this')
        engine.stop(early)
        engine.remove(early)
        await until(lambda: 'gap' in told(hub, web))


@pytest.mark.parametrize(('exit_code', 'end'), [(0, []), (1, ['gap'])])
async def test_one_that_is_removed_as_it_ends_is_a_gap_if_it_failed(engine, hub, web, exit_code, end):
    async with hub.subscribe(web.service, 0) as subscription:
        engine.write(web, 'first')
        assert await texts(subscription, 1) == ['first']
        engine.write(web, 'last')
        engine.stop(web, exit_code)
        engine.remove(web)
        feed = hub.feed(web.service)
        await until(lambda: not feed.service.containers or not hub.services)
        await until(lambda: feed.history.end >= 5)  # two lines, two notices, and this
        assert told(hub, web) == ['first', 'last', *end]
        words = [row.text for row in feed.history.slice(0) if isinstance(row, Notice)]
        assert any('before the end of its log could be checked' in text for text in words) == (not exit_code)


async def test_an_engine_whose_streams_do_not_join_its_log_is_followed_without_loss(engine, hub, web):
    engine.joins = False
    engine.write_many(web, numbers(1, 500))
    async with hub.subscribe(web.service, 500) as subscription:
        assert await texts(subscription, 500) == numbers(1, 500)
        for start in range(501, 900, 100):
            engine.write_many(web, numbers(start, start + 49))
            await asyncio.sleep(0)
            engine.break_streams()
            engine.write_many(web, numbers(start + 50, start + 99))
            hub.feed(web.service).retry_now()
        assert await texts(subscription, 400) == numbers(501, 900)
        assert told(hub, web) == numbers(1, 900)


def lines_of(web, words, first=0):
    """Lines of one whole second, as Podman gives them."""
    lines = [LogLine.of(web, 7 * 10**9, f'{word}\n') for word in words]
    for ordinal, line in enumerate(lines, first):
        line.ordinal = ordinal
    return lines


@pytest.mark.parametrize(
    ('known', 'stream', 'new'),
    [
        ('abcdef', 'efgh', 'gh'),  # the log was read in the middle of what the stream gives
        ('abcdef', 'cdefgh', 'gh'),
        ('abcdef', 'bc', ''),
        ('abcdef', 'gh', 'gh'),
        ('', 'gh', 'gh'),
        ('aaaa', 'aab', 'ab'),  # nothing tells equal lines apart: better one too many than one lost
    ],
)
async def test_a_stream_is_joined_to_the_log_by_its_lines_though_all_have_one_timestamp(web, known, stream, new):
    joint = Joint(lines_of(web, known), lines_of(web, stream))
    found = joint.sift(lines_of(web, stream))
    assert [line.text for line in found] == list(new)
    assert [line.ordinal for line in found] == list(range(len(known), len(known) + len(new)))


async def test_a_stream_that_begins_within_a_line_is_joined_after_that_line(web):
    stream = lines_of(web, ['ty', 'three', 'four'])
    joint = Joint(lines_of(web, ['one', 'twenty', 'three']), stream)
    assert [line.text for line in joint.sift(stream)] == ['four']


async def test_what_the_log_had_beyond_the_first_lines_of_a_stream_is_left_out_of_its_next(web):
    joint = Joint(lines_of(web, 'abcdef'), lines_of(web, 'bc'))
    assert [line.text for batch in ('bc', 'de', 'fg') for line in joint.sift(lines_of(web, batch))] == ['g']
