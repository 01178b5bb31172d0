"""A range narrows what is shown and counted, whether it is held or has to be read from the engine."""

from __future__ import annotations

import asyncio

import pytest

from dashboard.lines import BEGINS, Level, Range, histogram, parse
from dashboard.pages.logs import survey as survey_module
from dashboard.pages.logs.past import BEGINNING, RANGE_BEGINS
from dashboard.pages.logs.survey import Survey
from dashboard.pages.logs.surveyor import ALL
from tests.support.until import until
from tests.support.window import CAPACITY, EVERY, HELD, LINES, SERVICES, START, first_held, scroll, write


def at(number: int) -> int:
    """When the line of that number was written."""
    return START + number * EVERY


def between(first: int | None, last: int | None) -> Range:
    return Range(None if first is None else at(first), None if last is None else at(last))


async def to_the_beginning(viewer, window, words=RANGE_BEGINS) -> None:
    while window.past != words:
        await scroll(viewer, window)


@pytest.mark.parametrize('services', SERVICES, ids=' and '.join)
async def test_a_range_that_is_held_is_shown_up_to_its_end_and_does_not_grow(tab, window, services):
    viewer = await tab(*services)
    viewer.narrow(between(4_200, 4_300))
    await until(lambda: window.numbers == list(range(4_200, 4_301)))
    await until(lambda: window.past == RANGE_BEGINS)
    write(viewer.engine, range(LINES, LINES + 20))
    await until(lambda: viewer.feed.history.end >= LINES + 20 - first_held(viewer))
    await until(lambda: viewer.behind == 0)
    assert window.numbers == list(range(4_200, 4_301))
    assert (viewer.lines, viewer.new_lines, viewer.is_live) == (101, 0, False)
    viewer.narrow(Range())
    await until(lambda: window.numbers[-1] == LINES + 19)


async def test_a_range_without_an_end_goes_on_live(tab, window):
    viewer = await tab()
    viewer.narrow(between(4_900, None))
    await until(lambda: window.numbers == list(range(4_900, LINES)))
    write(viewer.engine, range(LINES, LINES + 20))
    await until(lambda: window.numbers == list(range(4_900, LINES + 20)))
    assert viewer.is_live


@pytest.mark.parametrize('services', SERVICES, ids=' and '.join)
async def test_what_is_older_than_what_is_held_is_read_from_the_engine(tab, window, services):
    viewer = await tab(*services)
    viewer.narrow(between(1_000, 2_499))
    await until(lambda: window.numbers and window.numbers[-1] == 2_499)
    await to_the_beginning(viewer, window)
    assert window.numbers[0] == 1_000
    assert window.numbers == list(range(1_000, window.numbers[-1] + 1))
    while window.more:
        await scroll(viewer, window, 'newer')
        assert window.numbers == list(range(window.numbers[0], window.numbers[-1] + 1))
    assert window.numbers[-1] == 2_499
    assert len(window.numbers) <= 2 * CAPACITY + 250


@pytest.mark.parametrize('services', SERVICES, ids=' and '.join)
async def test_a_range_that_is_held_in_part_is_one_piece(tab, window, services):
    viewer = await tab(*services)
    seam = int(viewer.feed.history.slice(viewer.feed.complete_from)[0].text)
    viewer.narrow(between(seam - 50, seam + 50))
    await until(lambda: window.numbers == list(range(seam - 50, seam + 51)))


async def test_a_range_that_begins_before_the_log_begins_with_it(tab, window):
    viewer = await tab()
    viewer.narrow(between(-100, 30))
    await until(lambda: window.numbers == list(range(31)))
    assert window.past == BEGINNING
    viewer.narrow(between(None, 30))
    await until(lambda: window.past == BEGINNING and window.numbers == list(range(31)))


async def test_the_filter_searches_a_range_before_what_is_held_and_nothing_beside_it(tab, window):
    viewer = await tab()
    viewer.filter('77')
    viewer.narrow(between(500, 3_000))
    wanted = [number for number in range(500, 3_001) if '77' in str(number)]
    await until(lambda: window.numbers and window.numbers[-1] == wanted[-1])
    await to_the_beginning(viewer, window)
    assert window.numbers == wanted


async def test_a_moment_in_a_range_is_shown_with_what_of_the_range_is_around_it(tab, window):
    viewer = await tab()
    viewer.narrow(between(1_000, 1_200))
    viewer.jump(at(1_100))
    await until(lambda: window.numbers == list(range(1_000, 1_201)))
    await until(lambda: viewer.view.rows)
    viewer.narrow(between(4_500, 4_600))
    viewer.jump(at(4_550))
    await until(lambda: window.numbers == list(range(4_500, 4_601)))
    assert not viewer.error


