"""What an engine has from shortly before a moment on, without reading its logs from their beginning.

Asked for a time, an engine reads and takes apart every line from the beginning of a log, which takes a second for a
million of them. Asked for the last lines it counts line ends from the end of the log, which is ten times as quick. So
what is sought is how many lines before its end a log has to be read from: by looking at the first line of ever longer
parts of it, and of shorter ones where one was far too long.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeAlias

from dashboard.engine import Engine
from dashboard.errors import ContainerGone
from dashboard.model import SECOND, STAMP_LENGTH, Container, Cursor, LogLine, Row, format_timestamp, parse_timestamp
from dashboard.timeline.catchup import Before
from dashboard.timeline.merge import key_of, merged
from dashboard.timeline.resume import LOOK_BACK, LOOK_BACK_TIME
from dashboard.timeline.stored import noted

LEAD = 60 * SECOND  # before a moment that the engine has to look for by its time
LOOKS = 8  # at one log, at the most
LONGER = 4, 16  # times as long at first and at the most is a part that follows one that was too short
MARGIN = 2_000  # lines more that are read: so many may be written meanwhile, and what precedes the first one may matter
QUICKER = 4  # times as quick as to look at times is it to count lines, even if it is done twice
QUICK = 30  # times as quick as to be given lines is it to count them
ENOUGH = 4  # times the lines that are wanted before the moment are not too many

Kept: TypeAlias = Callable[[Mapping[str, Cursor], int], AsyncGenerator[list[Row], None]]


@dataclass(frozen=True, slots=True)
class Reach:
    """From where a container is read: from its beginning, if nothing else is said.

    :param tail: so many lines before the end
    :param since: from a moment on, in nanoseconds since the epoch
    :param first: the timestamp from which on it then has every line
    """

    container: Container
    tail: int | None = None
    since: int | None = None
    first: bytes = b''


class TooShort(Exception):
    """A log has grown so much meanwhile that what was found does not reach back to the moment any more."""


async def lines_around(
    engine: Engine,
    containers: Sequence[Container],
    moment: int,
    least: int,
    until: int | None,
    before: Before | None,
    stored: Kept | None = None,
) -> AsyncGenerator[list[Row], None]:
    """The lines from about ``least`` before a moment on, in their order; what precedes them is given to ``before``.

    :param moment: in nanoseconds since the epoch, as ``until`` is, which is included
    :param stored: gives what else there is since a time, where it is known with which lines the containers begin
    :raises TooShort: before the first line
    :raises EngineUnavailable, ContainerGone, LogsUnreadable: as the engine does
    """
    found = await asyncio.gather(*(_reach(engine, item, moment, least) for item in containers))
    begun = dict[str, Cursor]()
    first = max((reach.first for reach in found), default=b'')  # what is older is not complete, unless it is of one
    spare = LOOK_BACK if len(found) == 1 and found[0].tail is not None and stored is None else None
    lead = LOOK_BACK_TIME if before else 0
    sources = [noted(_from(engine, reach, lead, until), begun) for reach in found]
    if stored:
        sources.append(stored(begun, parse_timestamp(first.decode()) if first else max(0, moment - LEAD)))
    async with aclosing(sources[0] if len(sources) == 1 else merged(sources)) as batches:
        async for batch in batches:
            early = [row for row in batch[:spare] if key_of(row) < first]
            if before and early:
                before([row for row in early if isinstance(row, LogLine)])
            if spare is None:
                rows = [row for row in batch if key_of(row) >= first] if early else batch
            else:
                rows, spare = batch[len(early) :], spare - len(early)
            if rows:
                yield rows


async def _from(engine: Engine, reach: Reach, lead: int, until: int | None) -> AsyncGenerator[list[LogLine], None]:
    tail = None if reach.tail is None else reach.tail + MARGIN
    since, begun = None if reach.since is None else max(0, reach.since - lead), False
    async with aclosing(engine.logs(reach.container, tail=tail, since=since, until=until)) as batches:
        async for batch in batches:
            if tail is not None and not begun and batch[0].record[:STAMP_LENGTH] > reach.first:
                raise TooShort
            begun = True
            yield batch


async def _reach(engine: Engine, container: Container, moment: int, least: int) -> Reach:
    """Where to begin so that about so many lines of a container come before the moment."""
    try:
        head = await _first(engine, container, None)
        if head is None or head.timestamp >= moment:
            return Reach(container)
        search = _Search(moment, least, head.timestamp)
        for _ in range(LOOKS):
            line = await _first(engine, container, search.next)
            if line is None or search.is_found(line.timestamp):
                break
    except ContainerGone:  # the reading meets that as well
        return Reach(container)
    since = search.since
    if search.begins is None and since is None:
        since = max(0, moment - LEAD)
    first = search.begins if since is None else since
    return Reach(container, None if since is not None else search.tail, since, format_timestamp(first or 0).encode())


async def _first(engine: Engine, container: Container, tail: int | None) -> LogLine | None:
    async with aclosing(engine.logs(container, tail=tail)) as batches:
        async for batch in batches:
            return batch[0]
    return None


class _Search:
    """For the length of the part of a log that begins shortly before a moment.

    :param head: when the first line of the log was written, which is before the moment
    """

    def __init__(self, moment: int, least: int, head: int) -> None:
        self.next = least  # lines: the part to look at
        self.tail: int | None = None  # one that is long enough
        self.begins: int | None = None  # when its first line was written
        self.since: int | None = None  # or: so near to the beginning that the engine may look for it from there
        self._moment = moment
        self._least = least
        self._head = head
        self._short: tuple[int, int] | None = None  # the longest that is too short, and when its first line was written
        self._more = 1
        self._pace: float | None = None  # lines a nanosecond between the last two that were too short

    def is_found(self, when: int) -> bool:
        """Look at when the first line of the part was written; says whether one is found, else look at :attr:`next`."""
        looked = self.next
        if when < self._moment:
            return self._is_short_enough(looked, when)
        if self._short and self._short[1] > when:
            self._pace = (looked - self._short[0]) / (self._short[1] - when)
        self._short = looked, when
        if self.tail is not None and self.begins is not None:  # it was made too short
            between = self.tail - looked
            over = between * (self._moment - self.begins) // max(1, when - self.begins)
            self.next = min(self.tail - 1, max(looked + 1, self.tail - over + between // 8 + 2 * self._least))
            return self._are_few(between, looked)
        if self._pace and QUICKER * (self._moment - self._head) < when - self._moment:
            self.since = max(0, self._moment - int(ENOUGH * self._least / self._pace))
            return True
        self.next = self._longer(looked, when)
        return False

    def _is_short_enough(self, looked: int, when: int) -> bool:
        """The part reaches back to before the moment: whether it does not so too far."""
        self.tail, self.begins = looked, when
        if self._short is None:
            return True
        short, then = self._short
        if when == self._head and self._pace:  # it may be all of the log, and how many lines that has is not known
            looked = min(looked, max(2 * short, short + int((then - when) * self._pace)))
        over = (looked - short) * (self._moment - when) // max(1, then - when)
        self.next = max(looked - over + 2 * self._least, short + self._least)
        return self._are_few(over, looked) or self.next >= looked

    def _are_few(self, lines: int, looked: int) -> bool:
        """Whether it takes no longer to read so many lines too many than to look at a part of that length."""
        return lines <= max(ENOUGH * self._least, looked // QUICK)

    def _longer(self, looked: int, when: int) -> int:
        """As long as it has to be if lines came as evenly as those that were seen."""
        least, most = (times * looked for times in LONGER)
        if self._pace is None:
            return least
        longer = looked + int((when - self._moment) * self._pace * self._more) + 2 * self._least
        if longer < most:
            self._more *= 2  # where they did not, the next part is longer than that
        return min(most, longer)
