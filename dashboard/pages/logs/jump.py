"""Where the reader says which time to go to, or from when to when lines are shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from dashboard.errors import BadRequest
from dashboard.lines import parse_past
from dashboard.pages.logs.tab import Part, Tab

PRESETS = {'15 min': 'now-15m', '1 h': 'now-1h', '6 h': 'now-6h', '24 h': 'now-24h', 'All': ''}
EXAMPLES = '14:32, yesterday 9pm, 2 h ago'
CSS = """
.jump { width:min(340px,94vw); max-width:100%; padding:14px; display:flex; flex-direction:column; gap:8px }
.jump .q-date { box-shadow:none; width:100% } .jump .soft:empty { display:none }
.jump .line { display:flex; align-items:flex-start; gap:8px } .jump .line .q-field { flex:1 1 0; min-width:0 }
"""


class Jump(Part):
    """A menu with fields that take times as people write them, with presets and a calendar."""

    def __init__(self, tab: Tab) -> None:
        super().__init__(tab)
        with ui.button(icon='schedule').props('flat dense round aria-label="Go to a time"'):
            ui.tooltip('Time and range')
            self._menu = (
                ui.menu()
                .props('aria-label="Go to a time" anchor="bottom middle" self="top middle"')
                .on('hide', self._say_nothing)
            )
        with self._menu, ui.element('div').classes('jump'):
            with ui.element('div').classes('line'):
                self._when = self._field('Time', self._go).props(f'autofocus placeholder="{EXAMPLES}"')
                ui.button('Go', on_click=self._go).props('dense no-caps unelevated padding="7px 14px"')
            with ui.element('div').classes('line'):
                self._start = self._field('From', self._show).props('placeholder=14:00')
                self._end = self._field('To', self._show).props('placeholder="now: live"')
                ui.button('Show', on_click=self._show).props('dense no-caps unelevated padding="7px 10px"')
            self._words = ui.label().classes('soft').props('role=status')
            with ui.row().style('gap: 4px').props('role=group aria-label="Ranges up to now"'):
                for words, start in PRESETS.items():
                    ui.button(words, on_click=partial(self._narrow, start, '')).props(
                        'flat dense no-caps padding="2px 8px"'
                    )
            ui.date(on_change=self._on_day).props('minimal no-unset')
        self._chosen = self._when  # the field that has had the focus last
        self._told = ('', '')  # the range that the fields were given

    def refresh(self) -> None:
        """Say in the fields what range is in force; when the menu opens, it would come over what is typed."""
        if (told := (self.tab.link.start, self.tab.link.end)) != self._told:
            self._told = told
            self._start.value, self._end.value = told

    def _field(self, label: str, act: Callable[[], None]) -> ui.input:
        field = ui.input(label).props('dense outlined maxlength=100 stack-label')
        field.on('keyup.enter', act)  # not keydown: the focus is at the button again when the key comes up, and opens
        return field.on('focus', lambda: self._choose(field))

    def _choose(self, field: ui.input) -> None:
        self._chosen = field

    def _say_nothing(self) -> None:
        self._words.set_text('')

    def _on_day(self, event: ValueChangeEventArguments[str | None]) -> None:
        """The day is put into the field, where its hour can be added."""
        if event.value:
            self._chosen.value = f'{event.value} 00:00'
            self._chosen.run_method('focus')

    def _go(self) -> None:
        try:
            moment = parse_past(self._when.value or '', self.tab.told_in, datetime.now(UTC))
        except BadRequest as error:
            self._words.set_text(str(error))
            return
        self._menu.close()
        self.tab.jump(moment)

    def _show(self) -> None:
        self._narrow(self._start.value or '', self._end.value or '')

    def _narrow(self, start: str, end: str) -> None:
        try:
            self.tab.narrow(start, end)
        except BadRequest as error:
            self._words.set_text(str(error))
            return
        self._menu.close()
