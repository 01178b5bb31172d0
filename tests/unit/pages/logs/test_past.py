"""A reader who scrolls up sees older lines until there are none, and on the way down again all that follow, once."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from dashboard.model import Notice
from dashboard.pages.logs import past as past_module
from dashboard.pages.logs.past import BEGINNING, CLEARED, LOADING, NO_MATCH, REMOVED, ROTATED, ROTATES
from tests.support.until import until
from tests.support.window import CAPACITY, EVERY, HELD, LINES, SERVICES, START, first_held, scroll, write


@pytest.mark.parametrize('services', SERVICES, ids=' and '.join)
async def test_all_lines_come_once_in_order_up_to_the_beginning_and_down_to_live(tab, window, services):
    viewer = await tab(*services)
    seen = window.numbers
    while window.past != BEGINNING:
        await scroll(viewer, window)
        numbers = window.numbers
        assert numbers == list(range(numbers[0], numbers[-1] + 1)), 'no hole, nothing twice'
        assert len(numbers) <= 2 * CAPACITY + 250
        seen = list(range(min(seen[0], numbers[0]), LINES))
    assert seen[0] == 0
    assert LOADING in window.said
    write(viewer.engine, range(LINES, LINES + 50))
    await until(lambda: viewer.new_lines == 50)
    while window.numbers[-1] < LINES + 49:
        assert window.more
        await scroll(viewer, window, 'newer')
        numbers = window.numbers
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert len(numbers) <= 2 * CAPACITY + 250
    await until(lambda: not window.more)
    viewer._followed(True)
    write(viewer.engine, range(LINES + 50, LINES + 60))
    await until(lambda: window.numbers[-1] == LINES + 59)
    assert window.numbers == list(range(window.numbers[0], LINES + 60))
    assert viewer.new_lines == 0


async def test_what_leaves_the_history_while_its_reader_is_in_the_past_comes_from_the_engine(tab, window):
    viewer = await tab()
    for _ in range(4):
        await scroll(viewer, window)
    write(viewer.engine, range(LINES, LINES + 3 * HELD))
    await until(lambda: viewer.new_lines == 3 * HELD)
    assert first_held(viewer) > LINES
    for _ in range(3):
        await scroll(viewer, window)
    while window.numbers[-1] < LINES + 3 * HELD - 1:
        await scroll(viewer, window, 'newer')
        numbers = window.numbers
        assert numbers == list(range(numbers[0], numbers[-1] + 1))


async def test_the_newest_lines_are_shown_at_once_from_anywhere(tab, window):
    viewer = await tab()
    for _ in range(6):
        await scroll(viewer, window)
    assert window.numbers[-1] < LINES - HELD
    viewer._followed(True)
    await until(lambda: window.numbers[-1] == LINES - 1)
    assert None not in window.numbers
    assert not window.past


async def test_what_the_engine_has_rotated_away_is_told_and_so_is_what_was_cleared(tab, window):
    viewer = await tab()
    viewer.engine.rotate(viewer.engine.ones[0], 500)
    while not window.past or window.past == LOADING:
        await scroll(viewer, window)
    assert window.past == ROTATED
    assert window.numbers[0] == first_held(viewer)
    viewer.clear()
    await until(lambda: not window.numbers)
    write(viewer.engine, range(LINES, LINES + 10))
    await until(lambda: len(window.numbers) == 10)
    await scroll(viewer, window)
    assert window.past == CLEARED


async def test_the_first_line_of_a_log_that_is_rotated_is_not_told_as_its_beginning(tab, window):
    viewer = await tab()
    log = viewer.engine._logs[viewer.engine.ones[0].id]
    log.container = replace(log.container, created=0)
    viewer.hub._watch.look_again()
    await until(lambda: not viewer.feed.service.containers[0].created)
    viewer.engine.rotate(log.container, 3_000)
    while not window.past or window.past == LOADING:
        await scroll(viewer, window)
    assert window.past == ROTATES
    assert window.numbers[0] == LINES - 3_000


async def test_a_removed_containers_lines_end_with_what_is_held(tab, window):
    viewer = await tab()
    viewer.engine.stop(viewer.engine.ones[0])
    viewer.engine.remove(viewer.engine.ones[0])
    viewer.engine.add('web')
    viewer.hub._watch.look_again()
    await until(lambda: viewer.engine.ones[0] not in viewer.feed.service.containers)
    while not window.past or window.past == LOADING:
        await scroll(viewer, window)
    assert window.past == REMOVED


async def test_something_else_can_be_chosen_while_older_lines_are_read(tab, window):
    viewer = await tab()
    while window.numbers[0] > first_held(viewer):
        await scroll(viewer, window)
    viewer.engine.ready.clear()
    before = window.numbers
    viewer._come_near('older')
    await until(lambda: window.past == LOADING and viewer.engine.asked)
    viewer.filter('4999')
    await until(lambda: window.numbers and all('4999' in str(number) for number in window.numbers))
    viewer.filter('')
    viewer.engine.ready.set()
    viewer.engine.fails = True
    await until(lambda: len(window.numbers) > 10)
    while not viewer.error:
        await scroll(viewer, window)
    assert 'does not answer' in viewer.error
    assert window.numbers[0] == before[0]
    viewer.engine.fails = False
    await scroll(viewer, window)
    assert window.numbers[0] < before[0]


async def test_a_moment_is_gone_to_also_where_the_filter_is_changed_while_it_is_read(tab, window):
    viewer = await tab()
    viewer.engine.ready.clear()
    viewer.jump(START + 1_000 * EVERY)
    await until(lambda: viewer.engine.asked)
    viewer.filter('1')
    viewer.engine.ready.set()
    await until(lambda: 1_000 in window.numbers)
    assert all('1' in str(number) for number in window.numbers)
    assert not viewer.following


@pytest.mark.parametrize('services', SERVICES, ids=' and '.join)
async def test_older_matches_are_sought_in_bounded_steps_until_all_are_found(tab, window, monkeypatch, services):
    monkeypatch.setattr(past_module, 'STEP', 300)
    monkeypatch.setattr(past_module, 'MOST', 900)
    viewer = await tab(*services)
    viewer.filter('77')
    wanted = [number for number in range(LINES) if '77' in str(number)]
    await until(lambda: window.numbers and all('77' in str(number) for number in window.numbers))
    asks = 0
    while window.past != BEGINNING:
        asks += 1
        await scroll(viewer, window)
    assert asks >= (LINES - HELD) / 900 - 1
    assert window.numbers == wanted


async def test_where_nothing_held_is_a_match_older_ones_are_sought_in_one_step_and_on_by_scrolling(
    tab, window, monkeypatch
):
    monkeypatch.setattr(past_module, 'STEP', 300)
    monkeypatch.setattr(past_module, 'MOST', 900)
    viewer = await tab()
    viewer.filter('/^(37|10).7$/')
    wanted = [number for number in range(LINES) if re.fullmatch('(37|10).7', str(number))]
    await until(lambda: window.numbers and window.numbers == wanted[10:])
    assert viewer.following
    viewer.filter('/^10.7$/')
    await until(lambda: not window.numbers and window.past == NO_MATCH)
    while window.past != BEGINNING:
        await scroll(viewer, window)
    assert window.numbers == wanted[:10]


async def test_what_left_the_top_of_a_filtered_window_is_found_above_it_again(tab, window):
    viewer = await tab()
    viewer.filter('/^3..7$|^[5-9]...$/')
    await until(lambda: window.numbers[:1] == [3007] and window.numbers[-1] == 3997)
    for start in range(LINES, LINES + 2 * CAPACITY, 100):
        write(viewer.engine, range(start, start + 100))
        await until(lambda end=start + 99: window.numbers[-1] == end)
    assert window.numbers[0] > 3997
    while window.past != BEGINNING:
        await scroll(viewer, window)
    numbers = [number for number in window.numbers if number < LINES]
    assert numbers == [number for number in range(3000, 4000) if number % 10 == 7]


async def test_what_is_read_from_the_engine_has_been_through_the_lens_of_its_reader(tab, window):
    viewer = await tab(is_admin=False, texts='password=hunter{0} of request {0}')
    while window.past != BEGINNING:
        await scroll(viewer, window)
    shown = ''.join(window.blocks)
    assert len(re.findall(r'request (\d+)</div>', shown)) >= 2 * CAPACITY
    assert 'hunter' not in shown


async def test_a_trace_is_found_as_one_message_wherever_a_step_begins(tab, window, monkeypatch):
    monkeypatch.setattr(past_module, 'STEP', 41)  # of 20 lines a message: every place in one comes to be a beginning
    viewer = await tab()
    engine = viewer.engine
    engine.remove(engine.ones[0])
    engine.ones = [engine.add('web')]
    texts = 16 * ['INFO: at work'] + [
        'ERROR: it broke',
        '  at a.b(C.java:1)',
        '  at d.e(F.java:2)',
        'Caused by: needle',
    ]
    for number in range(2_000):
        engine.write(engine.ones[0], texts[number % 20], timestamp=START + LINES * EVERY + number * 1_000)
    viewer.hub._watch.look_again()
    await until(lambda: 'needle' in ''.join(window.blocks[-1:]))
    viewer.filter('needle')
    await until(lambda: window.blocks and 'at work' not in ''.join(window.blocks))
    while 'log' not in window.past.lower():
        await scroll(viewer, window)
    assert ''.join(window.blocks).count('it broke') == 100


async def test_what_happened_to_a_container_stands_there_once_where_a_window_begins_with_it(tab, window):
    viewer = await tab()
    viewer.engine.stop(viewer.engine.ones[0])
    viewer.engine.start(viewer.engine.ones[0])
    viewer.hub._watch.look_again()
    await until(lambda: any('restarted' in block for block in window.blocks))
    write(viewer.engine, range(LINES, LINES + CAPACITY))
    await until(lambda: window.numbers[-1:] == [LINES + CAPACITY - 1])
    history = viewer.feed.history
    notices = [number for number, row in enumerate(history.slice(0), history.first) if isinstance(row, Notice)]
    middle = history.slice(notices[-1] + CAPACITY // 2)[0]
    viewer.show(middle.cursor)
    await until(lambda: window.blocks[0].startswith('<div class="n"'))
    await scroll(viewer, window)
    assert ''.join(window.blocks).count('class="n"') == len(notices)
    assert window.numbers == list(range(window.numbers[0], LINES + CAPACITY))
