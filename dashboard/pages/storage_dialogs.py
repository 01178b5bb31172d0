"""What an administrator does with kept lines: be rid of them, told first what goes; or take them away as a file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import urlencode

from nicegui import ui

from dashboard.errors import BadRequest
from dashboard.lines import parse_range, parse_when
from dashboard.model import ServiceKey, format_timestamp
from dashboard.pages import clients
from dashboard.pages.parts import telling
from dashboard.view import Storage

ALL = 'all services'
FORMATS = {'parquet': 'Parquet', 'jsonl': 'JSON lines'}


class Purge:
    """A dialog that asks once, naming what goes.

    :param key: the service; None for all of them, of which only what is old can go
    :param note: what was done, into the audit log
    :param done: called when something has gone
    """

    def __init__(
        self, storage: Storage, key: ServiceKey | None, note: Callable[..., None], done: Callable[[], None]
    ) -> None:
        self._storage = storage
        self._key = key
        self._note = note
        self._done = done
        self._told: str | None = None  # for which words it was told what goes
        with _dialog(f'Purge {self._name}') as self._dialog:
            hint = 'such as 2 d ago or 2026-11-20, in UTC' + ('; empty for all of it' if key else '')
            self._before = (
                ui.input('Only what is older than').props(f'hint="{hint}" autocomplete=off').classes('full-width')
            )
            self._words = ui.label().classes('soft').props('role=status')
            self._button = _buttons(self._dialog, 'Say what goes', self._go_on)

    @property
    def _name(self) -> str:
        return name_of(self._key) if self._key else ALL

    async def _go_on(self) -> None:
        """Tell what goes; when that was told, let it go."""
        typed = str(self._before.value or '').strip()
        moment = self._moment(typed)
        if self._told == typed:
            self._dialog.close()
            gone = await self._storage.purge(self._key, moment, self._note)
            ui.notify(f'{_lines(gone)} are gone.')
            self._done()
            return
        lines = await self._storage.count(self._key, moment)
        older = f', written before {format_timestamp(moment)[:19].replace("T", " ")} UTC,' if moment else ''
        self._words.set_text(f'{_lines(lines)} of {self._name}{older} would go for ever. There is no way back.')
        self._button.set_text(f'Yes, purge {_lines(lines)}')
        self._button.props('color=negative')
        self._told = typed

    def _moment(self, typed: str) -> int | None:
        """Before which lines are to go; None for all of a service.

        :raises BadRequest: when the words are no moment
        """
        if not typed and self._key:
            return None
        if not typed:
            raise BadRequest('Say before which time lines are to go, such as 2 d ago.')
        return parse_when(typed, UTC, datetime.now(UTC))


class Export:
    """A dialog that asks from when to when, and in which format."""

    def __init__(self, key: ServiceKey | None) -> None:
        self._key = key
        with _dialog(f'Export {name_of(key) if key else ALL}') as self._dialog:
            hint = 'hint="such as 2 h ago or 2026-11-20 14:00, in UTC; or nothing" autocomplete=off'
            self._start, self._end = (ui.input(name).props(hint).classes('full-width') for name in ('From', 'To'))
            self._format = ui.radio(FORMATS, value='parquet').props('dense inline aria-label="Format"')
            _buttons(self._dialog, 'Export the file', self._begin)

    async def _begin(self) -> None:
        times = parse_range(str(self._start.value or ''), str(self._end.value or ''), UTC, datetime.now(UTC))
        query = {'format': str(self._format.value)}
        query |= {'service': self._key.name, 'project': self._key.project} if self._key else {}
        sides = {'from': times.start, 'to': times.end}
        query |= {name: format_timestamp(moment) for name, moment in sides.items() if moment is not None}
        self._dialog.close()
        clients.download(f'/api/storage/export?{urlencode(query)}')


def name_of(key: ServiceKey) -> str:
    """As people read it."""
    return f'{key.project} / {key.name}' if key.project else key.name


def _lines(count: int) -> str:
    return f'{count:,} {"line" if count == 1 else "lines"}'


@contextmanager
def _dialog(title: str) -> Iterator[ui.dialog]:
    with ui.dialog(value=True) as dialog, ui.card().classes('tight').style('width: min(460px, 94vw)'):
        ui.label(title).classes('subheading').style('margin: 0').props('role=heading aria-level=2')
        yield dialog


def _buttons(dialog: ui.dialog, words: str, action: Callable[[], Awaitable[None]]) -> ui.button:
    with ui.row().style('align-self: flex-end'):
        ui.button('Cancel', on_click=dialog.close).props('flat dense no-caps padding="4px 12px"')
        return ui.button(words, on_click=telling(action)).props('dense no-caps unelevated padding="4px 14px"')
