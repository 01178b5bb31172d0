"""Lines that are kept: days of them are searched, and an administrator purges and exports them."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.support.browser import CONTRAST
from tests.support.docker_engine import wait_until
from tests.support.server import Server

pytestmark = pytest.mark.browser
COUNT = 'for i in $(seq {}); do echo {} $i; done'
# whether all that was found is of a service
FROM = "name => (all => all.length && all.every(b => b.innerText === name))([...document.querySelectorAll('.hit b')])"


@pytest.fixture(scope='session')
def keeping(tmp_path_factory):
    """The demo, which keeps its lines: another one than that of other tests, for lines are purged here."""
    server = Server(tmp_path_factory.mktemp('keeping'), '--demo', DASHBOARD_STORE_BYTES='100000000')
    yield server
    server.stop()


def test_a_service_is_purged_after_it_was_said_what_goes(open_page, keeping):
    page = open_page(keeping, '/storage')
    expect(page.get_by_role('status', name='State of the store')).to_contain_text(
        re.compile(r'lines in .+ of 100.0 MB')
    )
    kept = page.get_by_role('listitem').filter(has_text='shop / db')
    expect(kept.filter(has_text=re.compile(r'\d,\d{3} lines, '))).to_have_count(1)
    page.get_by_role('button', name='Purge shop / db').click()
    dialog = page.get_by_role('dialog')
    dialog.get_by_label('Only what is older than').fill('25:61')
    dialog.get_by_role('button', name='Say what goes').click()
    expect(page.get_by_text("'25:61' is no moment")).to_be_visible()
    dialog.get_by_label('Only what is older than').fill('')
    dialog.get_by_role('button', name='Say what goes').click()
    expect(dialog).to_contain_text(re.compile(r'lines of shop / db would go for ever'))
    dialog.get_by_role('button', name=re.compile('^Yes, purge')).click()
    expect(page.get_by_text(re.compile(r'^\d[\d,]* lines are gone'))).to_be_visible()
    expect(kept.filter(has_text=re.compile(r'\d,\d{3} lines, '))).to_have_count(0)
    page.goto(f'{keeping.url}/audit')
    expect(page.get_by_role('row').filter(has_text='store-purge').first).to_contain_text('shop:db')


def test_lines_are_exported_between_two_times(open_page, keeping):
    page = open_page(keeping, '/storage', width=380)
    page.get_by_role('button', name='Export shop / api').click()
    dialog = page.get_by_role('dialog')
    dialog.get_by_label('From').fill('2 min ago')
    dialog.get_by_role('radio', name='JSON lines').click()
    with page.expect_download() as download:
        dialog.get_by_role('button', name='Export the file').click()
    lines = download.value.path().read_text().splitlines()
    assert lines
    assert {json.loads(line)['service'] for line in lines} == {'shop:api'}


@pytest.mark.parametrize('look', ['dark', 'light'])
def test_the_page_can_be_read_in_both_themes(open_page, keeping, look):
    page = open_page(keeping, '/storage', color_scheme=look)
    page.get_by_role('button', name='Purge shop / web').click()
    page.get_by_role('dialog').get_by_role('button', name='Say what goes').click()
    expect(page.get_by_role('dialog')).to_contain_text('There is no way back')
    poor = page.evaluate(CONTRAST)
    assert not poor, poor


def test_a_search_finds_over_services_and_a_result_opens_in_its_context(open_page, keeping):
    page = open_page(keeping, '/search?filter=level:error')
    state = page.get_by_role('status').first
    expect(state).to_contain_text(re.compile(r'found'))
    expect(page.locator('.hit').first).to_be_visible()
    assert page.locator('.hit [role=img]').first.get_attribute('aria-label') == 'error'
    expect(page.get_by_role('region', name='Found over time').get_by_role('table')).to_have_count(1)
    page.get_by_label('Search', exact=True).fill('"order placed" AND ms:>50')
    page.wait_for_function(FROM, arg='api')
    expect(state).to_contain_text(re.compile(r'^Searched .*: \d+ found'))
    expect(page).to_have_url(re.compile('filter=%22order\\+placed%22'))
    wanted = page.locator('.hit .l').nth(3).get_attribute('data-cursor')
    page.get_by_role('link', name='In context').nth(3).click()
    expect(page.locator(f'.log .sel[data-cursor="{wanted}"]')).to_be_visible()


def test_the_bars_are_those_of_all_that_is_found_also_of_what_is_not_shown(open_page, keeping):
    page = open_page(keeping, '/search?filter=level:>=debug')
    state = page.get_by_role('status').first
    expect(state).to_contain_text(re.compile(r'^Searched [^,]+: [\d,]+ found. The newest 500 are shown.$'))
    messages = number_in(state.inner_text().partition(': ')[2])
    lines = page.get_by_role('region', name='Found over time').locator('.sum')
    expect(lines).to_have_text(re.compile('^[\\d,]+ lines, '))
    assert number_in(lines.inner_text()) >= messages > 500
    page.get_by_role('button', name='Show more').click()
    expect(state).to_contain_text(re.compile(r'^Searched [^,]+: [\d,]+ found. The newest 1,000 are shown.$'))
    expect(lines).to_have_text(re.compile('^[\\d,]+ lines, '))
    assert number_in(lines.inner_text()) >= number_in(state.inner_text().partition(': ')[2]) >= messages
    assert page.locator('.hit').count() == 1_000


def test_a_search_is_of_the_chosen_services_and_times_and_says_what_it_cannot_read(open_page, keeping):
    page = open_page(keeping, '/search?filter=level:>=info&service=api', width=380)
    state = page.get_by_role('status').first
    expect(state).to_contain_text('found')
    expect(page.locator('.hit').first).to_be_visible()
    page.wait_for_function(FROM, arg='api')
    page.get_by_label('From').fill('25:61')
    expect(state).to_contain_text("'25:61' is no moment")
    page.get_by_label('From').fill('1 min ago')
    expect(state).to_contain_text(re.compile(r'^Searched .*found'))
    page.get_by_label('Search', exact=True).fill('/(/')
    expect(state).to_contain_text('is no regular expression')
    assert page.evaluate('document.documentElement.scrollWidth') <= 380


def test_what_is_searched_and_found_can_be_read_in_the_dark(open_page, keeping):
    page = open_page(keeping, '/search?filter=level:error', color_scheme='dark')
    expect(page.locator('.hit').first).to_be_visible()
    poor = page.evaluate(CONTRAST)
    assert not poor, poor


@pytest.mark.engine
def test_a_service_is_one_story_over_its_containers_and_its_last_error_is_found_after_it_has_gone(
    open_page, run_container, tmp_path
):
    """In a server of its own: it keeps lines, and is started again."""
    server = Server(tmp_path, DASHBOARD_STORE_BYTES='100000000', COMPOSE_PROJECT_NAME='story')
    try:
        first = run_container('story-web', project='story', command=f'{COUNT.format(300, "first")}; sleep 600')
        page = open_page(server, '/logs?service=story-web&tail=100')
        expect(page.locator('.log .l').last).to_have_text(re.compile('first 300$'))
        wait_until(lambda: kept_lines(server) >= 300)
        first.remove(force=True)
        second = run_container(
            'story-web', project='story', command=f'{COUNT.format(20, "second")}; echo ERROR: it broke'
        )
        page = open_page(server, '/logs?service=story-web&tail=50')
        expect(page.locator('.log .l').last).to_have_text(re.compile('ERROR: it broke$'))
        page.locator('.log').press('Home')
        expect(page.locator('.log .l').first).to_have_text(re.compile('first 1$'))
        wait_until(lambda: kept_lines(server) >= 321)
    finally:
        server.stop()
    server = Server(tmp_path, DASHBOARD_STORE_BYTES='100000000', COMPOSE_PROJECT_NAME='story')
    try:
        page = open_page(server, '/logs?service=story-web&tail=50&filter="first 29"')
        expect(page.locator('.log .l')).to_have_count(11)  # nothing of the second container is a match
        second.remove(force=True)
    finally:
        server.stop()
    server = Server(tmp_path, DASHBOARD_STORE_BYTES='100000000', COMPOSE_PROJECT_NAME='story')
    try:
        page = open_page(server, '/search?filter=level:error')
        expect(page.locator('.hit')).to_have_count(1)
        page.get_by_role('link', name='In context').click()
        expect(page.locator('.log .sel')).to_have_text(re.compile('ERROR: it broke$'))
        expect(page.locator('.log .l', has_text='second 20')).to_be_visible()
        page.get_by_role('combobox', name='Service').click()
        gone = page.get_by_role('option').filter(has_text='last line')
        expect(gone).to_contain_text('story-web')
    finally:
        server.stop()


@pytest.mark.engine
def test_where_nothing_can_be_kept_an_administrator_is_told_why_and_the_live_view_goes_on(
    open_page, run_container, tmp_path
):
    """In a server of its own: a file is where its directory should be."""
    (tmp_path / 'lines').write_text('in the way')
    server = Server(tmp_path, DASHBOARD_STORE_BYTES='100000000')
    try:
        run_container('unkept', command='echo here; sleep 600')
        page = open_page(server, '/logs?service=unkept')
        expect(page.locator('.log .l').last).to_have_text(re.compile('here$'))
        expect(page.get_by_role('alert')).to_contain_text(
            re.compile('Lines cannot be recorded into .*/lines: .*tried again')
        )
        page.goto(f'{server.url}/storage')
        expect(page.get_by_role('status', name='State of the store')).to_contain_text('Lines cannot be recorded into')
    finally:
        server.stop()


def kept_lines(server):
    return json.loads(server.get('/api/storage', server.token())[1])['lines']


def number_in(text):
    """The number with which a text begins."""
    return int(re.match(r'[\d,]+', text)[0].replace(',', ''))
