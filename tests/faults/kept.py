"""What a dashboard has kept, seen from outside while it runs and from its files when it has ended."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from dashboard.model import Gap as GapRow
from dashboard.model import LogLine
from dashboard.store import Store, Wanted
from tests.faults.account import Gap
from tests.support.server import Server

GIBIBYTE = str(1 << 30)


def is_kept(server: Server, wanted: dict[str, int]) -> bool:
    """Whether at least so many lines of each service are durable."""
    _, body = server.get('/api/storage', server.token())
    lines = {service['service']: service['lines'] for service in json.loads(body)['services']}
    return all(lines.get(name, 0) >= count for name, count in wanted.items())


async def kept_in(directory: Path) -> dict[str, list[str | Gap]]:
    """What a store has of each service, in its order; lines with their times."""
    found: dict[str, list[str | Gap]] = defaultdict(list)
    async with Store(directory, 1 << 40, 1_000) as store:
        async for rows in store.lines.between(Wanted()):
            for row in rows:
                if isinstance(row, LogLine):
                    found[row.container.service.name].append(f'{row.stamp} {row.text}')
                elif isinstance(row, GapRow) and row.service:
                    found[row.service.name].append(Gap(row.missed))
    return found
