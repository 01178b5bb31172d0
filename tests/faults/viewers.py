"""Those who watch while something goes wrong: a client of the WebSocket that resumes by cursor, and a page."""

from __future__ import annotations

import json
import re
import threading
import time
from contextlib import suppress
from urllib.parse import quote

from playwright.sync_api import Page
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.faults.account import Gap
from tests.support.until import PATIENCE

RESUME_EVERY = 2.5  # seconds after which the client hangs up by itself, to resume after its last line
OBSERVE = """
(() => {
  const report = (...words) => window.report(JSON.stringify(words));
  const rows = document.querySelector('.log'), badge = document.querySelector('.badge');
  const told = new WeakSet();  // a block that is added in one go with rows that follow it already holds them
  let fills = 0;
  const tell = added => { const found = [];
    for (const node of added) if (node.nodeType === 1) for (const row of node.matches('.l, .g') ? [node]
        : node.querySelectorAll('.l, .g')) if (!told.has(row) && told.add(row))
      found.push(row.matches('.g') ? [null, row.textContent]
        : [row.querySelector('time').title, row.lastChild.data.trimStart()]);
    if (found.length) report(performance.timeOrigin + '/' + fills, found); };
  tell(rows.children);
  new MutationObserver(list => list.forEach(item => {
    if (item.target === rows && item.removedNodes.length && !item.nextSibling && !item.previousSibling) fills++;
    tell(item.addedNodes); })).observe(rows,
    { childList: true, subtree: true });
  const words = () => { const hidden = getComputedStyle(badge, '::after').display === 'none';
    report('', [['badge', hidden ? badge.children[1].innerText : 'Reconnecting']]); };
  words();
  new MutationObserver(words).observe(badge, { childList: true, subtree: true, characterData: true, attributes: true });
})();
"""


class Follower:
    """A WebSocket client that notes what it is sent, and resumes after its last line whenever the connection ends."""

    def __init__(self, url: str, service: str, token: str) -> None:
        self.rows: list[str | Gap] = []
        self.resumed = 0
        self._url = f'{url.replace("http", "ws")}/api/logs/ws/{service}?token={token}&batch=1'
        self._cursor = ''
        self._closed = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed = True
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        while not self._closed:
            with suppress(OSError, WebSocketException):
                self._follow()
            time.sleep(0.1)

    def _follow(self) -> None:
        begin = f'since={quote(self._cursor)}' if self._cursor else 'tail=100'
        with connect(f'{self._url}&{begin}', open_timeout=3, proxy=None, max_size=None, close_timeout=0) as socket:
            self.resumed += bool(self._cursor)
            end = time.monotonic() + RESUME_EVERY
            while not self._closed and time.monotonic() < end:
                with suppress(TimeoutError):
                    messages = json.loads(socket.recv(0.2))
                    self._note(messages if isinstance(messages, list) else [messages])

    def _note(self, messages: list[dict]) -> None:
        for message in messages:
            self._cursor = message.get('cursor', self._cursor)
            if message['type'] == 'log':
                self.rows.append(f'{message["timestamp"]} {message["content"]}')
            elif message['type'] == 'gap':
                self.rows.append(Gap(message['missed']))


class Watcher:
    """Notes every row that a page has shown, each time that it was filled anew, and what its badge said."""

    def __init__(self, page: Page) -> None:
        self.loads: dict[str, list[str | Gap]] = {}
        self.badge: list[str] = []
        self.page = page
        # Playwright's own way to call back loses what a page says just before it is loaded anew
        devtools = page.context.new_cdp_session(page)
        devtools.on('Runtime.bindingCalled', self._hear)
        devtools.send('Runtime.enable')
        devtools.send('Runtime.addBinding', {'name': 'report'})
        page.add_init_script(
            'new MutationObserver((_, self) => { if (document.querySelector(".badge > :nth-child(2)"))'
            f' {{ self.disconnect(); {OBSERVE} }} }}).observe(document,'
            ' { childList: true, subtree: true });'
        )

    @property
    def last(self) -> str | Gap | None:
        """The row shown last."""
        loads = [rows for rows in self.loads.values() if rows]
        return loads[-1][-1] if loads else None

    def _hear(self, event: dict) -> None:
        if event['name'] == 'report':
            self._note(*json.loads(event['payload']))

    def _note(self, load: str, found: list[list[str | None]]) -> None:
        for stamp, text in found:
            if stamp == 'badge':
                words = text.partition(',')[0]  # the figures change all the time
                if words and words != (self.badge or [''])[-1]:
                    self.badge.append(words)
            elif stamp is None:
                missed = re.search(r'([\d,]+) lines? missed', text)
                self.loads.setdefault(load, []).append(Gap(int(missed[1].replace(',', '')) if missed else None))
            else:
                self.loads.setdefault(load, []).append(f'{stamp} {text}')
