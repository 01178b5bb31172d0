"""The real program in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.support.server import PASSWORD, Server


def launch(playwright: Playwright) -> Browser:
    """Debian's Chromium."""
    return playwright.chromium.launch(
        executable_path='/usr/bin/chromium', args=['--no-sandbox', '--disable-background-networking']
    )


@pytest.fixture(scope='package')  # not longer: Playwright has an event loop of its own in this thread while it runs
def browser():
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope='session')
def server(tmp_path_factory):
    """The dashboard on the machine's own engine."""
    server = Server(tmp_path_factory.mktemp('data'))
    yield server
    server.stop()


@pytest.fixture(scope='session')
def demo_server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp('demo'), '--demo')
    yield server
    server.stop()


@pytest.fixture
def open_page(browser: Browser):
    """Opens a page as a signed-in user: ``open_page(server, '/logs?service=web', width=1280)``."""
    contexts = []

    def open_(server: Server, path: str = '/logs', *, width: int = 1280, height: int = 760, **options) -> Page:
        context = browser.new_context(viewport={'width': width, 'height': height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.problems = []
        page.on('pageerror', lambda error: page.problems.append(str(error)))
        sign_in(page, server, path)
        return page

    yield open_
    problems = [problem for context in contexts for page in context.pages for problem in getattr(page, 'problems', [])]
    for context in contexts:
        context.close()
    assert not problems, problems


def sign_in(page: Page, server: Server, path: str) -> None:
    page.goto(server.url + path)
    page.get_by_label('User name').fill('admin')
    page.get_by_label('Password').fill(PASSWORD)
    page.get_by_role('button', name='Sign in').click()
    page.wait_for_url('**/logs**')
    page.wait_for_function('window.did_handshake === true')
