"""Hostile lines, written by a real container, in a real browser: shown as text, and the page stays usable."""

from __future__ import annotations

import io
import tarfile
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from dashboard.engine.frames import LONGEST_LINE
from tests.support.docker_engine import wait_until
from tests.support.hostile import CORPUS, LONG, MARKER

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.alone, pytest.mark.timeout(480)]
ALLOWED = {'DIV', 'TIME', 'B', 'I', 'MARK', 'EM'}
WATCH = """
window.longest = 0;
new PerformanceObserver(list => list.getEntries().forEach(e => window.longest = Math.max(window.longest, e.duration)))
  .observe({ entryTypes: ['longtask'] });
"""


@pytest.fixture
def hostile(run_container):
    """Starts a container that writes the corpus, a line of 10 MB and a marker when it is told to."""
    name = f'hostile-{uuid4().hex[:6]}'
    container = run_container(
        service=name, command='while [ ! -e /go ]; do usleep 20000; done; cat /corpus; sleep 1000'
    )

    def write() -> None:
        lines = [*CORPUS.values(), b'y' * LONG, *[b''] * 50, MARKER]
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode='w') as tar:
            content = b'\n'.join(lines) + b'\n'
            entry = tarfile.TarInfo('corpus')
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
            tar.addfile(tarfile.TarInfo('go'))  # after all of it is there
        container.put_archive('/', archive.getvalue())

    return name, container, write


def test_hostile_lines_are_text_and_the_page_stays_usable(open_page, server, hostile):
    name, container, write = hostile
    rows = len(CORPUS) + LONG // LONGEST_LINE + 50 + 1  # a line is shown in pieces of a bounded length
    page = open_page(server, f'/logs?service={name}')
    page.on('dialog', lambda dialog: pytest.fail(dialog.message))
    expect(page.get_by_label('Connection')).to_contain_text('Live')
    page.evaluate(WATCH)
    write()
    expect(page.get_by_text(MARKER.decode())).to_be_visible()
    assert page.evaluate('window.hacked') is None
    assert set(page.evaluate("[...document.querySelectorAll('.log .l *')].map(e => e.tagName)")) <= ALLOWED
    assert page.url.startswith(f'{server.url}/logs?service={name}')
    assert page.evaluate('window.longest') < 1_000
    heights = page.evaluate("[...document.querySelectorAll('.log .l')].map(e => [e.clientHeight, e.scrollHeight])")
    assert len(heights) == rows
    assert all(drawn <= box + 1 or clipped(page) for box, drawn in heights), 'a line covers its neighbours'
    for element in page.locator('.log .l', has_text='click me').all():
        element.click()
    page.get_by_label('Filter logs').fill('marker')
    expect(page.locator('.search').get_by_text('1 match', exact=True)).to_be_visible()
    expect(page.locator('.log .l')).to_have_count(1)
    page.get_by_label('Filter logs').fill('')
    wait_until(lambda: page.locator('.log .l').count() == rows)
    assert page.evaluate('window.hacked') is None
    status, downloaded = server.get(f'/api/logs/{name}/download', server.token())
    assert status == 200
    assert downloaded == container.logs(stdout=True, stderr=True)
    assert downloaded.count(b'y') >= LONG


def clipped(page) -> bool:
    return page.locator('.log .l').first.evaluate('e => getComputedStyle(e).overflowY') == 'clip'
