"""What an engine is, and what it can give: its version, its clock beside ours, and which logs can be read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from dashboard.engine.protocol import About, Engine
from dashboard.errors import ContainerGone, LogsUnreadable
from dashboard.model import Container

AT_ONCE = 8  # logs that are tried side by side


@dataclass(slots=True)
class Readable:
    """Which logs can be read, as far as has been tried."""

    tried: int
    refused: list[LogsUnreadable]  # names container and driver


async def try_logs(engine: Engine, containers: Iterable[Container], seconds: float) -> Readable:
    """Ask for the last 0 lines of every log: what the engine cannot give back, it refuses. Nothing is read.

    :param seconds: after which what has been tried has to do
    :raises EngineUnavailable: when it does not answer
    """
    found = Readable(0, [])
    waiting = iter(containers)

    async def work() -> None:
        for container in waiting:  # shared: each takes the next one
            if refusal := await _refusal(engine, container):
                found.refused.append(refusal)
            found.tried += 1

    try:
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as workers:
            for _ in range(AT_ONCE):
                workers.create_task(work())
    except TimeoutError:
        pass
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return found


async def _refusal(engine: Engine, container: Container) -> LogsUnreadable | None:
    try:
        async with aclosing(engine.logs(container, tail=0)) as batches:
            async for _ in batches:
                break
    except LogsUnreadable as refusal:
        return refusal
    except ContainerGone:  # since it was listed
        pass
    return None


def about_of(fields: Mapping[str, Any], date: str | None, asked: float, answered: float) -> About:
    """An engine from its answer to ``/version``.

    :param date: the answer's header ``Date``
    :param asked: when, in seconds since the epoch by our clock
    :param answered: when, in the same way
    """
    components = fields.get('Components') or [{}]
    product = str(components[0].get('Name') or 'Engine')
    name = f'{"Docker Engine" if product == "Engine" else product} {fields.get("Version", "")}'
    return About(f'{name} (API {fields.get("ApiVersion", "")})', _ahead(date, asked, answered))


def _ahead(date: str | None, asked: float, answered: float) -> float:
    try:
        told = parsedate_to_datetime(date or '').timestamp()
    except ValueError:  # a proxy before the engine need not pass the header on
        return 0.0
    # it tells whole seconds: the engine looked at its clock some time within the second that follows
    return max(0.0, told - answered) or min(0.0, told + 1 - asked)
