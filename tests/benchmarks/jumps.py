"""Going to a time on the page, in a log of which the server holds the end only; and what the engine takes for that."""

from __future__ import annotations

import subprocess
import time

from playwright.sync_api import Page

WIDTH = 100  # bytes of a line, about
# from the key that asks for it to the line on the page, which is selected
GO = """([field, number]) => new Promise(done => {
  const start = performance.now(), key = new KeyboardEvent('keydown', {key: 'Enter', code: 'Enter', bubbles: true});
  field.dispatchEvent(key);
  const look = () => {
    const text = document.querySelector('.log .l.sel')?.textContent ?? '';
    text.includes(`line ${number} `) ? done(performance.now() - start) : requestAnimationFrame(look);
  };
  look(); })"""


def long_log(count: int) -> str:
    """Writes so many numbered lines and stays."""
    fill = 'x' * (WIDTH - 10)
    return f'yes {fill} | head -n {count} | cat -n | sed "s/^ *//; s/\\t/ /; s/^/line /"; touch /written; sleep 10000'


def stamp_of(container: str, count: int, number: int) -> str:
    """The engine's timestamp of a line, by its number from the first."""
    tail = ['docker', 'logs', '--timestamps', '--tail', str(count - number + 1), container]
    with subprocess.Popen(tail, stdout=subprocess.PIPE) as process:
        first = process.stdout.readline().decode()
        process.kill()
    assert f' line {number} ' in first, first
    return first.split(maxsplit=1)[0]


def jump(page: Page, stamp: str, number: int) -> float:
    """Seconds from the question for a moment to its line on the page."""
    page.get_by_label('Go to a time').first.click()
    field = page.get_by_label('Time', exact=True)
    field.fill(stamp)
    page.wait_for_timeout(300)  # what was typed has come to the server
    return page.evaluate(GO, [field.element_handle(), number]) / 1_000


def since(container: str, stamp: str) -> float:
    """Seconds until the engine's own command gives the first line from a moment on."""
    begin = time.monotonic()
    with subprocess.Popen(['docker', 'logs', '--since', stamp, container], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        seconds = time.monotonic() - begin
        process.kill()
    return seconds
