"""Going to a moment: typed, by a preset, by a shared address; in what the server holds and in the engine's log."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.support.docker_engine import wait_until

pytestmark = pytest.mark.browser
# whether the selected line is the first one of the page that was not written before a moment
FIRST_SINCE = """moment => {
  const rows = [...document.querySelectorAll('.log .l')], chosen = rows.findIndex(row => row.matches('.sel'));
  const stamp = number => rows[number].querySelector('time').title;
  return chosen > 0 && stamp(chosen) >= moment && stamp(chosen - 1) < moment; }"""


def test_a_moment_is_typed_as_people_do_and_the_first_line_from_there_is_selected(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web&tail=1000')
    expect(page.locator('.log .l').nth(500)).to_be_attached()
    button, field = page.get_by_label('Go to a time').first, page.get_by_label('Time', exact=True)
    button.click()
    field.fill('25:61')
    field.press('Enter')
    expect(page.get_by_text("'25:61' is no moment. Try 14:32")).to_be_visible()
    moment = datetime.now(UTC) - timedelta(minutes=2)
    field.fill(f'{moment:%Y-%m-%d %H:%M:%S}Z')
    field.press('Enter')
    page.wait_for_function(FIRST_SINCE, arg=f'{moment:%Y-%m-%dT%H:%M:%S}')
    expect(page.get_by_label('Connection')).to_contain_text('Paused')


def test_a_page_that_is_loaded_anew_before_it_shows_a_moment_goes_there(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web&tail=1000')
    expect(page.locator('.log .l').nth(500)).to_be_attached()
    page.evaluate("""() => {
      const replace = history.replaceState.bind(history);
      history.replaceState = (...state) => {
        replace(...state);
        if (location.search.includes('at=')) { window.socket.disconnect(); location.reload(); }
      }; }""")
    moment = datetime.now(UTC) - timedelta(minutes=2)
    page.get_by_label('Go to a time').first.click()
    page.get_by_label('Time', exact=True).fill(f'{moment:%Y-%m-%d %H:%M:%S}Z')
    page.get_by_label('Time', exact=True).press('Enter')
    page.wait_for_function(FIRST_SINCE, arg=f'{moment:%Y-%m-%dT%H:%M:%S}')
    expect(page.get_by_label('Connection')).to_contain_text('Paused')


def test_a_moment_in_the_future_is_told_at_the_field_and_loses_nothing(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web&tail=1000')
    expect(page.locator('.log .l').nth(500)).to_be_attached()
    page.keyboard.press('Home')
    expect(page.get_by_label('Connection')).to_contain_text('Paused')
    address, field = page.url, page.get_by_label('Time', exact=True)
    page.get_by_label('Go to a time').first.click()
    field.fill('2999-01-01')
    field.press('Enter')
    expect(page.locator('.jump [role=status]')).to_have_text('Time lies in the future: nothing was written then yet.')
    expect(field).to_have_value('2999-01-01')
    expect(page.get_by_label('Connection')).to_contain_text('Paused')
    assert page.url == address


@pytest.mark.parametrize('at', ['now-2m', '2 min ago'])
def test_an_address_may_tell_its_time_as_people_do(open_page, demo_server, at):
    before = datetime.now(UTC)
    page = open_page(demo_server, f'/logs?service=web&tail=1000&at={at}')
    chosen = page.locator('.log .l.sel time')
    expect(chosen).to_have_count(1)
    late = datetime.now(UTC) - before
    written = datetime.fromisoformat(chosen.get_attribute('title'))
    assert timedelta(0) <= written - before + timedelta(minutes=2) < late + timedelta(seconds=30)
    assert not page.get_by_role('alert').is_visible()


def test_an_address_with_a_bad_time_is_told_with_examples(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web&at=25:61')
    expect(page.get_by_role('alert')).to_have_text(re.compile("names no line. '25:61' is no moment. Try 14:32"))
    expect(page.get_by_label('Connection')).to_contain_text('Live')
    expect(page.locator('.log .l').first).to_be_visible()


def test_an_address_with_a_time_opens_the_past_of_the_engines_log(open_page, server, run_container):
    writer = run_container(service='past', command='seq 30000')
    wait_until(lambda: writer.logs(tail=1).decode().strip() == '30000')
    stamp = writer.logs(timestamps=True, tail=25_000).decode().split(maxsplit=1)[0]
    page = open_page(server, f'/logs?service=past&at={stamp}')
    expect(page.locator('.log .l.sel')).to_have_text(re.compile(r' 5001$'))
    page.wait_for_function(FIRST_SINCE, arg=stamp)
    page.get_by_label('Go to a time').first.click()
    page.get_by_label('Time', exact=True).fill('1970-01-01')
    page.get_by_label('Time', exact=True).press('Enter')
    expect(page.locator('.log .l.sel')).to_have_text(re.compile(r' 1$'))
