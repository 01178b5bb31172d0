"""The ways to fill a view anew: with the newest lines, or with those around a line, a moment or an opened gap."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from dashboard.errors import EngineError, LimitReached
from dashboard.model import STAMP_LENGTH, Cursor, Gap, LogLine, Row, Service, format_timestamp
from dashboard.pages.logs.ends import FULL, Ends, Read
from dashboard.pages.logs.finds import Finds
from dashboard.pages.logs.gaps import Gaps, lines_inside
from dashboard.pages.logs.held import Held, before, left_out
from dashboard.pages.logs.log_view import LogView
from dashboard.pages.logs.looks import Looks
from dashboard.pages.logs.lookup import Piece, around, from_moment, number_of
from dashboard.pages.logs.past import LOADING, RANGE_BEGINS
from dashboard.pages.logs.sieve import Sieve
from dashboard.timeline import Subscription, Timeline
from dashboard.view import View

LEAST = 200  # rows of a range that are shown at once, if there are so many
NOTHING_LATER = 'Nothing that could be shown here was written at that time or later.'


@dataclass(frozen=True, slots=True)
class CloseUp:
    """A line with so many before it and after it, and no others."""

    cursor: Cursor
    near: int


Sought: TypeAlias = Gap | Cursor | int  # a gap to be shown from its beginning, a line, or a moment in nanoseconds


class Filling:
    """Each way finds where to begin; then the rows go through the filter, and into the view in place of all others.

    The subscription goes on after them. Every way returns False when the browser did not answer.

    :param say: tells the reader what could not be had
    """

    def __init__(
        self, hub: View, view: LogView, ends: Ends, gaps: Gaps, looks: Looks, finds: Finds, say: Callable[[str], None]
    ) -> None:
        self._hub = hub
        self._ends = ends
        self._view = view
        self._gaps = gaps
        self._looks = looks
        self._finds = finds
        self._say = say
        self._chosen: Sequence[Row] = ()  # of the rows that were shown last

    async def newest(self, subscription: Subscription, sieve: Sieve, held: Held, follow: bool) -> bool:
        """Show the newest of all that the tab holds, and what is older where that is little of a range, or no match."""
        self._gaps.clear()
        rows, words = await self._newest_held(subscription, sieve, held), ''
        if len(rows) < LEAST if sieve.times else sieve.question and not rows:
            older, words = await self._before_held(subscription, sieve, held)
            rows = [*older, *rows]
        self._gaps.remember(rows)
        shown = await self._replace(rows, follow=follow, keep=True)
        if words:
            self._view.say_past(words)
        return shown

    async def _newest_held(self, subscription: Subscription, sieve: Sieve, held: Held) -> list[Row]:
        """As many as the page holds; what it has never shown is not left out without a word."""
        feed, capacity = subscription.feed, self._view.capacity
        await self._hub.lens.look(feed.history)
        subscription.position = feed.history.end  # taken, as the rows are, before anything is waited for
        shown, since = held.parts(feed, self._hub.lens, sieve.searches)
        row = None if held.older else held.unknown
        sieve.begin()
        newest = await sieve.newest([*shown, *since], capacity)
        self._finds.counted = newest is None
        if newest is None:
            old, new = await sieve.choose(shown), [*await sieve.choose(since), *await sieve.rest()]
            chosen, unseen = [*old, *new], list(new[:-capacity])
        else:
            chosen = [*newest[1], *await sieve.rest()]
            unseen = before(since, chosen[-capacity])
        await self._finds.begin(sieve, chosen)
        rows = chosen[-capacity:]
        if unseen:
            rows.insert(0, left_out(unseen, rows[0], row, self._finds.counted))
        return rows

    async def _before_held(self, subscription: Subscription, sieve: Sieve, held: Held) -> tuple[list[Row], str]:
        """Where little or nothing to show is held: what there is of it before that, and words to put above."""
        feed, start = subscription.feed, sieve.times.start
        seam = feed.history.time_of(feed.complete_from)
        if start is not None and seam is not None and seam <= start:
            return [], RANGE_BEGINS
        return await self._read(self._ends.above(subscription, sieve, held), ([], ''))

    async def at(self, subscription: Subscription, sieve: Sieve, opened: Sought | CloseUp) -> bool | None:
        """Show what is sought, or what is near a line; None when nobody has the line."""
        if isinstance(opened, CloseUp):
            return await self._near(subscription, opened)
        if isinstance(opened, Cursor):
            return await self.line(subscription, sieve, opened)
        if isinstance(opened, Gap):
            return await self._gap(subscription, sieve, opened)
        return await self._moment(subscription, sieve, opened)

    async def again(self, subscription: Subscription, sieve: Sieve, held: Held, top: int) -> bool:
        """Show what the tab showed when its connection broke, and what has come since.

        :param top: when the line at the top was written, in nanoseconds since the epoch
        """
        shown = await self._on(subscription, sieve, list(held.older), self._all(subscription, sieve))
        self._view.go_to(format_timestamp(top))
        return shown

    async def _gap(self, subscription: Subscription, sieve: Sieve, gap: Gap) -> bool:
        """Show what a gap left out and what follows it; what the server does not hold comes from the engine."""
        history = subscription.feed.history
        rows: list[Row] = []
        if gap.row is not None and gap.row >= history.first:
            subscription.position = gap.row
        else:
            inside = lines_inside(self._hub, self._whose(subscription.feed, gap), gap, self._view.capacity)
            rows = await self._read(self._ends.read(inside), [gap])
            subscription.position = history.find(gap.end)
        return await self._on(subscription, sieve, rows, self._all(subscription, sieve))

    async def line(self, subscription: Subscription, sieve: Sieve, cursor: Cursor, keep: bool = False) -> bool | None:
        """Show a line with what stands before it and after it, in the middle; None when nobody has the line.

        :param keep: not in the middle, but where the reader has it
        """
        feed, piece = subscription.feed, Piece([])
        number = number_of(feed.history, cursor)
        if number is None:
            piece = await self._read_piece(around(self._hub, feed, cursor, self._view.capacity // 2))
            if not piece.rows:
                return None
        shown = await self._around(subscription, sieve, number, piece, keep)
        if not keep:
            self._view.point_at(str(cursor))
        return shown

    async def _near(self, subscription: Subscription, opened: CloseUp) -> bool | None:
        """Show what stands right beside a line; from the engine what is not held of it."""
        feed, cursor, near = subscription.feed, opened.cursor, opened.near
        await self._hub.lens.look(feed.history)
        first, number = feed.complete_from, number_of(feed.history, cursor)
        if number is None:
            older = (await self._read_piece(around(self._hub, feed, cursor, near))).rows
            rows = [*older, *self._hub.held(feed, first, first + near)] if older else []
        else:
            rows = self._hub.held(feed, max(min(first, number), number - near), number + near + 1)
            if number - near < first:
                rows = [*await self._read(self._ends.before(feed, rows), []), *rows]
        place = next(
            (place for place, row in enumerate(rows) if isinstance(row, LogLine) and row.cursor == cursor), None
        )
        if place is None:
            return None
        rows = rows[max(0, place - near) : place + near + 1]
        self._gaps.remember(rows)
        shown = await self._replace(rows, follow=False, keep=False)
        self._view.point_at(str(cursor))
        return shown

    async def _moment(self, subscription: Subscription, sieve: Sieve, moment: int) -> bool:
        """Show the first line at or after a moment, and what stands before it and after it."""
        feed, number, piece = subscription.feed, None, Piece([])
        begins = feed.history.time_of(feed.complete_from)
        if begins is not None and begins <= moment:
            number = max(feed.complete_from, feed.history.find(moment))
        else:
            piece = await self._read_piece(from_moment(self._hub, feed, moment, self._view.capacity // 2))
        shown = await self._around(subscription, sieve, number, piece)
        stamp = format_timestamp(moment).encode()
        lines = [row for row in self._chosen if isinstance(row, LogLine)]
        line = next((line for line in lines if line.record[:STAMP_LENGTH] >= stamp), None)
        if line or lines:
            self._view.point_at(str((line or lines[-1]).cursor))
        if line is None:
            self._say(NOTHING_LATER)
        return shown

    async def _around(
        self, subscription: Subscription, sieve: Sieve, number: int | None, piece: Piece, keep: bool = False
    ) -> bool:
        """Show what stands before and after a row that is held; or a piece that is not, and what is held after it.

        Before it a filter looks at more, for it leaves out most, and after it at as much as without.
        """
        feed, half, room = subscription.feed, self._view.capacity // 2, FULL * self._view.capacity
        lead = room if sieve.question else half
        subscription.position = feed.complete_from  # where what was read from the engine ends
        if number is not None:
            subscription.position = max(min(number, feed.complete_from), number - lead)
        if not piece.ended:
            self._ends.begin_in_past(piece.rows)
        most = lead + room - half if piece.ended else 0
        return await self._on(subscription, sieve, piece.rows, most, keep)

    async def _on(
        self, subscription: Subscription, sieve: Sieve, rows: list[Row], most: int, keep: bool = False
    ) -> bool:
        """Show rows and those that follow at the position; the reader goes on by scrolling.

        :param most: rows to look at
        """
        await self._hub.lens.look(subscription.feed.history)
        older = bool(rows)
        rows += self._hub.lens.taken(subscription, subscription.take(max(0, most - len(rows))))
        self._gaps.remember(rows)
        sieve.begin()
        self._chosen = [*await sieve.choose(rows), *await sieve.rest()]
        if not (sieve.times and older):
            await self._finds.widen(sieve, self._chosen)
        return await self._replace(self._chosen, follow=False, keep=keep)

    def _all(self, subscription: Subscription, sieve: Sieve) -> int:
        """So many rows are looked at where there is no end: all with a filter, else as many as the page holds."""
        return subscription.feed.history.end if sieve.question else self._view.capacity

    async def _replace(self, rows: Sequence[Row], *, follow: bool, keep: bool) -> bool:
        self._looks.begin()
        await self._looks.light(rows)
        return await self._view.replace(rows, follow=follow, keep=keep)

    def _whose(self, feed: Timeline, gap: Gap) -> Service:
        """The service whose lines a gap stands for."""
        return self._hub.service(gap.service) if gap.service else feed.service

    async def _read_piece(self, reading: Coroutine[Any, Any, Piece]) -> Piece:
        return await self._read(self._ends.read(reading), Piece([]))

    async def _read(self, reading: Awaitable[Read], failing: Read) -> Read:
        """Let it be read, and say why it cannot be."""
        self._view.say_past(LOADING)
        try:
            return await reading
        except (EngineError, LimitReached) as error:
            self._say(str(error))
            return failing
