"""Cursors of services with several containers: exact, whatever order the lines came in, also after a new start."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from dashboard.api.wire import Naming, row_messages
from dashboard.config import Settings
from dashboard.errors import BadRequest
from dashboard.model import SECOND, Gap, LogLine, Notice
from dashboard.timeline.hub import LogHub
from dashboard.timeline.marks import MOST, Marks, is_cursor
from tests.support.until import PATIENCE, until
from tests.unit.timeline.test_feed import known

pytestmark = pytest.mark.usefixtures('quick')

ONE = '1-0-abc123abc123'
START = 1_800_000_000 * SECOND


def write(engine, container, *moments):
    """Lines whose text is their time; later than now, so that they are never old."""
    for moment in moments:
        engine.write(container, str(moment), timestamp=START + moment * SECOND // 1_000)


async def seen(hub, service, count, notices=False):
    """The texts of the first lines, and after each the cursor of its message."""
    found, marks = [], None
    async with hub.subscribe(service, 1_000_000) as subscription:
        await until(lambda: subscription.feed.history.end >= count)
        while len(found) < count:
            rows = subscription.take(7)
            marks = marks or subscription.feed.marks_at(subscription.taken_from)
            for row in rows:
                marks.read_row(row)
                if isinstance(row, LogLine):
                    found.append((row.text, str(marks)))
            if not notices:
                assert marks == subscription.feed.marks_at(subscription.position)
    return found


async def following(hub, service, cursor):
    """The texts of what a client gets that resumes after a cursor."""
    found = []
    async with hub.subscribe(service, 0) as subscription:
        async with aclosing(hub.reads.catch_up(subscription, Marks.parse(cursor))) as missed:
            async for rows in missed:
                found += rows
        found += subscription.take(1_000)
    return [row.text if isinstance(row, LogLine) else row for row in found if not isinstance(row, Notice)]


async def test_a_cursor_is_exact_where_lines_of_two_containers_came_late(engine, hub):
    one, two = engine.add('web'), engine.add('web')
    write(engine, one, 10, 20, 30, 40)
    await known(hub, 'web')
    async with hub.subscribe(one.service, 0) as subscription:
        await until(lambda: subscription.feed.history.end == 4)
        write(engine, two, 5, 15, 25)  # long after the others had been shown
        await until(lambda: subscription.feed.history.end == 7)
        lines = await seen(hub, one.service, 7)
        texts = [text for text, _ in lines]
        assert texts == ['10', '20', '30', '40', '5', '15', '25']
        for number, (_, cursor) in enumerate(lines):
            assert await following(hub, one.service, cursor) == texts[number + 1 :]
    # a server that was started anew has merged them by time, and still gives just what each client has not had
    async with LogHub(engine, Settings()) as other:
        await known(other, 'web')
        for number, (_, cursor) in enumerate(lines):
            assert sorted(await following(other, one.service, cursor)) == sorted(texts[number + 1 :])


async def test_a_cursor_of_a_single_container_stays_good_when_the_service_is_scaled(engine, hub):
    one = engine.add('web')
    write(engine, one, 10, 20)
    await known(hub, 'web')
    cursors = [cursor for _, cursor in await seen(hub, one.service, 2)]
    two = engine.add('web')
    write(engine, two, 2_000, 3_000)
    write(engine, one, 2_500)
    await until(lambda: len(hub.services[0].containers) == 2)
    assert await following(hub, one.service, cursors[0]) == ['20', '2000', '2500', '3000']
    assert await following(hub, one.service, cursors[1]) == ['2000', '2500', '3000']


async def test_what_a_removed_container_wrote_last_is_a_gap_when_nobody_holds_it(engine, hub):
    one = engine.add('web')
    write(engine, one, 10)
    await known(hub, 'web')
    ((_, cursor),) = await seen(hub, one.service, 1)
    await until(lambda: hub.feed(one.service) is None)
    write(engine, one, 20)
    engine.remove(one)
    two = engine.add('web')
    write(engine, two, 30)
    await until(lambda: [item.id for item in hub.services[0].containers] == [two.id])
    gap, *texts = await following(hub, one.service, cursor)
    assert isinstance(gap, Gap)
    assert gap.missed is None
    assert texts == ['30']


def test_a_cursor_is_read_back_as_it_was_written():
    text = '1800000000000000001-0-abc123abc123.-62135596800000000000-3-def456def456'
    assert str(Marks.parse(text)) == text
    assert Marks.parse(text).newest.container == 'abc123abc123'


@pytest.mark.parametrize(
    'text',
    [
        '',
        'yesterday',
        '1-2',
        '1-2-abc',
        f'{ONE}.',
        f'.{ONE}',
        '９-0-abc123abc123',
        f'{9 * 10**20}-0-abc123abc123',
        f'{ONE}.' * MOST + ONE,
    ],
)
def test_what_is_no_cursor_is_refused_in_words(text):
    with pytest.raises(BadRequest, match='is not a cursor'):
        Marks.parse(text)


def test_times_are_not_taken_for_cursors():
    assert not any(map(is_cursor, ('10m', '2026-01-02T03:04:05Z', '1800000000', '2026-01-02')))


# what was not missed comes neither again nor as a gap


def bare(cursor):
    """A cursor as it was before a place stood in it, or as it is for a feed that lives no more."""
    return cursor.partition('~')[0]


@pytest.mark.parametrize('form', [str, bare])
async def test_a_resume_after_a_recreation_repeats_nothing(engine, hub, monkeypatch, form):
    monkeypatch.setattr('dashboard.timeline.timeline.REMEMBERED', 0)  # as if everything was long ago
    old = engine.add('web')
    engine.write_many(old, [str(number) for number in range(900)])
    await known(hub, 'web')
    async with hub.subscribe(old.service, 0) as subscription:
        feed = subscription.feed
        engine.stop(old)
        await until(lambda: feed.status.phase == 'stopped')
        engine.remove(old)
        new = engine.add('web')
        engine.write(new, 'quiet')
        await until(lambda: feed.ends.keys() == {new.short_id})
        engine.stop(new)
        await until(lambda: feed.status.phase == 'stopped')
        lines = await seen(hub, old.service, 901, notices=True)
        for number in (0, 500, 899, 900):
            expected = [text for text, _ in lines[number + 1 :]]
            assert await following(hub, old.service, form(lines[number][1])) == expected
        engine.start(new)
        engine.write(new, 'more')
        await until(lambda: 'more' in [row.text for row in feed.history.slice(0)])
        assert await following(hub, old.service, form(lines[-1][1])) == ['more']


async def test_twenty_replicas_are_resumed_without_a_repetition(engine, hub):
    replicas = [engine.add('web') for _ in range(20)]
    write_in_turn(engine, replicas, range(1, 400))
    await known(hub, 'web')
    async with hub.subscribe(replicas[0].service, 0) as subscription:
        for container in replicas[3:]:
            engine.stop(container)
        await until(lambda: subscription.feed.streams == 3)
        write_in_turn(engine, replicas[:3], range(5_000, 5_100))  # the others have been quiet for long
        await until(lambda: subscription.feed.history.lines(0) == 499)
        lines = await seen(hub, replicas[0].service, 499, notices=True)
        for number in (0, 200, 398, 450, 498):
            expected = [text for text, _ in lines[number + 1 :]]
            assert await following(hub, replicas[0].service, lines[number][1]) == expected
            assert sorted(await following(hub, replicas[0].service, bare(lines[number][1]))) == sorted(expected)


def write_in_turn(engine, containers, moments):
    for moment in moments:
        write(engine, containers[moment % len(containers)], moment)


async def test_that_a_container_was_removed_is_told_once(engine, hub):
    one = engine.add('web')
    write(engine, one, 10)
    await known(hub, 'web')
    ((_, cursor),) = await seen(hub, one.service, 1)
    await until(lambda: hub.feed(one.service) is None)
    engine.remove(one)
    two = engine.add('web')
    await until(lambda: [item.id for item in hub.services[0].containers] == [two.id])
    first, later = await messages(hub, one.service, cursor), []
    assert [message['type'] for message in first] == ['gap']
    later += await messages(hub, one.service, first[-1]['cursor'])
    write(engine, two, 20)
    async with hub.subscribe(one.service, 0) as subscription:
        await until(lambda: subscription.feed.history.end)
        later += await messages(hub, one.service, first[-1]['cursor'])
        assert [message['content'] for message in later] == ['20']
        assert await messages(hub, one.service, later[-1]['cursor']) == []


async def messages(hub, service, cursor):
    """What a client is sent that resumes after a cursor."""
    marks, found = Marks.parse(cursor), []
    async with hub.subscribe(service, 0) as subscription:
        async with aclosing(hub.reads.catch_up(subscription, marks)) as missed:
            async for rows in missed:
                found += row_messages(rows, Naming('web'), marks)
        rows = subscription.take(1_000)
        return found + row_messages(rows, Naming('web'), subscription.feed.marks_at(subscription.taken_from))


async def test_a_cursor_in_the_future_is_a_gap_and_then_the_lines_that_come(engine, hub):
    web = engine.add('web')
    write(engine, web, 10, 20)
    await known(hub, 'web')
    async with hub.subscribe(web.service, 0) as subscription:
        await until(lambda: subscription.feed.history.end == 2)
        marks = Marks.parse(f'{START + 3_600 * SECOND}-0-{web.short_id}')
        async with hub.subscribe(web.service, 0) as resumed, asyncio.timeout(PATIENCE):
            rows = [row async for batch in hub.reads.catch_up(resumed, marks) for row in batch]
            assert [type(row) for row in rows] == [Gap, LogLine, LogLine], 'what the log has now is after what it had'
            write(engine, web, 30)
            assert [row.text for row in await anext(resumed)] == ['30']


async def test_what_leaves_the_history_while_a_client_catches_up_comes_too(engine):
    web = engine.add('web')
    engine.write_many(web, [f'{number}' for number in range(5_000)])
    first = (await anext(engine.logs(web)))[0]
    async with LogHub(engine, Settings(history_lines=500)) as hub:
        await known(hub, 'web')
        async with hub.subscribe(web.service, 0) as subscription:
            found, written = [], 5_000
            async with aclosing(hub.reads.catch_up(subscription, Marks({web.short_id: first.cursor}))) as missed:
                async for rows in missed:
                    found += rows
                    if written < 9_000:
                        written += 1_000
                        engine.write_many(web, [f'{number}' for number in range(written - 1_000, written)])
                        await until(lambda end=written: subscription.feed.history.end == end)
            while len(found) < written - 1:
                found += await anext(subscription)
            assert [row.text for row in found] == [f'{number}' for number in range(1, written)]


async def test_what_a_client_is_too_slow_to_catch_up_with_is_a_gap_of_so_many_lines(engine, monkeypatch):
    monkeypatch.setattr('dashboard.timeline.catchup.ROUNDS', 1)
    web = engine.add('web')
    engine.write_many(web, [f'{number}' for number in range(1_000)])
    first = (await anext(engine.logs(web)))[0]
    async with LogHub(engine, Settings(history_lines=500)) as hub:
        await known(hub, 'web')
        async with hub.subscribe(web.service, 0) as subscription:
            found = []
            async with aclosing(hub.reads.catch_up(subscription, Marks({web.short_id: first.cursor}))) as missed:
                async for rows in missed:
                    if not found:
                        engine.write_many(web, [f'{number}' for number in range(1_000, 5_000)])
                        await until(lambda: subscription.feed.history.first > 4_000)
                    found += rows
            gap, *rest = await anext(subscription)
            assert isinstance(gap, Gap)
            assert gap.missed == int(rest[0].text) - int(found[-1].text) - 1


def test_a_cursor_with_a_place_and_a_told_gap_is_read_back_as_it_was_written():
    text = f'{ONE}.2-0-def456def456x~0123abcd-42'
    marks = Marks.parse(text)
    assert str(marks) == text
    assert (marks.told, marks.feed, marks.row) == ({'def456def456'}, '0123abcd', 42)


async def test_what_a_container_wrote_that_came_and_went_unheard_is_a_gap_once_it_has_left_the_history(engine):
    async with LogHub(engine, Settings(history_lines=100)) as hub:
        web = engine.add('web')
        write(engine, web, 1, 2)
        await known(hub, 'web')
        (_, first), (_, cursor) = await seen(hub, web.service, 2)
        async with hub.subscribe(web.service, 0) as subscription:
            feed = subscription.feed
            for start in (1_000, 2_000):
                short = engine.add('web')
                write(engine, short, *range(start, start + 70))
                last = (await anext(engine.logs(short)))[-1].cursor
                await until(lambda: feed.ends.get(short.short_id) == last)  # noqa: B023 - waited for at once
                engine.stop(short)
                await until(lambda: feed.streams == 1)
                engine.remove(short)
                await until(lambda: len(hub.services[0].containers) == 1)
            assert feed.history.first > 2
            for old in (first, cursor):
                gap, *texts = await following(hub, web.service, old)
                assert isinstance(gap, Gap)
                assert texts[-70:] == [str(number) for number in range(2_000, 2_070)]
