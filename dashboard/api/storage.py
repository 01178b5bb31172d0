"""What is kept, for administrators: how much, of whom; how to let it be forgotten, and how to take it away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from dashboard.access import Audit
from dashboard.api.auth import REFUSED, SIGNED_IN
from dashboard.api.download import stream
from dashboard.api.errors import READING
from dashboard.api.formats import AsJsonLines
from dashboard.api.notes import Note, Notes
from dashboard.api.ranges import From, To, moment_of, range_of
from dashboard.api.users import FORBIDDEN
from dashboard.api.wire import Naming
from dashboard.errors import BadRequest
from dashboard.model import ServiceKey, format_timestamp
from dashboard.store import Kept, Wanted
from dashboard.timeline import Marks, in_pieces
from dashboard.view import Pace, Storage, View, Views

_AWAY: dict[int | str, dict[str, Any]] = {
    422: READING[422],
    503: {'description': 'The store cannot be read or changed at the moment: `detail` says why.'},
}
CHUNK = 1 << 18  # bytes of a file read at once

Project = Annotated[str, Query(description='The compose project of the service, where several have its name.')]
Of = Annotated[str, Query(alias='service', description='Only of this service.')]
Before = Annotated[str | None, Query(description='Only what was written before this time.')]


class KeptOut(BaseModel):
    """What is kept of a service."""

    service: str
    project: str
    lines: int
    bytes: int = Field(description='On the disk, about.')
    raw_bytes: int = Field(description='As its containers wrote them.')
    oldest: datetime
    newest: datetime
    lines_per_day: float
    bytes_per_day: float
    problem: str | None = Field(description='Why it is not recorded at the moment.')


class StorageOut(BaseModel):
    """What is kept, and how much may be."""

    recording: bool
    problem: str = Field(description='In words, what is wrong with the store and what to do; empty when it is well.')
    notes: list[str] = Field(description='What has happened since the start that an administrator should know.')
    bytes: int
    max_bytes: int
    max_days: float
    lines: int
    days_left: float | None = Field(description='Until all room is used, at this rate; null when nothing comes.')
    services: list[KeptOut]


class Purged(BaseModel):
    """What was removed."""

    lines: int


class FileFormat(StrEnum):
    """The format of the file."""

    PARQUET = 'parquet'
    JSONL = 'jsonl'


As = Annotated[FileFormat, Query(description='`parquet`, for other programs; or `jsonl`: an object a line.')]


def router(views: Views, audit: Audit) -> APIRouter:
    """The routes below ``/api/storage``."""
    notes = Notes(audit)
    routes = APIRouter(
        prefix='/api/storage', tags=['storage'], responses=REFUSED | FORBIDDEN | _AWAY, dependencies=SIGNED_IN
    )

    @routes.get('')
    async def usage(hub: View = Depends(views)) -> StorageOut:
        """What is kept of which service."""
        return _usage_out(hub.storage)

    @routes.delete('')
    async def purge(
        service: Of = '',
        project: Project = '',
        before: Before = None,
        hub: View = Depends(views),
        note: Note = Depends(notes),
    ) -> Purged:
        """Forget a service, or what was written before a time, or both together. It cannot be brought back."""
        if not service and before is None:
            raise BadRequest('Say which service is to be forgotten, or before which time.')
        storage, moment = hub.storage, None if before is None else moment_of(before, 'before')
        key = storage.find(project, service) if service else None
        return Purged(lines=await storage.purge(key, moment, note))

    @routes.get('/export', response_class=StreamingResponse)
    async def export(
        format: As = FileFormat.PARQUET,
        service: Of = '',
        project: Project = '',
        start: From = None,
        to: To = None,
        hub: View = Depends(views),
        note: Note = Depends(notes),
    ) -> StreamingResponse:
        """What is kept as a file: all of it, or of a service, or between two times."""
        storage, times = hub.storage, range_of(start, to)
        keys = [storage.find(project, service)] if service else None
        wanted = Wanted.of(keys, times.start, times.end)
        if format is FileFormat.PARQUET:
            chunks = _contents(await storage.export(wanted))
        else:
            chunks = _objects(storage, wanted, Naming('', _called))
        note('store-export', service=keys and keys[0].qualified, since=start, until=to, format=format.value)
        return await stream(chunks, f'{service or "all"}-kept.{format.value}')

    return routes


def _usage_out(storage: Storage) -> StorageOut:
    usage, health, now = storage.usage(), storage.health, time.time_ns()
    problems = storage.problems
    return StorageOut(
        recording=health.recording,
        problem=health.words,
        notes=list(health.notes),
        bytes=usage.bytes,
        max_bytes=usage.budget,
        max_days=usage.days,
        lines=usage.lines,
        days_left=storage.days_left,
        services=[_kept_out(kept, now, problems.get(kept.service)) for kept in usage.services],
    )


def _kept_out(kept: Kept, now: int, problem: str | None) -> KeptOut:
    pace = Pace.of(kept, now)
    return KeptOut(
        service=kept.service.name,
        project=kept.service.project,
        lines=kept.lines,
        bytes=kept.bytes,
        raw_bytes=kept.raw,
        oldest=datetime.fromisoformat(format_timestamp(kept.first)),
        newest=datetime.fromisoformat(format_timestamp(kept.last)),
        lines_per_day=pace.lines,
        bytes_per_day=pace.bytes,
        problem=problem,
    )


def _called(key: ServiceKey) -> str:
    return key.qualified


async def _contents(path: Path) -> AsyncGenerator[bytes, None]:
    """Those of a file, which goes with it."""
    try:
        with await asyncio.to_thread(path.open, 'rb') as file:
            while chunk := await asyncio.to_thread(file.read, CHUNK):
                yield chunk
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)


async def _objects(storage: Storage, wanted: Wanted, names: Naming) -> AsyncGenerator[bytes, None]:
    encode = AsJsonLines(names, Marks())
    async with aclosing(storage.rows(wanted)) as batches:
        async for rows in batches:
            yield b''.join([encode(piece) async for piece in in_pieces(rows)])
