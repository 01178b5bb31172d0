"""Rows are taken away as one Parquet file, for other programs to read."""

from __future__ import annotations

import secrets
from pathlib import Path

from dashboard.errors import BadRequest
from dashboard.store.asked import Asking, Desk
from dashboard.store.database import PRIVATE, quoted
from dashboard.store.parts import among
from dashboard.store.reading import Wanted
from dashboard.store.sealing import ROW_GROUP, UNFINISHED


async def export(desk: Desk, wanted: Wanted, directory: Path) -> Path:
    """Write rows to a file in the store's directory, which its reader removes; else the next start does.

    :raises BadRequest: when there are none
    :raises StoreUnavailable: when it cannot be done
    """
    path = directory / f'export-{secrets.token_hex(8)}.parquet{UNFINISHED}'
    try:
        await desk.ask(lambda asking: _write(asking, wanted, path))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _write(asking: Asking, wanted: Wanted, path: Path) -> None:
    parts = among(asking.parts, wanted.keys, wanted.since, wanted.until)
    if not parts:
        raise BadRequest('Nothing is kept of that.')
    condition, values = wanted.condition()
    path.touch(PRIVATE)
    found = asking.of_several(
        parts,
        lambda source: (
            f'COPY (SELECT * FROM {source} WHERE {condition} ORDER BY host, project, service, time, seq)'
            f' TO {quoted(str(path))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})'
        ),
        values,
    )
    if not found:
        raise BadRequest('What is kept of that cannot be read any more.')
