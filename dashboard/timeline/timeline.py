"""Rows in their order, bounded, and who reads them: what the lines of one service and of several have in common."""

from __future__ import annotations

import asyncio
import secrets
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dashboard.model import SECOND, Cursor, LogLine, Row, Service
from dashboard.timeline.history import History, row_time
from dashboard.timeline.marks import Marks
from dashboard.timeline.subscription import Subscription

COALESCE = 0.01  # seconds for which new rows are gathered before subscribers are woken
REMEMBERED = 2 * SECOND  # how long cursors name a container that was removed: longer than a resume looks back


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """The truth for the badge: the worst that any reader is in."""

    phase: str  # connecting, catching up, live, reconnecting, stopped, unreadable
    attempt: int = 0
    retry_at: float = 0.0  # time.monotonic()
    error: str = ''
    last_line: int | None = None  # nanoseconds since the epoch, of the newest line


@dataclass(frozen=True, slots=True)
class Former:
    """A container that was removed: where its lines were in the history, if it had any."""

    name: str  # its short id
    last: Cursor
    first_row: int  # they are from this row on
    end_row: int  # up to, not including, this one


class Timeline(ABC):
    """A bounded history that goes on, the subscriptions to it, and how far it has come in each container.

    :param service: what it is of; of several services, all their containers under a name for them
    """

    def __init__(self, service: Service, max_rows: int, max_bytes: int) -> None:
        self.history = History(max_rows, max_bytes)
        self.subscriptions: set[Subscription] = set()
        self.service = service
        self.token = secrets.token_hex(4)  # names this timeline in cursors: another one numbers its rows otherwise
        self.ready = asyncio.Event()  # the backlog has been read: a tail can be taken
        self._marks = Marks()
        self._checkpoints: deque[tuple[int, Marks]] = deque()  # row number → the marks before it
        self._complete_from = 0
        self._last_line: int | None = None
        self._waking: asyncio.TimerHandle | None = None

    @property
    @abstractmethod
    def status(self) -> FeedStatus:
        """How its streams are doing, at their worst."""

    @property
    @abstractmethod
    def former(self) -> list[Former]:
        """The containers that were removed of late."""

    @abstractmethod
    def has_passed(self, cursor: Cursor) -> bool:
        """Whether that line has come and left again, or will not come because nobody reads its container."""

    @property
    @abstractmethod
    def _is_of_one(self) -> bool:
        """Whether there was never more than one container."""

    @abstractmethod
    def _forgettable(self) -> Iterable[str]:
        """The short ids of containers that cursors need not name once they are quiet."""

    def subscribe(self, tail: int = 0) -> Subscription:
        """Begin ``tail`` lines before the end, once the backlog has been read."""
        return Subscription(self, tail)

    def marks_at(self, position: int) -> Marks:
        """The last line of each container before row number ``position``, which is held, and that place."""
        first, marks = self.history.first, Marks()
        for row, before in reversed(self._checkpoints):
            if row <= position:
                first, marks = max(first, row), before.copy()
                break
        marks.read(
            self.history.slice(first, position) if self._checkpoints else self.history.slice(position - 1, position)
        )
        marks.feed, marks.row = self.token, position
        return marks

    @property
    def ends(self) -> Mapping[str, Cursor]:
        """The last line of each container, by its short id."""
        return self._marks.cursors

    @property
    def complete_from(self) -> int:
        """The number of the row from which on the history has every line of every container."""
        return max(self._complete_from, self.history.first)

    def _append(self, rows: list[Row]) -> None:
        self._mark(rows)
        self.history.append(rows)
        last = rows[-1]
        if isinstance(last, LogLine):
            self._last_line = last.timestamp
        if self._waking is None:
            self._waking = asyncio.get_running_loop().call_later(COALESCE, self._wake)

    def _mark(self, rows: list[Row]) -> None:
        """Note where each container is; while there was but one its last line is all there is to note."""
        last = rows[-1]
        if self._is_of_one and not self._checkpoints:
            # a checkpoint after a notice would stay the only one, and all rows since be read for every burst
            self._marks.read(rows[-1:] if isinstance(last, LogLine) else rows)
            return
        while len(self._checkpoints) > 1 and self._checkpoints[1][0] <= self.history.first:
            self._checkpoints.popleft()
        self._marks.forget(self._forgettable(), row_time(rows[0]) - REMEMBERED)
        self._checkpoints.append((self.history.end, self._marks.copy()))
        self._marks.read(rows)

    def _wake(self) -> None:
        self._waking = None
        for subscription in self.subscriptions:
            subscription.wake()

    def _end(self) -> None:
        """Nothing more comes: subscriptions end."""
        self.ready.set()
        if self._waking:
            self._waking.cancel()
        for subscription in list(self.subscriptions):
            subscription.close()
