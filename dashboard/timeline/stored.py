"""What only the store has of a service: lines of containers that were removed, and lines that were rotated away.

It is joined to what the engine gives, which has the rest: of a container that the engine still has, the store gives
only what precedes the engine's first line. Where the store cannot be read, there is what the engine has.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Collection, Mapping, MutableMapping, Sequence
from contextlib import aclosing, suppress
from heapq import merge

from dashboard.errors import StoreUnavailable
from dashboard.model import Cursor, Gap, LogLine, Notice, Row, Service, parse_timestamp
from dashboard.store import Page, Place, Store, Wanted
from dashboard.timeline.beside import Beside, name_of
from dashboard.timeline.catchup import Before, Rows, container_of
from dashboard.timeline.history import row_time
from dashboard.timeline.pieces import HELD_BYTES, TOO_LONG, weight
from dashboard.timeline.resume import LOOK_BACK

AT_ONCE = 5_000  # rows of the store
FAR = 1 << 62  # nanoseconds since the epoch: later than everything


class Stored:
    """Reads a store as one with an engine.

    :param store: None when nothing is kept
    """

    def __init__(self, store: Store | None) -> None:
        self._store = store

    def has(self, service: Service) -> bool:
        """Whether there is anything of a service."""
        return self._store is not None and self._store.covers(service.keys)

    async def between(
        self, service: Service, first: Mapping[str, Cursor], since: int | None, until: int | None
    ) -> AsyncGenerator[list[Row], None]:
        """Lines and gaps from one time to another (both inclusive, nanoseconds since the epoch; None: all).

        :param first: the first line of each container that the engine gives of these times; looked at when this begins
        """
        if self._store is None:
            return
        wanted = Wanted(service.keys, -FAR if since is None else since, FAR if until is None else until, dict(first))
        try:
            async with aclosing(self._store.lines.between(wanted)) as batches:
                async for rows in batches:
                    if kept := list[Row](row for row in rows if not isinstance(row, Notice)):
                        yield kept
        except StoreUnavailable:
            return

    async def left_of(self, service: Service, cursors: Sequence[Cursor], before: Before | None) -> dict[str, Rows]:
        """What containers that were removed wrote after these lines, by their short ids.

        Only where all of it is kept, or a gap says what is not: the line itself is, and the container was recorded
        to its end.
        """
        found = dict[str, Rows]()
        with suppress(StoreUnavailable):
            for cursor in cursors:
                if self._store is None or cursor.container in self._store.cursors:
                    continue
                if place := await self._store.lines.place_of(cursor, service.keys):
                    found[cursor.container] = self._after(self._store, service, cursor.container, place, before)
        return found

    async def wholly(self, service: Service, containers: Collection[str]) -> set[str]:
        """Those of the containers that were removed, by their short ids, of which the last lines are kept."""
        found = set[str]()
        with suppress(StoreUnavailable):
            for name in containers:
                if self._store and name not in self._store.cursors:
                    page = await self._store.lines.older(Wanted(service.keys, container=name), Place(FAR), 1)
                    found |= {name} if page.rows else set()
        return found

    @staticmethod
    async def _after(store: Store, service: Service, container: str, place: Place, before: Before | None) -> Rows:
        wanted = Wanted(service.keys, container=container)
        if before:
            await _lead_in(store, wanted, place.behind, before)
        async with aclosing(store.lines.between(wanted, place.behind)) as batches:
            async for rows in batches:
                yield rows

    async def others(self, service: Service, known: Collection[str], since: int) -> Rows:
        """What containers that are not among these, and were removed, wrote after a moment."""
        elsewhere = {name: Cursor(name, -FAR, 0) for name in known}
        if self._store is None:
            return
        try:
            async with aclosing(self._store.lines.between(Wanted(service.keys, since + 1, FAR, elsewhere))) as batches:
                async for rows in batches:
                    if kept := [row for row in rows if (name := container_of(row)) and name not in known]:
                        yield kept
        except StoreUnavailable:
            return

    async def last(
        self, service: Service, rows: list[Row], since: int | None, most: int, before: Before | None
    ) -> list[Row]:
        """The engine's last rows, which are fewer than that, and as many of the store's as belong to the last lines.

        A gap stands for those that are too long to be held.
        """
        if self._store is None:
            return rows
        wanted = Wanted(service.keys, -FAR if since is None else since, FAR, _firsts(rows))
        try:
            joined = await self._before_these(self._store, wanted, rows, most)
            if before and joined:
                await _lead_in(self._store, Wanted(service.keys), Place(row_time(joined[0])), before)
            return joined
        except StoreUnavailable:
            return rows

    @staticmethod
    async def _before_these(store: Store, wanted: Wanted, rows: list[Row], most: int) -> list[Row]:
        found, place, room, lines, ended = deque[Row](), Place(FAR), HELD_BYTES - weight(rows), 0, False
        while not ended and room > 0 and lines < most:  # not only as many as are missing: some may be newer than others
            page = await store.lines.older(wanted, place, min(most, AT_ONCE))
            kept = [row for row in page.rows if not isinstance(row, Notice)]
            found.extendleft(reversed(kept))
            place, ended, room = page.before, page.ended, room - weight(kept)
            lines += sum(isinstance(row, LogLine) for row in kept)
        joined = _last_of([*merge(found, rows, key=row_time)], most)
        if not ended and lines < most and (await store.lines.older(wanted, place, 1)).rows:
            edge = row_time(joined[0])
            joined.insert(0, Gap(edge - 1, edge, None, TOO_LONG))
        return joined

    async def beside(self, service: Service, asked: Beside, rows: list[Row], before: Before | None) -> list[Row]:
        """The rows that the engine gives right before a line or right after it, and what the store has among them.

        :param asked: says how that was found, and then how all of it was
        """
        if self._store is None:
            return rows
        try:
            page = await self._page(self._store, service, asked, rows)
            joined = _joined(asked, rows, page)
            if before and joined and page.rows and not asked.forward:
                await _lead_in(self._store, Wanted(service.keys), Place(row_time(joined[0])), before)
            return joined
        except StoreUnavailable:
            return rows

    @staticmethod
    async def _page(store: Store, service: Service, asked: Beside, rows: list[Row]) -> Page:
        """What the store has in the time that the engine's rows are complete for, and beyond where it has no more."""
        elsewhere = {
            name: Cursor(name, parse_timestamp(stamp.decode('ascii')), 0) for name, stamp in asked.heads.items()
        }
        edge = row_time(rows[0 if not asked.forward else -1]) if rows and not asked.ended else None
        place = await store.lines.place_of(asked.cursor, service.keys)
        asked.found = asked.found or place is not None
        if asked.forward:
            wanted = Wanted(service.keys, until=asked.until if edge is None else edge, elsewhere=elsewhere)
            after = place.behind if place else Place(asked.cursor.timestamp + 1)
            return await store.lines.newer(wanted, after, asked.most)
        wanted = Wanted(service.keys, since=-FAR if edge is None else edge, until=asked.until, elsewhere=elsewhere)
        if asked.joins:
            place = Place(asked.until + 1)
        return await store.lines.older(wanted, place or Place(asked.cursor.timestamp), asked.most)


