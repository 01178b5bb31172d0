"""What the filter of one tab has found: how many messages, and when their lines were written."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from dashboard.lines import Volume, counted_in
from dashboard.model import Row
from dashboard.pages.logs.held import lines_in
from dashboard.pages.logs.sieve import ASIDE_ROWS, Sieve


class Finds:
    """Counts also what is not on the page."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Something else is watched."""
        self.matches = 0  # messages that the filter has let pass
        self.lines = 0  # of these messages
        self.volume: Volume | None = None  # of these lines; None until the filter in force has been asked
        self.counted = True  # whether these are all, or older ones were left out unasked

    async def begin(self, sieve: Sieve, rows: Sequence[Row]) -> None:
        """It has found these, and what it found before does not count."""
        self.matches, self.lines = sieve.found, lines_in(rows)
        self.volume = Volume() if sieve.question else None
        await self._note(rows)

    async def widen(self, sieve: Sieve, rows: Sequence[Row]) -> None:
        """It has found these in a part of what it may search."""
        if sieve.found > self.matches:
            await self.begin(sieve, rows)
        elif self.volume is None:
            self.volume = Volume() if sieve.question else None
            await self._note(rows)

    async def add(self, matches: int, rows: Sequence[Row]) -> None:
        """It has found so many more, with these rows."""
        self.matches += matches
        self.lines += lines_in(rows)
        await self._note(rows)

    async def _note(self, rows: Sequence[Row]) -> None:
        if self.volume is not None:
            many = len(rows) > ASIDE_ROWS
            self.volume.add(await asyncio.to_thread(counted_in, rows) if many else counted_in(rows))
