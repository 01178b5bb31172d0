"""Cursors of services with several containers: exact, whatever order the lines came in, also after a new start."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from dashboard.config import Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.errors import BadRequest
from dashboard.model import SECOND, Gap, LogLine
from dashboard.timeline.hub import LogHub
from dashboard.timeline.marks import MOST, Marks, is_cursor
from tests.unit.timeline.test_feed import known, until

pytestmark = pytest.mark.usefixtures('quick')

ONE = '1-0-abc123abc123'
START = 1_800_000_000 * SECOND


@pytest.fixture
def engine():
    return ScriptedEngine()


@pytest.fixture
async def hub(engine):
    async with LogHub(engine, Settings(linger=0)) as hub:
        yield hub


def write(engine, container, *moments):
    """Lines whose text is their time; later than now, so that they are never old."""
    for moment in moments:
        engine.write(container, str(moment), timestamp=START + moment * SECOND // 1_000)


async def seen(hub, service, count):
    """The texts of the first lines, and after each the cursor of its message."""
    found, marks = [], None
    async with hub.subscribe(service, 1_000) as subscription:
        await until(lambda: subscription.feed.history.end >= count)
        while len(found) < count:
            rows = subscription.take(7)
            marks = marks or subscription.feed.marks_at(subscription.taken_from)
            for row in rows:
                marks.read_line(row)
                found.append((row.text, str(marks)))
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
    return [row.text if isinstance(row, LogLine) else row for row in found]


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
