"""A real browser on the dashboard: how it starts, how a user signs in, and what a page says."""

from __future__ import annotations

import json
from typing import Any, Protocol
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from playwright.sync_api import Browser, Page, Playwright

from tests.support import until
from tests.support.docker_engine import wait_until
from tests.support.server import PASSWORD
from tests.support.signing_in import kept

# of Chromium's own, each a process beside every page: a third of the machine's work in these tests
_NOT_NEEDED = 'WebUIOmniboxPopup,WebUIOmniboxAimPopup,SpareRendererForSitePerProcess'
# what Playwright turns off itself and these tests need so: of two such lists the last one counts
_PLAYWRIGHTS = 'PaintHolding,HttpsUpgrades,OptimizationHints,MediaRouter'
PATIENCE = 1000 * until.PATIENCE  # milliseconds that a page may take for anything
# of the administrator: cookies, and the name and value of the key
_sessions: WeakKeyDictionary[Reachable, tuple[Any, str, str]] = WeakKeyDictionary()
ALIVE = 'window.did_handshake === true'


class Reachable(Protocol):
    """A dashboard, or the way to one, such as a wire or a proxy before it."""

    url: str


def launch(playwright: Playwright) -> Browser:
    """Debian's Chromium."""
    return playwright.chromium.launch(
        executable_path='/usr/bin/chromium',
        args=['--no-sandbox', '--disable-background-networking', f'--disable-features={_NOT_NEEDED},{_PLAYWRIGHTS}'],
    )


def sign_in(page: Page, server: Reachable, path: str) -> None:
    """Ask for a page below ``/logs``, sign in, and wait until it is alive."""
    page.goto(server.url + path)
    fill_in(page, 'admin')


def fill_in(page: Page, name: str) -> None:
    """Sign in on the page that asks for it, and wait until the page behind it is alive."""
    page.get_by_label('User name').fill(name)
    page.get_by_label('Password').fill(PASSWORD)
    page.get_by_role('button', name='Sign in').click()
    # first: the policy of the page to sign in lets no function be waited for
    page.wait_for_url(lambda url: not urlsplit(url).path.endswith('/login'))
    page.wait_for_function(ALIVE)


def go_signed_in(page: Page, server: Reachable, path: str) -> None:
    """The same without the page to sign in, and in the session of the test before while it lasts: both take long."""
    if server not in _sessions:
        _sessions[server] = _begin_session(page, server)
    cookies, name, key = _sessions[server]
    page.context.add_cookies(cookies)
    page.context.add_init_script(f'localStorage[{name}] ??= {key}')
    page.goto(server.url + path)
    if urlsplit(page.url).path.endswith('/login'):  # it was ended
        _, name, key = _sessions[server] = _begin_session(page, server)
        page.evaluate(f'localStorage[{name}] = {key}')
        page.goto(server.url + path)
    page.wait_for_function(ALIVE)


def _begin_session(page: Page, server: Reachable) -> tuple[Any, str, str]:
    page.context.clear_cookies()
    answer = page.request.post(f'{server.url}/login', form={'username': 'admin', 'password': PASSWORD})
    name, key = map(json.dumps, kept(answer.text()))
    return page.context.cookies(server.url), name, key


def lines_of(page: Page) -> list[str]:
    """The text of every line on the page, without timestamps."""
    return page.evaluate(
        """() => [...document.querySelectorAll('.log .l')].map(l => {
            const copy = l.cloneNode(true); copy.querySelector('time')?.remove(); return copy.textContent; })"""
    )


def settled(page: Page, script: str) -> Any:
    """What an expression gives when the browser has laid out what it shows: something, and the same frames later."""
    frames = 'new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))'
    later = f'async () => {{ await {frames}; return {script}; }}'
    return wait_until(lambda: page.evaluate(later) == page.evaluate(later) and page.evaluate(script))


# the texts of a page whose contrast is below 4.5, which is AA of WCAG 2.2 (1.4.3)
CONTRAST = """() => {
  const parse = c => { const n = c.match(/[\\d.]+/g).map(Number); return {rgb: n.slice(0, 3), a: n[3] ?? 1}; };
  const lum = rgb => { const [r, g, b] = rgb.map(v => { v /= 255;
    return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
  const back = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.a > .99) return c.rgb; } return [255, 255, 255]; };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    const seen = e.checkVisibility({opacityProperty: true, visibilityProperty: true});
    if (!own || !seen || e.closest('#popup, #too_long_message_popup')) continue;
    const [a, b] = [lum(parse(getComputedStyle(e).color).rgb), lum(back(e))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) poor.push(`${e.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return poor; }"""
