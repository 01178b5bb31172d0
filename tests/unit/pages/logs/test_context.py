"""A line is shown with what stands right beside it, as much as its reader wants, also where the engine alone has it."""

from __future__ import annotations

import pytest

from dashboard.model import Cursor
from dashboard.pages.logs.viewer import GONE
from tests.support.until import until
from tests.support.window import EVERY, LINES, SERVICES, START, first_held, scroll, write


async def show(viewer, window, number: int, near: int) -> None:
    """Show the line of that number, and wait until its neighbours are there."""
    one = viewer.engine.ones[number % len(viewer.engine.ones)]
    viewer.show(Cursor(one.short_id, START + number * EVERY), near)
    wanted = list(range(max(0, number - near), min(LINES, number + near + 1)))
    await until(lambda: window.numbers == wanted)


@pytest.mark.parametrize('services', SERVICES, ids=' and '.join)
async def test_as_many_lines_as_are_wanted_stand_beside_one_wherever_it_is(tab, window, services):
    viewer = await tab(*services)
    seam = int(viewer.feed.history.slice(viewer.feed.complete_from)[0].text)
    for number in (4_500, LINES - 1, seam + 10, seam, seam - 3, 700, 2):
        for near in (5, 20, 100):
            await show(viewer, window, number, near)
    assert not viewer.error


async def test_nothing_comes_to_them_by_itself_until_the_reader_goes_on(tab, window):
    viewer = await tab()
    viewer.filter('4')
    await until(lambda: window.numbers and all('4' in str(number) for number in window.numbers))
    viewer.filter('')
    await show(viewer, window, 4_500, 5)
    write(viewer.engine, range(LINES, LINES + 50))
    await until(lambda: viewer.new_lines == 50)
    viewer._come_near('older')
    viewer.tell_time_in(viewer._looks.zone)
    await until(lambda: window.more)
    assert window.numbers == list(range(4_495, 4_506))
    viewer.highlight(())  # shows it anew
    await until(lambda: viewer.is_filled)
    assert window.numbers == list(range(4_495, 4_506))
    viewer.follow(True)
    await until(lambda: window.numbers[-1] == LINES + 49)
    assert len(window.numbers) > 11
    await scroll(viewer, window)
    assert window.numbers[0] <= max(first_held(viewer), 4_495)


async def test_a_line_that_nobody_has_is_told(tab, window):
    viewer = await tab()
    viewer.show(Cursor('0' * 12, START + 100 * EVERY), 5)
    await until(lambda: viewer.error == GONE)
    await until(lambda: window.numbers[-1] == LINES - 1)
