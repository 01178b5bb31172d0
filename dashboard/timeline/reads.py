"""What the engine holds of a service, read once: a tail, a range, and what follows a line that was had before."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from functools import partial
from heapq import merge
from typing import cast

from dashboard.engine import Engine
from dashboard.errors import ContainerGone, NoStreamLeft
from dashboard.model import (
    ENGINE_SPLIT,
    STAMP_LENGTH,
    Container,
    Cursor,
    Gap,
    LogLine,
    Row,
    Service,
    format_timestamp,
)
from dashboard.timeline.beside import Beside, lines_beside, name_of
from dashboard.timeline.catchup import Before, catch_up, in_batches, removed
from dashboard.timeline.history import row_time
from dashboard.timeline.marks import NAMED, Marks
from dashboard.timeline.merge import merged
from dashboard.timeline.pieces import HELD_BYTES, TOO_LONG, LastLines, weight
from dashboard.timeline.reaching import LEAD, TooShort, lines_around
from dashboard.timeline.resume import LOOK_BACK, LOOK_BACK_TIME, MARGIN, TAILS, Resume
from dashboard.timeline.stored import Stored, noted
from dashboard.timeline.subscription import BATCH, Subscription

COUNTED = HELD_BYTES // ENGINE_SPLIT  # lines of one container that are held until they can be counted
GAPS = 1_000  # that are held beside the last lines, where a store has any


class Reads:
    """Reads the engine's own log, and what only the store has of it. Every reading has streams of its own, which it
    counts while they are open.

    A reading looks back when it is told whom to tell: ``before`` is given the lines that precede the first one, those
    of each container in their order, for ``LOOK_BACK`` lines or ``LOOK_BACK_TIME``. Nobody else pays for it.
    """

    def __init__(self, engine: Engine, streams: Streams, stored: Stored) -> None:
        self._engine = engine
        self._streams = streams
        self._stored = stored

    async def read(
        self,
        service: Service,
        *,
        tail: int | None = None,
        since: int | None = None,
        until: int | None = None,
        before: Before | None = None,
    ) -> AsyncGenerator[list[Row], None]:
        """What the engine holds of a service now, all its containers merged by timestamp; constant memory.

        It is joined by what only the store has, with a ``tail`` where the engine has fewer lines: see :class:`Stored`.
        Where the last lines have to be held until they can be counted, and are too long for that, a gap says so.
        ``tail`` is that of the whole service, ``since`` and ``until`` (both inclusive) are nanoseconds since
        the epoch.

        :raises EngineUnavailable, ContainerGone, LogsUnreadable: as the engine does
        """
        # the engine counts the tail before it looks at times: the last lines before a moment are sought here
        counted = tail if until is None else None
        exact = tail is None or (len(service.containers) == 1 and until is None)
        with self._streams.reading(service):
            if before and exact and tail and tail > COUNTED:  # held until they can be counted, they may be too long
                batches = self._led_in(service.containers[0], tail, since, before)
            elif before:
                exact, counted = tail is None, counted and counted + LOOK_BACK
                batches = _since(self._merged(service, counted, _earlier(since), until), since, before)
            else:
                batches = self._merged(service, counted, since, until)
            last = cast('AsyncGenerator[list[Row], None]', batches) if exact else _last(batches, tail or 0, before)
            if tail and until is None and self._stored.has(service):
                last = self._and_kept(service, last, tail, since, before)
            async with aclosing(last) as chosen:
                async for rows in chosen:
                    yield list(rows)

    async def _and_kept(
        self,
        service: Service,
        batches: AsyncGenerator[list[Row], None],
        tail: int,
        since: int | None,
        before: Before | None,
    ) -> AsyncGenerator[list[Row], None]:
        """The engine's last lines; where it has fewer than that, with the last ones of the store."""
        held, size, counted, enough = list[Row](), 0, Counter[str](), False
        async with aclosing(batches):
            async for batch in batches:
                if enough:
                    yield batch
                    continue
                held += batch
                size += weight(batch)
                for row in batch:
                    if isinstance(row, LogLine):  # as the engine counts, which cuts long ones
                        counted[row.container.short_id] += 1 + len(row.record) // ENGINE_SPLIT
                enough = isinstance(held[0], Gap) or len(held) >= tail or max(counted.values()) >= tail
                if not enough and size > HELD_BYTES:  # no more can be held to see whether there are fewer
                    enough = True
                    if await self._is_all(service.containers[0], held[0], since):
                        held = await self._stored.last(service, held, since, tail, before)
                if enough:
                    async for rows in in_batches(held):
                        yield rows
                    held = []
        if not enough:
            async for rows in in_batches(await self._stored.last(service, held, since, tail, before)):
                yield rows

    async def _is_all(self, container: Container, first: Row, since: int | None) -> bool:
        """Whether the engine has nothing before that line."""
        with suppress(ContainerGone):
            async with aclosing(self._engine.logs(container, since=since)) as batches:
                async for batch in batches:
                    return isinstance(first, LogLine) and name_of(batch[0]) == name_of(first)
        return True  # or nothing at all any more

    def _merged(
        self, service: Service, tail: int | None, since: int | None, until: int | None
    ) -> AsyncGenerator[list[LogLine], None]:
        sources = [self._engine.logs(item, tail=tail, since=since, until=until) for item in service.containers]
        if tail is None and self._stored.has(service):
            first = dict[str, Cursor]()
            rows = [*(noted(source, first) for source in sources), self._stored.between(service, first, since, until)]
            return cast('AsyncGenerator[list[LogLine], None]', merged(rows))  # and gaps, as all takers know of
        return sources[0] if len(sources) == 1 else merged(sources)

    async def _led_in(
        self, container: Container, tail: int, since: int | None, before: Before
    ) -> AsyncGenerator[list[LogLine], None]:
        """A tail, after what was written just before its first line."""
        first: LogLine | None = None
        async with aclosing(self._engine.logs(container, tail=tail, since=since)) as batches:
            async for batch in batches:
                if first is None:
                    first = batch[0]
                    before(await self._preceding(container, first))
                yield batch

    async def _preceding(self, container: Container, line: LogLine) -> list[LogLine]:
        earlier: deque[LogLine] = deque(maxlen=LOOK_BACK)
        moment = line.timestamp
        async with aclosing(self._engine.logs(container, since=_earlier(moment), until=moment)) as batches:
            async for batch in batches:
                found = next((place for place, other in enumerate(batch) if other.record == line.record), len(batch))
                earlier += batch[:found]
                if found < len(batch):
                    break
        return list(earlier)

    async def read_from(
        self, subscription: Subscription, moment: int, *, before: Before | None = None
    ) -> AsyncGenerator[list[Row], None]:
        """The lines since a moment that are older than what is held completely; the subscription goes on after them.

        :raises EngineUnavailable, ContainerGone, LogsUnreadable: as the engine does
        """
        feed = subscription.feed
        subscription.position = max(feed.complete_from, feed.history.find(moment))
        until = feed.history.time_of(subscription.position)
        if subscription.position > feed.complete_from or until is None:
            return
        held = {name_of(row) for row in feed.history.slice(subscription.position) if isinstance(row, LogLine)}
        async with aclosing(self.read(feed.service, since=moment, until=until, before=before)) as batches:
            async for batch in batches:
                yield [row for row in batch if not isinstance(row, LogLine) or name_of(row) not in held]

    async def kept_wholly(self, service: Service, containers: Collection[str]) -> set[str]:
        """See :meth:`Stored.wholly`."""
        return await self._stored.wholly(service, containers)

    async def read_after(
        self, service: Service, marks: Marks, until: int | None = None, *, before: Before | None = None
    ) -> AsyncGenerator[list[Row], None]:
        """What there is after the last line of each container; a gap where that line is no longer there.

        :raises EngineUnavailable, ContainerGone, LogsUnreadable: as the engine does
        """
        sources = [self._container_after(container, marks, before) for container in service.containers]
        present = {container.short_id for container in service.containers} | marks.told
        gone = [cursor for name, cursor in marks.cursors.items() if name not in present]
        left = await self._stored.left_of(service, gone, before)
        sources += left.values()
        if missing := [cursor for cursor in gone if cursor.container not in left]:
            sources.append(in_batches(removed(missing)))
        if self._stored.has(service):
            heard = present | marks.cursors.keys()
            sources.append(self._stored.others(service, heard, marks.newest.timestamp))
        with self._streams.reading(service):
            async with aclosing(sources[0] if len(sources) == 1 else merged(sources)) as batches:
                async for rows in batches:
                    yield rows if until is None else [row for row in rows if row_time(row) <= until]

    async def log_of(
        self, container: Container, cursor: Cursor | None, *, tail: int | None = None, since: int | None = None
    ) -> AsyncGenerator[list[Row], None]:
        """What the engine holds of one container after a line; of one that was never read its last lines.

        :param tail: at most so many of those, since a moment in nanoseconds since the epoch

        :raises EngineUnavailable, ContainerGone, LogsUnreadable: as the engine does
        """
        alone = Service(container.service, (container,))
        with self._streams.reading(alone):
            source = _after(self._engine, container, cursor, None) if cursor else self._merged(alone, tail, since, None)
            async with aclosing(source) as batches:
                async for batch in batches:
                    yield list(batch)

    async def beside(
        self, service: Service, asked: Beside, *, before: Before | None = None
    ) -> AsyncGenerator[list[Row], None]:
        """What the engine holds right before a line or right after it; see :class:`Beside`.

        :raises EngineUnavailable, ContainerGone, LogsUnreadable: as the engine does
        """
        with self._streams.reading(service):
            async with aclosing(lines_beside(self._engine, service, asked, before)) as batches:
                found = [row async for rows in batches for row in rows]
        if self._stored.has(service):
            found = await self._stored.beside(service, asked, found, before)
        for start in range(0, len(found), BATCH):
            yield found[start : start + BATCH]

    async def around(
        self, service: Service, moment: int, least: int, until: int | None = None, *, before: Before | None = None
    ) -> AsyncGenerator[list[Row], None]:
        """What there is from about ``least`` lines before a moment on, in the engine and the store; up to ``until``.

        :raises EngineUnavailable, ContainerGone, LogsUnreadable: as the engine does
        """

        def kept(first: Mapping[str, Cursor], since: int) -> AsyncGenerator[list[Row], None]:
            return self._stored.between(service, first, since, until)

        stored = kept if self._stored.has(service) else None
        with self._streams.reading(service):
            try:
                lines = lines_around(self._engine, service.containers, moment, least, until, before, stored)
                async with aclosing(lines) as batches:
                    async for batch in batches:
                        yield batch
                return
            except TooShort:
                pass
        since = max(0, moment - LEAD)
        async with aclosing(self.read(service, since=since, until=until, before=before)) as rows:
            async for batch in rows:
                yield batch

    async def catch_up(
        self, subscription: Subscription, marks: Marks, *, before: Before | None = None
    ) -> AsyncGenerator[list[Row], None]:
        """What follows the last line of each container, as far as it is not held here; then the subscription goes on.

        :raises EngineUnavailable, LogsUnreadable: as the engine does
        """
        if subscription.resume(marks):
            return
        begin = marks.copy()
        marks.feed = ''  # what comes now is not of that history
        with self._streams.reading(subscription.feed.service):
            read_after = partial(self._container_after, before=before)
            async with aclosing(catch_up(read_after, self._stored, subscription, begin, before)) as batches:
                async for rows in batches:
                    yield rows

    async def _container_after(
        self, container: Container, marks: Marks, before: Before | None = None
    ) -> AsyncGenerator[list[Row], None]:
        name = container.short_id
        cursor = None if name in marks.told else marks.cursors.get(name)
        # of one that was never heard all is new, but where cursors do not name all that ended, not what is old
        unheard = None if name in marks.told or (container.running and len(marks.cursors) < NAMED) else marks.newest
        if cursor:
            source = _after(self._engine, container, cursor, before)
        else:
            source = _all(self._engine, container, unheard, before)
        try:
            async with aclosing(source) as batches:
                async for rows in batches:
                    yield rows
        except ContainerGone:
            if cursor:
                yield removed([cursor])


