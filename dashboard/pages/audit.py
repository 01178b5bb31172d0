"""The page ``/audit``: who did what, for administrators."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from nicegui import ui
from nicegui.events import ValueChangeEventArguments
from starlette.requests import Request
from starlette.responses import Response

from dashboard.access import Accounts, Audit, Event, Visit, selecting
from dashboard.config import Settings
from dashboard.pages import clients
from dashboard.pages.parts import telling
from dashboard.pages.presence import stay
from dashboard.pages.shell import shell

ROWS = 100  # events on a page
KINDS = ('user', 'event', 'text')
COLUMNS = [
    {'name': name, 'field': name, 'label': label, 'align': 'left'}
    for name, label in (
        ('time', 'Time (UTC)'),
        ('user', 'User'),
        ('event', 'Event'),
        ('details', 'Details'),
        ('address', 'Address'),
    )
]


def install(audit: Audit, accounts: Accounts, settings: Settings) -> None:
    """Register the page."""

    @ui.page('/audit', title='Audit log · Docker Log Dashboard')
    async def page(request: Request) -> Response | None:
        if refusal := clients.make_room(settings):
            return refusal
        visit = stay(accounts, request.state.identity)
        with shell(visit, request, accounts, audit):
            if await clients.arrived():
                await AuditPage(audit, visit).build()
        return None


class AuditPage:
    """One browser tab."""

    def __init__(self, audit: Audit, visit: Visit) -> None:
        self._audit = audit
        self._visit = visit
        self._terms = dict.fromkeys(KINDS, '')
        self._before: str | None = None  # which follow the events that are shown

    async def build(self) -> None:
        """Make the page with the newest events."""
        with ui.element('div').classes('bar').props('role=search'):
            for kind, label in zip(KINDS, ('User', 'Event', 'Any text'), strict=True):
                box = ui.input(label, on_change=partial(self._set, kind))
                box.props(f'dense outlined clearable debounce=250 maxlength=300 aria-label="{label}"')
            ui.space()
            self._newest = ui.button('Newest', on_click=telling(self._show_newest)).props('flat dense no-caps')
            self._older = ui.button('Older', on_click=telling(self._show_older)).props('flat dense no-caps')
        with ui.element('main').classes('stage').style('overflow:auto'):
            self._table = ui.table(rows=[], columns=COLUMNS).props('flat dense wrap-cells hide-pagination')
            self._table.props(':rows-per-page-options=[0]').classes('full-width')
        await telling(self._show_newest)()

    async def _set(self, kind: str, change: ValueChangeEventArguments[Any]) -> None:
        self._terms[kind] = (change.value or '').strip()
        await telling(self._show_newest)()

    async def _show_newest(self) -> None:
        await self._show(None)

    async def _show_older(self) -> None:
        await self._show(self._before)

    async def _show(self, before: str | None) -> None:
        page = await asyncio.to_thread(self._audit.read, ROWS, before, selecting(**self._terms))
        self._visit.require_admin()  # the page may have been open for days, and reading may take a while
        self._before = page.before
        self._table.rows = [_row(event) for event in page.events]
        self._older.set_enabled(page.before is not None)
        self._newest.set_enabled(before is not None)


def _row(event: Event) -> dict[str, Any]:
    row = {name: str(event.get(name, '')) for name in ('time', 'user', 'event', 'address')}
    details = {name: value for name, value in event.items() if name not in row}
    row['time'] = row['time'][:23].replace('T', ' ')
    return row | {'details': ' · '.join(f'{name}: {value}' for name, value in details.items())}
