"""What one browser tab watches: a service from a row on, through a filter, at the pace of its own view."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import tzinfo

from dashboard.errors import DashboardError, EngineError, LimitReached, RightsChanged
from dashboard.lines import Level, Question, Range
from dashboard.model import Cursor, Gap, Row
from dashboard.pages.logs.bounds import Bounds
from dashboard.pages.logs.ends import FULL, Elsewhere, Ends
from dashboard.pages.logs.filling import CloseUp, Filling, Sought
from dashboard.pages.logs.finds import Finds
from dashboard.pages.logs.gaps import Gaps
from dashboard.pages.logs.held import Held, before, left_out, running_in
from dashboard.pages.logs.highlights import Highlight
from dashboard.pages.logs.labels import Labels
from dashboard.pages.logs.log_view import LogView
from dashboard.pages.logs.looks import Looks
from dashboard.pages.logs.lookup import cursor_named, number_of
from dashboard.pages.logs.place import Place
from dashboard.pages.logs.render import Renderer
from dashboard.pages.logs.seeking import seek
from dashboard.pages.logs.sieve import Sieve
from dashboard.timeline import Subscription, Target, Timeline
from dashboard.view import View

OUT_OF_SIGHT = 1.0  # seconds between looks at whether a hidden tab is back
FLUSH = 0.06  # seconds from one flush to the next at the least
PAUSE = 0.1  # seconds without rows after which a message counts as ended, to the filter
RANGE_ENDS = 'End of the range'
GONE = 'The line of this link is no longer there: neither this dashboard nor the engine has it any more.'


class LogViewer:
    """Keeps a :class:`LogView` at a service's timeline. One task a tab; it ends with :meth:`close`.

    :param capacity: rows kept in the page
    :param on_shown: called whenever the browser has shown what it was sent
    """

    def __init__(self, hub: View, capacity: int, on_shown: Callable[[], None]) -> None:
        self.view = LogView(self._renderer, capacity, self._followed, self._open, self._come_near)
        self.following = True
        self.finds = Finds()
        self.error = ''
        self._hub = hub
        self._on_shown = on_shown
        self._sieve = Sieve()
        self._subscription: Subscription | None = None
        self._held = Held(0)
        self._place: Place | None = None  # where its reader was, until it is there again
        self._stale = False  # the view must be filled anew
        self._settled = False  # it has been, and nothing else was chosen since
        self._seen = 0  # up to this row the tab has shown everything while it was in sight
        self._opened: Sought | None = None  # what is to be shown, until it is
        self._bounds = Bounds()
        self._close_up: CloseUp | None = None  # a line of which no more is shown than what is near it
        self._gaps = Gaps()
        self._looks = Looks()
        self._task: asyncio.Task[None] | None = None
        self._ends = Ends(hub, self.view, self._gaps, self._rendering_above, self._looks.light, self._break_off)
        self._filling = Filling(hub, self.view, self._ends, self._gaps, self._looks, self.finds, self._say)
        self._left_at: int | None = None  # up to this row its reader had seen all when they left the end

    # what the page asks

    @property
    def idle(self) -> bool:
        """Whether nothing is being watched, or about to be."""
        return self._task is None or self._task.done()

    @property
    def term(self) -> str:
        """The filter in force, as it was typed."""
        return self._sieve.term

    @property
    def problem(self) -> str:
        """In words, what of the filter could not be read as a question; '' when all could."""
        return self.question.problem

    @property
    def question(self) -> Question:
        """What the filter asks, among the chosen levels."""
        return self._sieve.question

    @property
    def times(self) -> Range:
        """When what is shown was written; always, if it is not narrowed."""
        return self._sieve.times

    @property
    def is_live(self) -> bool:
        """Whether what comes will be shown."""
        return self.times.end is None

    @property
    def is_filled(self) -> bool:
        """Whether what is to be seen is on the page."""
        return self._subscription is not None and self._settled

    @property
    def searched(self) -> tuple[int, int]:
        """From which row of the service's history up to which, not included, a filter searches."""
        if self.feed is None:
            return 0, 0
        first, end = self._bounds.of(self.feed.history, self.times)
        return max(first, self._held.first(self.feed, True)), end

    @property
    def reaches_back(self) -> bool:
        """Whether it begins before what is held, as far as anybody knows."""
        if self.feed is None or not self.times or self.cleared:
            return False
        begins, start = self.feed.history.time_of(self.feed.complete_from), self.times.start
        return begins is None or start is None or start < begins

    @property
    def feed(self) -> Timeline | None:
        """The timeline that is being watched."""
        return self._subscription.feed if self._subscription else None

    @property
    def first_row(self) -> int:
        """Where what this tab shows, or its filter searches, begins in the service's history."""
        return self._held.first(self.feed, self._sieve.searches) if self.feed else 0

    @property
    def cleared(self) -> bool:
        """Whether the reader has cleared what there was."""
        return self._held.cleared > 0

    @property
    def lines(self) -> int:
        """How many lines this tab shows, or its filter searches, on the page and on the server."""
        if self.feed is None or not self.times:
            return self._held.lines(self.feed, bool(self.question)) if self.feed else 0
        first, end = self.searched
        return max(0, self.feed.history.lines(first) - self.feed.history.lines(end))

    @property
    def behind(self) -> int:
        """Rows that have come and are not on the page yet."""
        return self.feed.history.end - self._subscription.position if self.feed and self._subscription else 0

    @property
    def new_lines(self) -> int:
        """Lines that have come since the reader left the end; 0 while it follows."""
        if self.following or self._left_at is None or not self.feed or not self.is_live:
            return 0
        history = self.feed.history
        return history.lines(self._left_at) + max(0, history.first - self._left_at)

    @property
    def unseen(self) -> int:
        """Rows that have come since the tab went out of sight; 0 while it is in sight."""
        return self.feed.history.end - self._seen if self.feed and self.view.hidden and self.is_live else 0

    def watch(self, target: Target, tail: int, place: Place | None = None) -> None:
        """Switch to a service, or several, beginning with its last ``tail`` lines, or where the tab was before."""
        self.close()
        self.finds.reset()
        self.error, self.following, self._opened, self._close_up = '', True, None, None
        self._place, self._held, self._left_at = place, Held(0), None
        self._ends.reset()
        self._task = asyncio.create_task(self._run(target, tail), name='viewer')

    def filter(self, term: str, levels: Iterable[Level] = ()) -> None:
        """Show only the messages that the question ``term`` finds, of these levels; of all without any.

        :raises BadRequest: when it is too long or no regular expression; the filter stays as it was
        """
        self._sieve, self.finds.volume = Sieve(term, levels, self.times), None
        self._close_up = None
        self._refill()

    def narrow(self, times: Range) -> None:
        """Show only what was written in a range, and go to its end; one that is open at its end goes on live."""
        if times and self.cleared:
            self._held = Held(self._held.start)
        self._sieve, self.finds.volume = self._sieve.within(times), None
        self.following, self._opened, self._close_up, self.error = True, None, None, ''
        self._refill()
        self.view.scroll_to_end()  # it follows there too

    def highlight(self, highlights: Sequence[Highlight]) -> None:
        """Show in their colours what these find."""
        self._looks.highlights = tuple(highlights)
        self._refill()

    @property
    def uncoloured(self) -> int:
        """Messages on the page for whose highlights there was no time."""
        return self._looks.uncoloured

    async def seek(self, question: Question, name: str, up: bool) -> bool:
        """Show the next message that is held and found by this question as well, beyond the line of that cursor.

        False when there is none.
        """
        if self.feed is None:
            return False
        (first, end), (above, below) = self.searched, _rows_at(self.feed, name)
        start, stop = (first, min(above, end)) if up else (max(first, below), end)
        found = await seek(self._hub, self.feed, (question, self.question), start, stop, up)
        if found is not None:
            self.show(found)
        return found is not None

    def show(self, cursor: Cursor, near: int | None = None) -> None:
        """Put a line in the middle, selected, among those around it; ``error`` says so when nobody has it any more.

        :param near: so many lines before it and after it are shown, and no others
        """
        self.view.seek()
        self._go(cursor, None if near is None else CloseUp(cursor, near))

    def jump(self, moment: int) -> None:
        """Go to the first line at or after a moment, among those around it; in nanoseconds since the epoch."""
        self.view.seek()
        self._go(moment)

    def tell_time_in(self, zone: tzinfo) -> None:
        """Show in that zone when lines were written."""
        if zone is not self._looks.zone:
            self._looks.zone = zone
            self._refill()

    def show_raw(self, on: bool) -> None:
        """Show lines as they were written, or by their fields."""
        if on is not self._looks.raw:
            self._looks.raw = on
            self._refill()

    def clear(self) -> None:
        """Forget the lines so far."""
        if self.feed:
            self._held = Held(self.feed.history.end, self.feed.history.end)
        self._refill()

    def follow(self, on: bool) -> None:
        """Go to the newest line and stay there, or stay where the view is."""
        self._followed(on)
        if on:
            self.view.scroll_to_end()
        else:
            self.view.stay()

    def close(self) -> None:
        """Stop watching."""
        self._ends.stop()
        self.view.close()
        if self._task:
            self._task.cancel()
        self._task = self._subscription = None

    # the pump

    async def _run(self, target: Target, tail: int) -> None:
        try:
            while True:
                try:
                    return await self._pump(target, tail)
                except RightsChanged:  # of several services, those that may be seen now
                    target = self._hub.select(getattr(target, 'text', ''), some=True)
        except DashboardError as error:  # it has gone since it was chosen, the visit has ended, or no stream is left
            self.error = str(error)

    async def _pump(self, target: Target, tail: int) -> None:
        async with self._hub.subscribe(target, tail) as subscription:
            self._held = Held(subscription.position)
            if self._place:
                await self._read_again(subscription, self._place)
            self._subscription, self._stale, self._seen = subscription, True, subscription.feed.history.end
            while not subscription.closed:
                due = time.monotonic() + FLUSH
                self.view.note_running(running_in(subscription.feed.service))
                self._note_end(subscription)
                if self._must_fill(subscription):
                    self._ends.reset()
                    shown = await self._filled(subscription)
                elif self._ends.wanted and not self.following and not self._close_up:
                    shown = await self._go_beyond(subscription)
                elif self.behind:
                    shown = await self._add(subscription)
                elif await self._waited(subscription):
                    continue
                else:
                    shown = await self._show(self._sieve, self._sieve.rest())
                self._settled = shown and not self._stale
                if shown:
                    if not self._ends.moved:
                        self._held.note_shown(subscription)
                    self._seen = self._seen if self.view.hidden else max(self._seen, subscription.position)
                    self._on_shown()
                self._stale = self._stale or not shown  # a browser that did not answer gets it all anew
                await asyncio.sleep(max(0, due - time.monotonic()))
                while self.view.hidden:
                    await asyncio.sleep(OUT_OF_SIGHT)
                    await self.view.look()

    def _note_end(self, subscription: Subscription) -> None:
        """Where its reader left the end, and whether anything is newer than the window."""
        if self.following:
            self._left_at = None
        elif self._left_at is None:
            self._left_at = max(self._seen, subscription.position)
        full = self.view.rows >= FULL * self.view.capacity
        self._ends.moved = self._ends.moved and self.behind > 0
        more = self._ends.is_deep or (self.behind > 0 and (full or self._ends.moved)) or self._close_up is not None
        self.view.note_more(more and not self.following, '' if self.is_live else RANGE_ENDS)

    async def _go_beyond(self, subscription: Subscription) -> bool:
        """Its reader has come near an end of the window: show what stands beyond it, and let go of the other end."""
        try:
            shown = await self._ends.go(subscription, self._sieve, self._held)
            self.error = ''
            return shown
        except (EngineError, LimitReached) as error:
            self.error = str(error)
        except Elsewhere:
            pass
        self.view.say_past('', answered=True)  # something else was chosen meanwhile, or it could not be read
        return True

    def _break_off(self) -> None:
        """What comes next does not follow what came last."""
        self._looks.begin()
        self._sieve.begin()

    async def _waited(self, subscription: Subscription) -> bool:
        """Wait for rows; False when none have come for a while and the sieve holds some back."""
        try:
            async with asyncio.timeout(PAUSE if self._sieve.waits else None):
                await subscription.wait()
        except TimeoutError:
            return False
        return True

    async def _read_again(self, subscription: Subscription, place: Place) -> None:
        self.following = place.following
        try:
            await self._held.read_again(self._hub, subscription, place, self.view.capacity)
        except (EngineError, LimitReached) as error:
            self.error = str(error)

    def _must_fill(self, subscription: Subscription) -> bool:
        changed = self._looks.labels != Labels.of(subscription.feed.service)
        return self._stale or (changed and self.following)  # a reader who stays keeps what is before their eyes

    async def _filled(self, subscription: Subscription) -> bool:
        """Fill the view anew; what was asked for and not shown is still wanted, unless its reader chose again."""
        self._stale, held = False, self._held
        opened, place = self._opened, self._place
        self._opened = self._place = None
        try:
            shown = await self._fill(subscription, self._close_up or opened, place)
        except Elsewhere:
            shown = False
        if not shown and not self.following and self._opened is None and self._held is held:
            self._opened, self._place = opened, place
        return shown

    async def _fill(
        self, subscription: Subscription, opened: Sought | CloseUp | None = None, place: Place | None = None
    ) -> bool:
        """Show the newest of all that this tab holds, or where its reader wants to be, through the filter."""
        self._looks.labels = Labels.of(subscription.feed.service)
        if opened is not None:
            shown = await self._filling.at(subscription, self._sieve, opened)
            return shown if shown is not None else await self._fill_instead(subscription)
        if place and not place.following:
            return await self._filling.again(subscription, self._sieve, self._held, place.top)
        if not place and (kept := await self._left_behind(subscription)):
            shown = await self._filling.line(subscription, self._sieve, kept, keep=True)
            if shown is not None:
                return shown
        return await self._filling.newest(subscription, self._sieve, self._held, self.following)

    async def _fill_instead(self, subscription: Subscription) -> bool:
        """Nobody has the line that was to be shown."""
        self._say(GONE)
        self.following, self._close_up = True, None
        return await self._fill(subscription)

    async def _left_behind(self, subscription: Subscription) -> Cursor | None:
        """The line at the top of a reader who stays, when it is older than what would be shown otherwise."""
        if self.following or self._held.older or not self.view.rows:
            return None
        cursor, history = cursor_named(await self.view.top()), subscription.feed.history
        number = number_of(history, cursor) if cursor else None
        return cursor if number is None or number < self.searched[1] - self.view.capacity else None

    async def _add(self, subscription: Subscription) -> bool:
        await self._hub.lens.look(subscription.feed.history)
        rows = self._hub.lens.taken(subscription, self._take(subscription))
        self._gaps.remember(rows)
        capacity = self.view.capacity
        newest = await self._sieve.newest(rows, capacity) if self.following else None
        if newest is None:
            return await self._show(self._sieve, self._sieve.choose(rows))
        return await self._jump(rows, *newest, subscription.taken_from)

    async def _jump(self, rows: list[Row], held: Sequence[Row], newest: Sequence[Row], first: int) -> bool:
        """Show only the newest of rows of which so many are to be seen that all others would leave the page at once.

        :param held: of the rows before
        :param first: the number in the history of the first of ``rows``
        """
        chosen = newest[-self.view.capacity :]
        row = rows[0].row if isinstance(rows[0], Gap) else first
        gap = left_out(before(rows, chosen[0]), chosen[0], row, counted=False)
        self._gaps.remember([gap])
        self.finds.counted = False
        await self.finds.add(self._sieve.found, [*held, *newest])
        return await self._append([*held, gap, *chosen])

    async def _show(self, sieve: Sieve, choosing: Awaitable[Sequence[Row]]) -> bool:
        """Add rows that the sieve lets pass."""
        before = sieve.found
        chosen = await choosing
        await self.finds.add(sieve.found - before, chosen)
        return not chosen or await self._append(chosen[-self.view.capacity - 1 :])

    async def _append(self, rows: Sequence[Row]) -> bool:
        await self._looks.light(rows)
        top, _ = self.view.first
        shown = await self.view.append(rows, follow=self.following)
        if top and self.view.first[0] != top:
            self._ends.forget_above()
        return shown

    def _take(self, subscription: Subscription) -> list[Row]:
        """What has come, as far as the page can use it; a filter looks at everything."""
        capacity = self.view.capacity
        if not self.following and (self._ends.is_deep or self._ends.moved or self._close_up):
            return []
        if not self.following:
            room = max(0, FULL * capacity - self.view.rows)
            return subscription.take(room) if room else []
        if self._sieve.question or not self.is_live:
            return subscription.take(subscription.feed.history.end)
        return subscription.take(capacity, newest=True)

    def _renderer(self, rows: int) -> Renderer:
        return self._looks.renderer(rows, self._sieve.pattern)

    async def _rendering_above(self, rows: Sequence[Row]) -> Renderer:
        return await self._looks.above(rows, self._sieve.pattern)

    def _say(self, words: str) -> None:
        """What could not be had; the first thing that could not is the reason of what comes after it."""
        self.error = self.error or words

    def _come_near(self, end: str) -> None:
        """Its reader is near an end of the window."""
        self._ends.wanted = end
        if self._subscription:
            self._subscription.wake()

    def _open(self, key: str) -> None:
        """Show what was skipped; the reader goes on from there by scrolling."""
        if gap := self._gaps.find(key):
            self._go(gap)

    def _go(self, opened: Sought, close_up: CloseUp | None = None) -> None:
        self._opened, self._close_up, self.following, self.error = opened, close_up, False, ''
        self._refill()

    def _refill(self) -> None:
        self._stale, self._settled = True, False
        self._ends.stop()
        if self._subscription:
            self._subscription.wake()

    def _followed(self, on: bool) -> None:
        self.following = on
        if on:
            self._ends.stop()
        if on and (self._ends.moved or self._ends.is_deep or self._close_up):
            self._close_up = None
            self._refill()  # the newest lines are not those that follow the window
        if self._subscription:
            self._subscription.wake()


def _rows_at(feed: Timeline, name: str) -> tuple[int, int]:
    """Up to which row the history goes before the line of that cursor, and from which on behind it."""
    cursor = cursor_named(name)
    if cursor is not None and (number := number_of(feed.history, cursor)) is not None:
        return number, number + 1
    number = feed.history.find(cursor.timestamp) if cursor else feed.history.end
    return number, number
