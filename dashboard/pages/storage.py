"""The page ``/storage``, for administrators: what is kept of which service, and how to be rid of it or take it away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from nicegui import ui
from starlette.requests import Request
from starlette.responses import Response

from dashboard.access import Accounts, Audit
from dashboard.config import Settings
from dashboard.model import SECOND, ServiceKey
from dashboard.pages import clients
from dashboard.pages.parts import button, row, section, sheet, size_in_words, telling, when
from dashboard.pages.presence import stay
from dashboard.pages.shell import shell
from dashboard.pages.storage_dialogs import Export, Purge, name_of
from dashboard.store import Kept, Usage
from dashboard.view import Pace, Storage, Views
from dashboard.web import address_of

REFRESH = 5.0  # seconds between looks at what is kept
MOST = 200  # services that are shown, the largest first


def install(views: Views, accounts: Accounts, settings: Settings, audit: Audit) -> None:
    """Register the page."""

    @ui.page('/storage', title='Storage · Docker Log Dashboard')
    async def page(request: Request) -> Response | None:
        if refusal := clients.make_room(settings):
            return refusal
        visit = stay(accounts, request.state.identity)
        note = partial(audit.record, who=visit.identity, address=address_of(request))
        with shell(visit, request, accounts, audit):
            if await clients.arrived():
                StoragePage(views.of(visit).storage, note).build()
        return None


class StoragePage:
    """One browser tab."""

    def __init__(self, storage: Storage, note: Callable[..., None]) -> None:
        self._storage = storage
        self._note = note  # what the administrator does, into the audit log
        self._said: list[str] = []
        self._rows: dict[ServiceKey, ui.label] = {}

    def build(self) -> None:
        """Make the page, which looks again from time to time."""
        with sheet('Storage'):
            self._state = ui.element('div').classes('soft').props('role=status aria-label="State of the store"')
            self._buttons = ui.row()
            with self._buttons:
                button('Purge what is old', partial(self._purge, None))
                button('Export', partial(self._export, None))
            self._list = section('Services', 'Also those that are no longer running. Times are in UTC.')
        ui.timer(REFRESH, telling(self._show))

    def _show(self) -> None:
        usage = self._storage.usage()
        words = self._words(usage)
        if words != self._said:
            self._said = words
            self._state.clear()
            with self._state:
                for sentence in words:
                    ui.label(sentence)
        self._buttons.set_visibility(bool(usage.services))
        told = dict(self._told_of(usage))
        if told.keys() != self._rows.keys():
            self._list.clear()
            self._rows = {key: self._row(key, *told[key]) for key in told}
        for key, (label, _) in told.items():
            self._rows[key].set_text(label)

    def _told_of(self, usage: Usage) -> Iterator[tuple[ServiceKey, tuple[str, bool]]]:
        """What is said of each service, and whether anything is kept of it."""
        problems = self._storage.problems
        for kept in usage.services[:MOST]:
            yield kept.service, (_told(kept, problems.get(kept.service, '')), True)
        for key in sorted(problems.keys() - {kept.service for kept in usage.services})[:MOST]:
            yield key, (f'Nothing is kept, and nothing recorded now: {problems[key]}', False)

    def _row(self, key: ServiceKey, words: str, kept: bool) -> ui.label:
        name = name_of(key)
        with self._list, row(name, words) as label:
            if kept:
                button('Export', partial(self._export, key), f'Export {name}')
                button('Purge', partial(self._purge, key), f'Purge {name}')
        return label

    def _export(self, key: ServiceKey | None) -> None:
        Export(key)

    def _purge(self, key: ServiceKey | None) -> None:
        Purge(self._storage, key, self._note, self._show)

    def _words(self, usage: Usage) -> list[str]:
        """How the store is, a sentence each."""
        health = self._storage.health
        words = [health.words] if health.words else []
        if usage.budget:
            lines = f'{usage.lines:,} {"line" if usage.lines == 1 else "lines"}'
            words.append(f'{lines} in {size_in_words(usage.bytes)} of {size_in_words(usage.budget)}.')
            if len(usage.services) > MOST:
                words.append(f'Of {len(usage.services):,} services the {MOST} largest are shown.')
            words.append(_future(usage, self._storage.days_left))
        return [*words, *health.notes]


def _told(kept: Kept, problem: str) -> str:
    """What is kept of a service, in a line."""
    pace = Pace.of(kept, time.time_ns())
    words = (
        f'{kept.lines:,} {"line" if kept.lines == 1 else "lines"}, {size_in_words(kept.bytes)} '
        f'({size_in_words(kept.raw)} as written), from {when(kept.first // SECOND)} to {when(kept.last // SECOND)}, '
        f'{pace.lines:,.0f} lines a day'
    )
    return f'{words}. Not recorded now: {problem}' if problem else words


def _future(usage: Usage, days_left: float | None) -> str:
    """How long it will last."""
    forgotten = f'Lines are forgotten after {usage.days:g} days'
    if days_left is None:
        return f'{forgotten}.'
    if days_left < 1:
        return f'{forgotten}, or sooner: the room is nearly used, and the oldest lines give way to new ones.'
    if days_left >= usage.days:
        return f'{forgotten}; at this rate the room lasts longer than that.'
    return f'{forgotten}, or sooner: at this rate the room is used in {days_left:,.0f} days.'
