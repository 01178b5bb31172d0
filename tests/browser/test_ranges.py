"""A range of the log: typed, by a preset, by a shared address; what it narrows, and the way back to live."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Page, expect

from tests.support.docker_engine import wait_until

pytestmark = pytest.mark.browser
# whether all lines on the page were written between two times
ALL_BETWEEN = """([first, last]) => { const stamps = [...document.querySelectorAll('.log .l time')].map(t => t.title);
  return stamps.length > 0 && stamps.every(stamp => first <= stamp && (!last || stamp <= last)); }"""
TIME = r'(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d'  # with the date where it is another day


def asked(page: Page) -> dict[str, list[str]]:
    """What the address says."""
    return parse_qs(page.evaluate('location.search.slice(1)'))


def choose(page: Page, start: str, end: str) -> None:
    """Type a range."""
    if not page.get_by_label('From', exact=True).is_visible():
        page.get_by_label('Go to a time').first.click()
    page.get_by_label('From', exact=True).fill(start)
    page.get_by_label('To', exact=True).fill(end)
    page.get_by_label('To', exact=True).press('Enter', delay=300)  # as long as a person holds a key down


@pytest.mark.parametrize(('width', 'look'), [(1280, 'light'), (380, 'dark')])
def test_a_range_that_is_typed_is_shown_alone_until_live_is_chosen(open_page, demo_server, width, look):
    page = open_page(demo_server, '/logs?service=web&tail=1000', width=width, color_scheme=look)
    expect(page.locator('.log .l').nth(500)).to_be_attached()
    now = datetime.now(UTC)
    first, last = (f'{now - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S}Z' for minutes in (4, 2))
    page.get_by_label('Go to a time').first.click()
    for name in ('Go', 'Show', 'All'):
        expect(page.get_by_role('button', name=name, exact=True)).to_be_in_viewport(ratio=1)
    choose(page, first, last)
    page.wait_for_function(ALL_BETWEEN, arg=[first[:-1], last[:-1] + '~'])
    expect(page.get_by_label('Range', exact=True)).to_contain_text(re.compile(f'Only {TIME} – {TIME}'))
    expect(page.get_by_label('Connection')).to_contain_text('Range, not live')
    expect(page.locator('.log')).to_have_attribute('data-end', 'End of the range')
    assert [asked(page)[name][0][:19] for name in ('from', 'to')] == [first[:-1], last[:-1]]
    assert page.evaluate('document.documentElement.scrollWidth') <= width
    expect(page.locator('.q-menu')).to_have_count(0)
    page.keyboard.press('Home')
    expect(page.locator('.log')).to_have_attribute('data-past', 'Beginning of the range')
    page.get_by_role('button', name='End the range and go live').click()
    expect(page.get_by_label('Connection')).to_contain_text('Live')
    expect(page.get_by_label('Range', exact=True)).to_be_hidden()
    wait_until(lambda: not {'from', 'to', 'at'} & asked(page).keys())


def test_a_preset_goes_on_live_and_its_address_is_told_from_now(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web&tail=50')
    page.get_by_label('Go to a time').first.click()
    page.get_by_role('button', name='15 min', exact=True).click()
    page.wait_for_url(re.compile(r'from=now-15m'))
    expect(page.get_by_label('Range', exact=True)).to_contain_text(re.compile(rf'Only from {TIME} on \(15m ago\)'))
    expect(page.get_by_label('Connection')).to_contain_text('Live')
    count = "document.querySelectorAll('.log .l').length"
    page.wait_for_function(f'{count} > 50')  # all of the range, and not only the tail
    page.wait_for_function(f'before => {count} > before', arg=page.evaluate(count))
    page.reload()
    expect(page.get_by_label('Range', exact=True)).to_contain_text('15m ago')
    page.get_by_label('Go to a time').first.click()
    expect(page.get_by_label('From', exact=True)).to_have_value('now-15m')
    page.get_by_role('button', name='All', exact=True).click()
    expect(page.get_by_label('Range', exact=True)).to_be_hidden()
    expect(page.locator('.q-menu')).to_have_count(0)
    choose(page, '5 min ago', '')
    expect(page.get_by_label('Range', exact=True)).to_contain_text('5m ago')
    expect(page.locator('.q-menu')).to_have_count(0)
    page.get_by_label('Go to a time').first.click()
    page.get_by_label('Time', exact=True).fill('1970-01-01')
    page.get_by_label('Time', exact=True).press('Enter')
    expect(page.get_by_label('Range', exact=True)).to_be_hidden()  # what is gone to is not in it
    page.wait_for_function("new URLSearchParams(location.search).get('at')?.startsWith('1970-01-01')")
    assert 'from' not in asked(page)


def test_a_range_that_cannot_be_is_told_at_the_fields_and_loses_nothing(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web&tail=100')
    choose(page, '10 min ago', '5 min ago')
    expect(page.get_by_label('From', exact=True)).to_be_hidden()
    expect(page.get_by_label('Range', exact=True)).to_be_visible()
    address, words = asked(page), page.locator('.jump [role=status]')
    for start, end, problem in [
        ('5 min ago', '10 min ago', 'is not before To'),
        ('25:61', '', "'25:61' is no moment"),
        ('0002-01-01', '', 'From is before 1970'),
        ('', '2999-01-01', 'To lies in the future'),
    ]:
        choose(page, start, end)
        expect(words).to_contain_text(problem)
        expect(page.get_by_label('From', exact=True)).to_have_value(start)
    assert asked(page) == address
    assert [*address['from'], *address['to']] == ['now-10m', 'now-5m']
    page.goto(f'{demo_server.url}/logs?service=web&from=soon')
    expect(page.get_by_role('alert')).to_contain_text('The address names no range')
    expect(page.locator('.log .l').first).to_be_visible()


def test_the_menu_needs_no_scrolling_sideways_on_a_phone_beside_its_scroll_bar(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web&tail=100', width=380, height=760)
    page.add_style_tag(content='.q-menu { border-right:15px solid }')  # Chromium's scroll bar, which tests have hidden
    choose(page, '25:61', '')
    expect(page.locator('.jump [role=status]')).to_contain_text('is no moment')
    menu = page.locator('.q-menu')
    menu.evaluate("menu => menu.style.width = '340px'")  # a scroll bar does not make it wider
    assert menu.evaluate('menu => menu.scrollWidth - menu.clientWidth') == 0
    for name in ('Go', 'Show', 'All'):
        expect(page.get_by_role('button', name=name, exact=True)).to_be_in_viewport(ratio=1)


@pytest.mark.engine
def test_an_address_with_a_range_shows_the_same_lines_of_the_engines_log(open_page, server, run_container):
    writer = run_container(service='ranges', command='seq 30000')
    wait_until(lambda: writer.logs(tail=1).decode().strip() == '30000')
    stamps = [line.split()[0].decode() for line in writer.logs(timestamps=True).splitlines()]
    first = next(number for number in range(2_000, 30_000) if stamps[number] != stamps[number - 1])
    last = first + 500
    page = open_page(server, f'/logs?service=ranges&from={stamps[first]}&to={stamps[last]}&filter=7')
    wanted = [n for n in range(first + 1, last + 2) if '7' in str(n)]
    numbers = "[...document.querySelectorAll('.log .l')].map(line => parseInt(line.lastChild.textContent))"
    numbers = numbers.replace('line.lastChild.textContent', "line.textContent.split('Z').at(-1).match(/\\d+$/)[0]")
    page.wait_for_function(f'wanted => JSON.stringify({numbers}) === wanted', arg=str(wanted).replace(' ', ''))
    assert not page.get_by_role('alert').is_visible()
