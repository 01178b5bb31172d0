"""What everything else speaks: services, containers, and the rows of their timeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from fnmatch import fnmatchcase
from typing import TypeAlias

from dashboard.errors import BadRequest

SECOND = 1_000_000_000  # nanoseconds
SHORT_ID = 12  # characters of a container id that the Docker CLI shows
STAMP_LENGTH = 30  # of '2026-01-02T03:04:05.123456789Z', the engine's fixed-width form
PREFIX = STAMP_LENGTH + 1  # of a record: the timestamp and a space
ENGINE_SPLIT = 16 * 1024  # the engine cuts longer lines and stamps every piece
LONGEST_LINE = 1 << 20  # bytes held for one line; of a longer one, what is held becomes a line without an ending
LEAST_CUT = LONGEST_LINE - ENGINE_SPLIT - PREFIX  # bytes that such a line has at least, for it ends with a piece


class Stream(IntEnum):
    """Where a line was written; the numbers are those of the engine's multiplexed header."""

    STDOUT = 1
    STDERR = 2


@dataclass(frozen=True, slots=True, order=True)
class ServiceKey:
    """Addresses a service: the engine it runs on, its compose project ('' without compose) and its name."""

    host: str
    project: str
    name: str

    @property
    def qualified(self) -> str:
        """``project:name``, which names one service even when several projects have one of that name."""
        return f'{self.project}:{self.name}'

    def fits(self, pattern: str) -> bool:
        """Whether a pattern ``project/service`` covers it; both parts in the manner of a shell, with regard to case."""
        project, _, service = pattern.partition('/')
        return fnmatchcase(self.project, project) and fnmatchcase(self.name, service)


@dataclass(frozen=True, slots=True)
class Container:
    """A container as the engine lists it. ``status`` and ``health`` are the engine's own words."""

    id: str
    name: str
    service: ServiceKey
    image: str
    status: str  # created, running, paused, restarting, removing, exited, dead
    health: str = 'none'  # none, starting, healthy, unhealthy
    created: int = 0  # seconds since the epoch
    replica: str = ''  # its number within its service, which the container that replaces it takes over
    exit_code: int | None = None  # how it ended last, of one that does not run or is about to run again
    recorded: bool = True  # whether its lines may be kept; a label says no

    @property
    def short_id(self) -> str:
        """The first twelve characters of the id, as the Docker CLI shows it."""
        return self.id[:SHORT_ID]

    @property
    def running(self) -> bool:
        """Whether it can still write lines."""
        return self.status in ('running', 'paused', 'restarting')


@dataclass(frozen=True, slots=True)
class Service:
    """All containers of one service, newest first."""

    key: ServiceKey
    containers: tuple[Container, ...]

    @property
    def status(self) -> str:
        """``running`` when any container runs, else the newest container's status."""
        states = [container.status for container in self.containers]
        return 'running' if 'running' in states else next(iter(states), 'removed')

    @property
    def keys(self) -> frozenset[ServiceKey]:
        """The services whose containers these are: itself, unless it stands for several."""
        return frozenset(container.service for container in self.containers) or frozenset([self.key])

    @property
    def health(self) -> str:
        """The worst health of its running containers."""
        found = {container.health for container in self.containers if container.running}
        return next((health for health in ('unhealthy', 'starting', 'healthy') if health in found), 'none')


@dataclass(frozen=True, slots=True)
class ContainerEvent:
    """What happened to a container: start, die, destroy, pause, health_status …, in the engine's words."""

    action: str
    container_id: str
    timestamp: int  # nanoseconds since the epoch
    service: ServiceKey
    name: str  # of the container
    image: str = ''
    replica: str = ''  # see Container
    attributes: dict[str, str] = field(default_factory=dict)  # exitCode, labels …


