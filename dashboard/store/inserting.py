"""How columns get into the database: one statement for thousands of rows, whose values are lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.store.columns import CONTAINER, LEVEL, NAMES, PLAIN, STREAM, Columns, Names
from dashboard.store.database import Connection, rows_of, sources_of


def insert(connection: Connection, generation: int, columns: Columns, known: Mapping[Names, int]) -> dict[Names, int]:
    """Hand rows over as lists: one statement, whatever their number. A column of nothing unusual costs nothing.

    :param known: the numbers of the containers that rows of this generation name already
    :returns: those of others
    """
    new = {names: number for number, names in enumerate((n for n in columns.names if n not in known), len(known) + 1)}
    if new:
        taken = ', '.join(f'unnest(?::{kind}[])' for kind in ('INTEGER', *['VARCHAR'] * len(NAMES)))
        connection.execute(
            f'INSERT INTO {sources_of(generation)} SELECT {taken}', [[*new.values()], *zip(*new, strict=True)]
        )
    first, end = columns.first, columns.first + len(columns)
    values: dict[str, Any] = {'m': columns.marks, 't': columns.time, 'x': columns.text, 'first': first, 'end': end}
    values['n'] = [new[names] if names in new else known[names] for names in columns.names]
    usual: dict[str, tuple[Sequence[Any], str, str, bool]] = {  # values, type, what they nearly always are, not now
        'ordinal': (columns.ordinal, 'INTEGER', '0', any(columns.ordinal)),
        'head': (columns.head, 'BIGINT', 's', columns.head != list(range(first, end))),
        'raw': (columns.raw, 'BLOB', 'NULL', _has_any(columns.raw)),
        'ending': (columns.ending, 'VARCHAR', 'NULL', _has_any(columns.ending)),
        'stamp': (columns.stamp, 'VARCHAR', 'NULL', _has_any(columns.stamp)),
    }
    extra, chosen = '', dict.fromkeys((*usual, 'since', 'missed', 'lost'), 'NULL')
    for name, (column, kind, otherwise, differs) in usual.items():
        chosen[name] = name if differs else otherwise
        if differs:
            extra += f', unnest(${name}::{kind}[]) AS {name}'
            values[name] = column
    if columns.gaps:
        gaps = [columns.gaps.get(place) for place in range(len(columns))]
        values['since'] = [gap and gap.start for gap in gaps]
        values['missed'] = [gap and gap.missed for gap in gaps]
        values['lost'] = [gap and gap.lost for gap in gaps]
        extra += (
            ', unnest($since::BIGINT[]) AS since, unnest($missed::BIGINT[]) AS missed, unnest($lost::BOOLEAN[]) AS lost'
        )
        chosen |= {'since': 'make_timestamp_ns(since)', 'missed': 'missed', 'lost': 'lost'}
    ordinal, head = chosen.pop('ordinal'), chosen.pop('head')
    connection.execute(
        f'INSERT INTO {rows_of(generation)} SELECT n[m >> {CONTAINER}], (m >> {STREAM}) & 3, make_timestamp_ns(t), '
        f'{ordinal}, s, {head}, m & {LEVEL}, (m & {PLAIN}) > 0, x, {", ".join(chosen.values())} '
        f'FROM (SELECT unnest($m::BIGINT[]) AS m, unnest($t::BIGINT[]) AS t, '
        f'unnest(range($first::BIGINT, $end::BIGINT)) AS s, unnest($x::VARCHAR[]) AS x{extra}), '
        '(SELECT $n::INTEGER[] AS n)',
        values,
    )
    return new


def known_sources(connection: Connection, generation: int) -> dict[Names, int]:
    """The numbers of the containers that rows of a generation name."""
    found = connection.execute(f'SELECT {", ".join(NAMES)}, source FROM {sources_of(generation)}').fetchall()
    return {
        (host, project, service, container, name): number for host, project, service, container, name, number in found
    }


def advance(connection: Connection, columns: Columns, ended: set[str]) -> None:
    """Note how far each container has been read, and forget that of those that have ended."""
    old = [*columns.last, *ended]
    connection.execute('DELETE FROM cursors WHERE container IN (SELECT unnest(?::VARCHAR[]))', [old])
    lines = [line for name, line in columns.last.items() if name not in ended]
    if not lines:
        return
    rows = [
        [line.container.short_id for line in lines],
        [line.container.service.host for line in lines],
        [line.container.service.project for line in lines],
        [line.container.service.name for line in lines],
        [line.container.name for line in lines],
        [line.stamp for line in lines],
        [line.ordinal for line in lines],
    ]
    connection.execute(
        'INSERT INTO cursors SELECT unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), '
        'unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[]), unnest(?::INTEGER[])',
        rows,
    )


def _has_any(column: Sequence[Any]) -> bool:
    return column.count(None) < len(column)
