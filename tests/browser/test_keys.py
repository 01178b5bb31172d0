"""The page by the keyboard alone, and what it tells of a single line."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from dashboard.pages.logs.keys import KEYS

pytestmark = pytest.mark.browser
SELECTED = '.log .sel'
ALL_304 = "[...document.querySelectorAll('.log .l')].every(line => / 304 /.test(line.textContent))"


@pytest.fixture
def page(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web&tail=500')
    page.wait_for_function("document.querySelectorAll('.log .l').length > 100")
    return page


def text_of(page):
    return page.locator(SELECTED).text_content()


def test_the_selected_row_moves_is_in_sight_and_has_the_focus(page):
    page.keyboard.press('k')
    last = page.locator(SELECTED).get_attribute('data-cursor')
    page.keyboard.press('ArrowUp')
    page.keyboard.press('k')
    page.keyboard.press('j')
    page.keyboard.press('ArrowDown')
    assert page.locator(SELECTED).get_attribute('data-cursor') == last
    first = page.locator('.log .l').first.get_attribute('data-cursor')
    page.keyboard.press('g')
    expect(page.locator(SELECTED)).to_have_attribute('data-cursor', first)
    expect(page.locator(SELECTED)).to_be_in_viewport()
    expect(page.locator(SELECTED)).to_be_focused()
    expect(page.locator(SELECTED)).to_have_attribute('aria-current', 'true')
    page.wait_for_function('first => document.querySelector(".log .l").dataset.cursor !== first', arg=first)
    expect(page.locator(SELECTED)).to_be_in_viewport()
    expect(page.get_by_label('Connection')).to_contain_text('Paused')
    page.keyboard.press('G')
    expect(page.get_by_label('Connection')).to_contain_text('Live')
    expect(page.locator(SELECTED)).to_have_count(0)


def test_errors_warnings_and_matches_are_gone_to_and_their_end_is_said(page):
    page.keyboard.press('g')
    page.keyboard.press('e')
    expect(page.locator(SELECTED)).to_have_text(re.compile(r'" 5\d\d |\[error\]'))
    page.keyboard.press('w')
    expect(page.locator(SELECTED)).to_have_text(re.compile(r'" 4\d\d '))
    first = text_of(page)
    page.keyboard.press('w')
    page.keyboard.press('W')
    assert text_of(page) == first
    page.evaluate("document.querySelector('.log').select([...document.querySelectorAll('.log .l.r')].at(-1))")
    page.keyboard.press('e')
    page.keyboard.press('e')  # one may have come just now
    expect(page.get_by_text('No error below in what is held here.').first).to_be_visible()
    page.keyboard.press('/')
    expect(page.get_by_label('Filter logs')).to_be_focused()
    page.get_by_label('Filter logs').fill('304')
    page.wait_for_function("[...document.querySelectorAll('.log .l')].every(line => line.querySelector('mark'))")
    page.get_by_label('Filter logs').blur()
    page.keyboard.press('g')
    first = text_of(page)
    page.keyboard.press('n')
    assert '304' in text_of(page) != first
    page.keyboard.press('N')
    assert text_of(page) == first


def test_keys_are_letters_where_a_field_has_the_focus(page):
    page.get_by_label('Filter logs').focus()
    page.keyboard.type('jgen')
    expect(page.get_by_label('Filter logs')).to_have_value('jgen')
    expect(page.locator(SELECTED)).to_have_count(0)


def test_the_sheet_shows_every_key(page):
    page.keyboard.press('?')
    sheet = page.get_by_role('dialog')
    expect(sheet).to_be_visible()
    assert sheet.locator('kbd').all_text_contents() == [label for key in KEYS for label in key.labels]
    page.keyboard.press('Escape')
    expect(sheet).to_be_hidden()


def test_enter_shows_the_details_which_follow_the_selected_row_and_escape_closes_them(page):
    page.keyboard.press('k')
    page.keyboard.press('k')
    page.keyboard.press('Enter')
    details = page.get_by_label('Details of the line')
    expect(details).to_contain_text('stdout')
    row = page.locator(SELECTED)
    expect(details.locator('pre').last).to_have_text(row.evaluate('r => r.lastChild.textContent'))
    expect(details).to_contain_text(page.locator(f'{SELECTED} time').get_attribute('title')[11:-1])
    page.keyboard.press('k')
    expect(details.locator('pre').last).to_have_text(row.evaluate('r => r.lastChild.textContent'))
    page.keyboard.press('Escape')
    expect(details).to_be_hidden()
    expect(row).to_have_count(1)
    page.keyboard.press('Escape')
    expect(row).to_have_count(0)


def test_the_buttons_at_a_field_change_the_filter_the_box_and_the_address(page):
    page.locator('.log .l', has_text='GET').last.click()
    details = page.get_by_label('Details of the line')
    details.get_by_role('button', name='Only lines with method').click()
    expect(page.get_by_label('Filter logs')).to_have_value('method:GET')
    page.wait_for_url('**filter=method%3AGET**')
    details.get_by_role('button', name='No lines with method').click()
    expect(page.get_by_label('Filter logs')).to_have_value('-method:GET')
    page.wait_for_function("[...document.querySelectorAll('.log .l')].every(l => !l.textContent.includes('\"GET '))")


def test_a_line_is_seen_in_context_and_the_way_leads_back(page):
    page.get_by_label('Filter logs').fill('status:304')
    page.wait_for_function(ALL_304)
    page.get_by_label('Filter logs').blur()
    page.keyboard.press('g')
    name = page.locator(SELECTED).get_attribute('data-cursor')
    page.keyboard.press('c')
    expect(page.get_by_text('The line in context, without the filter.')).to_be_visible()
    expect(page.get_by_label('Filter logs')).to_have_value('')
    expect(page.locator(SELECTED)).to_have_attribute('data-cursor', name)
    expect(page.locator(SELECTED)).to_be_in_viewport()
    expect(page.locator('.log .l', has_text='" 200 ').nth(10)).to_be_attached()
    page.wait_for_url(f'**at={name}**')
    page.keyboard.press('Escape')
    expect(page.get_by_label('Filter logs')).to_have_value('status:304')
    page.wait_for_function(ALL_304)
    expect(page.get_by_text('The line in context')).to_be_hidden()


def test_z_shows_more_around_a_line_of_a_filtered_view_and_shift_z_less(page):
    page.get_by_label('Filter logs').fill('status:304')
    page.wait_for_function(ALL_304)
    page.get_by_label('Filter logs').blur()
    page.keyboard.press('k')
    page.keyboard.press('k')
    name = page.locator(SELECTED).get_attribute('data-cursor')
    rows = page.locator('.log .l, .log .n, .log .g')
    for near in (5, 20):
        page.keyboard.press('z')
        expect(page.get_by_text(f'The line and {near} on each side, without the filter.')).to_be_visible()
        expect(rows.nth(near + 1)).to_be_attached()
        expect(rows.nth(2 * near + 1)).to_have_count(0)
        expect(page.locator(SELECTED)).to_have_attribute('data-cursor', name)
    page.get_by_role('button', name='More around it').click()
    page.keyboard.press('z')
    expect(page.get_by_text('The line in context, without the filter.')).to_be_visible()
    expect(rows.nth(300)).to_be_attached()
    for _ in range(3):
        page.keyboard.press('Z')
    expect(page.get_by_text('The line and 5 on each side')).to_be_visible()
    expect(rows.nth(11)).to_have_count(0)
    page.keyboard.press('Z')
    expect(page.get_by_label('Filter logs')).to_have_value('status:304')
    page.wait_for_function(ALL_304)
    expect(page.get_by_text('The line and')).to_be_hidden()


def test_a_link_to_a_line_shows_it_in_the_middle_and_one_to_no_line_says_so(open_page, demo_server, page):
    page.keyboard.press('g')
    name = page.locator(SELECTED).get_attribute('data-cursor')
    other = open_page(demo_server, f'/logs?service=web&at={name}')
    expect(other.locator(SELECTED)).to_have_attribute('data-cursor', name)
    expect(other.locator(SELECTED)).to_be_in_viewport()
    expect(other.get_by_label('Connection')).to_contain_text('Paused')
    other.goto(f'{demo_server.url}/logs?service=web&at=1700000000000000000-0-0123456789ab')
    expect(other.get_by_role('alert')).to_contain_text('The line of this link is no longer there')
    expect(other.get_by_label('Connection')).to_contain_text('Live')
    other.goto(f'{demo_server.url}/logs?service=web&at=nonsense')
    expect(other.get_by_role('alert')).to_contain_text('The address names no line.')


def test_pins_stay_until_they_are_let_go(page):
    page.keyboard.press('k')
    text = page.locator(SELECTED).evaluate('r => r.lastChild.textContent')
    page.keyboard.press('p')
    pins = page.get_by_role('list', name='Pinned lines')
    expect(pins.get_by_role('listitem')).to_contain_text([text[:40]])
    page.get_by_role('button', name='Clear').click()
    expect(pins.get_by_role('listitem')).to_have_count(1)
    pins.get_by_role('button').first.click()
    expect(page.get_by_label('Details of the line').locator('pre').last).to_have_text(text)
    page.set_viewport_size({'width': 380, 'height': 760})
    expect(pins).to_be_hidden()
    page.get_by_label('Close the details').click()
    expect(pins).to_be_visible()
    pins.get_by_label('Let the pinned line go').click()
    expect(pins).to_be_hidden()
