"""What was asked once is asked again by its name."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.support.browser import CONTRAST

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(('width', 'look'), [(1280, 'light'), (380, 'dark')])
def test_a_filter_is_saved_chosen_overwritten_renamed_and_removed(open_page, demo_server, width, look):
    page = open_page(demo_server, '/logs?service=api&tail=500&filter=ms:>0', width=width, color_scheme=look)
    name, shelf = f'Slow {width}', page.get_by_role('button', name='Saved filters')
    page.get_by_role('button', name=re.compile(r'^Warn \d')).click()
    page.wait_for_url('**level=warn**')

    shelf.click()
    page.get_by_role('button', name='Save this filter').click()
    form = page.get_by_role('dialog')
    form.get_by_label('Name').fill(name)
    expect(form).to_contain_text('ms:>0 · levels: warn')
    page.keyboard.press('Enter', delay=300)  # as long as a person holds a key down
    expect(form).to_be_hidden()
    expect(page.locator('.q-menu')).to_have_count(0)

    page.goto(f'{demo_server.url}/logs?service=web')
    shelf.focus()
    page.keyboard.press('Enter')
    page.get_by_role('button', name=re.compile(name)).first.focus()
    assert not (poor := page.evaluate(CONTRAST)), poor
    page.keyboard.press('Enter', delay=300)  # the menu's button has the focus again when the key comes up
    expect(page.get_by_label('Filter logs')).to_have_value('ms:>0')
    expect(page.locator('.q-menu')).to_have_count(0)
    page.wait_for_url('**level=warn**')

    page.get_by_label('Filter logs').fill('ms:>5')
    page.wait_for_url('**ms%3A%3E5**')
    shelf.click()
    page.get_by_role('button', name='Save this filter').click()
    expect(form).to_contain_text(f"It replaces the filter '{name}'.")
    form.get_by_role('button', name='Save').click()
    expect(form).to_be_hidden()
    shelf.click()
    page.get_by_role('button', name=f'Rename {name}').click()
    form.get_by_label('Name').fill(f'Slower {width}')
    form.get_by_role('button', name='Save').click()
    expect(form).to_be_hidden()
    shelf.click()
    expect(page.get_by_role('button', name=re.compile(f'^Slower {width}'))).to_contain_text('ms:>5')
    assert page.evaluate('document.documentElement.scrollWidth') <= width
    page.get_by_role('button', name=f'Remove Slower {width}').click()
    expect(page.get_by_role('button', name=re.compile(f'^Slower {width}'))).to_have_count(0)


def test_one_for_everybody_says_so_and_is_in_the_audit_log(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=api&level=error')
    page.get_by_role('button', name='Saved filters').click()
    page.get_by_role('button', name='Save this filter').click()
    page.get_by_role('dialog').get_by_label('Name').fill('Errors')
    page.get_by_role('switch', name='For everybody').click()
    page.get_by_role('dialog').get_by_role('button', name='Save').click()
    expect(page.get_by_text("Saved as 'Errors'.")).to_be_visible()
    page.get_by_role('button', name='Saved filters').click()
    page.get_by_role('button', name='Remove Errors').click()
    expect(page.get_by_text('No filter is saved yet.')).to_be_visible()
    page.goto(f'{demo_server.url}/audit')
    expect(page.get_by_text('filter-save').first).to_be_visible()
    expect(page.get_by_text('filter-remove').first).to_be_visible()
