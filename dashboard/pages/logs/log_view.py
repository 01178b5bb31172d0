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
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Protocol

from nicegui import ui

from dashboard.model import Cursor, LogLine, Row
from dashboard.pages.logs.answers import answer_of
from dashboard.pages.logs.folds import FOLDS
from dashboard.pages.logs.hold import HOLD

BLOCK = 250  # rows; few enough blocks for the browser to lay out, and small enough ones to skip
STRIDE = 2_000  # rows in one message, each of which the browser paints: more would hold it up for a tenth of a second
LONGEST_MESSAGE = 1 << 19  # characters of HTML in one message
REMEMBERED = 200  # blocks
ANSWER_TIMEOUT = 10.0  # seconds a browser may take to show a flush
LONGEST_TIMEOUT = 40.0  # seconds, after some that it did not: a slow one would begin anew again and again, for ever
_ON_OPEN = (
    "(e) => { const gap = e.target.closest('[data-gap]'); if (gap) { e.currentTarget.stay(); emit(gap.dataset.gap); } }"
)

# Which line is at the top, and where; and how it gets there again, or the one after it where the question drops it.
_NOTE_TOP = (
    'const { row } = v.first_seen("[data-cursor]");'
    ' v.kept = row && {cursor: row.dataset.cursor, stamp: row.querySelector("time").title,'
    ' at: row.getBoundingClientRect().top - v.getBoundingClientRect().top};'
)
_BACK_TO_TOP = (
    'if (v.kept) { const rows = [...v.querySelectorAll("[data-cursor]")];'
    ' const same = rows.find(r => r.dataset.cursor === v.kept.cursor);'
    ' const row = same ?? rows.find(r => r.querySelector("time").title >= v.kept.stamp) ?? rows.at(-1);'
    ' if (row) { row.scrollIntoView(); if (same) v.scrollTop += row.getBoundingClientRect().top'
    ' - v.getBoundingClientRect().top - v.kept.at; } v.top = v.scrollTop; }'
)


@dataclass(slots=True)
class _Block:
    """What is in a block: no rows are kept, for a line may be long."""

    rows: int = 0
    first: Cursor | None = None
    last: Cursor | None = None
    lead: list[Row] = field(default_factory=list)  # what stands before its first line
    trail: list[Row] = field(default_factory=list)  # what stands after its last one

    def add(self, rows: Sequence[Row]) -> _Block:
        """These rows are in it too."""
        self.rows += len(rows)
        for row in rows:
            if not isinstance(row, LogLine):
                (self.trail if self.first else self.lead).append(row)
        lines = [row for row in rows if isinstance(row, LogLine)]
        if lines:
            self.first = self.first or lines[0].cursor
            self.last = lines[-1].cursor
            after = reversed(list(takewhile(lambda row: row is not lines[-1], reversed(rows))))
            self.trail = list(after)
        return self


class Pieces(Protocol):
    """Makes HTML of the rows of one flush; see :class:`~dashboard.pages.logs.render.Renderer`."""

    def piece(self, rows: Sequence[Row]) -> tuple[int, str]:
        """As many of the first rows as are made at one go, and their HTML."""


