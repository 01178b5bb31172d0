"""A question asked of whole messages as their lines come, batch by batch: a download, a history, a socket."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence, Set

from dashboard.lines.around import around
from dashboard.lines.asking import Hint
from dashboard.lines.levels import Level
from dashboard.lines.messages import Grouper, Message, Part
from dashboard.lines.query import Question
from dashboard.model import LogLine, Row

MOST_HELD = 5_000  # rows that wait for a message to end
MOST_BYTES_HELD = 8 << 20  # of their lines
SAMPLE = 50  # rows at the most
SPARSE = 4  # lines to one that may be found


class Sifter:
    """Lets the lines of the messages through that a question finds, whole and in their order; other rows pass.

    A line waits until its message has ended: until its container and stream begin another, or fall silent for longer
    than lines of a message may lie apart. What waits is bounded: a message that keeps too much waiting is judged by
    what has come of it, and its other lines share its fate.
    """

    def __init__(self, question: Question) -> None:
        self.found = 0  # messages so far
        self._question = question
        self._grouper = Grouper()
        self._held: deque[tuple[Row, Part | None]] = deque()
        self._bytes = 0  # of the held lines
        self._waiting = Counter[int]()  # held lines of each message
        self._lines: dict[int, list[LogLine]] = {}  # of messages that are not judged
        self._levels: dict[int, Level] = {}
        self._judged: dict[int, bool] = {}

    @property
    def waiting(self) -> int:
        """How many rows wait."""
        return len(self._held)

    def feed(self, rows: Sequence[Row]) -> list[Row]:
        """The wanted ones of the rows that are decided when these have come."""
        return [row for row, wanted in self.judge(rows) if wanted]

    def end(self) -> list[Row]:
        """The wanted ones of those that still wait; see :meth:`judge_rest`."""
        return [row for row, wanted in self.judge_rest() if wanted]

    def judge(self, rows: Sequence[Row]) -> list[tuple[Row, bool]]:
        """All rows that are decided when these have come, in their order, and whether they are wanted."""
        if not self._question:
            return [(row, True) for row in rows]
        for row, part in zip(rows, self._parts(rows), strict=True):
            self._held.append((row, part))
            if not isinstance(row, LogLine):
                continue
            self._bytes += len(row.record)
            if part is not None:
                self._waiting[part.message] += 1
                if part.message not in self._judged:
                    self._lines.setdefault(part.message, []).append(row)
                    self._levels[part.message] = part.level
        last = next((row for row in reversed(rows) if isinstance(row, LogLine)), None)
        open_ = self._grouper.open
        going_on = self._grouper.going_on(last) if last else open_
        return self._decided(going_on, open_)

    def judge_rest(self) -> list[tuple[Row, bool]]:
        """The rows that still wait, when nothing has followed for a while; what does later shares their fate."""
        return self._decided(frozenset(), self._grouper.open)

    def _parts(self, rows: Sequence[Row]) -> Sequence[Part | None]:
        """The messages of the lines that may be found; None for others: most need not be put together for that."""
        hint = self._question.hint
        if hint is None or _is_dense(rows, hint):
            return self._grouper.feed(rows)
        hits = [isinstance(row, LogLine) and hint(row.record) for row in rows]
        parts: list[Part | None] = [None] * len(rows)
        indices = around(rows, hits, self._grouper.sources)
        for index, part in zip(indices, self._grouper.feed([rows[index] for index in indices]), strict=True):
            parts[index] = part
        return parts

    def _decided(self, waits: Set[int], open_: Set[int]) -> list[tuple[Row, bool]]:
        """The rows that need not wait; whatever stands behind one that waits does so too.

        :param waits: messages that are not judged yet
        :param open_: those that may go on, of which the judgement is kept
        """
        found: list[tuple[Row, bool]] = []
        while self._held:
            row, part = self._held[0]
            if part is not None and part.message in waits and part.message not in self._judged and not self._full():
                break
            found.append((row, not isinstance(row, LogLine) if part is None else self._judge(part.message)))
            self._held.popleft()
            if isinstance(row, LogLine):
                self._bytes -= len(row.record)
            if part is not None:
                self._forget(part.message, open_)
        for number in [number for number in self._judged if number not in self._waiting and number not in open_]:
            del self._judged[number]
        return found

    def _full(self) -> bool:
        return len(self._held) > MOST_HELD or self._bytes > MOST_BYTES_HELD

    def _judge(self, number: int) -> bool:
        if number not in self._judged:
            message = Message(tuple(self._lines.pop(number)), self._levels.pop(number))
            self._judged[number] = self._question.matches(message)
            self.found += self._judged[number]
        return self._judged[number]

    def _forget(self, number: int, open_: Set[int]) -> None:
        """One of its lines has left; with the last of an ended message nothing is kept of it."""
        self._waiting[number] -= 1
        if not self._waiting[number]:
            del self._waiting[number]
            if number not in open_:
                del self._judged[number]


def _is_dense(rows: Sequence[Row], hint: Hint) -> bool:
    """Whether so many lines may be found that to look for them first does not pay, by a sample."""
    sample = rows[:: len(rows) // SAMPLE + 1]
    return SPARSE * sum(isinstance(row, LogLine) and hint(row.record) for row in sample) > len(sample)
