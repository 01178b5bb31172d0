"""The page under more lines than anybody can read."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.support.browser import lines_of
from tests.support.docker_engine import WHEN_TOLD, tell, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.alone]
FLOOD = 'while true; do seq $n $((n+4999)); n=$((n+5000)); sleep 0.2; done'  # about 20,000 lines a second


@pytest.fixture
def web():
    return f'web-{uuid4().hex[:6]}'


def test_the_page_keeps_a_window_and_says_the_pace(open_page, server, run_container, web):
    run_container(service=web, command=f'n=1; {FLOOD}')
    page = open_page(server, f'/logs?service={web}')
    expect(page.get_by_label('Connection')).to_contain_text(re.compile(r'\d,\d+ lines/s'))
    page.wait_for_function("document.querySelectorAll('.log .l').length >= 5000")
    for _ in range(20):
        assert page.locator('.log .l').count() <= 5_000 + 250 + 500, 'what it keeps, a block and a part of a flush'
    assert page.locator('.log > *').count() <= 30, 'the view is a few dozen blocks'


def test_what_is_on_the_page_is_in_order_and_gaps_say_what_they_left_out(open_page, server, run_container, web):
    container = run_container(service=web, command=f'{WHEN_TOLD} seq 1 15000; sleep 1000')
    page = open_page(server, f'/logs?service={web}')
    expect(page.get_by_label('Connection')).to_contain_text('Live')
    tell(container)
    page.wait_for_function(
        "document.querySelector('.log')?.lastElementChild?.lastElementChild?.textContent?.endsWith('15000')"
    )
    rows = page.evaluate("[...document.querySelectorAll('.log .l, .log .g')].map(r => r.lastChild.textContent)")
    expected = 15_001
    for row in reversed(rows):
        missed = re.search(r'([\d,]+) lines? missed', row)
        expected -= int(missed[1].replace(',', '')) if missed else 1
        assert missed or int(row) == expected
    container.kill()


def test_a_gap_brings_its_lines_when_it_is_opened(open_page, server, run_container, web):
    container = run_container(service=web, command=f'{WHEN_TOLD} rm /told; echo 0; {WHEN_TOLD} seq 1 15000; sleep 1000')
    page = open_page(server, f'/logs?service={web}')
    expect(page.get_by_label('Connection')).to_contain_text('Live')
    page.evaluate("Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true})")
    tell(container)
    page.wait_for_function("document.querySelectorAll('.log .l').length === 1")  # nothing follows once this is answered
    tell(container)
    page.wait_for_function("document.querySelector('footer').innerText.includes('15,001 lines')")
    page.evaluate("Object.defineProperty(document, 'visibilityState', {value: 'visible', configurable: true})")
    gap = page.locator('.log .g[data-gap]').first
    wait_until(lambda: gap.count() and lines_of(page)[-1:] == ['15000'])
    missed = int(re.search(r'([\d,]+) lines? missed', gap.text_content())[1].replace(',', ''))
    first = int(lines_of(page)[-1]) - 4_999 - missed
    gap.evaluate('row => row.click()')

    def opened():
        numbers = [int(line) for line in lines_of(page)]
        return numbers if first in numbers and len(numbers) >= 4_999 else None  # older ones may have come as well

    numbers = wait_until(opened)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    expect(page.get_by_role('switch', name='Auto-scroll')).not_to_be_checked()


def test_a_tab_out_of_sight_is_left_alone_and_catches_up(open_page, server, run_container, web):
    run_container(service=web, command='i=0; while true; do i=$((i+1)); echo "line $i"; sleep 0.05; done')
    page = open_page(server, f'/logs?service={web}')
    page.wait_for_function("document.querySelectorAll('.log .l').length > 5")
    page.evaluate("Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true})")
    still = 'n => document.querySelectorAll(".log .l").length === n'
    wait_until(lambda: page.wait_for_timeout(700) or page.evaluate(still, page.locator('.log .l').count()))
    before = lines_of(page)
    page.wait_for_function(f"parseInt(document.querySelector('footer').innerText) > {len(before) + 40}")
    assert len(lines_of(page)) <= len(before) + 2
    page.evaluate("Object.defineProperty(document, 'visibilityState', {value: 'visible', configurable: true})")
    page.wait_for_function(f"document.querySelectorAll('.log .l').length > {len(before) + 40}")
    numbers = [int(line.split()[1]) for line in lines_of(page)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_a_filter_finds_what_the_page_no_longer_holds(open_page, server, run_container, web):
    container = run_container(service=web, command=f'{WHEN_TOLD} echo needle; seq 1 15000; sleep 1000')
    page = open_page(server, f'/logs?service={web}')
    expect(page.get_by_label('Connection')).to_contain_text('Live')
    tell(container)
    page.wait_for_function("document.querySelector('footer').innerText.includes('15,001 lines')")
    page.get_by_label('Filter logs').fill('needle')
    expect(page.locator('.log .l')).to_have_count(1)
    expect(page.locator('.search').get_by_text('1 match', exact=True)).to_be_visible()
