"""A question asked of what is read: whole messages come through it, and what may take long is done in a thread.

A reader's expression may take seconds with a stranger's lines.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from dashboard.api.burst import Burst, encode_judged
from dashboard.api.wire import Naming
from dashboard.lines import Question, Sifter
from dashboard.model import Row
from dashboard.timeline import BATCH, Marks, Subscription
from dashboard.view import View

PAUSE = 0.1  # seconds without rows after which the messages of a live log count as ended


async def sifted(batches: AsyncGenerator[list[Row], None], question: Question) -> AsyncGenerator[list[Row], None]:
    """The lines of the messages that a question finds, and all gaps."""
    sifter = Sifter(question)
    async with aclosing(batches):
        async for batch in batches:
            yield await asyncio.to_thread(sifter.feed, batch) if question else batch
    yield await asyncio.to_thread(sifter.end)


class Sifted:
    """The messages of one WebSocket that asks a question; its cursors are those that it would have without.

    :param question: what is asked
    :param names: of the services
    :param batch: whether messages come in arrays
    """

    def __init__(self, question: Question, names: Naming, batch: bool) -> None:
        self._sifter = Sifter(question)
        self._names = names
        self._batch = batch
        self._marks = Marks()

    async def bursts(self, hub: View, subscription: Subscription, marks: Marks | None) -> AsyncGenerator[Burst, None]:
        """What is found of all that follows the marks, or the position of a subscription."""
        if marks:
            self._marks = marks
            async with aclosing(hub.catch_up(subscription, marks)) as missed:
                async for rows in missed:
                    yield await self._judged(rows)
            yield await self._rest()
        while not subscription.closed:
            if rows := subscription.take(BATCH):
                async for burst in self._taken(subscription, hub.lens.taken(subscription, rows)):
                    yield burst
            elif await self._quiet(subscription):
                yield await self._rest()
        yield await self._rest()

    async def _taken(self, subscription: Subscription, rows: list[Row]) -> AsyncGenerator[Burst, None]:
        """Of rows just taken, before anything is waited for: they may leave the history while a slow client reads."""
        taken, waiting = subscription.taken_from, self._sifter.waiting
        follow = not subscription.skipped and taken - waiting >= subscription.feed.history.first
        marks = subscription.feed.marks_at(taken - waiting if follow else taken)
        if not follow:
            yield await self._rest()
        self._marks = marks
        yield await self._judged(rows)

    async def _quiet(self, subscription: Subscription) -> bool:
        """Wait for rows; True when none have come for a while and some are held back."""
        try:
            async with asyncio.timeout(PAUSE if self._sifter.waiting else None):
                await subscription.wait()
        except TimeoutError:
            return True
        return False

    async def _judged(self, rows: list[Row]) -> Burst:
        return self._encoded(await asyncio.to_thread(self._sifter.judge, rows))

    async def _rest(self) -> Burst:
        """Those that were held back, as nothing has come for a while."""
        return self._encoded(await asyncio.to_thread(self._sifter.judge_rest))

    def _encoded(self, judged: list[tuple[Row, bool]]) -> Burst:
        return encode_judged(judged, self._names, self._batch, self._marks)
