"""What one browser tab watches: a service from a row on, through a filter, at the pace of its own view."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, tzinfo

from dashboard.errors import BadRequest, DashboardError, EngineError, LimitReached, RightsChanged
from dashboard.lines import Level, Question, Volume, counted_in
from dashboard.model import STAMP_LENGTH, Cursor, Gap, LogLine, Row, Service, format_timestamp
from dashboard.pages.logs.clock import Clock
from dashboard.pages.logs.ends import FULL, Ends
from dashboard.pages.logs.gaps import Gaps, lines_inside
from dashboard.pages.logs.held import Held, before, left_out, lines_in, running_in
from dashboard.pages.logs.highlights import Highlight
from dashboard.pages.logs.labels import Labels
from dashboard.pages.logs.lighting import Lighting, Lights
from dashboard.pages.logs.link import LONGEST_CURSOR
from dashboard.pages.logs.log_view import LogView
from dashboard.pages.logs.lookup import around, from_moment, number_of
from dashboard.pages.logs.place import Place
from dashboard.pages.logs.render import Renderer
from dashboard.pages.logs.seeking import seek
from dashboard.pages.logs.sieve import ASIDE_ROWS, Sieve
from dashboard.pages.logs.strands import Strands
from dashboard.timeline import Subscription, Target, Timeline
from dashboard.view import View

OUT_OF_SIGHT = 1.0  # seconds between looks at whether a hidden tab is back
FLUSH = 0.06  # seconds from one flush to the next at the least
PAUSE = 0.1  # seconds without rows after which a message counts as ended, to the filter
GONE = 'The line of this link is no longer there: neither this dashboard nor the engine has it any more.'
NOTHING_LATER = 'Nothing that could be shown here was written at that time or later.'


class LogViewer:
    """Keeps a :class:`LogView` at a service's timeline. One task a tab; it ends with :meth:`close`.

    :param capacity: rows kept in the page
    :param on_shown: called whenever the browser has shown what it was sent
    """

    def __init__(self, hub: View, capacity: int, on_shown: Callable[[], None]) -> None:
        self.view = LogView(self._renderer, capacity, self._followed, self._open, self._come_near)
        self.following = True
        self.matches = 0  # messages that the filter has let pass
        self.matching_lines = 0  # of these messages
        self.found: Volume | None = None  # when they were written; None until the filter in force has been asked
        self.counted = True  # whether these are all, or older ones were left out unasked
        self.error = ''
        self._hub = hub
        self._on_shown = on_shown
        self._sieve = Sieve()
        self._subscription: Subscription | None = None
        self._held = Held(0)
        self._place: Place | None = None  # where its reader was, until it is there again
        self._stale = False  # the view must be filled anew
        self._seen = 0  # up to this row the tab has shown everything while it was in sight
        self._opened: Gap | Cursor | int | None = None  # a gap to be shown from its beginning, a line, or a moment
        self._gaps = Gaps()
        self._labels = Labels()  # of lines of several containers: say which
        self._zone: tzinfo = UTC
        self._raw = False  # lines as they were written
        self._strands = Strands()  # what is on the page, by message
        self._chosen: Sequence[Row] = ()  # of the rows that were shown around a line or moment
        self._highlights: Sequence[Highlight] = ()
        self._lighting = Lighting()
        self._lights: Lights = {}  # of the rows that are being shown
        self._task: asyncio.Task[None] | None = None
        self._ends = Ends(hub, self.view, self._gaps, self._rendering_above, self._light, self._break_off)
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
    def searched_from(self) -> int:
        """Where in the service's history what a filter searches begins."""
        return self._held.first(self.feed, True) if self.feed else 0

    @property
    def feed(self) -> Timeline | None:
        """The timeline that is being watched."""
        return self._subscription.feed if self._subscription else None

    @property
    def first_row(self) -> int:
        """Where what this tab shows, or its filter searches, begins in the service's history."""
        return self._held.first(self.feed, bool(self.question)) if self.feed else 0

    @property
    def cleared(self) -> bool:
        """Whether the reader has cleared what there was."""
        return self._held.cleared > 0

    @property
    def lines(self) -> int:
        """How many lines this tab shows, or its filter searches, on the page and on the server."""
        return self._held.lines(self.feed, bool(self.question)) if self.feed else 0

    @property
    def behind(self) -> int:
        """Rows that have come and are not on the page yet."""
        return self.feed.history.end - self._subscription.position if self.feed and self._subscription else 0

    @property
    def new_lines(self) -> int:
        """Lines that have come since the reader left the end; 0 while it follows."""
        if self.following or self._left_at is None or not self.feed:
            return 0
        history = self.feed.history
        return history.lines(self._left_at) + max(0, history.first - self._left_at)

    @property
    def unseen(self) -> int:
        """Rows that have come since the tab went out of sight; 0 while it is in sight."""
        return self.feed.history.end - self._seen if self.feed and self.view.hidden else 0

    def watch(self, target: Target, tail: int, place: Place | None = None) -> None:
        """Switch to a service, or several, beginning with its last ``tail`` lines, or where the tab was before."""
        self.close()
        self.matches = self.matching_lines = 0
        self.found = None
        self.error, self.following, self.counted, self._opened = '', True, True, None
        self._place, self._held, self._left_at = place, Held(0), None
        self._ends.reset()
        self._task = asyncio.create_task(self._run(target, tail), name='viewer')

    def filter(self, term: str, levels: Iterable[Level] = ()) -> None:
        """Show only the messages that the question ``term`` finds, of these levels; of all without any.

        :raises BadRequest: when it is too long or no regular expression; the filter stays as it was
        """
        self._sieve, self.found = Sieve(term, levels), None
        self._refill()

    def highlight(self, highlights: Sequence[Highlight]) -> None:
        """Show in their colours what these find."""
        self._highlights = tuple(highlights)
        self._refill()

    @property
    def uncoloured(self) -> int:
        """Messages on the page for whose highlights there was no time."""
        return self._lighting.missed

    async def seek(self, question: Question, name: str, up: bool) -> bool:
        """Show the next message that is held and found by this question as well, beyond the line of that cursor.

        False when there is none.
        """
        if self.feed is None:
            return False
        history, first = self.feed.history, self.searched_from
        above, below = _rows_at(self.feed, name)
        start, stop = (first, above) if up else (below, history.end)
        found = await seek(self._hub, self.feed, (question, self.question), max(first, start), stop, up)
        if found is not None:
            self.show(found)
        return found is not None

    def show(self, cursor: Cursor) -> None:
        """Put a line in the middle, selected, among those around it; ``error`` says so when nobody has it any more."""
        self._opened, self.following, self.error = cursor, False, ''
        self._refill()

    def jump(self, moment: int) -> None:
        """Go to the first line at or after a moment, among those around it; in nanoseconds since the epoch."""
        self._opened, self.following, self.error = moment, False, ''
        self._refill()

    def tell_time_in(self, zone: tzinfo) -> None:
        """Show in that zone when lines were written."""
        if zone is not self._zone:
            self._zone = zone
            self._refill()

    def show_raw(self, on: bool) -> None:
        """Show lines as they were written, or by their fields."""
        if on is not self._raw:
            self._raw = on
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
                    target = self._hub.select(getattr(target, 'text', ''))
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
                    shown = await self._fill(subscription)
                elif self._ends.wanted and not self.following:
                    shown = await self._go_beyond(subscription)
                elif self.behind:
                    shown = await self._add(subscription)
                elif await self._waited(subscription):
                    continue
                else:
                    shown = await self._show(self._sieve, self._sieve.rest())
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
        more = self._ends.is_deep or (self.behind > 0 and (full or self._ends.moved))
        self.view.note_more(more and not self.following)

    async def _go_beyond(self, subscription: Subscription) -> bool:
        """Its reader has come near an end of the window: show what stands beyond it, and let go of the other end."""
        try:
            shown = await self._ends.go(subscription, self._sieve, self._held)
            self.error = ''
            return shown
        except (EngineError, LimitReached) as error:
            self.error = str(error)
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) and task.cancelling():
                raise
        self.view.say_past('', answered=True)  # something else was chosen meanwhile, or it could not be read
        return True

    def _break_off(self) -> None:
        """What comes next does not follow what came last."""
        self._strands, self._lighting = Strands(), Lighting(self._highlights)
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
        changed = self._labels != Labels.of(subscription.feed.service)
        return self._stale or (changed and self.following)  # a reader who stays keeps what is before their eyes

    async def _fill(self, subscription: Subscription) -> bool:
        """Show the newest of all that this tab holds, or what follows an opened gap, through the filter."""
        self._stale = False
        self._labels = Labels.of(subscription.feed.service)
        opened, self._opened = self._opened, None
        if isinstance(opened, Cursor):
            return await self._fill_around(subscription, opened)
        if isinstance(opened, int):
            return await self._fill_at(subscription, opened)
        if opened is not None:
            return await self._fill_from_gap(subscription, opened)
        if self._place is not None:
            return await self._fill_from_place(subscription, self._place)
        if (kept := await self._left_behind(subscription)) is not None:
            return await self._fill_around(subscription, kept, keep=True)
        self._gaps.clear()
        history, capacity = subscription.feed.history, self.view.capacity
        await self._hub.lens.look(history)
        subscription.position = history.end  # taken, as the rows are, before anything is waited for
        shown, since = self._held.parts(subscription.feed, self._hub.lens, bool(self.question))
        row = None if self._held.older else self._held.unknown
        sieve = self._sieve
        sieve.begin()
        newest = await sieve.newest([*shown, *since], capacity)
        self.counted = newest is None
        if newest is None:
            old, new = await sieve.choose(shown), [*await sieve.choose(since), *await sieve.rest()]
            chosen, unseen = [*old, *new], list(new[:-capacity])
        else:
            chosen = [*newest[1], *await sieve.rest()]
            unseen = before(since, chosen[-capacity])
        self.matches, self.matching_lines = sieve.found, lines_in(chosen)
        await self._note_found(chosen, anew=True)
        rows = chosen[-capacity:]
        if unseen:  # what the page has never shown is not left out without a word
            rows.insert(0, left_out(unseen, rows[0], row, self.counted))
        self._gaps.remember(rows)
        return await self._replace(rows, follow=self.following, keep=True)

    async def _fill_from_place(self, subscription: Subscription, place: Place) -> bool:
        """Show what the tab showed when its connection broke, the same line at the top, and what has come since."""
        self._place = None
        if place.following:
            return await self._fill(subscription)
        shown = await self._fill_on(subscription, list(self._held.older))
        self.view.go_to(format_timestamp(place.top))
        return shown

    async def _fill_from_gap(self, subscription: Subscription, gap: Gap) -> bool:
        """Show what a gap left out and what follows it; what the server does not hold comes from the engine."""
        history = subscription.feed.history
        rows: list[Row] = []
        if gap.row is not None and gap.row >= history.first:
            subscription.position = gap.row
        else:
            rows = await self._from_engine(self._whose(subscription.feed, gap), gap, self.view.capacity)
            subscription.position = history.find(gap.end)
        return await self._fill_on(subscription, rows)

    async def _left_behind(self, subscription: Subscription) -> Cursor | None:
        """The line at the top of a reader who stays, when it is older than what would be shown otherwise."""
        if self.following or self._held.older or not self.view.rows:
            return None
        cursor, history = _cursor(await self.view.top()), subscription.feed.history
        number = number_of(history, cursor) if cursor else None
        return cursor if number is not None and number < history.end - self.view.capacity else None

    async def _fill_around(self, subscription: Subscription, cursor: Cursor, keep: bool = False) -> bool:
        """Show a line and what stands before and after it, in the middle; or leave it where the reader has it.

        Before it a filter looks at more, for it leaves out most.
        """
        feed, half = subscription.feed, self.view.capacity // 2
        number, held = number_of(feed.history, cursor), feed.complete_from
        rows: list[Row] = []
        lead = half if not self._sieve.question else FULL * self.view.capacity
        if number is not None:
            subscription.position = max(feed.history.first, number - lead)
        elif rows := await self._read_older(around(self._hub, feed, cursor, half)):
            subscription.position = held  # where what was read from the engine ends
        else:
            self.error = self.error or GONE
            self.following = True
            return await self._fill(subscription)
        shown = await self._fill_on(subscription, rows, lead + FULL * self.view.capacity - half, keep=keep)
        if not keep:
            self.view.point_at(str(cursor))
        return shown

    async def _fill_at(self, subscription: Subscription, moment: int) -> bool:
        """Show the first line at or after a moment, and what stands before and after it."""
        feed, rows = subscription.feed, list[Row]()
        before = FULL * self.view.capacity if self._sieve.question else self.view.capacity // 2
        begins = feed.history.time_of(feed.complete_from)
        subscription.position = feed.complete_from
        if begins is not None and begins <= moment:
            subscription.position = max(feed.complete_from, feed.history.find(moment) - before)
        else:
            rows = await self._read_older(from_moment(self._hub, feed, moment, self.view.capacity // 2))
        shown = await self._fill_on(subscription, rows, FULL * self.view.capacity)
        stamp = format_timestamp(moment).encode()
        lines = [row for row in self._chosen if isinstance(row, LogLine)]
        line = next((line for line in lines if line.record[:STAMP_LENGTH] >= stamp), None)
        if line or lines:
            self.view.point_at(str((line or lines[-1]).cursor))
        if line is None:
            self.error = self.error or NOTHING_LATER
        return shown

    async def _read_older(self, reading: Awaitable[list[Row]]) -> list[Row]:
        try:
            return await reading
        except (EngineError, LimitReached) as error:
            self.error = str(error)
            return []

    async def _fill_on(
        self, subscription: Subscription, rows: list[Row], most: int | None = None, keep: bool = False
    ) -> bool:
        """Show rows and those that follow at the position, as far as there is room; the reader goes on by scrolling.

        :param most: rows to look at; None: all with a filter, else as many as the page holds
        """
        await self._hub.lens.look(subscription.feed.history)
        every = subscription.feed.history.end if self._sieve.question else self.view.capacity
        room = (every if most is None else most) - len(rows)
        rows += self._hub.lens.taken(subscription, subscription.take(max(0, room)))
        self._gaps.remember(rows)
        sieve = self._sieve
        sieve.begin()
        chosen = [*await sieve.choose(rows), *await sieve.rest()]
        if sieve.found > self.matches:
            self.matches, self.matching_lines = sieve.found, lines_in(chosen)
            await self._note_found(chosen, anew=True)
        elif self.found is None:
            await self._note_found(chosen, anew=True)
        self._chosen = chosen
        return await self._replace(chosen, follow=False, keep=keep)

    async def _replace(self, rows: Sequence[Row], *, follow: bool, keep: bool = False) -> bool:
        self._strands, self._lighting = Strands(), Lighting(self._highlights)
        self._lights = await self._lighting.look(rows)
        return await self.view.replace(rows, follow=follow, keep=keep)

    def _whose(self, feed: Timeline, gap: Gap) -> Service:
        """The service whose lines a gap stands for."""
        return self._hub.service(gap.service) if gap.service else feed.service

    async def _from_engine(self, service: Service, gap: Gap, most: int) -> list[Row]:
        try:
            return await lines_inside(self._hub, service, gap, most)
        except (EngineError, LimitReached) as error:
            self.error = str(error)
            return [gap]

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
        self.counted = False
        self.matches += self._sieve.found
        self.matching_lines += lines_in(held) + lines_in(newest)
        await self._note_found([*held, *newest])
        return await self._append([*held, gap, *chosen])

    async def _show(self, sieve: Sieve, choosing: Awaitable[Sequence[Row]]) -> bool:
        """Add rows that the sieve lets pass."""
        before = sieve.found
        chosen = await choosing
        self.matches += sieve.found - before
        self.matching_lines += lines_in(chosen)
        await self._note_found(chosen)
        return not chosen or await self._append(chosen[-self.view.capacity - 1 :])

    async def _append(self, rows: Sequence[Row]) -> bool:
        await self._light(rows)
        return await self.view.append(rows, follow=self.following)

    async def _note_found(self, rows: Sequence[Row], *, anew: bool = False) -> None:
        """Count when the lines were written that the filter has found, also those that are not on the page."""
        found = await asyncio.to_thread(counted_in, rows) if self.question and len(rows) > ASIDE_ROWS else None
        if anew:
            self.found = Volume() if self.question else None
        if self.found is not None:
            self.found.add(counted_in(rows) if found is None else found)

    def _take(self, subscription: Subscription) -> list[Row]:
        """What has come, as far as the page can use it; a filter looks at everything."""
        capacity = self.view.capacity
        if not self.following and (self._ends.is_deep or self._ends.moved):
            return []
        if not self.following:
            room = max(0, FULL * capacity - self.view.rows)
            return subscription.take(room) if room else []
        if self._sieve.question:
            return subscription.take(subscription.feed.history.end)
        return subscription.take(capacity, newest=True)

    def _renderer(self, rows: int) -> Renderer:
        clock, lit = Clock(self._zone), (self._highlights, self._lights)
        return Renderer(rows, self._sieve.pattern, self._labels, clock, self._strands, self._raw, *lit)

    async def _rendering_above(self, rows: Sequence[Row]) -> Renderer:
        """For rows that are put above those on the page."""
        lit = (self._highlights, await Lighting(self._highlights).look(rows))
        return Renderer(len(rows), self._sieve.pattern, self._labels, Clock(self._zone), Strands(), self._raw, *lit)

    async def _light(self, rows: Sequence[Row]) -> None:
        self._lights = await self._lighting.look(rows)

    def _come_near(self, end: str) -> None:
        """Its reader is near an end of the window."""
        self._ends.wanted = end
        if self._subscription:
            self._subscription.wake()

    def _open(self, key: str) -> None:
        """Show what was skipped; the reader goes on from there by scrolling."""
        if gap := self._gaps.find(key):
            self._opened, self.following = gap, False
            self._refill()

    def _refill(self) -> None:
        self._stale = True
        self._ends.stop()
        if self._subscription:
            self._subscription.wake()

    def _followed(self, on: bool) -> None:
        self.following = on
        if on:
            self._ends.stop()
        if on and (self._ends.moved or self._ends.is_deep):
            self._refill()  # the newest lines are not those that follow the window
        if self._subscription:
            self._subscription.wake()


def _rows_at(feed: Timeline, name: str) -> tuple[int, int]:
    """Up to which row the history goes before the line of that cursor, and from which on behind it."""
    cursor = _cursor(name)
    if cursor is not None and (number := number_of(feed.history, cursor)) is not None:
        return number, number + 1
    number = feed.history.find(cursor.timestamp) if cursor else feed.history.end
    return number, number


def _cursor(name: str) -> Cursor | None:
    """That of a line in the browser, which may say anything."""
    try:
        return Cursor.parse(name[:LONGEST_CURSOR]) if name else None
    except BadRequest:
        return None
