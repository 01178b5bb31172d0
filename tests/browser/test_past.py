"""Scrolling up: older lines come above what is read, which stays in its place; scrolling down leads back to live."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from playwright.sync_api import TimeoutError, expect

from tests.support.docker_engine import WHEN_TOLD, tell, wait_until

pytestmark = pytest.mark.browser
NUMBERS = "[...document.querySelectorAll('.log .l')].map(line => parseInt(line.lastChild.textContent))"
# the line at the top of the view
AT_TOP = """() => { const v = document.querySelector('.log'), edge = v.getBoundingClientRect().top;
  const row = [...v.querySelectorAll('.l')].find(row => row.getBoundingClientRect().bottom > edge + 40);
  return row.dataset.cursor; }"""
PLACE = """cursor => { const v = document.querySelector('.log');
  return Math.round(document.querySelector(`[data-cursor="${cursor}"]`).getBoundingClientRect().top
  - v.getBoundingClientRect().top); }"""


FIRST = "parseInt(document.querySelector('.log .l')?.lastChild.textContent)"
LAST = "parseInt(document.querySelector('.log')?.lastElementChild?.lastElementChild?.lastChild.textContent)"
COUNT = "document.querySelectorAll('.log .l').length"


def wheel(page, pixels):
    box = page.locator('.log').bounding_box()
    page.mouse.move(box['x'] + 100, box['y'] + 100)
    page.mouse.wheel(0, pixels)


def wheel_to_older(page):
    """Up to the first line and beyond: again where the lines turned out higher than they were thought to be."""
    older = f'{COUNT} > 600'
    for _ in range(4):
        wheel(page, -20_000)
        with suppress(TimeoutError):
            return page.wait_for_function(older, timeout=4_000)
    return page.wait_for_function(older)


@pytest.mark.parametrize('how', ['wheel', 'Home'])
def test_who_scrolls_up_where_nothing_is_a_match_asks_for_what_is_older(open_page, demo_server, how):
    page = open_page(demo_server, '/logs?service=api&filter=nothing-has-this')
    page.wait_for_function("document.querySelector('.log').dataset.past && !document.querySelector('.log .l')")
    page.evaluate(
        "document.querySelector('.log').addEventListener('beyond', event => { window.asked = event.detail; })"
    )
    wheel(page, -100) if how == 'wheel' else page.locator('.log').press('Home')
    page.wait_for_function("window.asked === 'older'")


@pytest.mark.parametrize('width', [380, 1280])
def test_older_lines_come_above_what_is_read_which_stays_in_its_place(open_page, demo_server, width):
    page = open_page(demo_server, '/logs?service=api&tail=50', width=width)
    page.wait_for_function(f'{COUNT} >= 50')
    wheel_to_older(page)
    cursor = page.evaluate(AT_TOP)
    place, count = page.evaluate(PLACE, cursor), page.evaluate(COUNT)
    page.evaluate("document.querySelector('.log').ask('older')")
    page.wait_for_function(f'{COUNT} > {count} + 500')
    assert abs(page.evaluate(PLACE, cursor) - place) <= 2
    expect(page.get_by_label('Connection')).to_contain_text(re.compile(r'Paused, [\d,]+ new lines?'))
    assert page.evaluate('document.documentElement.scrollWidth') <= width
    page.keyboard.press('End')
    expect(page.get_by_label('Connection')).to_contain_text('Live')


def test_a_reader_who_stops_just_as_lines_come_is_not_taken_along(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=api&tail=500')
    page.wait_for_function(f'{COUNT} >= 500')
    follows = page.evaluate("""async () => {
      const v = document.querySelector('.log'), frame = () => new Promise(done => requestAnimationFrame(done));
      v.lastElementChild.insertAdjacentHTML('beforeend', '<div class="l">one more</div>');
      v.to_end(); v.set_follow(false);
      await frame(); await frame();
      return v.follow; }""")
    assert follows is False


@pytest.mark.engine
def test_a_long_log_is_read_far_up_and_down_to_live_again_each_line_once(open_page, server, run_container):
    writer = run_container(service='past-long', command=f'seq 30000; {WHEN_TOLD} seq 30001 30050; sleep 1000')
    wait_until(lambda: writer.logs(tail=1).decode().strip() == '30000')
    page = open_page(server, '/logs?service=past-long&tail=5000')
    page.wait_for_function(f'{LAST} === 30000')
    numbers = in_order(page)
    while numbers[0] > 17_500:  # the server holds those from 25,001 on
        page.keyboard.press('Home')
        page.wait_for_function(f'before => {FIRST} < before', arg=numbers[0])
        numbers = in_order(page)
    assert numbers[-1] < 30_000
    tell(writer)
    expect(page.get_by_label('Connection')).to_contain_text('Paused, 50 new lines')
    while numbers[-1] < 30_050:
        wheel(page, 1_000_000)
        page.wait_for_function(f'before => {LAST} > before', arg=numbers[-1])
        numbers = in_order(page)
    wheel(page, 1_000_000)
    expect(page.get_by_label('Connection')).to_contain_text('Live')
    page.get_by_label('Go to a time').first.click()
    page.get_by_label('Time', exact=True).fill('1970-01-01')
    page.get_by_label('Time', exact=True).press('Enter')
    expect(page.locator('.log .l.sel')).to_have_text(re.compile(r' 1$'))
    page.keyboard.press('Home')
    expect(page.locator('.log')).to_have_attribute('data-past', 'Beginning of the log')


def in_order(page) -> list[int]:
    """The numbers of all lines on the page, of which none is left out or stands there twice."""
    numbers = page.evaluate(NUMBERS)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert len(numbers) <= 11_250, 'the window is bounded, but for what is just coming'
    return numbers
