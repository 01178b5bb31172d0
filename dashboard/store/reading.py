"""Rows in the order of their time: those before a place, those after it, around a moment, and how many there are when.

The order is that of the time, and of arrival where times are equal. What is read at once is bounded in rows and bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from dashboard.lines import UNIT
from dashboard.model import Container, Cursor, LogLine, Row, ServiceKey
from dashboard.store.asked import Asking, Desk
from dashboard.store.columns import EARLIEST, LATEST, SELECTED, kept_of
from dashboard.store.columns import Kept as KeptRow
from dashboard.store.parts import Part, among

PAGE = 5_000  # rows read at once, where all of a time are wanted
BYTES = 32 << 20  # of lines that are held together
MOST_KEYS = 200  # services that a question names one by one

Keys = Collection[ServiceKey] | None  # None: of all services


class Place(NamedTuple):
    """A place between rows: before the row of this time and number."""

    time: int  # nanoseconds since the epoch
    seq: int = 0

    @property
    def behind(self) -> Place:
        """The place behind that row."""
        return Place(self.time, self.seq + 1)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in their order.

    :param before: the place before the first one
    :param after: the place behind the last one
    :param ended: whether there are none beyond them, in the direction that was asked
    """

    rows: tuple[Row, ...]
    before: Place
    after: Place
    ended: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows: of which services, from when to when (both inclusive, nanoseconds since the epoch).

    :param elsewhere: containers that are read elsewhere from a line on, by short id: of these only what is before it
    :param container: the short id of the only one that is wanted; '' for all
    """

    keys: Keys = None
    since: int = EARLIEST
    until: int = LATEST
    elsewhere: Mapping[str, Cursor] | None = None
    container: str = ''

    @classmethod
    def of(cls, keys: Keys, start: int | None, end: int | None) -> Wanted:
        """The same, where times are None that are open."""
        return cls(keys, EARLIEST if start is None else start, LATEST if end is None else end)

    def condition(self) -> tuple[str, list[Any]]:
        """As SQL and its values."""
        said, values = list[str](), list[Any]()
        if self.since > EARLIEST or self.until < LATEST:
            said.append('time BETWEEN make_timestamp_ns(?) AND make_timestamp_ns(?)')
            values += [clamped(self.since), clamped(self.until)]
        if self.keys is not None:
            condition, named = of_services(self.keys)
            said.append(condition)
            values += named
        if self.container:
            said.append('container[:12] = ?')
            values.append(self.container)
        if self.elsewhere:
            said.append(
                '(stream = 0 OR container[:12] NOT IN (SELECT unnest(?::VARCHAR[])) OR '
                'EXISTS (SELECT 1 FROM (SELECT unnest(?::VARCHAR[]) AS c, unnest(?::BIGINT[]) AS t, '
                'unnest(?::INTEGER[]) AS o) WHERE c = container[:12] AND (epoch_ns(time) < t OR '
                '(epoch_ns(time) = t AND ordinal < o))))'
            )
            cursors = self.elsewhere
            values += [
                list(cursors),
                list(cursors),
                [clamped(cursor.timestamp) for cursor in cursors.values()],
                [cursor.ordinal for cursor in cursors.values()],
            ]
        return ' AND '.join(said) or 'true', values


class Reading:
    """Reads rows of a store.

    :param desk: puts the questions
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._containers: dict[str, Container] = {}

    async def older(self, wanted: Wanted, before: Place, most: int) -> Page:
        """At most so many rows that precede a place, the last ones there are.

        :raises StoreUnavailable: when they cannot be read
        """
        return await self._desk.ask(lambda asking: self._page(asking, wanted, before, most, forward=False))

    async def newer(self, wanted: Wanted, after: Place, most: int) -> Page:
        """At most so many rows that follow a place, the first ones there are.

        :raises StoreUnavailable: when they cannot be read
        """
        return await self._desk.ask(lambda asking: self._page(asking, wanted, after, most, forward=True))

    async def between(self, wanted: Wanted, after: Place | None = None) -> AsyncGenerator[list[Row], None]:
        """All rows, or all that follow a place, in their order, in batches.

        :raises StoreUnavailable: when they cannot be read
        """
        place, ended = after or Place(wanted.since), False
        while not ended:
            page = await self.newer(wanted, place, PAGE)
            place, ended = page.after, page.ended
            if page.rows:
                yield list(page.rows)

    async def around(self, lines: Sequence[LogLine], most: int, within: int) -> tuple[list[LogLine], list[LogLine]]:
        """At most so many lines of the same container before these lines and after them, in so many nanoseconds.

        :raises StoreUnavailable: when they cannot be read
        """
        return await self._desk.ask(lambda asking: self._around(asking, lines, most, within))

    def _around(
        self, asking: Asking, lines: Sequence[LogLine], most: int, within: int
    ) -> tuple[list[LogLine], list[LogLine]]:
        first, last, container = lines[0].cursor, lines[-1].cursor, lines[0].container
        since, until = clamped(first.timestamp - within), clamped(last.timestamp + within)
        sides: tuple[list[KeptRow], list[KeptRow]] = [], []
        edges = [
            (first, '(time < make_timestamp_ns(?) OR (time = make_timestamp_ns(?) AND ordinal < ?))', 'DESC'),
            (last, '(time > make_timestamp_ns(?) OR (time = make_timestamp_ns(?) AND ordinal > ?))', 'ASC'),
        ]
        for part in among(asking.parts, [container.service], since, until):
            for side, (edge, beyond, order) in zip(sides, edges, strict=True):
                moment = clamped(edge.timestamp)
                select = (
                    f'SELECT {SELECTED} FROM {{part}} WHERE container = ? AND stream > 0 AND {beyond} AND '
                    'time BETWEEN make_timestamp_ns(?) AND make_timestamp_ns(?) '
                    f'ORDER BY seq {order} LIMIT {most}'
                )
                for rows in asking.rows(part, select, [container.id, moment, moment, edge.ordinal, since, until]):
                    side.extend(kept_of(rows, self._containers))
        before, after = (sorted(side, key=lambda row: row.seq) for side in sides)
        return _lines_of(before[-most:]), _lines_of(after[:most])

    async def place_of(self, cursor: Cursor, keys: Keys = None) -> Place | None:
        """The place before a line; None when the store does not have it.

        :raises StoreUnavailable: when it cannot be read
        """
        moment = clamped(cursor.timestamp)
        wanted = Wanted(keys, moment, moment)

        def look(asking: Asking) -> Place | None:
            condition, values = wanted.condition()
            for part in among(asking.parts, keys, moment, moment):
                select = (
                    f'SELECT seq FROM {{part}} WHERE {condition} AND container[:12] = ? AND ordinal = ? AND stream > 0'
                )
                for rows in asking.rows(part, select, [*values, cursor.container, cursor.ordinal]):
                    return Place(moment, rows[0][0])
            return None

        return await self._desk.ask(look)

    async def volume(self, wanted: Wanted) -> Counter[tuple[int, int]]:
        """So many lines of each moment, in units of :data:`UNIT`, and level; see :class:`Volume`.

        :raises StoreUnavailable: when they cannot be read
        """

        def count(asking: Asking) -> Counter[tuple[int, int]]:
            found = Counter[tuple[int, int]]()
            condition, values = wanted.condition()
            for part in among(asking.parts, wanted.keys, wanted.since, wanted.until):
                select = (
                    f'SELECT epoch_ns(time) // {UNIT}, level, count(*) FROM {{part}} '
                    f'WHERE stream > 0 AND {condition} GROUP BY ALL'
                )
                for rows in asking.rows(part, select, values):
                    for moment, level, number in rows:
                        found[moment, level] += number
            return found

        return await self._desk.ask(count)

    def _page(self, asking: Asking, wanted: Wanted, place: Place, most: int, *, forward: bool) -> Page:
        found: list[KeptRow] = []
        edges: list[tuple[int, int]] = []  # beyond which a part has rows that were too long to be held
        for part in _in_turn(asking.parts, wanted, place, forward=forward):
            edge, span = found[most - 1] if len(found) >= most else None, part.span(wanted.keys)
            if edge and span and (span[0] > edge.time if forward else span[1] < edge.time):
                break
            rows, cut = self._rows(asking, part, wanted, place, most, forward=forward)
            found = sorted([*found, *rows], key=_order, reverse=not forward)[:most]
            edges += [_order(rows[-1])] if cut else []
        reached = [
            row for row in found if all(_order(row) <= edge if forward else _order(row) >= edge for edge in edges)
        ]
        kept = _fitting(reached)
        ended = len(found) < most and len(kept) == len(found)
        if not forward:
            kept.reverse()
        first = Place(kept[0].time, kept[0].seq) if kept else place
        last = Place(kept[-1].time, kept[-1].seq).behind if kept else place
        return Page(tuple(row.row for row in kept), first, last, ended)

    def _rows(
        self, asking: Asking, part: Part, wanted: Wanted, place: Place, most: int, *, forward: bool
    ) -> tuple[list[KeptRow], bool]:
        """The first rows of a part beyond a place; and whether there are more, which are too long to be held."""
        condition, values = wanted.condition()
        order = 'ASC' if forward else 'DESC'
        beyond = 'time > make_timestamp_ns(?) OR (time = make_timestamp_ns(?) AND seq >= ?)'
        if not forward:
            beyond = 'time < make_timestamp_ns(?) OR (time = make_timestamp_ns(?) AND seq < ?)'
        select = (
            f'SELECT {SELECTED} FROM {{part}} WHERE {condition} AND ({beyond}) '
            f'ORDER BY time {order}, seq {order} LIMIT {most}'
        )
        moment = clamped(place.time)
        found, size = list[KeptRow](), 0
        for rows in asking.rows(part, select, [*values, moment, moment, place.seq]):
            kept = list(kept_of(rows, self._containers))
            found += kept
            size += sum(weight_of(row.row) for row in kept)
            if size > BYTES:
                return found, True
        return found, False


