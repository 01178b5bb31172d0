"""What follows a cursor that no place in a history answers: the engine's lines up to where the feed is, then the feed.

Each container is read from its log up to the last line that the feed had given when this began. So there is no line
between the two and none in both, whatever the timestamps are, and however long the reading takes: what has left the
history by then is read as well, or is the gap of a reader that is too slow.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing

from dashboard.model import STAMP_LENGTH, Container, Cursor, Gap, LogLine, Notice, Row, format_timestamp
from dashboard.timeline.history import History, row_time
from dashboard.timeline.marks import Marks
from dashboard.timeline.merge import merged
from dashboard.timeline.resume import MARGIN
from dashboard.timeline.subscription import BATCH, SKIPPED, Subscription

ROUNDS = 5  # times that what has left the history meanwhile is read too, before it is a gap
REMOVED = 'their container has been removed'

Rows = AsyncGenerator[list[Row], None]
ReadAfter = Callable[[Container, Marks], Rows]  # what the engine has of a container after its mark


async def catch_up(read_after: ReadAfter, subscription: Subscription, marks: Marks) -> Rows:
    """What follows the last line of each container, as far as it is not held here; then the subscription goes on."""
    marks = marks.copy()
    for _ in range(ROUNDS):
        step = _Round(read_after, subscription, marks)
        async with aclosing(step.rows()) as batches:
            async for rows in batches:
                yield rows
                for row in rows:
                    marks.read_row(row)
        subscription.go_on(step.position, marks.newest.timestamp)
        if subscription.position >= subscription.feed.history.first:
            return


class _Round:
    """Everything up to one position of the history."""

    def __init__(self, read_after: ReadAfter, subscription: Subscription, marks: Marks) -> None:
        self._read_after = read_after
        self._subscription = subscription
        self._marks = marks.copy()
        self._feed = subscription.feed
        history = self._feed.history
        self.position = history.end
        self._places, ends = look_through(history, marks.cursors.values())
        self._ends = {**self._feed.ends, **ends}
        self._ahead: dict[str, Cursor] = {}  # what was read beyond the feed, by container

    async def rows(self) -> Rows:
        containers = self._feed.service.containers
        listed = {container.short_id for container in containers}
        sources = [self._engine_has(container) for container in containers if self._is_needed(container.short_id)]
        held = [*self._gone(listed), *self._held(listed)]
        if held:
            sources.append(in_batches(held))
        async with aclosing(merged(sources)) as batches:
            async for rows in batches:
                yield rows
        if self._ahead:
            async for rows in in_batches(await self._joined()):
                yield rows

    def _is_needed(self, name: str) -> bool:
        """Whether the engine has to be asked for what follows the mark of a container."""
        mark = self._marks.cursors.get(name)
        return name not in self._places and (mark is None or name in self._marks.told or mark != self._ends.get(name))

    def _gone(self, listed: set[str]) -> list[Row]:
        """Containers that were removed, of whose last lines nobody knows."""
        silent = listed | self._marks.told
        cursors = self._marks.cursors
        return removed(cursors[name] for name in cursors if name not in silent and self._is_needed(name))

    def _held(self, listed: set[str]) -> list[Row]:
        """The rows of the history before the position that the engine is not asked for."""
        history = self._feed.history
        numbered = enumerate(history.slice(0, self.position), history.first)
        return [row for number, row in numbered if self._follows(row, number, listed)]

    def _follows(self, row: Row, number: int, listed: set[str]) -> bool:
        """Whether a held row is new, and not of a container of which the engine is asked."""
        if isinstance(row, Notice) or (isinstance(row, Gap) and row.container in self._marks.told):
            return False
        name = row.container if isinstance(row, Gap) else row.container.short_id
        newest = self._marks.newest
        if name in self._places:
            return number >= self._places[name]
        if name in listed:
            return False
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
                last = next((row.cursor for row in reversed(rows) if isinstance(row, LogLine)), last)
        if last:
            self._ahead[name] = last

    async def _joined(self) -> list[Row]:
        """What follows in the history when it has all that was read beyond it."""
        history, start, places = self._feed.history, self.position, dict[str, int]()
        looked = start
        while not self._subscription.closed and history.first <= looked:  # else they may have left unseen, after a gap
            found, _ = look_through(history, self._ahead.values(), looked)
            places |= found
            looked = history.end
            if all(name in places or self._feed.has_passed(cursor) for name, cursor in self._ahead.items()):
                break
            self._subscription.position = history.end
            await self._subscription.wait()
        self.position = history.end
        rows = [
            row
            for number, row in enumerate(history.slice(start), max(start, history.first))
            if self._is_beyond(row, number, places)
        ]
        if start < history.first:
            end = row_time(rows[0]) if rows else self._marks.newest.timestamp
            missed = history.missing(start, history.first)
            rows.insert(0, Gap(self._marks.newest.timestamp, end, missed, SKIPPED, row=start))
        return rows

    def _is_beyond(self, row: Row, number: int, places: Mapping[str, int]) -> bool:
        if not isinstance(row, LogLine) or row.container.short_id not in self._ahead:
            return True
        name = row.container.short_id
        return number >= places[name] if name in places else row.timestamp > self._ahead[name].timestamp


def look_through(
    history: History, cursors: Iterable[Cursor], start: int = 0
) -> tuple[dict[str, int], dict[str, Cursor]]:
    """Where these lines are held, and the last line of each container: by its short id.

    :param start: the number of the first row looked at
    :returns: the number of the row that follows each line that is held, and the last lines
    """
    wanted = {(format_timestamp(cursor.timestamp).encode(), cursor.container): cursor for cursor in cursors}
    stamps = {stamp for stamp, _ in wanted}
    places: dict[str, int] = {}
    last: dict[str, LogLine] = {}
    for number, row in enumerate(history.slice(start), max(start, history.first)):
        if isinstance(row, LogLine):
            last[row.container.id] = row
            if row.record[:STAMP_LENGTH] in stamps:
                cursor = wanted.get((row.record[:STAMP_LENGTH], row.container.short_id))
                if cursor == row.cursor:
                    places[cursor.container] = number + 1
    return places, {line.container.short_id: line.cursor for line in last.values()}


def removed(cursors: Iterable[Cursor]) -> list[Row]:
    """What the containers of these last lines wrote afterwards went with them."""
    return [
        Gap(cursor.timestamp, cursor.timestamp, None, REMOVED, lost=True, container=cursor.container)
        for cursor in sorted(cursors, key=lambda cursor: cursor.timestamp)
    ]


async def in_batches(rows: list[Row]) -> Rows:
    """Rows that are there already, as those come that are read."""
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]
