"""One page of any log viewer in a real browser: how old is a line when it is on the page?"""

from __future__ import annotations

import time
from dataclasses import dataclass

from playwright.sync_api import Browser, CDPSession, Page

from tests.benchmarks.machine import STAMP, boot_time

# Looks at the end of what was added last, so that measuring costs next to nothing whatever comes.
WATCH = """([selector, stamp, boot]) => {
  window.ages = []; window.tasks = [];
  new PerformanceObserver(l => l.getEntries().forEach(e => window.tasks.push(e.duration)))
    .observe({entryTypes: ['longtask']});
  const log = document.querySelector(selector), pattern = new RegExp(stamp, 'g');
  new MutationObserver(records => {
    const added = records.flatMap(r => [...r.addedNodes]).pop();
    const found = [...(added?.textContent ?? '').slice(-400).matchAll(pattern)].pop();
    if (found) window.ages.push(Date.now() / 1000 - boot - Number(found[1]));
  }).observe(log, {childList: true, subtree: true});
}"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a browser saw for a while; ages in seconds."""

    ages: list[float]
    longest_task: float  # milliseconds
    busy: float  # share of the time in which the browser's main thread had work
    heap: float  # MiB
    lines: int


def open_page(browser: Browser, url: str, user: str = '', password: str = '', selector: str = '.log') -> Page:
    """A page, signed in where it asks for it."""
    page = browser.new_page(viewport={'width': 1280, 'height': 760})
    page.goto(url)
    if user and page.get_by_label('Password').count():
        page.get_by_label('User name').fill(user)
        page.get_by_label('Password').fill(password)
        page.get_by_role('button').click()
    page.wait_for_selector(selector, state='attached')
    return page


def observe(page: Page, seconds: float, selector: str = '.log', line: str = '.log .l') -> Seen:
    """Watch the log for a while."""
    session = page.context.new_cdp_session(page)
    session.send('Performance.enable')
    page.evaluate(WATCH, [selector, STAMP, boot_time()])
    before, began = _worked(session), time.monotonic()
    time.sleep(seconds)
    busy = (_worked(session) - before) / (time.monotonic() - began)
    ages, tasks = page.evaluate('[window.ages, window.tasks]')
    heap = session.send('Runtime.getHeapUsage')['usedSize'] / (1 << 20)
    return Seen(ages, max(tasks, default=0), busy, heap, page.locator(line).count())


def _worked(session: CDPSession) -> float:
    """Seconds that the main thread has worked so far."""
    metrics = session.send('Performance.getMetrics')['metrics']
    return next(metric['value'] for metric in metrics if metric['name'] == 'TaskDuration')
