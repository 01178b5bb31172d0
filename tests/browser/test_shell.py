"""What all pages share: the bar, the way back to the logs, the mark."""

from __future__ import annotations

from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_page import CONTRAST

pytestmark = pytest.mark.browser
PLACES = {'Logs': '/logs', 'Help': '/help/', 'Users': '/users', 'Audit': '/audit'}


def test_every_page_says_where_one_is_and_leads_to_the_others(open_page, demo_server):
    page = open_page(demo_server)
    for name, path in [*list(PLACES.items())[1:], *PLACES.items()]:
        page.locator('header').get_by_role('link', name=name, exact=True).click()
        page.wait_for_url(f'**{path}**')
        expect(page.locator('header [aria-current]')).to_have_text(name)
        expect(page.get_by_role('button', name='Settings and account')).to_be_visible()


def test_the_way_back_leads_to_the_same_view_of_the_logs(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=worker&tail=500&filter=job')
    page.wait_for_selector('.log mark')
    page.get_by_role('link', name='Audit').click()
    page.wait_for_url('**/audit')
    page.get_by_role('link', name='Logs', exact=True).press('Enter')
    page.wait_for_url('**/logs?service=worker&tail=500&filter=job')
    expect(page.get_by_label('Filter logs')).to_have_value('job')


def test_the_places_fold_on_a_phone(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web', width=380, height=740)
    expect(page.get_by_role('link', name='Audit')).to_be_hidden()
    page.get_by_role('button', name='Places').click()
    page.get_by_role('link', name='Audit').click()
    page.wait_for_url('**/audit')
    assert page.evaluate('document.documentElement.scrollWidth') <= 380


@pytest.mark.parametrize('look', ['dark', 'light'])
def test_the_audit_page_can_be_read(open_page, demo_server, look):
    page = open_page(demo_server, color_scheme=look)
    page.goto(demo_server.url + '/audit')
    page.wait_for_selector('tbody tr')
    assert not (poor := page.evaluate(CONTRAST)), poor
    page.get_by_label('Settings and account').click()
    page.get_by_text('Change password').wait_for()
    assert not (poor := page.evaluate(CONTRAST)), poor


def test_the_mark_in_the_tab_is_ours_before_and_behind_the_gate(open_page, browser, demo_server):
    status, ours = demo_server.get('/favicon.ico')
    assert (status, ours[:5]) == (200, b'<svg ')
    page = open_page(demo_server)
    assert mark_of(page) == ours
    outside = browser.new_page()
    outside.goto(demo_server.url + '/login')
    assert outside.locator('link[rel=icon]').evaluate('link => link.href') == demo_server.url + '/favicon.ico'
    outside.close()


def mark_of(page: Page) -> bytes:
    with urlopen(page.locator('link[rel~=icon]').evaluate('link => link.href')) as answer:  # which is a data: URL
        return answer.read()
