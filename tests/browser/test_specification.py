"""Each success criterion of the specification, by its own words, on containers that really log."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.support.browser import lines_of

pytestmark = [pytest.mark.browser, pytest.mark.engine]

COUNTER = 'i=0; while true; do i=$((i+1)); echo "line $i"; sleep 0.1; done'


@pytest.fixture
def web():
    """A name that no other test's service has: a timeline goes on when its service comes back."""
    return f'web-{uuid4().hex[:6]}'


def test_service_selector_shows_running_services(open_page, server, run_container):
    run_container(service='alpha', command=COUNTER)
    run_container(service='beta', command=COUNTER)
    run_container(service='gamma', command='echo over').wait()
    page = open_page(server)
    page.get_by_label('Service').click()
    options = page.locator('.services')
    expect(options.get_by_text('alpha', exact=True)).to_be_visible()
    expect(options.get_by_text('beta', exact=True)).to_be_visible()
    expect(options.get_by_role('option', name=re.compile(r'gamma exited \(\d+\)'))).to_be_visible()


def test_a_service_that_starts_later_appears_without_reload(open_page, server, run_container):
    page = open_page(server)
    run_container(service='latecomer', command=COUNTER)
    page.get_by_label('Service').click()
    expect(page.locator('.services').get_by_text('latecomer', exact=True)).to_be_visible()


def test_logs_stream_in_real_time_via_websocket(open_page, server, run_container, web):
    run_container(service=web, command=COUNTER)
    page = open_page(server, f'/logs?service={web}&tail=50')
    page.wait_for_function("document.querySelectorAll('.log .l').length > 5")
    first = lines_of(page)
    page.wait_for_function(f"document.querySelectorAll('.log .l').length > {len(first) + 10}")
    lines = lines_of(page)
    numbers = [int(line.split()[1]) for line in lines]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), 'a line is missing, twice or out of order'


def test_connection_status_indicator_works(open_page, server, run_container, web):
    container = run_container(service=web, command=COUNTER)
    page = open_page(server, f'/logs?service={web}')
    badge = page.get_by_label('Connection')
    expect(badge).to_contain_text('Live')
    expect(badge).to_contain_text(re.compile(r'last line \d+ s ago'))
    container.stop(timeout=0)
    expect(badge).to_contain_text('Stopped')
    container.start()
    expect(badge).to_contain_text('Live')


def test_filter_search_works(open_page, server, run_container, web):
    run_container(service=web, command='echo "an Error [1]"; echo fine; echo "ERROR [2] (error)"; sleep 1000')
    page = open_page(server, f'/logs?service={web}')
    expect(page.locator('.log .l')).to_have_count(3)
    page.get_by_label('Filter logs').fill('error [')
    expect(page.locator('.log .l')).to_have_count(2)
    expect(page.locator('.search').get_by_text('2 matches')).to_be_visible()
    assert page.locator('.log mark').all_inner_texts() == ['Error [', 'ERROR [']
    expect(page.get_by_text('3 lines')).to_be_visible()
    page.get_by_label('Filter logs').press('Escape')
    expect(page.locator('.log .l')).to_have_count(3)
    expect(page.locator('.log mark')).to_have_count(0)


def test_auto_scroll_works(open_page, server, run_container, web):
    run_container(service=web, command='seq 1 400; ' + COUNTER)
    page = open_page(server, f'/logs?service={web}&tail=500')
    at_end = (
        "(v => v.scrollTop > 0 && v.scrollHeight - v.scrollTop - v.clientHeight < 24)(document.querySelector('.log'))"
    )
    page.wait_for_function(at_end)
    switch = page.get_by_role('switch', name='Auto-scroll')
    expect(switch).to_be_checked()
    page.locator('.log').hover()
    page.mouse.wheel(0, -600)
    expect(switch).not_to_be_checked()
    position = page.evaluate("document.querySelector('.log').scrollTop")
    newer = page.get_by_role('button', name=re.compile(r'\d+ new lines'))
    expect(newer).to_be_visible()
    page.wait_for_function("parseInt(document.querySelector('.newer').innerText) > 5")
    assert page.evaluate("document.querySelector('.log').scrollTop") == position, 'the page moved under its reader'
    newer.click()
    page.wait_for_function(at_end)
    expect(switch).to_be_checked()
    expect(newer).to_be_hidden()


