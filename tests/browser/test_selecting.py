"""Text can be selected with the mouse while lines arrive: nothing moves, and nothing that is selected goes away."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.support.docker_engine import WHEN_TOLD, tell

pytestmark = [pytest.mark.browser, pytest.mark.engine]
BUSY = 'i=0; while true; do i=$((i+1)); echo "line $i of a busy service"; sleep 0.03; done'
# about 2,500 lines a second: within three seconds all that the page keeps has been replaced
FLOOD = 'n=1; while true; do seq $n $((n+499)); n=$((n+500)); sleep 0.2; done'
SELECTED = 'getSelection().toString()'
LINES = 'parseInt(document.querySelector("footer").innerText.replaceAll(",", ""))'
NEWER = re.compile(r'new lines? ↓')


@pytest.fixture
def web():
    return f'web-{uuid4().hex[:6]}'


def place_of(page):
    return page.evaluate('document.querySelector(".log").scrollTop')


def begin_to_select(page):
    """Press the button on the last but two of the lines in sight, and draw over the one below it."""
    page.wait_for_function('document.querySelector(".log").scrollTop > 100')
    box = page.locator('.log').bounding_box()
    page.mouse.move(box['x'] + 200, box['y'] + box['height'] - 62)
    page.mouse.down()
    page.mouse.move(box['x'] + 330, box['y'] + box['height'] - 42, steps=4)


def let_lines_come(page, count):
    begun = page.wait_for_function(LINES).json_value()  # the foot says nothing before lines were read
    page.wait_for_function(f'begun => {LINES} > begun + {count}', arg=begun)


def test_nothing_moves_while_text_is_being_selected_and_as_long_as_it_is(open_page, server, run_container, web):
    run_container(service=web, command=BUSY)
    page = open_page(server, f'/logs?service={web}')
    begin_to_select(page)
    place, text = place_of(page), page.evaluate(SELECTED)
    assert 'busy' in text
    let_lines_come(page, 40)
    assert (place_of(page), page.evaluate(SELECTED)) == (place, text), 'while the button is down'
    page.mouse.up()
    let_lines_come(page, 40)
    assert (place_of(page), page.evaluate(SELECTED)) == (place, text), 'after that'
    expect(page.get_by_label('Connection')).to_contain_text('Paused')
    page.get_by_role('button', name=NEWER).click()
    expect(page.get_by_label('Connection')).to_contain_text('Live')
    page.wait_for_function('place => document.querySelector(".log").scrollTop > place + 100', arg=place)
    assert page.evaluate(SELECTED) == ''


def test_a_click_that_ends_the_selection_goes_on_following_at_the_end(open_page, server, run_container, web):
    writer = run_container(service=web, command=f'echo line; {WHEN_TOLD} seq 200; sleep 1000')
    page = open_page(server, f'/logs?service={web}')
    expect(page.locator('.log .l')).to_have_count(1)
    line = page.locator('.log .l').first
    line.dblclick(position={'x': 150, 'y': 8})
    expect(page.get_by_role('button', name=NEWER)).to_be_visible()
    box = page.locator('.log').bounding_box()
    page.mouse.click(box['x'] + 600, box['y'] + box['height'] - 5)
    assert page.evaluate(SELECTED) == ''
    expect(page.get_by_role('button', name=NEWER)).to_be_hidden()
    tell(writer)
    page.wait_for_function('document.querySelector(".log").scrollTop > 100')
    expect(page.locator('.log .l').last).to_be_in_viewport()
    expect(page.locator('.log .l').last).to_have_text(re.compile(' 200$'))


@pytest.mark.alone
def test_what_is_selected_stays_on_the_page_when_everything_else_has_left(open_page, server, run_container, web):
    run_container(service=web, command=FLOOD)
    page = open_page(server, f'/logs?service={web}')
    page.wait_for_function("document.querySelectorAll('.log .l').length >= 5000")
    begin_to_select(page)
    place, text = place_of(page), page.evaluate(SELECTED)
    assert text
    let_lines_come(page, 12_000)
    assert (place_of(page), page.evaluate(SELECTED)) == (place, text)
    page.mouse.up()
    page.get_by_role('button', name=NEWER).click()
    page.wait_for_function("document.querySelectorAll('.log .l').length <= 5750")
