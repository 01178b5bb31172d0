"""What a reader watches for is seen among everything else, each in its own colour."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import expect

from tests.support.browser import CONTRAST

pytestmark = pytest.mark.browser
SELECTED = '.log .sel'
# whether there are lines that neither filter finds
UNFILTERED = "[...document.querySelectorAll('.log .l')].some(line => !line.textContent.includes('GET'))"


def wait_for_address(page, *texts):
    """Until it says that just these are highlighted."""
    page.wait_for_url(lambda url: parse_qs(urlparse(url).query).get('hl', []) == list(texts))


def chip(page, text):
    return page.locator('.light .what', has_text=text)


@pytest.mark.parametrize(('width', 'look'), [(1280, 'light'), (380, 'dark')])
def test_highlights_are_made_by_the_keyboard_counted_walked_kept_and_removed(open_page, demo_server, width, look):
    page = open_page(demo_server, '/logs?service=web&tail=500', width=width, color_scheme=look)
    page.wait_for_selector('.log .l')
    box = page.get_by_label('Filter logs')
    page.keyboard.press('/')
    page.keyboard.type('GET')
    page.get_by_label('Highlight this').focus()
    page.keyboard.press('Enter')
    expect(chip(page, 'GET')).to_have_attribute('aria-pressed', 'true')
    page.wait_for_selector('.log mark[class]')
    expect(box).to_have_value('GET')
    box.fill('status:304')
    page.get_by_label('Highlight this').click()
    box.fill('')
    page.wait_for_function(UNFILTERED)
    expect(chip(page, 'status:304')).to_have_text(re.compile(r'status:304[1-9]'))
    wait_for_address(page, 'GET', 'status:304')
    assert page.evaluate('document.documentElement.scrollWidth') <= width
    assert not (poor := page.evaluate(CONTRAST)), poor

    box.blur()
    page.keyboard.press('g')
    page.keyboard.press('h')  # chooses the first one
    page.keyboard.press('h')
    page.keyboard.press('n')
    expect(page.locator(SELECTED)).to_contain_text('" 304 ')
    first = page.locator(SELECTED).get_attribute('data-cursor')
    page.get_by_label('Next match of status:304').click()
    expect(page.locator(SELECTED)).not_to_have_attribute('data-cursor', first)
    expect(page.locator(SELECTED)).to_contain_text('" 304 ')
    page.get_by_label('Previous match of status:304').click()
    expect(page.locator(SELECTED)).to_have_attribute('data-cursor', first)

    chip(page, 'GET').click()
    expect(page.locator('.log mark')).to_have_count(0)
    wait_for_address(page, 'status:304')
    page.goto(f'{demo_server.url}/logs?service=web')  # kept for the user, on and off as they were
    expect(chip(page, 'GET')).to_have_attribute('aria-pressed', 'false')
    expect(chip(page, 'status:304')).to_have_attribute('aria-pressed', 'true')
    for text in ('GET', 'status:304'):
        page.get_by_label(f'Remove the highlight {text}').click()
    expect(page.get_by_role('group', name='Highlights')).to_be_hidden()
    wait_for_address(page)


def test_a_link_shows_its_highlights_and_a_field_of_the_details_can_be_one(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=api&tail=500&hl=level:error&hl=/(/&hl=mei&filter=ms:>0')
    expect(chip(page, 'level:error')).to_have_attribute('aria-pressed', 'true')
    expect(chip(page, '/(/')).to_have_attribute('aria-pressed', 'false')
    page.wait_for_selector('.log mark[class]')
    page.wait_for_function(
        "[...document.querySelectorAll('.log .l.r:not(.h)')].length &&"
        " [...document.querySelectorAll('.log .l.r:not(.h)')].every(row => row.dataset.h)"
    )
    page.locator('.log .l', has_text='mei').last.click()
    page.get_by_role('button', name='Highlight request.user').click()
    expect(chip(page, 'request.user:mei')).to_be_visible()
    page.get_by_label('Remove the highlight request.user:mei').click()
    page.goto(f'{demo_server.url}/logs?service=api')
    expect(page.get_by_role('group', name='Highlights')).to_be_hidden()  # what a link showed is not kept


@pytest.mark.parametrize(('key', 'wanted'), [('E', '.r'), ('W', ':has(> .m4)'), ('N', '[data-h]')])
def test_keys_go_on_where_the_page_ends_in_what_the_server_holds(open_page, demo_server, key, wanted):
    page = open_page(demo_server, '/logs?service=web&tail=50&hl=status:304')
    page.wait_for_function("document.querySelectorAll('.log .l').length >= 40")
    expect(page.locator('.light.on')).to_be_visible()
    oldest = page.locator('.log .l time').first.get_attribute('title')
    stamp = 'x'
    while stamp > oldest:
        page.keyboard.press(key)
        page.wait_for_function(f"document.querySelector('.log .sel time')?.title < '{stamp}'")
        stamp = page.locator(f'{SELECTED} time').get_attribute('title')
    expect(page.locator(f'.log .sel{wanted}')).to_be_in_viewport()
    expect(page.get_by_label('Connection')).to_contain_text('Paused')