@dataclass(frozen=True, slots=True)
class Cursor:
    """Names one line for ever: its container, its engine timestamp, and its place among lines of that timestamp."""

    container: str  # the short id
    timestamp: int  # nanoseconds since the epoch
    ordinal: int = 0

    def __str__(self) -> str:
        return f'{self.timestamp}-{self.ordinal}-{self.container}'

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read a cursor back from its text.

        :raises BadRequest: when the text is not a cursor
        """
        head, _, container = text.rpartition('-')
        timestamp, _, ordinal = head.rpartition('-')
        try:
            format_timestamp(int(timestamp))  # whether there is such a moment
            return cls(container=container, timestamp=int(timestamp), ordinal=int(ordinal))
        except (ValueError, OverflowError):
            raise BadRequest(f'{text!r} is not a cursor: take one from the "cursor" of a log message.') from None


class LogLine:
    """One line as the engine gave it, decoded only when somebody looks at it.

    A firehose makes hundreds of thousands of these a second and shows a few thousand, so the record stays bytes,
    the class is plain and slotted (a frozen dataclass takes four times as long to make), and nothing is cached.
    """

    __slots__ = ('container', 'ordinal', 'record', 'stream')

    def __init__(self, container: Container, stream: int, record: bytes, ordinal: int = 0) -> None:
        self.container = container
        self.stream = stream
        self.record = record  # timestamp, space, text, perhaps a line ending
        self.ordinal = ordinal

    @classmethod
    def of(cls, container: Container, timestamp: int, text: str | bytes, stream: int = Stream.STDOUT) -> LogLine:
        """Make a line from its parts; ``timestamp`` in nanoseconds since the epoch."""
        content = text.encode() if isinstance(text, str) else text
        return cls(container, stream, format_timestamp(timestamp).encode() + b' ' + content)

    @property
    def stamp(self) -> str:
        """The engine's timestamp as it wrote it: RFC 3339 with nanoseconds; sorts as text."""
        return self.record[:STAMP_LENGTH].decode('ascii', 'replace')

    @property
    def timestamp(self) -> int:
        """The engine's timestamp in nanoseconds since the epoch."""
        return parse_timestamp(self.stamp)

    @property
    def content(self) -> bytes:
        """The line's own bytes, without timestamp and line ending."""
        return self.record[PREFIX:].rstrip(b'\r\n')

    @property
    def text(self) -> str:
        """The line as text; bytes that are not UTF-8 become U+FFFD."""
        return self.content.decode('utf-8', 'replace')

    @property
    def is_cut(self) -> bool:
        """Whether the next line of its stream goes on with it, for it was longer than ``LONGEST_LINE``."""
        return len(self.record) >= LEAST_CUT + PREFIX and not self.record.endswith(b'\n')

    @property
    def is_begun(self) -> bool:
        """Whether it may be only the beginning of a line: pieces that the engine cuts, as far as it has them."""
        pieces, rest = divmod(len(self.record) - PREFIX, ENGINE_SPLIT)
        return pieces > 0 and not rest and not self.record.endswith(b'\n') and not self.is_cut

    @property
    def cursor(self) -> Cursor:
        """The line's name, for resuming after it."""
        return Cursor(self.container.short_id, self.timestamp, self.ordinal)

    def __repr__(self) -> str:
        return f'<LogLine {self.container.name} {self.record!r}>'


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines that could not be had, or were skipped: never silence."""

    start: int  # nanoseconds since the epoch, of the last line before
    end: int  # nanoseconds since the epoch, of the first line after
    missed: int | None  # how many lines, where known
    reason: str  # words for the user
    row: int | None = None  # number of the first missed row in the history, when they were skipped for one viewer only
    lost: bool = False  # whether nobody has them any more
    container: str = ''  # the short id of the only container whose lines they are
    service: ServiceKey | None = None  # whose lines they are, in a timeline of several services

    @property
    def key(self) -> str:
        """Names the gap among those of its timeline."""
        return f'{self.start}-{self.end}'


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened to a container, as a row of its service's timeline."""

    timestamp: int  # nanoseconds since the epoch
    text: str


Row: TypeAlias = LogLine | Gap | Notice


def parse_timestamp(stamp: str) -> int:
    """Nanoseconds since the epoch of an RFC 3339 timestamp, exact to the nanosecond, for the years 1 to 9999.

    :raises ValueError: when it is not such a timestamp
    """
    whole, _, rest = stamp.partition('.')
    digits = rest.rstrip('Z')
    moment = datetime.fromisoformat(whole.rstrip('Z')).replace(tzinfo=UTC)
    days = moment.toordinal() - datetime(1970, 1, 1).toordinal()
    seconds = days * 86_400 + moment.hour * 3_600 + moment.minute * 60 + moment.second
    return seconds * SECOND + int((digits or '0').ljust(9, '0')[:9])


def format_timestamp(timestamp: int) -> str:
    """The engine's fixed-width form of nanoseconds since the epoch."""
    seconds, nanoseconds = divmod(timestamp, SECOND)
    days, rest = divmod(seconds, 86_400)
    date = datetime.fromordinal(datetime(1970, 1, 1).toordinal() + days)
    return f'{date.isoformat()[:10]}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}.{nanoseconds:09}Z'
