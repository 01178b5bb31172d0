"""The browser's drops: the page comes back by itself, in the same place, with the same filter and all lines."""

from __future__ import annotations

import json
import re
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from dashboard.app import RECONNECT
from tests.support.browser import lines_of, settled
from tests.support.docker_engine import wait_until
from tests.support.server import Server
from tests.support.until import PATIENCE
from tests.support.wire import Wire

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.timeout(600)]
COUNTER = 'i=0; while true; do i=$((i+1)); echo "number $i"; sleep 0.05; done'


class Behind:
    """A server as it is reached through a wire."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.wire = Wire(('127.0.0.1', server.port))
        self.url = f'http://127.0.0.1:{self.wire.port}'


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    """One that forgets soon what nobody watches."""
    server = Server(tmp_path_factory.mktemp('data'), DASHBOARD_LINGER='2')
    yield server
    server.stop()


@pytest.fixture
def behind(server):
    behind = Behind(server)
    yield behind
    behind.wire.close()


@pytest.fixture
def web(run_container):
    name = f'web-{uuid4().hex[:6]}'
    run_container(service=name, command=COUNTER)
    return name


def numbers(page) -> list[int]:
    return [int(line.removeprefix('number ')) for line in lines_of(page)]


def cut_off(page):
    page.wait_for_function("document.querySelector('#popup').ariaHidden === 'false'")
    assert re.search(
        r'Reconnecting, try ', page.locator('.badge').evaluate("badge => getComputedStyle(badge, '::after').content")
    )


def back(page, timeout=1000 * PATIENCE):
    page.wait_for_function("document.querySelector('#popup')?.ariaHidden === 'true'", timeout=timeout)


def mark(page):
    page.evaluate('window.sameDocument = true')


def reloaded(page):
    return page.evaluate('window.sameDocument') is None


def loaded_anew(page):
    page.wait_for_function('window.sameDocument === undefined && window.did_handshake')


def complete(page, first):
    """Whether the page holds every number from the first on, and goes on."""
    found = numbers(page)
    assert found == list(range(found[0], found[-1] + 1)), 'lines are missing, twice or out of order'
    return found[0] <= first


@pytest.mark.parametrize('how', ['drop', 'silence'])
def test_a_page_that_was_cut_off_until_nothing_was_kept_for_it_comes_back_with_all_its_lines(
    open_page, behind, web, how
):
    page = open_page(behind, f'/logs?service={web}&tail=50')
    wait_until(lambda: len(lines_of(page)) > 60)
    first = numbers(page)[0]
    mark(page)
    getattr(behind.wire, how)()
    cut_off(page)
    page.wait_for_timeout(1_000 * (RECONNECT + 2 + 3))  # the state of the page, then the stream, and a little more
    last = numbers(page)[-1]
    behind.wire.restore()
    loaded_anew(page)
    wait_until(lambda: numbers(page)[-1:] > [last + 200])
    assert complete(page, first)
    expect(page.get_by_label('Connection')).to_contain_text('Live')


def test_a_page_that_was_cut_off_for_a_moment_is_not_loaded_anew(open_page, behind, web):
    page = open_page(behind, f'/logs?service={web}&tail=50')
    wait_until(lambda: len(lines_of(page)) > 60)
    first = numbers(page)[0]
    mark(page)
    behind.wire.drop()
    cut_off(page)
    behind.wire.restore()
    back(page)
    last = numbers(page)[-1]
    wait_until(lambda: numbers(page)[-1] > last + 50)
    assert complete(page, first)
    assert not reloaded(page)


def test_a_tab_keeps_its_place_when_none_of_its_rows_is_laid_out(open_page, behind, web):
    page = open_page(behind, f'/logs?service={web}&tail=50')
    wait_until(lambda: len(lines_of(page)) > 60)
    page.add_style_tag(content='.log .blk { transform: translateY(-99999px) }')
    behind.wire.drop()
    cut_off(page)
    place = json.loads(page.evaluate("sessionStorage.getItem('place')"))
    assert place['first'] < place['last'] == place['top']


def test_a_reader_who_had_scrolled_up_and_filtered_is_where_they_were_after_the_server_was_restarted(
    open_page, tmp_path, run_container
):
    name = f'web-{uuid4().hex[:6]}'
    run_container(service=name, command=f"seq 1 2000 | sed 's/^/number /'; i=2000; {COUNTER.removeprefix('i=0; ')}")
    server = Server(tmp_path)
    page = open_page(server, f'/logs?service={name}&tail=1000&filter=number')
    wait_until(lambda: len(lines_of(page)) > 1_000)
    page.locator('.log').evaluate('view => { view.scrollTop = view.scrollHeight / 2 }')
    expect(page.get_by_role('button', name='new line')).to_be_visible()
    top = "(() => { const v = document.querySelector('.log'), y = v.getBoundingClientRect().top;"
    top += 'const seen = e => e.getBoundingClientRect().bottom > y + 4, block = [...v.children].find(seen);'
    top += "return [...block.querySelectorAll('.l')].find(seen)?.innerText })()"
    before, first = settled(page, top), numbers(page)[0]
    mark(page)
    server.stop()
    cut_off(page)
    server = Server(tmp_path, port=server.port)
    try:
        loaded_anew(page)
        page.wait_for_function("document.querySelectorAll('.log .l').length > 1000")
        wait_until(lambda: page.evaluate(top) == before, message=f'not at {before}')
        assert complete(page, first)
        expect(page.get_by_label('Filter logs')).to_have_value('number')
        expect(page.get_by_role('button', name='new line')).to_be_visible()
        page.get_by_role('button', name='new line').click()
        expect(page.get_by_label('Connection')).to_contain_text('Live')
        last = numbers(page)[-1]
        wait_until(lambda: numbers(page)[-1] > last)
        assert complete(page, first)
    finally:
        server.stop()
