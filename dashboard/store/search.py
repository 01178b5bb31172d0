"""Searches days of lines: the newest first, given as they are found, with how far it has come.

The database finds lines that may be of a wanted message, part by part and some at a time. Each message is put together,
and the question is asked of it whole. What was found is held back only until nothing newer can come.
"""

from __future__ import annotations

import heapq
from collections.abc import AsyncGenerator, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from dashboard.lines import Level, Message, Question
from dashboard.model import SECOND, Container, LogLine
from dashboard.store.asked import Asking, Desk, Moved
from dashboard.store.columns import LATEST, SELECTED, Kept, kept_of
from dashboard.store.parts import Part, among
from dashboard.store.reading import BYTES, Place, Wanted, clamped, weight_of
from dashboard.store.sql import ALWAYS, NEVER, Said, both, condition, either

CHUNK, LARGEST_CHUNK = 1_000, 50_000  # lines that may be wanted which are looked at in one step
LONGEST = 1_001 * SECOND  # nanoseconds that a message lasts at the most: a thousand lines, each a second after the last


@dataclass(frozen=True, slots=True)
class Found:
    """What has been found since the last time, the newest first, and how far the search has come.

    :param messages: each whole
    :param places: those before each of them
    :param place: the place before the last of all that was given: another search goes on from there
    :param back_to: nothing newer than this is left to be looked at, in nanoseconds since the epoch; None at the end
    :param done: bytes of the files that were searched
    :param total: bytes of the files that are to be searched
    """

    messages: tuple[Message, ...]
    places: tuple[Place, ...]
    place: Place
    back_to: int | None
    done: int
    total: int


class Candidate(NamedTuple):
    """A message that was put together, by the place of its first line."""

    time: int
    head: int
    message: Message


@dataclass(slots=True)
class _Progress:
    """How far a part has been searched: what is before that place is left."""

    part: Part
    span: tuple[int, int]
    reached: Place
    chunk: int = CHUNK
    ended: bool = False

    @property
    def done(self) -> int:
        """Bytes of it that were searched, about."""
        size, (first, last) = _size(self.part), self.span
        if self.ended:
            return size
        return int(size * (last - min(last, self.reached.time)) / max(1, last - first))


@dataclass(slots=True)
class _Held:
    """What was found and waits until nothing newer can come: a heap, the newest first."""

    candidates: list[tuple[int, int, Candidate]] = field(default_factory=list)

    def add(self, found: Iterable[Candidate]) -> None:
        for item in found:
            heapq.heappush(self.candidates, (-item.time, -item.head, item))

    def until(self, moment: int | None) -> Iterator[Candidate]:
        """Those that are newer than a moment; with None all."""
        while self.candidates and (moment is None or -self.candidates[0][0] > moment):
            yield heapq.heappop(self.candidates)[2]