def test_auto_scroll_turns_on_again_at_the_bottom(open_page, server, run_container, web):
    run_container(service=web, command='seq 1 400; ' + COUNTER)
    page = open_page(server, f'/logs?service={web}&tail=500')
    switch = page.get_by_role('switch', name='Auto-scroll')
    page.wait_for_function("document.querySelectorAll('.log .l').length > 300")
    page.locator('.log').hover()
    page.mouse.wheel(0, -600)
    expect(switch).not_to_be_checked()
    page.mouse.wheel(0, 100_000)
    expect(switch).to_be_checked()


def test_clear_logs_works(open_page, server, run_container, web):
    run_container(service=web, command='seq 1 60; ' + COUNTER)
    page = open_page(server, f'/logs?service={web}')
    page.wait_for_function("document.querySelectorAll('.log .l').length > 60")
    last = lines_of(page)[-1]
    page.get_by_role('button', name='Clear').click()
    page.wait_for_function("document.querySelectorAll('.log .l').length < 20")
    page.wait_for_function("document.querySelectorAll('.log .l').length > 2")
    assert last not in lines_of(page)


def test_no_logs_available_is_said(open_page, server, run_container, web):
    run_container(service=web, command='sleep 1000')
    page = open_page(server, f'/logs?service={web}')
    expect(page.get_by_text('No logs available')).to_be_visible()
    expect(page.get_by_text('0 lines')).to_be_visible()


def test_download_works(open_page, server, run_container, web):
    run_container(service=web, command='seq 1 30; printf "no ending"; sleep 0.2; echo; sleep 1000')
    page = open_page(server, f'/logs?service={web}')
    expect(page.locator('.log .l')).to_have_count(31)
    page.get_by_label('Settings and account').click()
    page.get_by_role('switch', name='Timestamps').click()
    page.keyboard.press('Escape')
    with page.expect_download() as waiting:
        page.get_by_role('button', name='Download', exact=True).click()
    download = waiting.value
    assert download.suggested_filename == f'{web}-logs.txt'
    assert download.path().read_text() == ''.join(f'{n}\n' for n in range(1, 31)) + 'no ending\n'


def test_download_gives_what_the_filter_shows(open_page, server, run_container, web):
    run_container(service=web, command='seq 1 30; sleep 1000')
    page = open_page(server, f'/logs?service={web}&filter=3')
    expect(page.locator('.log .l')).to_have_count(4)
    with page.expect_download() as waiting:
        page.get_by_role('button', name='Download', exact=True).click()
    lines = waiting.value.path().read_text().splitlines()
    assert [line.split(' ')[-1] for line in lines] == ['3', '13', '23', '30']


def test_switching_services_reconnects(open_page, server, run_container, web):
    run_container(service=web, command='while true; do echo from web; sleep 0.1; done')
    api = web.replace('web', 'api')
    run_container(service=api, command='while true; do echo from api; sleep 0.1; done')
    page = open_page(server, f'/logs?service={web}')
    expect(page.locator('.log .l').first).to_contain_text('from web')
    page.get_by_label('Service').click()
    page.locator('.services').get_by_text(api, exact=True).click()
    expect(page.locator('.log .l').first).to_contain_text('from api')
    page.wait_for_function("document.querySelectorAll('.log .l').length > 5")
    assert set(lines_of(page)) == {'from api'}
    assert f'service={api}' in page.url


def test_the_tail_selector_chooses_how_many_lines_come_first(open_page, server, run_container, web):
    run_container(service=web, command='seq 1 1200; sleep 1000')
    page = open_page(server, f'/logs?service={web}&tail=50')
    expect(page.locator('.log .l')).to_have_count(50)
    for tail in (100, 500, 1000):
        page.get_by_label('Lines to begin with').click()
        page.get_by_role('option', name=f'Last {tail}', exact=True).click()
        page.wait_for_function(f"document.querySelectorAll('.log .l').length === {tail}")
    assert lines_of(page) == [str(n) for n in range(201, 1201)]
