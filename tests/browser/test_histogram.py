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

# whether the address has a range, and nothing else of a time
ASKED = """wanted => { const asked = new URLSearchParams(location.search);
  return !asked.has('at') && [asked.has('from'), asked.has('to')].every(has => has === wanted); }"""
LINES_TOLD = "parseInt(document.querySelector('.strip .sum').textContent.replaceAll(',', ''))"


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


def test_a_click_counts_where_the_bars_are_drawn_anew_before_the_button_is_up(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web&tail=1000', height=860)
    unfold(page)
    page.locator('.strip').hover(position={'x': 1000, 'y': 50})
    page.mouse.down()
    page.evaluate("document.querySelector('.strip svg').replaceChildren()")
    page.mouse.up()
    page.wait_for_function(SELECTED_SINCE)


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


@pytest.mark.parametrize('width', [1280, 380])
def test_a_drag_chooses_a_range_and_a_double_click_leads_back(open_page, demo_server, width):
    page = open_page(demo_server, '/logs?service=web&tail=1000', width=width, height=860)
    unfold(page)
    drag(page, 0.3, 0.6)
    page.wait_for_function(ASKED, arg=True)
    chip = page.get_by_role('status', name='Range', exact=True)
    expect(chip).to_contain_text(re.compile(r'Only .* – '))
    first = chip.text_content()
    page.wait_for_function("""() => { const asked = new URLSearchParams(location.search);
      const stamps = [...document.querySelectorAll('.log time')].map(time => time.title);
      return stamps.length && stamps.every(stamp => asked.get('from') <= stamp && stamp <= asked.get('to')); }""")
    page.wait_for_function(f'{LINES_TOLD} === document.querySelectorAll(".log .l").length')
    drag(page, 0.2, 0.7)
    expect(chip).not_to_have_text(first)
    strip = page.locator('.strip')
    strip.dblclick(position={'x': width * 0.5, 'y': 50})
    expect(chip).to_have_text(first)
    strip.dblclick(position={'x': width * 0.5, 'y': 50})
    expect(chip).to_be_hidden()
    page.wait_for_function(ASKED, arg=False)
    expect(page.get_by_label('Connection')).to_contain_text('Live')
    assert page.problems == []


def drag(page: Page, start: float, end: float) -> None:
    """Over the strip, from one part of its width to another."""
    box = page.locator('.strip').bounding_box()
    page.mouse.move(box['x'] + box['width'] * start, box['y'] + 50)
    page.mouse.down()
    page.mouse.move(box['x'] + box['width'] * (start + end) / 2, box['y'] + 40)
    expect(page.locator('.strip .dragged')).to_be_visible()
    page.mouse.move(box['x'] + box['width'] * end, box['y'] + 50)
    page.mouse.up()
