"""How lines become sealed files: written aside, made durable, and put in place by one rename."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from dashboard.store.database import PRIVATE, Connection, quoted, view_of
from dashboard.store.parts import NAME, Part, Summary, file_name, look_at, sealed_part

Aside: TypeAlias = tuple[Path, Summary]
ROW_GROUP = 20_480  # rows: small ones, so that a service and a time leave out most of a file
UNFINISHED = '.unfinished'
RAW = 16 << 20  # bytes of lines that are sealed together
AGE = 1_800.0  # seconds after which fewer are
MERGED_RAW = 128 << 20  # bytes of lines of a file that was made of others, at the most
MERGED_TIME = 24 * 3_600 * 1_000_000_000  # nanoseconds that it goes over at the most, so that days can be forgotten
FEWEST = 6  # files that are made one: each line is written anew a few times only


def seal(connection: Connection, directory: Path, generation: int) -> tuple[Part, Summary]:
    """Write the table of a generation to a file, and say what is in it. The table stays, for its owner to drop.

    :raises duckdb.Error, OSError: when it cannot be written; nothing has changed then
    """
    return put_in_place(*write_aside(connection, directory, view_of(generation), file_name((generation, generation))))


def merge(connection: Connection, directory: Path, parts: Sequence[Part]) -> Aside:
    """Write the lines of several neighbouring files to one, still aside; see :func:`put_in_place`.

    :raises duckdb.Error, OSError: when it cannot be done
    """
    generations = parts[0].generations[0], parts[-1].generations[1]
    files = ', '.join(quoted(str(part.path)) for part in parts)
    return write_aside(connection, directory, f'read_parquet([{files}])', file_name(generations))


def without(connection: Connection, directory: Path, part: Part, condition: str, values: Sequence[Any]) -> Aside:
    """Write the rows of a file to which a condition does not apply, still aside.

    :raises duckdb.Error, OSError: when it cannot be done
    """
    source = f'(SELECT * FROM {part.relation} WHERE NOT ({condition}))'
    return write_aside(connection, directory, source, file_name(part.generations), values)


def write_aside(connection: Connection, directory: Path, source: str, name: str, values: Sequence[Any] = ()) -> Aside:
    """Write rows to a file that nobody takes for a sealed one yet, make it durable, and say what is in it.

    :raises duckdb.Error, OSError: when it cannot be done
    """
    aside = directory / f'{name}{UNFINISHED}'
    several = f'SELECT head FROM {source} WHERE head <> seq'
    chosen = f'SELECT * REPLACE (head IN ({several}) AS multi) FROM (SELECT *, false AS multi FROM {source})'
    if source.startswith(('read_parquet', '(')):  # a file has that column already
        chosen = f'SELECT * REPLACE (head IN ({several}) AS multi) FROM {source}'
    try:
        connection.execute(
            f'COPY ({chosen} ORDER BY host, project, service, time, seq) TO {quoted(str(aside))} '
            f'(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE {ROW_GROUP})',
            [*values, *values],
        )
        aside.chmod(PRIVATE)
        with aside.open('rb') as file:
            os.fsync(file.fileno())
        return aside, look_at(connection, f'read_parquet({quoted(str(aside))})')
    except BaseException:
        with suppress(OSError):
            aside.unlink()
        raise


def put_in_place(aside: Path, summary: Summary) -> tuple[Part, Summary]:
    """Give a file that was written aside its name, from which moment it counts.

    :raises OSError: when it cannot be done
    """
    path = aside.with_name(aside.name.removesuffix(UNFINISHED))
    aside.rename(path)
    sync_directory(path.parent)
    return sealed_part(path, summary), summary


def to_merge(parts: Sequence[Part], most: int = MERGED_RAW) -> list[Part]:
    """Neighbouring sealed files that want to be one: several of about a size, which are not too large together."""
    run: list[Part] = []
    for part in sorted((part for part in parts if part.sealed), key=lambda part: part.generations):
        both = [*run, part]
        alike = max(one.bytes for one in both) <= FEWEST * max(1, sum(one.bytes for one in both) // len(both))
        small = sum(one.bytes for one in both) <= most
        short = max(one.last for one in both) - min(one.first for one in both) <= MERGED_TIME
        if run and not (small and short and alike):
            if len(run) >= FEWEST:
                return run
            run = []
        run.append(part)
    return run if len(run) >= FEWEST else []


def unfinished(directory: Path) -> list[Path]:
    """Files of which the writing was cut off."""
    return list(directory.glob(f'*{UNFINISHED}'))


def sealed_files(directory: Path) -> list[tuple[Path, tuple[int, int]]]:
    """All sealed files there are, with their generations, the oldest first."""
    found = [(path, match) for path in directory.iterdir() if (match := NAME.fullmatch(path.name))]
    return sorted(((path, (int(match[1]), int(match[2]))) for path, match in found), key=lambda item: item[1])


def sync_directory(directory: Path) -> None:
    """Make what names the directory's files have durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
