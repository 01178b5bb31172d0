"""Which lines belong together: a stack trace, a statement or a pretty-printed object is one message.

A line goes on with the last message of its own container and stream, when it comes soon after that one's last line and
looks like its continuation: it is indented or empty, or it is what some runtime writes below an error. Everything else
begins a message. Lines stay where they are; what is found is to which message each of them belongs.

Where one begins to look matters only for a moment. A line that :func:`surely_begins` does so whatever stands before it,
and what follows is grouped by that line alone; so is what follows a pause. :func:`beginning` goes back to there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from dashboard.lines.continuations import (
    SPACE,
    TRACEBACK,
    begins,
    closes,
    follows,
    is_detail,
    is_indented,
    names_exception,
    process_of,
    state_after,
)
from dashboard.lines.levels import Level, head_of, level_of, level_of_member
from dashboard.model import PREFIX, SECOND, Gap, LogLine, Row, parse_timestamp

WITHIN = SECOND  # nanoseconds between two lines of a message at the most
MOST_LINES = 1_000  # of one message; the next line begins another
MOST_BYTES = 1 << 20  # of the lines of one message
LOOK_BACK = 2 * MOST_LINES  # rows that are gone back over to find where messages begin

Source: TypeAlias = tuple[str, int]  # a container's id and its stream


class Part(NamedTuple):
    """To which message a line belongs.

    :param message: its number, which is that of its first line's row
    :param first: whether the line begins it
    :param level: that of the message as far as it has come: its first line's, or the worst when that one says none;
        of an object over several lines, what its own members say
    """

    message: int
    first: bool
    level: Level


class Grouper:
    """Tells message by message what the rows of a timeline belong to, in the batches in which they come."""

    def __init__(self) -> None:
        self._next = 0
        self._open: dict[Source, _Begun | _Open] = {}

    def feed(self, rows: Sequence[Row], first: int | None = None) -> list[Part | None]:
        """For each row the message of which it is a part; None for what is no line.

        Behind a gap nothing goes on: what began there may be what is missing.

        :param first: the number of the first row, greater than those before; without it, rows are counted from 0 on
        """
        first = self._next if first is None else first
        self._next = first + len(rows)
        parts: list[Part | None] = []
        for number, row in enumerate(rows, first):
            if isinstance(row, LogLine):
                parts.append(self._part(row, number))
                continue
            if isinstance(row, Gap):
                self._open.clear()
            parts.append(None)
        return parts

    @property
    def open(self) -> frozenset[int]:
        """The numbers of the messages that may have more lines, whenever those come."""
        return frozenset(message.number for message in self._open.values())

    @property
    def sources(self) -> frozenset[Source]:
        """The containers and streams of those."""
        return frozenset(self._open)

    def going_on(self, line: LogLine) -> frozenset[int]:
        """The numbers of the messages that may have more lines when this is the newest, of whatever container."""
        return frozenset(message.number for message in self._open.values() if _near(message.record, line.record))

    def _part(self, line: LogLine, number: int) -> Part:
        source, record = (line.container.id, line.stream), line.record
        content = record[PREFIX:].rstrip(b'\r\n')
        if content[:1] == b'\x1b':
            content = _bare(content)
        if content[:1] in SPACE:  # most of a trace
            message = self._open_now(source)
            if message is not None and message.takes(record) and is_indented(content):
                return message.add(record, None)
            level = level_of(content, head := head_of(content))
        else:
            level = level_of(content, head := head_of(content))
            if not begins(head, level):
                message = self._open_now(source)
                if message is not None and message.takes(record) and message.goes_on(head):
                    return message.add(record, head, level)
        self._open[source] = _made(_Begun, (number, record, head, level))
        if len(self._open) > _MOST_OPEN:
            del self._open[next(iter(self._open))]
        return _made(Part, (number, True, level))

    def _open_now(self, source: Source) -> _Open | None:
        """The message with which a line of that source may go on."""
        message = self._open.get(source)
        if isinstance(message, _Begun):
            message = self._open[source] = _Open(*message)
        return message


@dataclass(frozen=True, slots=True)
class Message:
    """Lines that belong together, in their order; other lines may stand between them in the timeline."""

    lines: tuple[LogLine, ...]
    level: Level

    @property
    def content(self) -> bytes:
        """The message's own bytes, without timestamps; its lines are parted by line feeds."""
        return b'\n'.join(line.content for line in self.lines)


def messages_of(rows: Sequence[Row]) -> list[Message]:
    """The messages that begin in these rows, in the order of their first lines."""
    found: dict[int, list[LogLine]] = {}
    levels: dict[int, Level] = {}
    for row, part in zip(rows, Grouper().feed(rows), strict=True):
        if part is not None and isinstance(row, LogLine):
            found.setdefault(part.message, []).append(row)
            levels[part.message] = part.level
    return [Message(tuple(lines), levels[number]) for number, lines in found.items()]


