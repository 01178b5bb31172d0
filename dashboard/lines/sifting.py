"""A question asked of whole messages as their lines come, batch by batch: a download, a history, a socket."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence, Set

from dashboard.lines.levels import Level
from dashboard.lines.messages import Grouper, Message, Part
from dashboard.lines.query import Question
from dashboard.model import LogLine, Row

MOST_HELD = 5_000  # rows that wait for a message to end


class Sifter:
    """Lets the lines of the messages through that a question finds, whole and in their order; other rows pass.

    A line waits until its message has ended: until its container and stream begin another, or fall silent for longer
    than lines of a message may lie apart. What waits is bounded: a message that keeps too many rows waiting is judged
    by what has come of it, and its other lines share its fate.
    """

    def __init__(self, question: Question) -> None:
        self._question = question
        self._grouper = Grouper()
        self._held: deque[tuple[Row, Part | None]] = deque()
        self._waiting = Counter[int]()  # held lines of each message
        self._lines: dict[int, list[LogLine]] = {}  # of messages that are not judged
        self._levels: dict[int, Level] = {}
        self._judged: dict[int, bool] = {}

    def feed(self, rows: Sequence[Row]) -> list[Row]:
        """The rows that are decided when these have come."""
        if not self._question:
            return list(rows)
        for row, part in zip(rows, self._grouper.feed(rows), strict=True):
            self._held.append((row, part))
            if part is not None and isinstance(row, LogLine):
                self._waiting[part.message] += 1
                if part.message not in self._judged:
                    self._lines.setdefault(part.message, []).append(row)
                    self._levels[part.message] = part.level
        last = next((row for row in reversed(rows) if isinstance(row, LogLine)), None)
        return self._decided(self._grouper.going_on(last) if last else self._lines.keys())

    def end(self) -> list[Row]:
        """The rows that still wait, when nothing follows them."""
        return self._decided(frozenset())

    def _decided(self, going_on: Set[int]) -> list[Row]:
        """The wanted ones of the rows that need not wait; whatever stands behind one that waits does so too."""
        found: list[Row] = []
        while self._held:
            row, part = self._held[0]
            if part is None:
                found.append(row)
            else:
                undecided = part.message in going_on and part.message not in self._judged
                if undecided and len(self._held) <= MOST_HELD:
                    break
                if self._judge(part.message):
                    found.append(row)
                self._forget(part.message, going_on)
            self._held.popleft()
        return found

    def _judge(self, number: int) -> bool:
        if number not in self._judged:
            message = Message(tuple(self._lines.pop(number)), self._levels.pop(number))
            self._judged[number] = self._question.matches(message)
        return self._judged[number]

    def _forget(self, number: int, going_on: Set[int]) -> None:
        """One of its lines has left; with the last of an ended message nothing is kept of it."""
        self._waiting[number] -= 1
        if not self._waiting[number]:
            del self._waiting[number]
            if number not in going_on:
                del self._judged[number]
