"""Rows are handled in pieces that keep nobody else waiting."""

from __future__ import annotations

from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.config import Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.model import SECOND, Container, Gap, LogLine, Notice, ServiceKey
from dashboard.timeline.history import History, row_time
from dashboard.timeline.hub import LogHub
from dashboard.timeline.pieces import BYTES, ROWS, LastLines, in_pieces, pieces, weight
from tests.support.turns import turns

WEB = Container('c' * 64, 'shop-web-1', ServiceKey('local', 'shop', 'web'), 'web:1', 'running')
START = 1_767_323_045 * SECOND


def line(size: int, moment: int = 0) -> LogLine:
    return LogLine.of(WEB, START + moment, 'x' * size)


@given(st.lists(st.sampled_from([0, 10, BYTES // 50, BYTES // 2, BYTES, 3 * BYTES]), max_size=12), st.integers(1, 90))
@settings(deadline=None, max_examples=50)
def test_every_row_is_in_one_piece_and_no_piece_is_too_large_to_be_handled_at_one_go(sizes, times):
    rows = [line(size) for size in sizes for _ in range(times if size < 1_000 else 1)]
    found = list(pieces(rows))
    assert [row for piece in found for row in piece] == rows
    assert all(0 < len(piece) <= ROWS for piece in found)
    assert all(weight(piece) <= BYTES for piece in found if len(piece) > 1)


async def test_others_have_their_turn_between_two_pieces():
    async with turns() as counted:
        async for piece in in_pieces([line(10) for _ in range(10 * ROWS)]):
            counted.note(len(piece))
    assert counted.most == ROWS
    assert sum(counted.work.values()) == 10 * ROWS


@pytest.mark.usefixtures('quick')
@pytest.mark.parametrize('size', [10, BYTES // 10])
async def test_a_subscriber_with_much_to_catch_up_with_leaves_the_others_their_turn(size):
    engine = ScriptedEngine()
    web = engine.add('web')
    engine.write_many(web, ['x' * size] * 1_000)
    async with LogHub(engine, Settings()) as hub:
        await hub.asked()
        async with hub.subscribe(web.service, 1_000) as subscription, turns() as counted:
            async for rows in subscription:
                assert weight(rows) <= BYTES
                counted.note(len(rows))
                if sum(counted.work.values()) == 1_000:
                    break
    assert counted.most <= ROWS


moments = st.integers(0, 20)
rows_of_a_time = st.one_of(
    moments.map(lambda moment: line(1, moment)),
    moments.map(lambda moment: Gap(START, START + moment, None, '')),
    moments.map(lambda moment: Notice(START + moment, '')),
)


@given(
    st.lists(rows_of_a_time, max_size=10), st.integers(-1, 21).map(lambda n: START + n) | st.just(-1) | st.just(1 << 80)
)
@settings(deadline=None)
def test_the_first_row_of_a_moment_is_found_by_the_time_of_the_rows(rows, moment):
    history = History(100, 1 << 20)
    history.append(rows)
    assert history.find(moment) == next((n for n, row in enumerate(rows) if row_time(row) >= moment), len(rows))


@pytest.fixture
def little_room(monkeypatch):
    monkeypatch.setattr(import_module('dashboard.timeline.pieces'), 'HELD_BYTES', 10_000)


@pytest.mark.usefixtures('little_room')
def test_last_lines_that_are_too_long_to_be_held_are_counted():
    last, rows = LastLines(50), [line(1_000, number) for number in range(90)]
    left = last.add(rows[:30]) + last.add(rows[30:])
    assert [*left, *last.lines] == rows
    assert weight(last.lines) <= 10_000
    assert last.missing == 50 - len(last.lines)
    assert last.gap('long') == Gap(START + 39, START + 90 - len(last.lines), last.missing, 'long')
    assert last.add([line(0, 100 + number) for number in range(50)])
    assert not last.missing


@pytest.mark.usefixtures('little_room')
async def test_a_gap_stands_for_last_lines_of_several_containers_that_are_too_long_to_be_held():
    engine = ScriptedEngine()
    containers = [engine.add('web'), engine.add('web')]
    for number in range(40):
        engine.write(containers[number % 2], f'{number:>1000}', timestamp=START + number)
    async with LogHub(engine, Settings(linger=0)) as hub:
        await hub.asked()
        for before in (None, lambda lines: None):
            found = [row async for rows in hub.reads.read(hub.find('web'), tail=30, before=before) for row in rows]
            gap, *lines = found
            assert [int(row.text) for row in lines] == [*range(40 - len(lines), 40)]
            assert 5 < len(lines) < 10
            assert (gap.missed, gap.start, gap.end) == (30 - len(lines), START + 9, lines[0].timestamp)
