"""The strip of bars above the log: what it says, to a mouse and to a screen reader, and where a click leads."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
NUMBERS = """() => [...document.querySelectorAll('.strip tr')].slice(1).map(
  row => [...row.querySelectorAll('td')].map(cell => Number(cell.textContent)))"""
HEADS = "[...document.querySelectorAll('.strip th[scope=col]')].map(head => head.textContent)"
# whether the selected line was written at or after the time in the address
SELECTED_SINCE = """() => { const at = new URLSearchParams(location.search).get('at');
  return at && document.querySelector('.log .l.sel time')?.title >= at; }"""


def unfold(page: Page) -> None:
    """Whatever this user chose before."""
    button = page.get_by_role('button', name='Lines over time')
    expect(button).to_have_attribute('aria-expanded', re.compile('true|false'))
    if button.get_attribute('aria-expanded') == 'false':
        button.click()
    expect(page.locator('.strip svg path[fill="var(--m3)"]').first).to_be_visible()


@pytest.mark.parametrize(('width', 'look'), [(1280, 'light'), (380, 'dark')])
def test_bars_tell_when_lines_were_written_and_a_click_goes_there(open_page, demo_server, width, look):
    page = open_page(demo_server, '/logs?service=web&tail=1000', width=width, height=860, color_scheme=look)
    unfold(page)
    expect(page.locator('.strip .sum')).to_have_text(re.compile(r'^[\d,]+ lines, \d+ \w+ a bar, at most [\d,]+$'))
    page.wait_for_function(f"{HEADS}.join().startsWith('Time,Error,Warn,Info')")
    rows = page.evaluate(NUMBERS)
    assert 10 < len(rows) <= 120
    assert sum(map(sum, rows)) > 500
    assert page.evaluate('document.documentElement.scrollWidth') <= width
    strip = page.locator('.strip')
    strip.hover(position={'x': width * 0.8, 'y': 50})
    expect(page.locator('.strip-tip')).to_contain_text(re.compile(r'\d\d:\d\d:\d\d – \d\d:\d\d:\d\d.*Info\d+'))
    assert page.locator('.strip path:not([fill])').count() == 0, 'what is pointed at keeps its colour'
    strip.click(position={'x': width * 0.8, 'y': 50})
    page.wait_for_function(SELECTED_SINCE)
    expect(page.get_by_label('Connection')).to_contain_text('Paused')
    assert page.problems == []


def test_what_the_filter_finds_stands_out(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web&tail=1000', height=860)
    unfold(page)
    assert page.locator('.strip [fill="var(--text)"]').count() == 0
    page.get_by_label('Filter logs').fill('level:error')
    expect(page.locator('.strip [fill="var(--text)"]').first).to_be_visible()
    page.wait_for_function(f"{HEADS}.at(-1) === 'Found by the filter'")
    error = page.evaluate(HEADS).index('Error') - 1
    rows = page.evaluate(NUMBERS)
    ended = rows[:-2]  # what has just come is counted a moment earlier or later by either
    assert [row[-1] for row in ended] == [row[error] for row in ended]
    assert sum(row[error] for row in ended) > 0


def test_it_can_be_folded_away_and_stays_so(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web&tail=100', height=860)
    unfold(page)
    page.get_by_role('button', name='Lines over time').click()
    expect(page.locator('.strip')).to_be_hidden()
    page.reload()
    button = page.get_by_role('button', name='Lines over time')
    expect(button).to_have_attribute('aria-expanded', 'false')
    expect(page.locator('.log .l').first).to_be_visible()
    assert page.evaluate("performance.getEntriesByType('resource').filter(e => e.name.includes('echart')).length") == 0
    button.click()
    expect(page.locator('.strip svg path[fill="var(--m3)"]').first).to_be_visible()
    button.click()  # other tests of this account need the room
    expect(page.locator('.strip')).to_be_hidden()
