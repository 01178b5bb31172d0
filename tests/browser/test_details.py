"""The panel of a single line: what its buttons copy, and that it can be read on a phone and in both themes."""

from __future__ import annotations

import json
import re
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


@pytest.mark.parametrize('width', [380, 1280])
def test_what_a_line_is_of_is_asked_for_or_left_out_also_by_keyboard(open_page, demo_server, width):
    page = open_page(demo_server, '/logs?project=shop&tail=500', width=width, height=760)
    page.locator('.log .l', has_text='request.user=').last.click()
    details, box = page.get_by_label('Details of the line'), page.get_by_label('Filter logs')

    def press(act: str, name: str) -> None:
        button = details.get_by_role('button', name=f'{act} lines of this {name}')
        button.scroll_into_view_if_needed()
        expect(button).to_be_in_viewport(ratio=1)
        button.press('Enter')

    press('Only', 'service')
    expect(box).to_have_value('service:shop:api')
    page.wait_for_function("[...document.querySelectorAll('.log .l b')].every(name => name.textContent === 'api')")
    for name, asked in (('stream', 'stream:stdout'), ('level', r'level:\w+'), ('container', 'container:shop-api-1')):
        press('Only', name)
        expect(box).to_have_value(re.compile(f'service:shop:api .*{asked}$'))
    page.goto(f'{demo_server.url}/logs?project=shop&tail=500')
    page.locator('.log .l', has_text='request.user=').last.click()
    press('No', 'service')
    expect(box).to_have_value('-service:shop:api')
    page.wait_for_function("![...document.querySelectorAll('.log .l b')].some(name => name.textContent === 'api')")
    expect(details).to_be_visible()
    assert page.evaluate('document.documentElement.scrollWidth') <= width


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


def test_a_click_on_a_line_ends_auto_scroll_though_its_details_make_the_lines_wrap_anew(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=worker&service=api&service=db&tail=100', height=800)
    page.wait_for_selector('.log .l')
    for place in range(4):
        expect(page.get_by_label('Connection')).to_contain_text('Live')
        box = page.locator('.log').bounding_box()
        page.mouse.click(box['x'] + 300, box['y'] + 60 + 100 * place, delay=60)
        expect(page.get_by_role('complementary')).to_be_visible()
        page.wait_for_function("parseInt(document.querySelector('.newer').innerText) > 4")
        assert page.evaluate("document.querySelector('.log').follow") is False
        page.keyboard.press('Escape')
        expect(page.get_by_role('complementary')).to_be_hidden()
        page.keyboard.press('G')
