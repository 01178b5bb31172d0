"""Work on the event loop, counted by its turns: what is done in one turn keeps everybody else waiting."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any


class Turns:
    """How much was noted in each turn of the loop."""

    def __init__(self) -> None:
        self.number = 0
        self.work: Counter[int] = Counter()

    def note(self, amount: int) -> None:
        """So much was done now."""
        self.work[self.number] += amount

    def noting(self, function: Callable[..., Any], amount: Callable[..., int]) -> Callable[..., Any]:
        """The function, which notes at every call what ``amount`` says of its result."""

        def noted(*arguments: Any, **options: Any) -> Any:
            result = function(*arguments, **options)
            self.note(amount(result))
            return result

        return noted

    @property
    def most(self) -> int:
        """The most that was done in one turn."""
        return max(self.work.values(), default=0)


@asynccontextmanager
async def turns() -> AsyncIterator[Turns]:
    """Counts the loop's turns while the block runs."""
    counted = Turns()

    async def count() -> None:
        while True:
            counted.number += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(count())
    try:
        yield counted
    finally:
        task.cancel()