async def _all(
    engine: Engine, container: Container, newest: Cursor | None, before: Before | None
) -> AsyncGenerator[list[Row], None]:
    since = max(0, newest.timestamp - MARGIN) if newest else None
    source = engine.logs(container, since=_earlier(since) if before else since)
    async with aclosing(_since(source, since, before) if before else source) as batches:
        async for batch in batches:
            yield list(batch)


async def _after(
    engine: Engine, container: Container, cursor: Cursor, before: Before | None
) -> AsyncGenerator[list[Row], None]:
    """What a container's log has after a line, in the log's order, with constant memory; see :class:`Resume`."""
    for tail in TAILS:
        resume = Resume(cursor, tail=tail, held=0)
        async with aclosing(engine.logs(container, tail=tail)) as batches:
            async for batch in batches:
                if not (rows := resume.sift(batch)) or not resume.found:
                    continue
                if before and resume.earlier:
                    if tail and len(resume.earlier) < LOOK_BACK:
                        break  # there may be more before it: look at a longer part
                    before(list(resume.earlier))
                    resume.earlier.clear()
                yield rows
            else:
                if resume.found:
                    return
    begun = False
    async with aclosing(engine.logs(container)) as batches:
        async for batch in batches:
            older = 0
            if not begun and resume.reaches_later:
                older = next((place for place, line in enumerate(batch) if not resume.is_older(line)), len(batch))
            if before and older:
                before(batch[:older])
            if lines := batch[older:]:
                yield list[Row](lines) if begun else [resume.gap(lines[0]), *lines]
                begun = True
    if not begun:
        yield [resume.gap(None)]


