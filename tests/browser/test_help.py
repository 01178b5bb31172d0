"""The documents in the dashboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def open_help(open_page, demo_server):
    def open_(path: str, **options):
        page = open_page(demo_server, '/logs', **options)
        page.goto(f'{demo_server.url}{path}')
        expect(page.get_by_role('article')).to_be_visible()
        return page

    return open_


def test_the_documents_lead_from_one_to_another_without_any_other_server(open_help, demo_server):
    page, asked = open_help('/help'), []
    page.on('request', lambda request: asked.append(request.url))
    expect(page).to_have_title(re.compile('Read logs'))
    page.get_by_role('navigation', name='Documents').get_by_role('link', name='Settings and commands').click()
    page.wait_for_url('**/help/settings')
    page.get_by_role('article').get_by_role('link', name='audit log').click()
    page.wait_for_url('**/help/audit')
    expect(page.locator('[aria-current=page]')).to_have_text('Audit log')
    assert asked
    assert all(url.startswith((demo_server.url, demo_server.url.replace('http', 'ws'))) for url in asked)


def test_an_address_with_a_heading_shows_that_heading(open_help):
    page = open_help('/help/settings#commands')
    expect(page.get_by_role('heading', name='Commands', exact=True)).to_be_in_viewport()
    page.get_by_role('navigation', name='Documents').get_by_role('link', name='Limits').click()
    expect(page.get_by_role('heading', name='Limits', exact=True)).to_be_in_viewport()
    expect(page.get_by_role('heading', name='Commands', exact=True)).not_to_be_in_viewport()


def test_the_search_finds_a_section_of_any_document_and_leads_to_it(open_help):
    page = open_help('/help/using')
    box = page.get_by_label('Search')
    box.fill('RETRY-after streams')
    found = page.get_by_role('navigation', name='Documents').get_by_role('link')
    expect(found).to_have_text(['Settings and commands: Limits'])
    box.fill('no such word anywhere')
    expect(page.get_by_text('No section has all these words.')).to_be_visible()
    box.fill('')
    expect(page.get_by_role('navigation', name='Documents').get_by_role('link', name='Contributing')).to_be_visible()
    box.fill('Retry-After streams')
    found.filter(has_text='Limits').click()
    page.wait_for_url('**/help/settings#limits')
    expect(page.get_by_role('heading', name='Limits', exact=True)).to_be_in_viewport()


def test_on_a_phone_nothing_is_wider_than_the_screen(open_help):
    page = open_help('/help/settings', width=360, height=700)
    assert page.evaluate('document.documentElement.scrollWidth') <= 360
    article = page.get_by_role('article').bounding_box()
    assert article['x'] + article['width'] <= 360


def test_a_document_that_does_not_exist_is_a_404_that_leads_on(open_help, demo_server):
    page = open_help('/help')
    answer = page.goto(f'{demo_server.url}/help/nothing')
    assert answer.status == 404
    page.get_by_role('link', name='To the documents').click()
    page.wait_for_url('**/help/using')
