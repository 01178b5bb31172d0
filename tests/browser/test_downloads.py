"""Downloads from the page: what the dialog offers, and what is told of those that take long."""

from __future__ import annotations

import json
import re
import socket
import threading
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.support.browser import CONTRAST
from tests.support.proxies import Proxy
from tests.support.until import PATIENCE

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(('width', 'look'), [(1280, 'light'), (380, 'dark')])
def test_the_dialog_gives_the_whole_log_of_these_services_as_json_lines_with_or_without_the_filter(
    open_page, demo_server, width, look
):
    page = open_page(demo_server, '/logs?service=web&service=api&filter=level:error', width=width, color_scheme=look)
    expect(page.locator('.search').get_by_text(re.compile('[1-9] matches'))).to_be_visible()
    page.get_by_label('Choose what to download').click()
    dialog = page.get_by_role('dialog')
    expect(dialog.get_by_text('web, api')).to_be_visible()
    expect(dialog.get_by_role('radio', name=re.compile('What is held here: [1-9]'))).to_be_checked()
    expect(dialog.get_by_role('checkbox', name='Only what the filter finds')).to_be_checked()
    page.wait_for_function('document.getAnimations().length === 0')
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate('document.documentElement.scrollWidth') <= width
    dialog.get_by_role('radio', name='The whole log').click()
    dialog.get_by_role('radio', name='JSON lines').click()
    with page.expect_download() as waiting:
        dialog.get_by_role('button', name='Download the file').click()
    assert waiting.value.suggested_filename == 'web_api-logs.jsonl'
    found = [json.loads(line) for line in waiting.value.path().read_text().splitlines()]
    assert {line['level'] for line in found} == {'error'}
    assert {line['service'] for line in found} == {'web', 'api'}
    expect(dialog).to_be_hidden()
    page.get_by_label('Choose what to download').click()
    dialog.get_by_role('checkbox', name='Only what the filter finds').click()
    with page.expect_download() as waiting:
        dialog.get_by_role('button', name='Download the file').click()
    assert waiting.value.path().read_text().count('\n') > len(found)


class SlowNetwork(Proxy):
    """Lets downloads wait until they are let through."""

    def __init__(self, port: int) -> None:
        self._behind = port
        self.open = threading.Event()
        super().__init__()
        self.url = f'http://127.0.0.1:{self.port}'

    def dial(self) -> socket.socket:
        return socket.create_connection(('127.0.0.1', self._behind))

    def admit(self, method: str, path: str, headers: str) -> tuple[str, str]:
        if '/download?' in path:
            self.open.wait(PATIENCE)
        return path, headers


def test_of_a_download_that_takes_long_is_told_how_far_it_is_and_it_can_be_cancelled(open_page, demo_server):
    network = SlowNetwork(demo_server.port)
    page = open_page(network, '/logs?service=web')
    expect(page.locator('.log .l').first).to_be_visible()
    page.get_by_role('button', name='Download', exact=True).click()
    told = page.get_by_role('group', name='Downloads')
    expect(told).to_contain_text('web: waiting for its first lines …')
    cancel = page.get_by_role('button', name='Cancel the download of web')
    cancel.click()
    network.open.set()
    expect(told).to_contain_text('web: You have cancelled this download.')
    expect(cancel).to_be_hidden()
    network.close()


def test_one_click_gives_the_chosen_range_and_the_dialog_offers_it(open_page, demo_server):
    now = datetime.now(UTC)
    start, end = (f'{now - timedelta(seconds=ago):%Y-%m-%dT%H:%M:%S}Z' for ago in (120, 60))
    page = open_page(demo_server, f'/logs?service=web&from={start}&to={end}&filter=level:>=info')
    expect(page.locator('.log .l').first).to_be_visible()
    with page.expect_download() as waiting:
        page.get_by_role('button', name='Download', exact=True).click()
    stamps = [line[:19] for line in waiting.value.path().read_text().splitlines()]
    assert stamps
    assert start[:19] <= min(stamps) <= max(stamps) <= end[:19]
    assert waiting.value.suggested_filename.startswith(f'web-logs-{start[:10].replace("-", "")}T')
    page.get_by_label('Choose what to download').click()
    expect(page.get_by_role('dialog').get_by_role('radio', name='This range: ')).to_be_checked()