class Search:
    """Searches the lines of a store.

    :param desk: puts the questions to the database
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._containers: dict[str, Container] = {}

    async def run(
        self, question: Question, wanted: Wanted, *, hidden: Collection[str] | None = None, before: Place | None = None
    ) -> AsyncGenerator[Found, None]:
        """The messages that a question finds, the newest first. Closing the generator ends it at once.

        :param hidden: the marks that stand in place of secrets for who asks. Then messages come that may be found when
            secrets are hidden in them, and the question is still to be asked. None: the messages are those found.
        :param before: only those that begin before this place

        :raises StoreUnavailable: when it cannot go on
        """
        place = before or Place(min(wanted.until, LATEST) + 1)
        while True:
            step = _Run(question, wanted, hidden, place, self._containers)
            try:
                async for found in step.steps(self._desk):
                    place = found.place
                    yield found
                return
            except Moved:  # what was searched has been sealed, merged or forgotten: go on with what there is now
                place = step.place


class _Run:
    """A search through parts that do not change meanwhile."""

    def __init__(
        self,
        question: Question,
        wanted: Wanted,
        hidden: Collection[str] | None,
        before: Place,
        containers: dict[str, Container],
    ) -> None:
        self.place = before
        self._question = question
        self._wanted = wanted
        self._checks = hidden is None and bool(question)
        self._condition = condition(question.tree, None if hidden is None else sorted(hidden))
        self._before = before
        self._containers = containers
        self._held = _Held()
        self._progress: list[_Progress] = []
        self._seen: dict[Part, set[int]] = {}  # messages of several lines that were put together, by where it began
        self._later: dict[Part, frozenset[int]] = {}  # the heads that a part has of messages of earlier ones

    async def steps(self, desk: Desk) -> AsyncGenerator[Found, None]:
        """Each time something was looked at.

        :raises Moved: when one of the parts is no longer there
        """
        await desk.ask(self._plan)
        total = sum(_size(progress.part) for progress in self._progress)
        while left := [progress for progress in self._progress if not progress.ended]:
            newest = max(left, key=lambda progress: progress.reached)
            self._held.add(await self._look(desk, newest))
            back_to = max((progress.reached.time for progress in left if not progress.ended), default=None)
            yield self._give(back_to, total)
        if not self._progress:
            yield Found((), (), self.place, None, 0, 0)

    async def _look(self, desk: Desk, progress: _Progress) -> list[Candidate]:
        """Take the next step in a part.

        :raises Moved: when it is no longer there
        """
        moved = list[Moved]()

        def step(asking: Asking) -> list[Candidate]:
            try:
                return self._step(asking, progress)
            except Moved as error:  # which the desk would take for a reason to take the same step again
                moved.append(error)
                return []

        found = await desk.ask(step)
        if moved:
            raise moved[0]
        return found

    def _give(self, back_to: int | None, total: int) -> Found:
        given = list(self._held.until(back_to))
        if given:
            self.place = Place(given[-1].time, given[-1].head)
        done = sum(progress.done for progress in self._progress)
        places = tuple(Place(item.time, item.head) for item in given)
        return Found(tuple(item.message for item in given), places, self.place, back_to, done, total)

    def _plan(self, asking: Asking) -> None:
        wanted, until = self._wanted, min(self._wanted.until, self._before.time + LONGEST)
        parts = among(asking.parts, wanted.keys, wanted.since, until)
        self._progress = [
            _Progress(part, span, Place(min(span[1], until) + 1)) for part in parts if (span := part.span(wanted.keys))
        ]
        for part in parts:
            self._later[part] = part.heads
            if not part.sealed:
                found = asking.rows(part, 'SELECT DISTINCT head FROM {part} WHERE head < ?', [part.low])
                self._later[part] = frozenset(head for rows in found for (head,) in rows)

    def _step(self, asking: Asking, progress: _Progress) -> list[Candidate]:
        """Look at the next lines of a part which may be wanted."""
        part = progress.part
        if part not in asking.parts:
            raise Moved
        rows, size, several = list[Kept](), 0, set[int]()
        said = self._said(progress)
        order = f'ORDER BY time DESC, seq DESC LIMIT {progress.chunk}'
        for found in asking.rows(
            part, f'SELECT {SELECTED}, multi FROM {{part}} WHERE {said.text} {order}', said.values
        ):
            kept = list(kept_of((row[:-1] for row in found), self._containers))
            several.update(row.head for row, raw in zip(kept, found, strict=True) if raw[-1] or row.head < part.low)
            rows += kept
            size += sum(weight_of(row.row) for row in kept)
            if size > BYTES:
                break
        if len(rows) < progress.chunk and size <= BYTES:
            progress.ended = True
        if rows:
            progress.reached = Place(rows[-1].time, rows[-1].seq)
        candidates = self._wanted_of(self._messages(asking, part, rows, several))
        if 4 * len(candidates) < len(rows):
            progress.chunk = min(2 * progress.chunk, LARGEST_CHUNK)
        return candidates

    def _said(self, progress: _Progress) -> Said:
        """Which lines of a part are to be looked at next. What says nothing is left out: it would halve the speed."""
        part, reached, (_, last) = progress.part, progress.reached, progress.span
        goes_on = Said('head < ?', (part.low,)) if self._later.get(part) else NEVER
        said, values = self._wanted.condition()
        conditions = [Said('stream > 0'), Said(said, tuple(values)) if said != 'true' else ALWAYS]
        if reached.time <= last:
            moment = clamped(reached.time)
            left = '(time < make_timestamp_ns(?) OR (time = make_timestamp_ns(?) AND seq < ?))'
            conditions.append(Said(left, (moment, moment, reached.seq)))
        if self._before.time <= last:  # only a long message begins earlier than its lines
            begins = Said('time <= make_timestamp_ns(?)', (clamped(self._before.time),))
            conditions.append(either([Said('multi'), goes_on, begins]))
        return both([*conditions, either([goes_on, self._condition])])

    def _messages(self, asking: Asking, part: Part, rows: list[Kept], several: set[int]) -> Iterator[Candidate]:
        """The messages of these lines, each once; not those that go on in a later part, which has them."""
        later = {
            head for other, heads in self._later.items() if other is not part and other.low > part.low for head in heads
        }
        for row in rows:
            if row.head not in several and row.head not in later and isinstance(row.row, LogLine):
                yield Candidate(row.time, row.head, Message((row.row,), Level(row.level)))
        seen = self._seen.setdefault(part, set())
        heads = several - later - seen
        seen |= heads
        if heads:
            yield from self._put_together(asking, part, rows, heads)

    def _put_together(self, asking: Asking, part: Part, rows: list[Kept], heads: set[int]) -> Iterator[Candidate]:
        moments = [row.time for row in rows if row.head in heads]
        lines: dict[int, list[Kept]] = {head: [] for head in heads}
        select = (
            f'SELECT {SELECTED} FROM {{part}} WHERE stream > 0 AND time BETWEEN make_timestamp_ns(?) AND '
            'make_timestamp_ns(?) AND head IN (SELECT unnest(?::BIGINT[])) ORDER BY seq'
        )
        span = clamped(min(moments) - LONGEST), clamped(max(moments) + LONGEST)
        for other in asking.parts:
            if other.high >= min(heads) and other.low <= part.high:
                for found in asking.rows(other, select, [*span, list(heads)]):
                    for row in kept_of(found, self._containers):
                        lines[row.head].append(row)
        for head, found_lines in lines.items():
            found_lines.sort(key=lambda row: row.seq)
            whole = tuple(row.row for row in found_lines if isinstance(row.row, LogLine))
            if whole:
                yield Candidate(found_lines[0].time, head, Message(whole, Level(found_lines[-1].level)))

    def _wanted_of(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        matches = self._question.matches
        return [
            item
            for item in candidates
            if (item.time, item.head) < self._before and (not self._checks or matches(item.message))
        ]


def _size(part: Part) -> int:
    return part.size or part.bytes
