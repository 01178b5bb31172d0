"""What the store's lines lie in: sealed files and one table that is not sealed yet; what is known of each beforehand.

A question first looks at these, so that it reads no file that has nothing of the asked services and times.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from dashboard.model import ServiceKey
from dashboard.store.columns import Columns
from dashboard.store.database import Connection, Interrupted, Problem, quoted, rows_of, size_of, view_of

Summary: TypeAlias = dict[str, Any]  # of a file, as it is remembered
NAME = re.compile(r'lines-(\d{8,})-(\d{8,})\.parquet')


@dataclass(slots=True)
class Share:
    """What a part has of one service; times in nanoseconds since the epoch."""

    service: ServiceKey
    lines: int
    bytes: int  # of the lines as they were written
    first: int
    last: int

    def grow(self, lines: int, size: int, first: int, last: int) -> None:
        """Count more in."""
        self.lines, self.bytes = self.lines + lines, self.bytes + size
        self.first, self.last = min(self.first, first), max(self.last, last)


@dataclass(slots=True, eq=False)
class Part:
    """A sealed file, or the table that is not sealed yet.

    :param generations: the first and the last one whose lines it has
    :param low: the seq of its first row
    :param heads: the first lines of messages that go on in it and begin in an earlier part
    """

    relation: str  # as SQL reads it
    generations: tuple[int, int]
    shares: dict[ServiceKey, Share] = field(default_factory=dict)
    low: int = 0
    high: int = -1
    heads: frozenset[int] = frozenset()
    path: Path | None = None  # None: the table
    size: int = 0  # bytes of the file

    @property
    def sealed(self) -> bool:
        """Whether it is a file, which does not change any more."""
        return self.path is not None

    @property
    def lines(self) -> int:
        """All its lines."""
        return sum(share.lines for share in self.shares.values())

    @property
    def bytes(self) -> int:
        """Of all its lines as they were written."""
        return sum(share.bytes for share in self.shares.values())

    @property
    def first(self) -> int:
        """The time of its oldest row."""
        return min((share.first for share in self.shares.values()), default=0)

    @property
    def last(self) -> int:
        """The time of its newest row."""
        return max((share.last for share in self.shares.values()), default=0)

    def span(self, keys: Collection[ServiceKey] | None) -> tuple[int, int] | None:
        """From when to when it has rows of these services (None: of any); None when it has none."""
        shares = [share for key, share in self.shares.items() if keys is None or key in keys]
        return (min(share.first for share in shares), max(share.last for share in shares)) if shares else None

    def grow(self, columns: Columns) -> None:
        """Count in what was committed to the table."""
        keys = [ServiceKey(*names[:3]) for names in columns.names]
        for number, (lines, size, first, last) in columns.spans.items():
            key = keys[number - 1]
            share = self.shares.setdefault(key, Share(key, 0, 0, first, last))
            share.grow(lines, size, first, last)
        self.high = columns.first + len(columns) - 1


def open_part(generation: int, low: int) -> Part:
    """The table of a generation, before it has rows."""
    several = f'SELECT head FROM {rows_of(generation)} WHERE head <> seq'
    relation = f'(SELECT *, head IN ({several}) AS multi FROM {view_of(generation)})'
    return Part(relation, (generation, generation), low=low, high=low - 1)


def file_name(generations: tuple[int, int]) -> str:
    """Of the sealed file with these generations."""
    return f'lines-{generations[0]:08}-{generations[1]:08}.parquet'


def sealed_part(path: Path, summary: Summary) -> Part:
    """A sealed file of which a summary is kept."""
    match = NAME.fullmatch(path.name)
    assert match is not None, path  # noqa: S101 - names come from file_name() or were looked at
    shares = {}
    for host, project, service, *numbers in summary['shares']:
        key = ServiceKey(host, project, service)
        shares[key] = Share(key, *numbers)
    return Part(
        f'read_parquet({quoted(str(path))})',
        (int(match[1]), int(match[2])),
        shares,
        summary['low'],
        summary['high'],
        frozenset(summary['heads']),
        path,
        size_of(path),
    )


def look_at(connection: Connection, source: str) -> Summary:
    """The summary of a file or table, from its rows.

    :raises duckdb.Error: when it cannot be read
    """
    shares = connection.execute(
        'SELECT host, project, service, count(*) FILTER (stream > 0), '
        'CAST(sum(coalesce(octet_length(raw), strlen(text)) + 32) AS BIGINT), '
        f'epoch_ns(min(time)), epoch_ns(max(time)) FROM {source} GROUP BY ALL ORDER BY ALL'
    ).fetchall()
    low, high = connection.execute(f'SELECT min(seq), max(seq) FROM {source}').fetchone() or (None, None)
    low, high = (0, -1) if low is None else (low, high)
    heads = connection.execute(f'SELECT DISTINCT head FROM {source} WHERE head < ?', [low]).fetchall()
    return {'shares': [list(share) for share in shares], 'low': low, 'high': high, 'heads': [head for (head,) in heads]}


def is_readable(connection: Connection, part: Part) -> bool:
    """Whether a file is well, and it was what was asked of it that is not."""
    try:
        connection.execute(f'SELECT max(hash(COLUMNS(*))) FROM {part.relation}').fetchall()
    except Interrupted:
        raise
    except Problem:
        return False
    return True


def remember(connection: Connection, part: Part, summary: Summary) -> None:
    """Keep the summary of a file, so that nobody has to read it at the next start."""
    assert part.path is not None  # noqa: S101
    connection.execute('DELETE FROM summaries WHERE file = ?', [part.path.name])
    connection.execute(
        'INSERT INTO summaries VALUES (?, ?, ?)', [part.path.name, part.size, orjson.dumps(summary).decode()]
    )


def remembered(connection: Connection) -> dict[tuple[str, int], Summary]:
    """The kept summaries, by name and size of the file."""
    found = connection.execute('SELECT file, size, body FROM summaries').fetchall()
    return {(name, size): orjson.loads(body) for name, size, body in found}


def covered(generations: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those whose lines are in another one as well: a compaction was cut off before it could unlink them."""
    return [
        inner
        for inner in generations
        if any(outer != inner and outer[0] <= inner[0] and inner[1] <= outer[1] for outer in generations)
    ]


def among(parts: Iterable[Part], keys: Collection[ServiceKey] | None, since: int, until: int) -> list[Part]:
    """The parts with rows of these services (None: of any) and times, the newest first."""
    spans = [(part.span(keys), part) for part in parts]
    fitting = [(span, part) for span, part in spans if span and span[0] <= until and span[1] >= since]
    fitting.sort(key=lambda item: (item[0][1], item[1].high), reverse=True)
    return [part for _, part in fitting]