async def _lead_in(store: Store, wanted: Wanted, place: Place, before: Before) -> None:
    """Tell of the lines that precede a place."""
    page = await store.lines.older(wanted, place, LOOK_BACK)
    before([row for row in page.rows if isinstance(row, LogLine)])


async def noted(
    source: AsyncGenerator[list[LogLine], None], first: MutableMapping[str, Cursor]
) -> AsyncGenerator[list[Row], None]:
    """The same lines; the first one of each container is noted."""
    async with aclosing(source) as batches:
        async for batch in batches:
            for line in batch[:1]:
                first.setdefault(line.container.short_id, line.cursor)
            yield list(batch)


def _firsts(rows: Sequence[Row]) -> dict[str, Cursor]:
    """The first line of each container."""
    return {row.container.short_id: row.cursor for row in reversed(rows) if isinstance(row, LogLine)}


def _last_of(rows: list[Row], most: int) -> list[Row]:
    """From the first one of so many last lines on."""
    places = [place for place, row in enumerate(rows) if isinstance(row, LogLine)]
    return rows[places[-most] :] if len(places) > most else rows


def _joined(asked: Beside, rows: list[Row], page: Page) -> list[Row]:
    """Both in their order, as many as are wanted of those next to the line."""
    kept = [row for row in page.rows if not isinstance(row, LogLine) or name_of(row) not in asked.held]
    if asked.joins:  # what is held has remarks of its own
        kept = [row for row in kept if isinstance(row, LogLine | Gap)]
    both = [*merge(kept, rows, key=row_time)] if kept else rows
    asked.ended = asked.ended and page.ended and len(both) <= asked.most
    if asked.forward:
        return both[: asked.most]
    for row in both[: -asked.most]:  # they are given the next time
        if isinstance(row, LogLine) and row.container.short_id in asked.after:
            asked.after[row.container.short_id] -= 1
    return both[-asked.most :]
