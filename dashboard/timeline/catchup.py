"""What follows a cursor that no place in a history answers: the engine's lines up to where the feed is, then the feed.

Each container is read from its log up to the last line that the feed had given when this began. So there is no line
between the two and none in both, whatever the timestamps are, and however long the reading takes: what has left the
history by then is read as well, or is the gap of a reader that is too slow. Of a container that was removed there is
what the store has, where that is all of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from dashboard.model import Container, Cursor, Gap, LogLine, Notice, Row, Service, format_timestamp
from dashboard.timeline.history import row_time
from dashboard.timeline.marks import Marks
from dashboard.timeline.merge import merged
from dashboard.timeline.resume import LOOK_BACK, MARGIN
from dashboard.timeline.subscription import BATCH, SKIPPED, Subscription

PIECE = 5_000  # rows looked at before others have their turn
ROUNDS = 5  # times that what has left the history meanwhile is read too, before it is a gap
REMOVED = 'their container has been removed'
UNREAD = 'their container was removed before its log was read to the end'

Rows = AsyncGenerator[list[Row], None]
Before = Callable[[list[LogLine]], object]
ReadAfter = Callable[[Container, Marks], Rows]  # what the engine has of a container after its mark


class Kept(Protocol):
    """What a store has of containers that were removed; see :class:`~dashboard.timeline.stored.Stored`."""

    async def left_of(self, service: Service, cursors: Sequence[Cursor], before: Before | None) -> dict[str, Rows]:
        """What each wrote after its line, by short id, where all of it is kept."""

    def others(self, service: Service, known: Collection[str], since: int) -> Rows:
        """What all but these wrote after a moment."""


async def catch_up(
    read_after: ReadAfter,
    kept: Kept,
    subscription: Subscription,
    marks: Marks,
    before: Before | None = None,
) -> Rows:
    """What follows the last line of each container, as far as it is not held here; then the subscription goes on.

    :param before: is given the lines that precede those that are taken from the history
    """
    marks = marks.copy()
    place = marks.row if marks.feed == subscription.feed.token else None
    for _ in range(ROUNDS):
        step = _Round(read_after, kept, subscription, marks, place, before)
        async with aclosing(step.rows()) as batches:
            async for rows in batches:
                yield rows
                for row in rows:
                    marks.read_row(row)
        place = step.position
        subscription.go_on(place, marks.newest.timestamp)
        if subscription.position >= subscription.feed.history.first:
            return


class _Round:
    """Everything up to one position of the history.

    :param place: the number of the row there that follows the marks, when they are of that history
    """

    def __init__(
        self,
        read_after: ReadAfter,
        kept: Kept,
        subscription: Subscription,
        marks: Marks,
        place: int | None,
        before: Before | None,
    ) -> None:
        self._read_after = read_after
        self._kept = kept
        self._subscription = subscription
        self._marks = marks.copy()
        self._feed = subscription.feed
        self.position = self._feed.history.end
        self._place = place
        self._before = before
        # the last line of each container before the position
        self._ends = {former.name: former.last for former in self._feed.former} | dict(self._feed.ends)
        self._places: dict[
            str, int
        ] = {}  # the number of the row that follows the mark of a container, where it is held
        self._ahead: dict[str, Cursor] = {}  # what was read beyond the feed, by container

    async def rows(self) -> Rows:
        rows = await self._look_back()
        if self._before and self._places:
            self._before(self._preceding())
        containers = self._feed.service.containers
        listed = {container.short_id for container in containers}
        sources = [self._engine_has(container) for container in containers if self._is_needed(container.short_id)]
        gone = self._gone(listed)
        left = await self._kept.left_of(self._feed.service, gone, self._before)
        missing = [cursor for cursor in gone if cursor.container not in left]
        elsewhere = listed | left.keys()
        follows = [row for number, row in rows if self._follows(row, number, elsewhere)]
        sources += [*left.values(), in_batches([*removed([*missing, *self._unnamed(listed)]), *follows])]
        lost = {row.container for _, row in rows if isinstance(row, Gap)}  # the others are among those with an end
        heard = listed | self._marks.cursors.keys() | self._ends.keys() | lost
        sources.append(self._kept.others(self._feed.service, heard, self._marks.newest.timestamp))
        async with aclosing(merged(sources)) as batches:
            async for batch in batches:
                yield batch
        if self._ahead:
            async for batch in in_batches(await self._joined()):
                yield batch

    async def _look_back(self) -> list[tuple[int, LogLine | Gap]]:
        """The held rows that do not come before the mark of their container; in pieces, since they may be millions."""
        history, marks, stop = self._feed.history, self._marks.cursors, self.position
        stamps = {name: format_timestamp(cursor.timestamp).encode() for name, cursor in marks.items()}
        rows: list[tuple[int, LogLine | Gap]] = []
        while stop > history.first and len(self._places) < len(marks):
            start = max(history.first, stop - PIECE)
            for number, row in zip(range(stop - 1, start - 1, -1), reversed(history.slice(start, stop)), strict=True):
                name = container_of(row)
                if isinstance(row, Notice) or name in self._places:
                    continue
                if isinstance(row, LogLine):
                    self._ends.setdefault(name, row.cursor)  # of one that the feed has forgotten
                    if row.record.startswith(stamps.get(name, b'-')) and row.cursor == marks[name]:
                        self._places[name] = number + 1
                        continue
                rows.append((number, row))
            stop = start
            await asyncio.sleep(0)
        return rows[::-1]

    def _preceding(self) -> list[LogLine]:
        """The last lines that were had of each container whose mark is held."""
        history, stop = self._feed.history, max(self._places.values())
        wanted = dict.fromkeys(self._places, LOOK_BACK)
        lines: list[LogLine] = []
        for number in range(stop - 1, history.first - 1, -1):
            row = history.slice(number, number + 1)[0]
            name = container_of(row)
            if isinstance(row, LogLine) and wanted.get(name) and number < self._places[name]:
                lines.append(row)
                wanted[name] -= 1
                if not any(wanted.values()):
                    break
        return lines[::-1]

    def _is_needed(self, name: str) -> bool:
        """Whether the engine has to be asked for what follows the mark of a container."""
        mark = self._marks.cursors.get(name)
        return name not in self._places and (mark is None or name in self._marks.told or mark != self._ends.get(name))

    def _gone(self, listed: set[str]) -> list[Cursor]:
        """Containers that were removed, and of whose lines some are neither known to have been had nor held."""
        silent, cursors = listed | self._marks.told, self._marks.cursors
        return [cursors[name] for name in cursors if name not in silent and self._is_needed(name)]

    def _unnamed(self, listed: set[str]) -> list[Cursor]:
        """Those of them that no cursor names, for it is from before their first line."""
        cursors, newest, first = self._marks.cursors, self._marks.newest, self._feed.history.first
        return [
            replace(newest, container=former.name)
            for former in self._feed.former
            if former.name not in cursors and former.name not in listed and self._place is not None
            if self._place < min(first, former.end_row) and former.first_row < first
        ]

    def _follows(self, row: LogLine | Gap, number: int, elsewhere: set[str]) -> bool:
        """Whether a row that was found is new, and not of a container that is read from the engine or the store."""
        name, newest = container_of(row), self._marks.newest
        if isinstance(row, Gap) and name in self._marks.told:
            return False
        if name in self._places or name in elsewhere:
            return name in self._places
        if name in self._marks.cursors:
            return row_time(row) > self._marks.cursors[name].timestamp
        if newest.container in self._places:
            return number >= self._places[newest.container]
        return row_time(row) > newest.timestamp - MARGIN

    async def _engine_has(self, container: Container) -> Rows:
        """What the engine has of a container up to the last line that the feed has given."""
        name = container.short_id
        end, last = self._ends.get(name), self._marks.cursors.get(name)
        stamp = format_timestamp(end.timestamp).encode() if end else b'never'
        async with aclosing(self._read_after(container, self._marks)) as batches:
            async for rows in batches:
                for index, row in enumerate(rows):
                    if isinstance(row, LogLine) and row.record.startswith(stamp) and row.cursor == end:
                        yield rows[: index + 1]
                        return
                yield rows
                for row in rows:  # after a gap the mark is no line of this log, and never comes to the feed
                    last = row.cursor if isinstance(row, LogLine) else None
        if last:
            self._ahead[name] = last

    async def _joined(self) -> list[Row]:
        """What follows in the history when it has all that was read beyond it."""
        history, start, places, looked = self._feed.history, self.position, dict[str, int](), self.position
        while not self._subscription.closed and history.first <= looked:  # else they may have left unseen, after a gap
            for number, row in enumerate(history.slice(looked), looked):
                if isinstance(row, LogLine) and row.cursor == self._ahead.get(row.container.short_id):
                    places[row.container.short_id] = number + 1
            looked = history.end
            if all(name in places or self._feed.has_passed(cursor) for name, cursor in self._ahead.items()):
                break
            self._subscription.position = history.end
            await self._subscription.wait()
        self.position = history.end
        numbered = enumerate(history.slice(start), max(start, history.first))
        rows = [row for number, row in numbered if self._is_beyond(row, number, places)]
        if start < history.first:
            end = row_time(rows[0]) if rows else self._marks.newest.timestamp
            missed = history.missing(start, history.first)
            rows.insert(0, Gap(self._marks.newest.timestamp, end, missed, SKIPPED, row=start))
        return rows

    def _is_beyond(self, row: Row, number: int, places: Mapping[str, int]) -> bool:
        name = container_of(row)
        if not isinstance(row, LogLine) or name not in self._ahead:
            return True
        return number >= places[name] if name in places else row.timestamp > self._ahead[name].timestamp


def removed(cursors: Iterable[Cursor], reason: str = REMOVED) -> list[Row]:
    """What the containers of these last lines wrote afterwards went with them."""
    return [
        Gap(cursor.timestamp, cursor.timestamp, None, reason, lost=True, container=cursor.container)
        for cursor in sorted(cursors, key=lambda cursor: cursor.timestamp)
    ]


async def in_batches(rows: list[Row]) -> Rows:
    """Rows that are there already, as those come that are read."""
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


def container_of(row: Row) -> str:
    """The short id of the container that a row is of; '' when it is of none, or of several."""
    if isinstance(row, LogLine):
        return row.container.short_id
    return row.container if isinstance(row, Gap) else ''