class Streams:
    """Counts the engine's streams: each has a thread here and a connection there, so there is an end to them.

    :param most: how many may be open at once
    :param followed: tells how many the feeds have open
    """

    def __init__(self, most: int, followed: Callable[[], int]) -> None:
        self._most = most
        self._followed = followed
        self._reading = 0  # those that are open for one answer

    @contextmanager
    def reading(self, service: Service) -> Iterator[None]:
        """Count the streams that read a service once, as long as they are open.

        :raises NoStreamLeft: when there would be too many
        """
        self.check(service)
        count = len(service.containers)
        self._reading += count
        try:
            yield
        finally:
            self._reading -= count

    def check(self, service: Service, spared: int = 0) -> None:
        """Whether there is a stream for each of its containers.

        :param spared: how many are left for others
        :raises NoStreamLeft: when there is not
        """
        used = self._reading + self._followed()
        if used + len(service.containers) > self._most - spared:
            raise NoStreamLeft(
                f'{used:,} streams of the engine are open, and {self._most:,} is the limit '
                '(DASHBOARD_MAX_STREAMS). Try again when others have left.'
            )


def _earlier(moment: int | None) -> int | None:
    return None if moment is None else max(0, moment - LOOK_BACK_TIME)


async def _since(
    batches: AsyncGenerator[list[LogLine], None], moment: int | None, before: Before
) -> AsyncGenerator[list[LogLine], None]:
    """The lines from a moment on, after those that precede them."""
    stamp = b'' if moment is None else format_timestamp(moment).encode()
    async with aclosing(batches):
        async for batch in batches:
            early = [row for row in batch if isinstance(row, LogLine) and row.record[:STAMP_LENGTH] < stamp]
            if early:
                before(early)
            if len(early) < len(batch):
                gone = set(map(id, early))
                yield [row for row in batch if id(row) not in gone] if early else batch


async def _last(
    batches: AsyncGenerator[list[LogLine], None], count: int, before: Before | None
) -> AsyncGenerator[list[Row], None]:
    """So many of the last lines; a gap for those that are too long to be held together."""
    last, gaps = LastLines(count), deque[Row](maxlen=GAPS)
    async with aclosing(batches):
        async for batch in batches:
            gaps += (row for row in batch if not isinstance(row, LogLine))  # those of a store come with its lines
            early = last.add([row for row in batch if isinstance(row, LogLine)])
            if before and early:
                before(early)
    if last.missing:
        yield [last.gap(TOO_LONG)]
    rows: deque[Row] = deque(last.lines)
    last.lines.clear()
    if gaps:
        among = [gap for gap in gaps if not rows or row_time(gap) >= row_time(rows[0])]
        rows = deque(merge(among, rows, key=row_time))
    while rows:
        yield [rows.popleft() for _ in range(min(BATCH, len(rows)))]
