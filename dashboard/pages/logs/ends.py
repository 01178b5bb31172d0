"""Moves the window of a tab whose reader scrolls: rows come at one end of it, and leave at the other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from dashboard.model import Cursor, LogLine, Row
from dashboard.pages.logs.gaps import Gaps
from dashboard.pages.logs.held import Held
from dashboard.pages.logs.log_view import LogView, Pieces
from dashboard.pages.logs.past import PAGE, Past
from dashboard.pages.logs.sieve import Sieve
from dashboard.timeline import Subscription, Timeline
from dashboard.view import View

Read = TypeVar('Read')
SEARCHES = 50  # steps in which the first match is sought before what is held
FULL = 2  # times its capacity that a view holds while its reader is scrolled up: nothing being read is taken away


class Elsewhere(Exception):
    """What was read is not wanted any more: its reader has chosen something else."""


class Ends:
    """The two ends of the window of a view, as far as it does not just go on at the newest line.

    :param gaps: is told of gaps that are shown
    :param above: gives what makes HTML of rows that are put above those on the page
    :param below: is given rows that will be added at the end
    :param break_off: is called when what comes next at the lower end will not follow what came last
    """

    def __init__(
        self,
        hub: View,
        view: LogView,
        gaps: Gaps,
        above: Callable[[Sequence[Row]], Awaitable[Pieces]],
        below: Callable[[Sequence[Row]], Awaitable[None]],
        break_off: Callable[[], None],
    ) -> None:
        self.wanted = ''  # the end to which the reader has come: older or newer
        self.moved = False  # whether rows have left at the lower end, and not all have come again
        self._hub = hub
        self._view = view
        self._gaps = gaps
        self._above = above
        self._below = below
        self._break_off = break_off
        self._past = Past(hub, view.say_past)
        self._reading: asyncio.Task[Any] | None = None

    @property
    def is_deep(self) -> bool:
        """Whether what follows the window is older than all that is held."""
        return self._past.below is not None

    def begin_in_past(self, rows: Sequence[Row]) -> None:
        """The window ends with these rows, which are older than all that is held, and so is what follows them."""
        self._past.below = next((row.cursor for row in reversed(rows) if isinstance(row, LogLine)), None)

    async def before(self, feed: Timeline, rows: Sequence[Row]) -> list[Row]:
        """What stands before rows of which the first is held.

        :raises EngineError, LimitReached: when it cannot be read
        :raises Elsewhere: when it was stopped
        """
        top = next(row.cursor for row in rows if isinstance(row, LogLine))
        return await self.read(self._past.older(feed, top, [], 0, Sieve()))

    async def above(self, subscription: Subscription, sieve: Sieve, held: Held) -> tuple[list[Row], str]:
        """What the engine has before what is held, the first that is found, and words to put above it.

        In a range it is sought in many steps, else in one: its reader may search on.

        :raises EngineError, LimitReached: when it cannot be read
        :raises Elsewhere: when it was stopped
        """
        feed, end, past = subscription.feed, sieve.times.end, self._past
        rows = held.older or feed.history.slice(feed.complete_from)
        top = next((row.cursor for row in rows if isinstance(row, LogLine)), None)
        if top is None or (end is not None and end < top.timestamp):
            top = Cursor('', (time.time_ns() if end is None else end) + 1)  # no line: what was written up to a moment
        for _ in range(SEARCHES if sieve.times else 1):
            found = await self.read(past.older(feed, top, [], held.cleared, sieve.again()))
            if found or past.ended:
                break
        return found, past.words

    def forget_above(self) -> None:
        """The window has another first line: what has left stands above it."""
        if self._past.words:
            self._view.say_past('')
        self._past.forget_above()

    def reset(self) -> None:
        """The window is filled anew."""
        self.wanted, self.moved = '', False
        self._past.reset()

    def stop(self) -> None:
        """Something else was chosen: do not read on."""
        self.wanted = ''
        if self._reading:
            self._reading.cancel()

    async def go(self, subscription: Subscription, sieve: Sieve, held: Held) -> bool:
        """Show what stands beyond that end; False when the browser did not answer.

        :raises EngineError, LimitReached: when it cannot be read
        :raises Elsewhere: when it was stopped
        """
        wanted, self.wanted = self.wanted, ''
        return await (self._older if wanted == 'older' else self._newer)(subscription, sieve, held)

    async def _older(self, subscription: Subscription, sieve: Sieve, held: Held) -> bool:
        view, past, (top, lead) = self._view, self._past, self._view.first
        rows = list[Row]()
        if top := top or past.above:
            rows = await self.read(past.older(subscription.feed, top, lead, held.cleared, sieve.again()))
        self._gaps.remember(rows)
        held.start = past.lower(held.start)
        bottom, most = view.last, FULL * view.capacity
        shown = await view.prepend(rows, await self._above(rows), most, past.words)
        last, trail = view.last
        if last and (last, trail) != bottom:
            self.moved = True
            past.find(subscription, last, trail)
            self._break_off()
        return shown

    async def _newer(self, subscription: Subscription, sieve: Sieve, held: Held) -> bool:
        past, most = self._past, FULL * self._view.capacity
        rows = list[Row]()
        if past.below:
            self.moved = True
            rows = await self.read(past.newer(subscription, PAGE, sieve.times.end))
        if not rows:
            await self._hub.lens.look(subscription.feed.history)
            rows = self._hub.lens.taken(subscription, subscription.take(PAGE))
        self._gaps.remember(rows)
        chosen = await sieve.choose(rows)
        top = self._view.first
        await self._below(chosen)
        shown = await self._view.extend(chosen, most)
        if self._view.first != top:
            past.forget_above()
        return shown

    async def read(self, reading: Coroutine[Any, Any, Read]) -> Read:
        """Let something be read until it is stopped.

        :raises Elsewhere: when it was
        """
        self._reading = task = asyncio.create_task(reading, name='viewer: past')
        try:
            return await task
        except asyncio.CancelledError:
            if (own := asyncio.current_task()) and own.cancelling():
                raise
            raise Elsewhere from None
        finally:
            task.cancel()
            self._reading = None
