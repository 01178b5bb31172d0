"""Rows become columns, and columns rows again, byte for byte.

``text`` is what a reader sees of a line, so that others who open the files can read them, and that a question can be
asked of it; where that is not all that the container wrote, ``raw`` has its bytes. A remark, which is a gap or a
notice, is a row of stream 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from dashboard.lines import Grouper, visible
from dashboard.model import (
    PREFIX,
    SECOND,
    STAMP_LENGTH,
    Container,
    Gap,
    LogLine,
    Notice,
    Row,
    ServiceKey,
    format_timestamp,
    parse_timestamp,
)

EARLIEST, LATEST = -(9_200_000_000 * SECOND), 9_200_000_000 * SECOND  # what a TIMESTAMP_NS can be, and some room
GONE = 'removed'  # the status of a container of which only the store knows
KNOWN_SECONDS = 10_000  # seconds of which is remembered when they were

CONTAINER, STREAM, PLAIN, LEVEL = 8, 4, 1 << 3, 7  # of a mark: from which bits on, one bit, and these
NAMES = ('host', 'project', 'service', 'container', 'name')
COLUMNS = (  # beside those
    'stream UTINYINT',  # 1 stdout, 2 stderr, 0 a remark
    'time TIMESTAMP_NS',
    'ordinal INTEGER',  # its place among its container's lines of that time
    'seq BIGINT',  # its number in the store: later ones have come later
    'head BIGINT',  # the seq of the line that begins its message
    'level UTINYINT',  # of the message, as far as it had come
    'plain BOOLEAN',  # whether the text is ASCII without controls, and all of the line
    'text VARCHAR',
    'raw BLOB',  # the line's bytes, where they are not the text
    'ending VARCHAR',  # where it is not a line feed
    'stamp VARCHAR',  # the engine's, where it is not that of the time
    'since TIMESTAMP_NS', 'missed BIGINT', 'lost BOOLEAN',  # of a gap
)  # fmt: skip
SELECTED = (
    'host, project, service, container, name, stream, epoch_ns(time), ordinal, seq, head, level, text, raw, ending, '
    'stamp, epoch_ns(since), missed, lost'
)

Names: TypeAlias = tuple[str, str, str, str, str]


class Batch(NamedTuple):
    """Rows of one service, in the order of its timeline."""

    service: ServiceKey
    rows: Sequence[Row]
    ended: Sequence[str] = ()  # the short ids of containers of which nothing more will come


@dataclass(slots=True)
class Columns:
    """Rows as they are handed to the database: a list for each column, and the last line of each container."""

    first: int  # the seq of the first row
    names: dict[Names, int] = field(default_factory=dict)  # of containers, from 1
    marks: list[int] = field(default_factory=list)  # a row's container, stream, whether plain, and level, in these bits
    time: list[int] = field(default_factory=list)
    ordinal: list[int] = field(default_factory=list)
    head: list[int] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    raw: list[bytes | None] = field(default_factory=list)
    ending: list[str | None] = field(default_factory=list)
    stamp: list[str | None] = field(default_factory=list)
    gaps: dict[int, Gap] = field(default_factory=dict)  # by their place
    last: dict[str, LogLine] = field(default_factory=dict)  # by the container's short id
    spans: dict[int, tuple[int, int, int, int]] = field(default_factory=dict)  # container → lines, bytes, first, last

    def __len__(self) -> int:
        return len(self.text)

    def number_of(self, container: Container) -> int:
        """By which the index names a container."""
        key = container.service
        names = (key.host, key.project, key.name, container.id, container.name)
        return self.names.setdefault(names, len(self.names) + 1)

    def count(self, number: int, lines: int, size: int, first: int, last: int) -> None:
        """Rows of the container of that number, so many of them lines, were written between these times."""
        old = self.spans.get(number, (0, 0, first, last))
        self.spans[number] = old[0] + lines, old[1] + size, min(old[2], first), max(old[3], last)


class Intake:
    """Makes columns of the rows that come, and knows which message of each service may go on.

    :param seq: the number of the next row
    """

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self._groupers: dict[ServiceKey, Grouper] = defaultdict(Grouper)
        self._seconds: dict[bytes, int] = {}

    def take(self, batches: Iterable[Batch]) -> Columns:
        """The columns of these rows."""
        columns = Columns(self.seq)
        for batch in batches:
            self._add(batch, columns)
        self.seq += len(columns)
        return columns

    def _add(self, batch: Batch, columns: Columns) -> None:
        rows, number = batch.rows, columns.first + len(columns)
        parts = self._groupers[batch.service].feed(rows, number)
        worst = {part.message: part.level for part in parts if part is not None and not part.first}
        start = 0
        for place in [*(place for place, part in enumerate(parts) if part is None), len(parts)]:
            run = [part for part in parts[start:place] if part is not None]
            columns.head += [part.message for part in run]
            levels = [worst.get(part.message, part.level) for part in run] if worst else [part.level for part in run]
            self._add_lines([row for row in rows[start:place] if isinstance(row, LogLine)], levels, columns)
            if place < len(parts):
                self._add_remark(batch.service, rows[place], number + place, columns)
            start = place + 1

    def _add_lines(self, lines: Sequence[LogLine], levels: Sequence[int], columns: Columns) -> None:
        """The hottest loop of the store: a call for each column of a line would cost as much as all the rest."""
        if not lines:
            return
        marks, text, moments = columns.marks, columns.text, list[int]()
        first, second, start = len(columns), b'', 0
        columns.raw += [None] * len(lines)
        columns.ending += [None] * len(lines)
        columns.stamp += [None] * len(lines)
        containers: dict[str, int] = {}  # those of this batch: nearly always one
        for place, (line, level) in enumerate(zip(lines, levels, strict=True), first):
            container, record = line.container, line.record
            number = containers.get(container.id)
            if number is None:
                number = containers[container.id] = columns.number_of(container)
            if record[:19] != second:
                second = record[:19]
                start = self._start_of(second)
            moments.append(start + int(record[20 : STAMP_LENGTH - 1]))
            content = record[PREFIX:-1] if record[-1:] == b'\n' and record[-2:-1] != b'\r' else None
            if content is None or content[-1:] == b'\n':
                content = record[PREFIX:].rstrip(b'\r\n')
                ending = record[PREFIX + len(content) :]
                columns.ending[place] = None if ending == b'\n' else ending.decode('ascii')
            if content.isascii() and len(content.translate(None, _CONTROLS)) == len(content):  # it is seen as it is
                marks.append(number << CONTAINER | line.stream << STREAM | PLAIN | level)
                text.append(content.decode('ascii'))
            else:
                shown = visible(content.decode('utf-8', 'replace'))
                marks.append(number << CONTAINER | line.stream << STREAM | level)
                text.append(shown)
                columns.raw[place] = None if shown.encode() == content else content
        if not EARLIEST < min(moments) <= max(moments) < LATEST:
            columns.stamp[first:] = [line.record[:STAMP_LENGTH].decode('ascii', 'replace') for line in lines]
            moments = [min(max(moment, EARLIEST), LATEST) for moment in moments]
        if len(containers) == 1:
            columns.last[lines[-1].container.short_id] = lines[-1]
            size = sum([len(line.record) for line in lines])
            columns.count(containers.popitem()[1], len(lines), size, min(moments), max(moments))
        else:
            columns.last |= {line.container.short_id: line for line in lines}
            for line, moment in zip(lines, moments, strict=True):
                columns.count(containers[line.container.id], 1, len(line.record), moment, moment)
        columns.ordinal += [line.ordinal for line in lines]
        columns.time += moments

    def _add_remark(self, service: ServiceKey, row: Row, number: int, columns: Columns) -> None:
        container = row.container if isinstance(row, Gap) else ''
        names = (service.host, service.project, service.name, str(container), '')
        place = columns.names.setdefault(names, len(columns.names) + 1)
        columns.marks.append(place << CONTAINER)
        if isinstance(row, Gap):
            columns.gaps[len(columns)] = row
        moment = row.end if isinstance(row, Gap) else row.timestamp
        words = row.reason if isinstance(row, Gap) else row.text
        moment = min(max(moment, EARLIEST), LATEST)
        columns.time.append(moment)
        columns.count(place, 0, 0, moment, moment)
        columns.ordinal.append(0)
        columns.head.append(number)
        columns.text.append(words)
        columns.raw.append(None)
        columns.ending.append(None)
        columns.stamp.append(None)

    def _start_of(self, second: bytes) -> int:
        """When a second begins, in nanoseconds since the epoch, by the first characters of a stamp."""
        start = self._seconds.get(second)
        if start is None:
            if len(self._seconds) > KNOWN_SECONDS:
                self._seconds.clear()
            start = self._seconds[second] = parse_timestamp(second.decode('ascii'))
        return start


class Kept(NamedTuple):
    """A row as it is read back, and what the store knows of it."""

    row: Row
    time: int
    seq: int
    head: int
    level: int


def kept_of(found: Iterable[tuple[Any, ...]], containers: dict[str, Container]) -> Iterator[Kept]:
    """The rows of what :data:`SELECTED` gives.

    :param containers: those that are known, by id; others are added
    """
    for host, project, service, identity, name, stream, time, *_rest in found:
        ordinal, seq, head, level, text, raw, ending, stamp, since, missed, lost = _rest
        if not stream:
            key = ServiceKey(host, project, service)
            gap = Gap(since or time, time, missed, text, lost=bool(lost), container=identity, service=key)
            yield Kept(Notice(time, text) if lost is None else gap, time, seq, head, level)
            continue
        container = containers.get(identity)
        if container is None or container.name != name or container.service.name != service:
            container = Container(identity, name, ServiceKey(host, project, service), '', GONE)
            containers[identity] = container
        content = text.encode('utf-8', 'replace') if raw is None else raw
        tail = b'\n' if ending is None else ending.encode('ascii')
        record = (stamp or format_timestamp(time)).encode('ascii') + b' ' + content + tail
        yield Kept(LogLine(container, stream, record, ordinal), time, seq, head, level)


_CONTROLS = bytes(code for code in (*range(0x20), 0x7F) if code != 0x09)