class LogView(ui.element):
    """A scrolling region of rows.

    :param renderer: makes what makes safe HTML of the rows of a flush, a piece at a time, for so many rows
    :param capacity: rows kept in the page while it follows
    :param on_follow: called with whether the view is at its end, when the user scrolls away from it or back
    :param on_open: called with the key of a gap that the user opens
    :param on_beyond: called with ``older`` or ``newer`` when the user comes near that end of the window
    """

    def __init__(
        self,
        renderer: Callable[[int], Pieces],
        capacity: int,
        on_follow: Callable[[bool], None],
        on_open: Callable[[str], None],
        on_beyond: Callable[[str], None],
    ) -> None:
        super().__init__('div')
        self.capacity = capacity
        self._renderer = renderer
        self.rows = 0
        self.hidden = False  # whether the tab was out of sight when it last answered
        self._patience = ANSWER_TIMEOUT
        self._blocks: deque[_Block] = deque()
        self._evicted: deque[_Block] = deque(maxlen=REMEMBERED)  # the last ones: its reader may hold them
        self._answer: asyncio.Task[bool] | None = None  # of the browser, to what was added last
        self._more = False, ''
        self._running = ''
        self.classes('log').props('role=log aria-label="Log lines" aria-live=off tabindex=0')
        self.on('beyond', lambda event: on_beyond(str(event.args)), js_handler='(e) => emit(e.detail)')
        self.on('follow', lambda event: on_follow(bool(event.args)), js_handler='(e) => emit(e.target.follow)')
        for trigger in ('click', 'keydown.enter'):
            self.on(trigger, lambda event: on_open(str(event.args)), js_handler=_ON_OPEN)
        self.client.run_javascript(f'{self._find()} {HOLD} {FOLDS}')

    async def replace(self, rows: Sequence[Row], *, follow: bool = True, keep: bool = False) -> bool:
        """Show these rows and no others, at the end or else at the beginning; False when the browser did not answer.

        :param keep: not at the beginning, but where the reader is: what is at the top stays there, or what follows it
        """
        self._blocks.clear()
        self._evicted.clear()
        start = '' if follow else f'{_NOTE_TOP if keep else ""} v.follow = false; v.scrollTop = v.top = 0;'
        end = f'v.reopen(); {_BACK_TO_TOP if keep and not follow else ""}'
        return await self._add(rows, follow, f'{start} v.empty();', end)

    async def append(self, rows: Sequence[Row], *, follow: bool) -> bool:
        """Add rows at the end; while following, the oldest leave. False when the browser has not shown the last ones.

        It returns when these are sent: while the browser shows them others can be chosen and made, which then wait for
        that. At a high rate it takes as long as they do.
        """
        parts = await self._parts(rows, follow)
        answered = await self.answered()
        last = await self._begin(parts, 'v.notice();')
        self._answer = asyncio.create_task(self._send(f'{last} v.catch_up();', follow))
        return answered

    async def answered(self) -> bool:
        """Wait until the browser has shown what was added last; False when it does not."""
        answer, self._answer = self._answer, None
        return answer is None or await answer

    def close(self) -> None:
        """Wait for no answer any more."""
        if self._answer:
            self._answer.cancel()
        self._answer = None

    @property
    def first(self) -> tuple[Cursor | None, list[Row]]:
        """The first line, and what stands before it."""
        return _first_line([(block.first, block.lead) for block in self._blocks])

    @property
    def last(self) -> tuple[Cursor | None, list[Row]]:
        """The last line, and what stands after it."""
        return _first_line(
            [(block.last, block.trail if block.last else block.lead) for block in reversed(self._blocks)]
        )

    async def prepend(self, rows: Sequence[Row], renderer: Pieces, most: int, words: str) -> bool:
        """Put rows above the others, and words above them; the newest leave where there are more than ``most``.

        What the reader looks at stays where it is. False when the browser did not answer.
        """
        await self._take_back()
        made, position = list[tuple[_Block, str]](), 0
        while position < len(rows):
            count, html = renderer.piece(rows[position : position + BLOCK])
            made.append((_Block().add(rows[position : position + count]), html))
            position += count
            await asyncio.sleep(0)
        steps, size = list[str](), 0
        for block, html in reversed(made):
            self._blocks.appendleft(block)
            steps.append(f'v.insertAdjacentHTML("afterbegin", {_script(_block_of(html, block.rows))});')
            size += len(html)
            if size >= LONGEST_MESSAGE:
                self.client.run_javascript(f'{self._find()} v.busy = true; {_still(steps)}')
                steps, size = [], 0
                await asyncio.sleep(0)
        steps += ['v.lastElementChild.remove();'] * self._evict(most, newest=True)
        return await self._send(f'{_still([*steps, _past(words)])} v.asked = "";', False)

    async def extend(self, rows: Sequence[Row], most: int) -> bool:
        """Add rows at the end; the oldest leave where there are more than ``most``, and nothing moves."""
        await self._take_back()
        *parts, last = await self._parts(rows, False)
        for part in parts:
            self.client.run_javascript(f'{self._find()} v.busy = true; {part}')
            await asyncio.sleep(0)
        leaving = ['v.firstElementChild.remove();'] * self._evict(most)
        return await self._send(
            f'{last} {_still([*leaving, _past("")]) if leaving else ""} v.asked = ""; v.near_end();', False
        )

    def say_past(self, words: str, *, answered: bool = False) -> None:
        """Show words above the first row; ``answered`` when the browser may ask again."""
        done = 'v.asked = "";' if answered else ''
        self.client.run_javascript(f'{self._find()} {_still([_past(words)])} {done}')

    def note_more(self, more: bool, words: str = '') -> None:
        """Let the browser know whether anything follows the last row: its end is the newest line otherwise.

        :param words: shown below the last row when nothing follows it
        """
        if (more, words) != self._more:
            self._more = more, words
            said = f'v.dataset.end = {_script(words)};' if words and not more else 'delete v.dataset.end;'
            self.client.run_javascript(f'{self._find()} v.more = {str(more).lower()}; {said} if (!v.more) v.at_last();')

    async def _take_back(self) -> None:
        """Its reader holds blocks that were let go: they are part of the window again."""
        try:
            script = f'{self._find()} const held = v.leaving; v.leaving = 0; return held;'
            held = await answer_of(self.client, script, ANSWER_TIMEOUT)
        except TimeoutError:
            return
        for _ in range(min(held, len(self._evicted)) if isinstance(held, int) else 0):
            self._blocks.appendleft(self._evicted.pop())

    async def _add(self, rows: Sequence[Row], follow: bool, first: str = '', then: str = '') -> bool:
        parts = await self._parts(rows, follow)
        await self.answered()
        return await self._send(await self._begin(parts, first) + then, follow)

    async def _begin(self, parts: list[str], first: str) -> str:
        """Send all parts but the last one, which is given back, with ``first`` before them."""
        *parts, last = parts
        self.rows = self._count()
        for part in parts:  # all are ready: in between the view does not hear its reader
            # it is at its end again only after the last part: scrolls in between are not the user's
            self.client.run_javascript(f'{self._find()} v.busy = true; {first} {part}')
            first = ''
            await asyncio.sleep(0)  # what is not waited for is sent in the loop's next turn: let it go first
        return first + last

    async def _parts(self, rows: Sequence[Row], follow: bool) -> list[str]:
        """The scripts that add rows, one for each message; others have their turn while they are made."""
        render, parts = self._renderer(len(rows)).piece, list[str]()
        steps, size, begun, position = list[str](), 0, 0, 0
        while position < len(rows):
            room = BLOCK - self._blocks[-1].rows if self._blocks else 0
            count, html = render(rows[position : position + (room or BLOCK)])
            steps.append(self._added(rows[position : position + count], html, bool(room)))
            position, size = position + count, size + len(html)
            if position - begun >= STRIDE or size >= LONGEST_MESSAGE:
                parts.append(''.join(steps) + self._leaving(follow))
                steps, size, begun = [], 0, position
            if position < len(rows):
                await asyncio.sleep(0)
        if steps or not parts:
            parts.append(''.join(steps) + self._leaving(follow))
        return parts

    def note_running(self, containers: str) -> None:
        """Let the browser know which containers can write; it tells the page that comes after this one."""
        if containers != self._running:
            self._running = containers
            self.props(f'data-running="{containers}"')

    async def top(self) -> str:
        """The cursor of the line at the top; '' when there is none, or the browser does not answer."""
        script = f'{self._find()} {_NOTE_TOP} return v.kept?.cursor ?? "";'
        try:
            return str(await answer_of(self.client, script, ANSWER_TIMEOUT) or '')
        except TimeoutError:
            return ''

    def walk(self, colour: int | None) -> None:
        """The keys for matches go through those of the highlight in this colour; None: of the filter."""
        self.client.run_javascript(f'{self._find()} v.walks = {json.dumps(colour)};')

    def press(self, act: str) -> None:
        """Do what a key does; see ``keys``."""
        self.client.run_javascript(f'{self._find()} v.acts[{json.dumps(act)}]();')

    async def look(self) -> None:
        """Ask whether the tab is in sight."""
        await self._send('', False)

    def scroll_to_end(self) -> None:
        """Go to the newest line and follow from there."""
        self.client.run_javascript(
            f'{self._find()} if (v.selected()) getSelection().removeAllRanges(); v.more = false; v.asked = "";'
            ' v.follow = true; v.seeks = false; v.to_end();'
        )

    def seek(self) -> None:
        """Its reader has asked for a line or a moment: what it shows until :meth:`point_at` is not their place."""
        self.client.run_javascript(f'{self._find()} v.seeks = true;')

    def go_to(self, stamp: str) -> None:
        """Put the first line of that timestamp at the top, and follow no more."""
        self.client.run_javascript(
            f'{self._find()} v.follow = false; [...v.querySelectorAll("time")].find(t => t.title === {_script(stamp)})'
            '?.parentElement.scrollIntoView(); v.top = v.scrollTop;'
        )

    def point_at(self, cursor: str) -> None:
        """Put the line of that cursor in the middle and select it; following ends."""
        self.client.run_javascript(
            f'{self._find()} v.set_follow(false); v.seeks = false; v.select(v.row_of({_script(cursor)}), "center");'
        )

    def stay(self) -> None:
        """Stop following where the view is."""
        self.client.run_javascript(f'{self._find()} v.follow = false;')

    def _added(self, rows: Sequence[Row], html: str, into: bool) -> str:
        """The script that adds rows, into the last block or as a new one."""
        if into:
            height = _height(self._blocks[-1].add(rows).rows, grows=True)
            return f'v.grow({_script(html)}, {_script(height)});'
        self._blocks.append(_Block().add(rows))
        return f'v.insertAdjacentHTML("beforeend", {_script(_block_of(html, len(rows), grows=True))});'

    def _leaving(self, follow: bool) -> str:
        """The script that takes the oldest blocks away while the view follows."""
        leaving = self._evict(self.capacity) if follow else 0
        return f'v.leaving += {leaving}; v.let_go();' if leaving else ''  # or later, when its reader holds it

    def _evict(self, most: int, newest: bool = False) -> int:
        """Forget the oldest blocks, or the newest, that are not needed to hold so many rows; return how many."""
        total, leaving = self._count(), 0
        while self._blocks and total - self._blocks[-1 if newest else 0].rows >= most:
            block = self._blocks.pop() if newest else self._blocks.popleft()
            total, leaving = total - block.rows, leaving + 1
            if not newest:
                self._evicted.append(block)
        return leaving

    def _count(self) -> int:
        return sum(block.rows for block in self._blocks)

    def _find(self) -> str:
        return f'const v = getHtmlElement({self.id});'

    async def _send(self, steps: str, follow: bool) -> bool:
        self.rows = self._count()
        start = 'v.follow = v.follow ?? true;' if follow else ''
        end = 'if (v.follow) v.to_end();' if follow else ''
        script = (
            f'{self._find()} v.busy = false; {start} {steps} {end} v.keep_chosen(); return document.visibilityState;'
        )
        try:
            answer = await answer_of(self.client, script, self._patience)
        except TimeoutError:
            self._patience = min(2 * self._patience, LONGEST_TIMEOUT)
            return False
        self._patience = ANSWER_TIMEOUT
        self.hidden = answer == 'hidden'
        return answer is not None


def _script(html: str) -> str:
    """As a string literal of a script."""
    return json.dumps(html)


def _block_of(html: str, rows: int, *, grows: bool = False) -> str:
    return f'<div class="blk" style="contain-intrinsic-height:{_height(rows, grows)}">{html}</div>'


def _height(rows: int, grows: bool) -> str:
    """Out of sight a block is thought to be as high as so many rows that do not wrap; when whole, as it was."""
    return f'{"" if grows and rows < BLOCK else "auto "}{20 * rows}px'


def _still(steps: Sequence[str]) -> str:
    """The script that takes steps while what is at the top stays there."""
    return f'v.hold_still(() => {{ {"".join(steps)} }});'


def _past(words: str) -> str:
    return f'v.dataset.past = {_script(words)};' if words else 'delete v.dataset.past;'


def _first_line(ends: Sequence[tuple[Cursor | None, list[Row]]]) -> tuple[Cursor | None, list[Row]]:
    beside = list[Row]()
    for cursor, rows in ends:
        beside += rows
        if cursor:
            return cursor, beside
    return None, beside
