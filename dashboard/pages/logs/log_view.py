"""The log on the page: the one element that has to be fast.

Thousands of NiceGUI elements would be rendered again at every change of the page, so the view is a single element
whose content is plain HTML in blocks: each is sent once, the oldest leave as new ones come, and CSS lets the browser
skip those out of sight. A flush is one message that does everything at once (add, evict, scroll), so the browser never
paints a state in between; its answer is the acknowledgement that paces the next one.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeAlias

from nicegui import ui

from dashboard.model import Row
from dashboard.pages.logs.hold import HOLD

BLOCK = 250  # rows; few enough blocks for the browser to lay out, and small enough ones to skip
STRIDE = 500  # rows in one message: more would hold up the browser for longer than a tenth of a second
ANSWER_TIMEOUT = 10.0  # seconds a browser may take to show a flush
_ON_OPEN = (
    "(e) => { const gap = e.target.closest('[data-gap]'); if (gap) { e.currentTarget.stay(); emit(gap.dataset.gap); } }"
)
Render: TypeAlias = Callable[[Sequence[Row]], str]


class LogView(ui.element):
    """A scrolling region of rows.

    :param render: makes safe HTML of rows
    :param capacity: rows kept in the page while it follows
    :param on_follow: called with whether the view is at its end, when the user scrolls away from it or back
    :param on_open: called with the key of a gap that the user opens
    """

    def __init__(
        self, render: Render, capacity: int, on_follow: Callable[[bool], None], on_open: Callable[[str], None]
    ) -> None:
        super().__init__('div')
        self.capacity = capacity
        self._render = render
        self.rows = 0
        self.hidden = False  # whether the tab was out of sight when it last answered
        self._blocks: deque[int] = deque()  # rows in each block
        self.classes('log').props('role=log aria-label="Log lines" aria-live=off tabindex=0')
        self.on('follow', lambda event: on_follow(bool(event.args)), js_handler='(e) => emit(e.target.follow)')
        for trigger in ('click', 'keydown.enter'):
            self.on(trigger, lambda event: on_open(str(event.args)), js_handler=_ON_OPEN)
        self.client.run_javascript(f'{self._find()} {HOLD}')

    async def replace(self, rows: Sequence[Row], *, follow: bool = True) -> bool:
        """Show these rows and no others, at the end or else at the beginning; False when the browser did not answer."""
        self._blocks = deque()
        start = '' if follow else 'v.follow = false; v.scrollTop = v.top = 0;'
        return await self._add(rows, follow, f'v.replaceChildren(); v.leaving = 0; {start}')

    async def append(self, rows: Sequence[Row], *, follow: bool) -> bool:
        """Add rows at the end; while following, the oldest leave. False when the browser did not answer."""
        return await self._add(rows, follow)

    async def _add(self, rows: Sequence[Row], follow: bool, first: str = '') -> bool:
        *parts, last = [rows[start : start + STRIDE] for start in range(0, len(rows), STRIDE)] or [rows]
        for part in parts:
            # the view is at its end again only after the last part: scrolls in between are not the user's
            self.client.run_javascript(f'{self._find()} v.busy = true; {first} {self._steps(part, follow)}')
            first = ''
        if parts:
            await asyncio.sleep(0)  # those not waited for are sent in the loop's next turn: let them go first
        return await self._send(first + self._steps(last, follow), follow)

    async def look(self) -> None:
        """Ask whether the tab is in sight."""
        await self._send('', False)

    def scroll_to_end(self) -> None:
        """Go to the newest line and follow from there."""
        self.client.run_javascript(
            f'{self._find()} if (v.selected()) getSelection().removeAllRanges(); v.follow = true; v.to_end();'
        )

    def go_to(self, stamp: str) -> None:
        """Put the first line of that timestamp at the top, and follow no more."""
        self.client.run_javascript(
            f'{self._find()} v.follow = false; [...v.querySelectorAll("time")].find(t => t.title === {_script(stamp)})'
            '?.parentElement.scrollIntoView(); v.top = v.scrollTop;'
        )

    def stay(self) -> None:
        """Stop following where the view is."""
        self.client.run_javascript(f'{self._find()} v.follow = false;')

    def _steps(self, rows: Sequence[Row], follow: bool) -> str:
        """The script that adds rows: to the last block as far as it has room, then as new blocks."""
        room = BLOCK - self._blocks[-1] if self._blocks else 0
        into, rest = rows[:room], rows[room:]
        steps = ''
        if into:
            self._blocks[-1] += len(into)
            steps += f'v.lastElementChild.insertAdjacentHTML("beforeend", {_script(self._render(into))});'
        if rest:
            steps += f'v.insertAdjacentHTML("beforeend", {_script(self._added(rest))});'
        if follow and (leaving := self._evict()):
            steps += f'v.leaving += {leaving}; v.let_go();'  # or later, when its reader holds it
        return steps

    def _added(self, rows: Sequence[Row]) -> str:
        """Rows as new blocks."""
        parts = [rows[start : start + BLOCK] for start in range(0, len(rows), BLOCK)]
        self._blocks += [len(part) for part in parts]
        return ''.join(f'<div class="blk">{self._render(part)}</div>' for part in parts)

    def _evict(self) -> int:
        """Forget the oldest blocks that are not needed to hold ``capacity`` rows; return how many."""
        total, leaving = sum(self._blocks), 0
        while self._blocks and total - self._blocks[0] >= self.capacity:
            total -= self._blocks.popleft()
            leaving += 1
        return leaving

    def _find(self) -> str:
        return f'const v = getHtmlElement({self.id});'

    async def _send(self, steps: str, follow: bool) -> bool:
        self.rows = sum(self._blocks)
        start = 'v.follow = v.follow ?? true;' if follow else ''
        end = 'if (v.follow) v.to_end();' if follow else ''
        script = f'{self._find()} v.busy = false; {start} {steps} {end} return document.visibilityState;'
        try:
            answer = await self.client.run_javascript(script, timeout=ANSWER_TIMEOUT)
        except TimeoutError:
            return False
        self.hidden = answer == 'hidden'
        return answer is not None


def _script(html: str) -> str:
    """As a string literal of a script."""
    return json.dumps(html)