def surely_begins(content: bytes) -> bool:
    """Whether a line begins a message whatever stands before it: it has a level or a time of its own, not indented."""
    content = _bare(content)
    return content[:1] not in SPACE and begins(head_of(content), level_of(content))


def level_in_message(content: bytes) -> Level:
    """The level that a line gives to its message."""
    bare = _bare(content)
    return level_of(bare) or (level_of_member(bare) if bare[:1] in _MEMBERS else Level.UNKNOWN)


def _bare(content: bytes) -> bytes:
    """The line without colours before its indentation."""
    return head_of(content) if content[:1] == b'\x1b' else content


def beginning(rows: Sequence[Row], index: int) -> int:
    """Where to begin, so that the rows from ``index`` on are grouped as they are from the very beginning.

    Goes back to where, for every container and stream, a line surely begins a message or a pause lies before it, but at
    most :data:`LOOK_BACK` rows: of a longer message the rest is then a message of its own.
    """
    if index >= len(rows) or not isinstance(start := rows[index], LogLine):
        return index
    earliest: dict[Source, bytes] = {}  # of those whose beginning is sought
    settled: set[Source] = set()
    for place in range(index, max(-1, index - LOOK_BACK), -1):
        row = rows[place]
        if isinstance(row, Gap):
            return place
        if not isinstance(row, LogLine):
            continue
        source = (row.container.id, row.stream)
        if not _near(row.record, start.record) and not any(_near(row.record, later) for later in earliest.values()):
            return place + 1
        if source in settled or (source in earliest and not _near(row.record, earliest[source])):
            continue
        earliest[source] = row.record
        if surely_begins(row.content):
            settled.add(source)
            del earliest[source]
    return max(0, index - LOOK_BACK + 1)


class _Begun(NamedTuple):
    """A message of one line, as most are: nobody has asked what may follow it."""

    number: int
    record: bytes
    head: bytes
    level: Level


class _Open:
    """A message that may go on."""

    __slots__ = ('_bytes', '_first', '_head', '_indent', '_lines', '_state', '_told', 'level', 'number', 'record')

    def __init__(self, number: int, record: bytes, head: bytes, level: Level) -> None:
        self.number = number
        self._first = record
        self.record = record  # the last line's
        self.level = level
        self._told = level is not Level.UNKNOWN
        self._lines, self._bytes = 1, len(record)
        self._head: bytes | None = head  # that of the last line, until what may follow it is asked
        self._state = ''
        self._indent = -1 if head.rstrip() == b'{' else None  # of the members, when it is an object

    def takes(self, record: bytes) -> bool:
        """Whether there is room and time for another line."""
        room = self._lines < MOST_LINES and self._bytes + len(record) <= MOST_BYTES
        return room and _near(self.record, record)

    def goes_on(self, head: bytes) -> bool:
        """Whether a line that is not indented goes on with it."""
        state = self._state_now()
        if head.startswith(TRACEBACK):
            return state == 'chained' or self._may_explain()
        return (
            follows(head, state)
            or self._is_detail(head)
            or (self._lines > 1 and closes(head))
            or (self._may_explain() and names_exception(head))
        )

    def _may_explain(self) -> bool:
        """Whether the next line may tell what went wrong."""
        return self._lines == 1 and self.level >= Level.WARN

    def add(self, record: bytes, head: bytes | None, level: Level = Level.UNKNOWN) -> Part:
        """Count a line in; its head, unless it is indented."""
        self.record = record
        self._lines += 1
        self._bytes += len(record)
        if head:
            self._state_now()
            self._head = head
        if self._indent is not None:
            level = max(level, self._level_of_member(record[PREFIX:]))
        if level and not self._told:
            self.level = max(self.level, level)
        return _made(Part, (self.number, False, self.level))

    def _level_of_member(self, content: bytes) -> Level:
        """That of a line of an object, unless it is one of an object in it."""
        indent = len(content) - len(content.lstrip())
        if self._lines == 2:
            self._indent = indent
        return level_of_member(content) if indent == self._indent else Level.UNKNOWN

    def _state_now(self) -> str:
        """What may follow: most messages end with their first line, and nobody asks."""
        if self._head is not None:
            self._state, self._head = state_after(self._head, self._state), None
        return self._state

    def _is_detail(self, head: bytes) -> bool:
        """Whether PostgreSQL says more of its message before: from the same process, as far as the two say whose."""
        if not is_detail(head):
            return False
        before, now = process_of(self._first[PREFIX:]), process_of(head)
        return before is None or now is None or before == now


def _near(before: bytes, after: bytes) -> bool:
    """Whether two records were written within the time that lines of a message may lie apart."""
    if before[:19] == after[:19]:
        return True
    try:
        return abs(parse_timestamp(after[:30].decode('ascii')) - parse_timestamp(before[:30].decode('ascii'))) <= WITHIN
    except ValueError:
        return False


_made = tuple.__new__  # a named tuple at half the cost: there is one for every line
_MEMBERS = (*SPACE, b'"')
_MOST_OPEN = 2_000  # containers and streams of which a message may go on; the one that began first is forgotten