def of_services(keys: Iterable[ServiceKey]) -> tuple[str, list[Any]]:
    """The condition that a row is of one of these services, in a form that leaves out parts of files."""
    named = sorted(keys)
    if len(named) <= MOST_KEYS:
        each = ' OR '.join(['(service = ? AND project = ? AND host = ?)'] * len(named)) or 'false'
        return f'({each})', [value for key in named for value in (key.name, key.project, key.host)]
    texts = [f'{key.host}\n{key.project}\n{key.name}' for key in named]
    return '(host || chr(10) || project || chr(10) || service) IN (SELECT unnest(?::VARCHAR[]))', [texts]


def clamped(moment: int) -> int:
    """A moment as the database can have it."""
    return min(max(moment, EARLIEST), LATEST)


def weight_of(row: Row) -> int:
    """Bytes of a row."""
    return len(row.record) if isinstance(row, LogLine) else 0


def _in_turn(parts: Sequence[Part], wanted: Wanted, place: Place, *, forward: bool) -> list[Part]:
    """The parts that have rows beyond the place, those next to it first."""
    since, until = (
        (max(place.time, wanted.since), wanted.until)
        if forward
        else (
            wanted.since,
            min(place.time, wanted.until),
        )
    )
    found = among(parts, wanted.keys, since, until)
    if forward:
        found.sort(key=lambda part: (part.span(wanted.keys) or (0, 0))[0])
    return found


def _lines_of(rows: Iterable[KeptRow]) -> list[LogLine]:
    return [row.row for row in rows if isinstance(row.row, LogLine)]


def _order(row: KeptRow) -> tuple[int, int]:
    return row.time, row.seq


def _fitting(rows: list[KeptRow]) -> list[KeptRow]:
    """As many of the first rows as can be held; at least one."""
    size = 0
    for index, row in enumerate(rows):
        size += weight_of(row.row)
        if index and size > BYTES:
            return rows[:index]
    return rows
