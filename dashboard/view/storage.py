"""What is kept of all services: for administrators, who may let some of it be forgotten, or take it away."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from dashboard.access import Visit
from dashboard.errors import BadRequest, StoreUnavailable
from dashboard.model import LogLine, Row, ServiceKey, format_timestamp
from dashboard.store import Health, Kept, Store, Usage, Wanted
from dashboard.timeline import LOOK_BACK_TIME, Before, LogHub
from dashboard.view.lens import Lens

MINUTE, DAY = 60 * 10**9, 86_400 * 10**9  # nanoseconds
OFF = 'Nothing is kept: DASHBOARD_STORE_BYTES or DASHBOARD_STORE_DAYS is 0.'


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the kept lines of a service, or of all, become more."""

    lines: float  # a day
    bytes: float  # a day, on the disk

    @classmethod
    def of(cls, kept: Kept, now: int) -> Pace:
        """Since its oldest line, but over a minute at the least."""
        days = max(now - kept.first, MINUTE) / DAY
        return cls(kept.lines / days, kept.bytes / days)


class Storage:
    """The store, as an administrator sees it. Every method asks again whether its visitor still is one.

    :raises NotAllowed, InvalidToken: when the visitor is none any more
    """

    def __init__(self, hub: LogHub, visit: Visit, lens: Lens) -> None:
        self._hub = hub
        self._visit = visit
        self._lens = lens

    @property
    def health(self) -> Health:
        """How it is; not recording, and why, where nothing is kept."""
        self._visit.require_admin()
        return self._hub.store.health if self._hub.store else Health(False, OFF)

    @property
    def problems(self) -> dict[ServiceKey, str]:
        """Why services are not recorded now, in words."""
        self._visit.require_admin()
        return dict(self._hub.recorder.problems) if self._hub.recorder else {}

    def usage(self) -> Usage:
        """What is kept, and how much may be."""
        self._visit.require_admin()
        return self._hub.store.usage() if self._hub.store else Usage(0, 0, 0, ())

    @property
    def days_left(self) -> float | None:
        """Until all room is used at the present rate; None when nothing comes."""
        usage, now = self.usage(), time.time_ns()
        pace = sum(Pace.of(kept, now).bytes for kept in usage.services)
        return max(0, usage.budget - usage.bytes) / pace if pace else None

    def find(self, project: str, service: str) -> ServiceKey:
        """The service of which something is kept.

        :raises BadRequest: when nothing is
        """
        self._visit.require_admin()
        found = [kept.service for kept in self.usage().services if kept.service.name == service]
        found = [key for key in found if not project or key.project == project]
        if len(found) == 1:
            return found[0]
        if found:
            projects = ', '.join(sorted(key.project or "''" for key in found))
            raise BadRequest(f'Several services have the name {service}: say which project, of {projects}.')
        raise BadRequest(f'Nothing is kept of {f"{project}/{service}" if project else service}.')

    async def count(self, key: ServiceKey | None, before: int | None) -> int:
        """How many lines would be forgotten; see :meth:`purge`.

        :raises StoreUnavailable: when they cannot be counted
        """
        kept = [item for item in self.usage().services if key is None or item.service == key]
        if before is None or all(item.last < before for item in kept):
            return sum(item.lines for item in kept)
        return (await self._store().lines.volume(Wanted.of([key] if key else None, None, before - 1))).total()

    async def purge(self, key: ServiceKey | None, before: int | None, note: Callable[..., None]) -> int:
        """Forget a service, or what is older than a moment (nanoseconds since the epoch), or both; how many lines.

        :param note: tells the audit log of what is gone, also where the rest is not
        :raises StoreUnavailable: when some of it cannot be done
        """
        told = {'service': key and key.qualified, 'before': None if before is None else format_timestamp(before)}
        lines = await self.count(key, before)
        try:
            await self._store().purge(key, before)
        except StoreUnavailable:
            if (gone := lines - await self.count(key, before)) > 0:
                note('store-purge', **told, lines=gone)
            raise
        note('store-purge', **told, lines=lines)
        return lines

    async def rows(self, wanted: Wanted) -> AsyncGenerator[list[Row], None]:
        """What is kept, in its order, through the lens.

        :raises StoreUnavailable: when it cannot be read
        """
        async for batch in self._lens.read(partial(self._led_in, wanted)):
            self._visit.require_admin()
            yield batch

    async def _led_in(self, wanted: Wanted, *, before: Before | None) -> AsyncGenerator[list[Row], None]:
        lines = self._store().lines
        if before:
            lead = replace(wanted, since=wanted.since - LOOK_BACK_TIME, until=wanted.since - 1)
            async for rows in lines.between(lead):
                before([row for row in rows if isinstance(row, LogLine)])
        async for rows in lines.between(wanted):
            yield rows

    async def export(self, wanted: Wanted) -> Path:
        """What is kept, as a Parquet file that the caller removes.

        :raises BadRequest: when there is nothing, or secrets are hidden from this visitor, for the file would have them
        :raises StoreUnavailable: when it cannot be done
        """
        self._visit.require_admin()
        if self._lens.redacts:
            raise BadRequest('Secrets are hidden from everyone here, and a Parquet file would have them: take jsonl.')
        return await self._store().export(wanted)

    def _store(self) -> Store:
        self._visit.require_admin()
        if self._hub.store is None:
            raise BadRequest(OFF)
        return self._hub.store
