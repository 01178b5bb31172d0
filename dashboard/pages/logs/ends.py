"""Moves the window of a tab whose reader scrolls: rows come at one end of it, and leave at the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from dashboard.model import Row
from dashboard.pages.logs.gaps import Gaps
from dashboard.pages.logs.held import Held
from dashboard.pages.logs.log_view import LogView, Pieces
from dashboard.pages.logs.past import PAGE, Past
from dashboard.pages.logs.sieve import Sieve
from dashboard.timeline import Subscription
from dashboard.view import View

FULL = 2  # times its capacity that a view holds while its reader is scrolled up: nothing being read is taken away


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
        self._reading: asyncio.Task[list[Row]] | None = None

    @property
    def is_deep(self) -> bool:
        """Whether what follows the window is older than all that is held."""
        return self._past.below is not None

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
        :raises asyncio.CancelledError: when it was stopped
        """
        wanted, self.wanted = self.wanted, ''
        return await (self._older if wanted == 'older' else self._newer)(subscription, sieve, held)

    async def _older(self, subscription: Subscription, sieve: Sieve, held: Held) -> bool:
        view, past, (top, lead) = self._view, self._past, self._view.first
        rows = list[Row]()
        if top:
            rows = await self._read(past.older(subscription.feed, top, lead, held.cleared, sieve.again()))
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
            rows = await self._read(past.newer(subscription, PAGE))
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

    async def _read(self, reading: Coroutine[Any, Any, list[Row]]) -> list[Row]:
        self._reading = asyncio.create_task(reading, name='viewer: past')
        try:
            return await self._reading
        finally:
            self._reading.cancel()
            self._reading = None