async def test_another_range_can_be_chosen_while_one_is_read(tab, window):
    viewer = await tab()
    viewer.engine.ready.clear()
    viewer.narrow(between(100, 200))
    await until(lambda: viewer.engine.asked)
    viewer.narrow(between(LINES - 20, None))
    await until(lambda: window.numbers == list(range(LINES - 20, LINES)))
    viewer.engine.ready.set()
    viewer.engine.fails = True
    viewer.narrow(between(100, 200))
    await until(lambda: 'does not answer' in viewer.error)
    viewer.engine.fails = False
    viewer.narrow(between(100, 200))
    await until(lambda: window.numbers == list(range(100, 201)))
    assert not viewer.error


async def test_a_reader_who_has_left_the_end_is_taken_to_the_end_of_a_range_and_can_scroll_there(tab, window):
    viewer = await tab()
    await scroll(viewer, window)
    scripts = []
    client, run = viewer.view.client, window.run
    client.run_javascript = lambda script, **options: scripts.append(script) or run(script, **options)
    viewer.narrow(between(1_000, 3_000))
    assert not viewer.is_filled, 'nothing is counted while it is read'
    await until(lambda: viewer.is_filled)
    assert any('v.follow = true' in script for script in scripts), 'the browser knows it too'
    assert window.numbers[-1] == 3_000
    first = window.numbers[0]
    await scroll(viewer, window)
    assert window.numbers[0] < first


async def test_a_range_shows_what_was_cleared_again(tab, window):
    viewer = await tab()
    viewer.clear()
    await until(lambda: not window.numbers)
    viewer.narrow(between(4_900, 4_950))
    await until(lambda: window.numbers == list(range(4_900, 4_951)))


async def test_rows_outside_are_neither_counted_nor_sought(tab, window):
    viewer = await tab()
    viewer.filter('9')
    viewer.narrow(between(4_300, 4_399))
    wanted = [number for number in range(4_300, 4_400) if '9' in str(number)]
    await until(lambda: window.numbers == wanted)
    assert (viewer.finds.matches, viewer.lines) == (len(wanted), 100)
    assert viewer.searched[1] - viewer.searched[0] == 100
    assert HELD > 100


@pytest.mark.parametrize('services', SERVICES, ids=' and '.join)
@pytest.mark.parametrize('last', [2_499, LINES - 1], ids=['older than what is held', 'held in part'])
async def test_what_a_range_has_before_what_is_held_is_counted_once_for_each_question(tab, window, services, last):
    viewer = await tab(*services)
    viewer.narrow(between(1_000, last))
    await until(lambda: viewer.is_filled)
    survey = Survey(viewer._hub, viewer.feed, viewer.times, asyncio.Lock())
    question = parse('77')
    survey.ask([ALL])
    await until(lambda: survey.of(ALL).whole)
    asked = viewer.engine.asked
    survey.ask([ALL, question])
    await until(lambda: survey.of(question).whole)
    survey.ask([ALL, question])
    assert not survey.is_busy
    assert viewer.engine.asked - asked == len(services), 'it is read again for what is new alone'
    seam = int(viewer.feed.history.slice(viewer.feed.complete_from)[0].text)
    older = range(1_000, min(last + 1, seam))
    assert survey.of(ALL).lines == len(older)
    assert survey.of(ALL).lines + viewer.lines == last - 999
    assert survey.of(question).messages == sum('77' in str(number) for number in older)
    assert histogram(survey.of(ALL).volume).lines == len(older)
    assert survey.of(ALL).kinds[Level.UNKNOWN | BEGINS] == len(older)
    assert survey.meets_what_is_held


async def test_a_survey_counts_no_more_than_it_may_and_stops_when_the_engine_is_away(tab, window, monkeypatch):
    viewer = await tab()
    viewer.narrow(between(0, 2_000))
    await until(lambda: viewer.is_filled)
    monkeypatch.setattr(survey_module, 'MOST', 500)
    survey = Survey(viewer._hub, viewer.feed, viewer.times, asyncio.Lock())
    survey.ask([ALL])
    await until(lambda: survey.looks and not survey.is_busy)
    assert 500 <= survey.of(ALL).lines < 2_001
    assert not survey.of(ALL).whole
    viewer.engine.fails = True
    survey.ask([parse('7')])
    await until(lambda: not survey.is_busy)
    assert (survey.of(parse('7')).lines, survey.of(parse('7')).whole) == (0, False)
