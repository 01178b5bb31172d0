"""The gaps among a tab's rows, and what they left out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

from dashboard.model import Gap, LogLine, Row, Service
from dashboard.view import View

REMEMBERED = 1_000  # a tab


class Gaps:
    """Those that may be on the page, to be found when the reader opens one."""

    def __init__(self) -> None:
        self._known: dict[str, Gap] = {}  # by key

    def remember(self, rows: Sequence[Row]) -> None:
        """Rows are about to be shown."""
        self._known |= {row.key: row for row in rows if isinstance(row, Gap)}
        while len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]

    def find(self, key: str) -> Gap | None:
        """The one that has that key."""
        return self._known.get(key)

    def clear(self) -> None:
        """The page shows none of them any more."""
        self._known.clear()


async def lines_inside(hub: View, service: Service, gap: Gap, most: int) -> list[Row]:
    """The first lines that were written inside a gap, and a smaller gap when there are more; the engine has them.

    :raises EngineError, LimitReached: when it cannot be read
    """
    lines: list[LogLine] = []
    async with aclosing(hub.read(service, since=gap.start + 1, until=gap.end - 1)) as batches:
        async for batch in batches:
            lines += [row for row in batch if isinstance(row, LogLine)]
            if len(lines) > most:
                return [*lines[:most], Gap(lines[most - 1].timestamp, gap.end, None, 'there are more')]
    return list(lines)
