"""What stands right before a line in the engine's logs, or right after it, without reading these from their beginning.

An engine looks for a time from the beginning of a log, and for the last lines from its end, which costs next to
nothing. So each container is read from so many lines before its end, those that it is known to have written since and
some more, to a little after the line's time. Where that was not far enough back, it is tried from further back.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import AsyncGenerator, Sequence, Set
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TypeAlias

from dashboard.engine import Engine
from dashboard.errors import ContainerGone, LogsUnreadable
from dashboard.model import (
    ENGINE_SPLIT,
    SECOND,
    STAMP_LENGTH,
    Container,
    Cursor,
    LogLine,
    Row,
    Service,
    format_timestamp,
)
from dashboard.timeline.catchup import Before
from dashboard.timeline.merge import merged
from dashboard.timeline.pieces import HELD_BYTES, LastLines
from dashboard.timeline.resume import LOOK_BACK
from dashboard.timeline.subscription import BATCH

Name: TypeAlias = tuple[str, bytes, int]
WIDER = 4  # times as many lines are asked for when they were too few
TRIES = 24  # from the fewest lines, more than any log has


@dataclass(slots=True)
class Beside:
    """What is asked; and after the reading what was learned by it.

    :param cursor: the line
    :param most: lines that are wanted of those next to it
    :param forward: those that follow it; else those that precede it
    :param after: how many lines each container has written since, about; by its short id
    :param until: nothing later is wanted, in nanoseconds since the epoch
    :param held: the names of lines that are not wanted: the timeline holds them
    :param joins: whether the line is held too: what is not held and is not later than ``until`` precedes it
    """

    cursor: Cursor
    most: int
    forward: bool
    after: dict[str, int]
    until: int
    held: Set[Name] = frozenset()
    joins: bool = False
    ended: bool = False  # whether there is nothing beyond what was given
    found: bool = False  # whether it is still there
    heads: dict[str, bytes] = field(default_factory=dict)  # the timestamp with which the engine's log of each begins
    rotating: int | None = None  # when the first container was made whose engine lets old lines go, in nanoseconds


def name_of(line: LogLine) -> Name:
    """As good as the line's cursor, and quick."""
    return line.container.short_id, line.record[:STAMP_LENGTH], line.ordinal


async def lines_beside(
    engine: Engine, service: Service, asked: Beside, before: Before | None
) -> AsyncGenerator[list[Row], None]:
    """The lines in their order, no more than can be held together; what precedes them is given to ``before``.

    :raises EngineUnavailable, LogsUnreadable: as the engine does
    """
    wider = asked.most + LOOK_BACK
    for _ in range(TRIES):
        tails = {item.short_id: asked.after.get(item.short_id, 0) + wider for item in service.containers}
        trial = _Trial(asked, tails)
        await trial.read(engine, service.containers)
        if trial.reaches and (trial.lines or trial.ended):
            break
        wider = WIDER * max(tails.values())
    asked.ended, asked.found, asked.heads = trial.ended, trial.found, trial.heads
    made = (item.created * SECOND for item in service.containers if engine.rotates(item))
    asked.rotating = min(made, default=None)
    asked.after |= {name: max(0, tail - trial.passed[name]) for name, tail in tails.items()}
    if before:
        before([line for lines in trial.early.values() for line in lines])
    for start in range(0, len(trial.lines), BATCH):
        yield list[Row](trial.lines[start : start + BATCH])


