"""What tests share, so that a new one need not start its own.

============================  ==========================================================================================
a test asks for               and gets
============================  ==========================================================================================
``demo_server``               the dashboard on its demo, in a process of its own; for the whole run
``server``                    the dashboard on the machine's own Docker engine; for the whole run
``run_container``             starts containers on that engine, as Compose would: ``run_container('web', command='…')``
``open_page``                 opens a page in Chromium as a signed-in user: ``open_page(server, '/logs?service=web')``
``browser``                   that Chromium, which is one for the whole run
``private_engine``            engines that the test may stop, kill and freeze; each takes seconds
``quick``                     in this process: a hub that tries again and looks again almost at once
============================  ==========================================================================================

The routes in this process, without a server, are :func:`tests.support.app.running`. A server of its own is for a test
that needs other settings, ends it, or measures it: :class:`tests.support.server.Server`. Mark ``engine`` and
``browser`` say what a test needs; the fast tests have neither.

``sh tests/run`` runs tests side by side, in processes that share the engine. So give a service a name that no other
test has, and count on nothing that another container may change. A test is marked ``alone`` when it depends on how fast
the machine is, or puts so much load on it that others would suffer: it runs after all others. The tests of one file in
``tests/docker`` run one after the other, for what they share is dear; every other test may run in any process.
"""

from __future__ import annotations

import gc
import textwrap
from typing import TYPE_CHECKING

import docker
import hypothesis
import pytest
from docker.errors import DockerException

from tests.support.docker_engine import Containers, PrivateEngine, make_tiny_image
from tests.support.server import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

hypothesis.settings.register_profile('untimed', deadline=None)  # an example may take long on a busy machine
hypothesis.settings.load_profile('untimed')
LONGEST = 240  # seconds that a test may take, if it has no mark ``timeout``


@pytest.fixture(scope='session')
def server(tmp_path_factory):
    """The dashboard on the machine's own engine."""
    server = Server(tmp_path_factory.mktemp('data'))
    yield server
    server.stop()


@pytest.fixture(scope='session')
def demo_server(tmp_path_factory):
    """The dashboard on its demo."""
    server = Server(tmp_path_factory.mktemp('demo'), '--demo')
    yield server
    server.stop()


@pytest.fixture(scope='session')
def browser():
    """Chromium. From here on no test of this process may be a coroutine: Playwright's event loop runs in its thread."""
    from playwright.sync_api import expect, sync_playwright

    from tests.support.browser import PATIENCE, launch

    expect.set_options(timeout=PATIENCE)

    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser):
    """Opens a page as the administrator: ``open_page(server, '/logs?service=web', width=1280)``.

    Signed in already, or ``by_hand``, through the page to sign in.
    """
    from tests.support.browser import PATIENCE, Reachable, go_signed_in, sign_in

    contexts, begun = [], set()

    def open_(
        server: Reachable,
        path: str = '/logs',
        *,
        by_hand: bool = False,
        width: int = 1280,
        height: int = 760,
        **options,
    ) -> Page:
        if isinstance(server, Server) and server not in begun:
            begun.add(server)
            server.forget_preferences()  # what other tests have chosen
        context = browser.new_context(viewport={'width': width, 'height': height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.problems = []
        page.on('pageerror', lambda error: page.problems.append(str(error)))
        (sign_in if by_hand else go_signed_in)(page, server, path)
        return page

    yield open_
    problems = [problem for context in contexts for page in context.pages for problem in getattr(page, 'problems', [])]
    for context in contexts:
        context.close()
    assert not problems, problems


@pytest.fixture(scope='session')
def engine_client():
    """The machine's own engine, found as the Docker CLI finds it."""
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as error:  # a failure and not a skip: nobody would see what was not tested
        pytest.fail(f'no Docker engine answers, `sh tests/run` starts one: {error}', pytrace=False)
    yield client
    client.close()


@pytest.fixture(scope='session')
def tiny_image(engine_client):
    """The name of a small image with busybox."""
    return make_tiny_image(engine_client)


@pytest.fixture
def run_container(engine_client):
    """Starts labelled containers; see :class:`Containers`."""
    containers = Containers(engine_client)
    yield containers
    containers.remove_all()


@pytest.fixture
def private_engine(tmp_path_factory):
    """Starts engines that the test may stop, kill and freeze: ``private_engine('--live-restore')``."""
    engines = []

    def start(*options: str, kind: type[PrivateEngine] = PrivateEngine) -> PrivateEngine:
        engines.append(kind(tmp_path_factory.mktemp('engine'), *options))
        return engines[-1].start()

    yield start
    for engine in engines:
        engine.close()


@pytest.fixture
def quick(monkeypatch):
    """A hub that tries again and looks again almost at once, for tests of what it does then and not of when."""
    for delay in ('watch.FIRST_DELAY', 'reader.FIRST_DELAY', 'watch.GATHER'):
        monkeypatch.setattr(f'dashboard.timeline.{delay}', 0.01)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Why a test failed is told in a few lines where all failures are listed at the end: a page can stand in it."""
    report = yield
    crash = getattr(report.longrepr, 'reprcrash', None)
    if crash:
        crash.message = textwrap.shorten(crash.message, 500)
    return report


def pytest_collection_finish():
    """What was imported stays: no search for garbage goes through it again, at every full collection and at the end."""
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """The tests that need an engine or a browser are shared out in our own way."""
    from tests.support.side_by_side import SideBySide

    return SideBySide(config, log) if config.getvalue('dist') == 'loadscope' else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Tests without a browser first, for its event loop bears no other; of each kind those first that may take long.

    So, where tests run side by side, nobody waits at the end for a long one that has begun last.
    """
    items.sort(key=lambda item: (bool(item.get_closest_marker('browser')), -_longest(item)))


def _longest(item: pytest.Item) -> float:
    mark = item.get_closest_marker('timeout')
    return mark.args[0] if mark else LONGEST
