"""The panel of a single line: what its buttons copy, and that it can be read on a phone and in both themes."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import expect

from tests.support.browser import CONTRAST
from tests.support.docker_engine import wait_until

pytestmark = pytest.mark.browser


def copied(page, button) -> str:
    """What a click on a button puts into the clipboard."""
    page.evaluate("navigator.clipboard.writeText('nothing yet')")
    button.click()
    read = 'navigator.clipboard.readText()'
    return wait_until(lambda: (text := page.evaluate(read)) != 'nothing yet' and text)


def test_a_line_a_field_and_a_link_are_copied_as_they_are(open_page, demo_server):
    allowed = ['clipboard-read', 'clipboard-write']
    page = open_page(demo_server, '/logs?service=api&tail=500&filter=request.user:mei', permissions=allowed)
    page.locator('.log .l', has_text='request.user=mei').last.click()
    details = page.get_by_label('Details of the line')
    line = copied(page, details.get_by_role('button', name='Copy line', exact=True))
    assert json.loads(line)['request']['user'] == 'mei'
    assert copied(page, details.get_by_role('button', name='Copy message', exact=True)) == line
    assert copied(page, details.get_by_role('button', name='Copy the value of request.user', exact=True)) == 'mei'
    link = copied(page, details.get_by_role('button', name='Copy link', exact=True))
    cursor = page.locator('.log .sel').get_attribute('data-cursor')
    assert link.startswith(f'{demo_server.url}/logs?')
    assert parse_qs(urlparse(link).query)['at'] == [cursor]


def test_of_a_trace_one_line_is_copied_or_the_whole_message(open_page, demo_server):
    allowed = ['clipboard-read', 'clipboard-write']
    page = open_page(demo_server, '/logs?service=worker&tail=1000&filter="Caused by"', permissions=allowed)
    page.locator('.log .l:not(.h)').last.click()
    details = page.get_by_label('Details of the line')
    line = copied(page, details.get_by_role('button', name='Copy line', exact=True))
    message = copied(page, details.get_by_role('button', name='Copy message', exact=True))
    assert '\n' not in line
    assert message.startswith(f'{line}\n')
    assert '\nCaused by' in message


@pytest.mark.parametrize('look', ['dark', 'light'])
@pytest.mark.parametrize('width', [380, 1280])
def test_the_details_can_be_read_in_both_themes_and_fit(open_page, demo_server, look, width):
    page = open_page(demo_server, '/logs?service=api&tail=500', width=width, height=700, color_scheme=look)
    page.locator('.log .l', has_text='request.user=').last.click()
    details = page.get_by_label('Details of the line')
    expect(details.get_by_role('table', name='Fields')).to_be_visible()
    assert page.evaluate('document.documentElement.scrollWidth') <= width
    box = details.bounding_box()
    assert box['x'] >= 0
    assert box['x'] + box['width'] <= width + 1
    assert not (poor := page.evaluate(CONTRAST)), poor
