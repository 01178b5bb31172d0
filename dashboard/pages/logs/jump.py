"""Where the reader says which time to go to."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from dashboard.errors import BadRequest
from dashboard.lines import parse_when
from dashboard.pages.logs.tab import Part, Tab

PRESETS = {'15 min': '15 min ago', '1 h': '1 h ago', '6 h': '6 h ago', '24 h': '24 h ago', 'All': '1970-01-01'}
CSS = """
.jump { width:min(320px,94vw); padding:14px } .jump .q-date { box-shadow:none; width:100% }
.jump .soft { min-height:1.5em }
"""


class Jump(Part):
    """A menu with a field that takes a time as people write it, with presets and a calendar."""

    def __init__(self, tab: Tab) -> None:
        super().__init__(tab)
        with ui.button(icon='schedule').props('flat dense round aria-label="Go to a time"'):
            ui.tooltip('Go to a time')
            self._menu = ui.menu().props('aria-label="Go to a time"').on('show', self._focus)
        with self._menu, ui.element('div').classes('jump'):
            self._when = ui.input('Time', placeholder='14:32, yesterday 9pm, 2 h ago')
            self._when.props('dense outlined maxlength=100').on('keydown.enter', self._go)
            self._words = ui.label().classes('soft').props('role=status')
            with ui.row().style('gap: 4px'):
                for words, when in PRESETS.items():
                    ui.button(words, on_click=partial(self._to, when)).props('flat dense no-caps padding="2px 8px"')
                ui.space()
                ui.button('Go', on_click=self._go).props('dense no-caps unelevated padding="2px 14px"')
            ui.date(on_change=self._on_day).props('minimal no-unset')

    def _focus(self) -> None:
        self._when.run_method('focus')

    def _on_day(self, event: ValueChangeEventArguments[str | None]) -> None:
        """The day is put into the field, where its hour can be added."""
        if event.value:
            self._when.value = f'{event.value} 00:00'
            self._focus()

    def _go(self) -> None:
        self._to(self._when.value or '')

    def _to(self, when: str) -> None:
        zone = UTC if self.tab.preferences.on('utc') else self.tab.zone
        try:
            moment = parse_when(when, zone, datetime.now(UTC))
        except BadRequest as error:
            self._words.set_text(str(error))
            return
        self._words.set_text('')
        self._menu.close()
        self.tab.jump(moment)