class _Trial:
    """Reads from so many lines before the end of each container; what is before all have begun is not complete."""

    def __init__(self, asked: Beside, tails: dict[str, int]) -> None:
        self.found = False
        self.passed = Counter[str]()  # what the engine counts as lines, before those that are given
        self.early: defaultdict[str, deque[LogLine]] = defaultdict(lambda: deque(maxlen=LOOK_BACK))
        self._asked = asked
        self._tails = tails
        self._stamp = format_timestamp(asked.cursor.timestamp).encode()
        self._bound = self._until = format_timestamp(asked.until).encode()  # up to where it was read
        self._cursor: Name = (asked.cursor.container, self._stamp, asked.cursor.ordinal)
        self._last = LastLines(asked.most)  # those before the line
        self._later = LastLines(asked.most)  # not older than it, but it may follow
        self._next: list[LogLine] = []  # those after it
        self._room = HELD_BYTES
        self.heads: dict[str, bytes] = {}  # the timestamp with which the log of a container begins
        self._unseen: set[str] = set()  # containers with such lines, of which none has come
        self._cut: dict[str, bytes] = {}  # the timestamp of the first line that came, where the log has older ones
        self._left = self._too_short = self._over = False

    @property
    def lines(self) -> list[LogLine]:
        """Those that were asked for."""
        return self._next if self._asked.forward else list(self._last.lines)

    @property
    def reaches(self) -> bool:
        """Whether it went back far enough."""
        return not self._too_short and all(self.heads[name] > self._bound for name in self._unseen)

    @property
    def ended(self) -> bool:
        """Whether there is nothing beyond these lines."""
        return self.reaches and not (self._over if self._asked.forward else self._cut or self._left)

    async def read(self, engine: Engine, containers: tuple[Container, ...]) -> None:
        """Read what there is."""
        there = [item for item in containers if await self._look_at_head(engine, item, alone=len(containers) == 1)]
        self._unseen = {item.short_id for item in there}
        sources = [engine.logs(item, tail=self._tails[item.short_id], until=self._asked.until) for item in there]
        async with aclosing(sources[0] if len(sources) == 1 else merged(sources)) as batches:
            async for batch in batches:
                for line in batch:
                    self._take(line)
                    if self._over:
                        return
                await asyncio.sleep(0)

    async def _look_at_head(self, engine: Engine, container: Container, alone: bool) -> bool:
        """Whether its log has lines that may be wanted."""
        try:
            async with aclosing(engine.logs(container)) as batches:
                async for batch in batches:
                    head = self.heads[container.short_id] = batch[0].record[:STAMP_LENGTH]
                    return head <= self._until
        except (ContainerGone, LogsUnreadable):
            if alone:
                raise
        return False

    def _take(self, line: LogLine) -> None:
        name, stamp = line.container.short_id, line.record[:STAMP_LENGTH]
        if name in self._unseen:
            self._begin(name, stamp)
        if self._cut.get(name) == stamp:  # perhaps the rest of a line, or not the first one of that time
            self._pass(line)
        elif self._asked.forward:
            self._take_next(line, stamp)
        else:
            self._take_last(line, stamp)

    def _begin(self, name: str, stamp: bytes) -> None:
        """A container's first line has come. Where its log has older ones, what came before is not complete."""
        self._unseen.remove(name)
        if stamp <= self.heads[name]:
            return
        self._cut[name] = stamp
        for line in (*self._last.lines, *self._later.lines):
            self._pass(line)
        self._last, self._later = LastLines(self._asked.most), LastLines(self._asked.most)
        self._too_short = self._over = stamp >= self._stamp and not self._asked.joins

    def _take_last(self, line: LogLine, stamp: bytes) -> None:
        """Before the line are those that come before it, or, if it never comes, the older ones."""
        is_it = name_of(line) == self._cursor
        self.found = self.found or is_it
        if self._asked.joins:
            self._keep(self._last, [line] if name_of(line) not in self._asked.held else [])
        elif is_it or stamp < self._stamp:
            self._keep(self._last, self._later.lines)
            self._later = LastLines(self._asked.most)
            if is_it:
                self._over, self._bound = True, stamp
            elif name_of(line) not in self._asked.held:
                self._keep(self._last, [line])
        elif name_of(line) not in self._asked.held:
            self._later.add([line])

    def _take_next(self, line: LogLine, stamp: bytes) -> None:
        """After the line are those that come after it, or, if it never comes, the newer ones."""
        if name_of(line) == self._cursor:
            for earlier in (*self._next, line):
                self._pass(earlier)
            self.found, self._next = True, []
        elif not self.found and stamp <= self._stamp:
            self._pass(line)
        elif name_of(line) not in self._asked.held:
            self._next.append(line)
            self._room -= len(line.record)
            if self._room < 0 or len(self._next) >= self._asked.most:
                self._over, self._bound = True, stamp

    def _keep(self, lines: LastLines, new: Sequence[LogLine]) -> None:
        for left in lines.add(new):
            self._left = True
            self._pass(left)

    def _pass(self, line: LogLine) -> None:
        self.passed[line.container.short_id] += 1 + len(line.record) // ENGINE_SPLIT
        self.early[line.container.short_id].append(line)
