"""What stays above the log: pinned lines, and the way back from the context of one."""

from __future__ import annotations

from functools import partial

from nicegui import ui

from dashboard.lines import visible
from dashboard.pages.logs.desk import NEAR, Desk
from dashboard.pages.logs.lookup import Found
from dashboard.pages.logs.tab import Part, Tab

LONGEST = 500  # characters shown of a pinned line


class Context(Part):
    """Says that a line is seen in context, and leads back."""

    def __init__(self, tab: Tab, desk: Desk) -> None:
        super().__init__(tab)
        self._desk = desk
        with ui.element('div').classes('context').props('role=status') as self._box:
            self._words = ui.label().style('flex: 1 1 0; min-width: 0')
            for icon, words, by in (
                ('unfold_less', 'Less around it (Z)', -1),
                ('unfold_more', 'More around it (z)', 1),
            ):
                button = ui.button(icon=icon, on_click=partial(desk.step, by)).props('flat dense round size=sm')
                button.props(f'aria-label="{words}" title="{words}"')
            ui.button('Back (Esc)', icon='arrow_back', on_click=desk.leave_context).props('flat dense no-caps')
        self._box.set_visibility(False)

    def refresh(self) -> None:
        """Appear, or go."""
        self._desk.look_around()
        before = self._desk.before
        self._box.set_visibility(before is not None)
        if before is not None:
            near, link = self._desk.near, before.link
            around = f'The line and {NEAR[near]} on each side' if near < len(NEAR) else 'The line in context'
            left = (
                'without the filter' if link.filter or link.level else '',
                'beyond the range' if before.times else '',
            )
            self._words.set_text(', '.join(filter(None, [around, *left])) + '.')


class Pins(Part):
    """The pinned lines; each leads to its details and can be let go."""

    def __init__(self, tab: Tab, desk: Desk) -> None:
        super().__init__(tab)
        self._desk = desk
        self._shown: list[Found] = []
        self._box = ui.element('div').classes('pins').props('role=list aria-label="Pinned lines"')
        self._box.set_visibility(False)

    def refresh(self) -> None:
        """Show those that there are; on a small screen there is no room for them beside the details of a line."""
        self._box.classes(**{'add' if self._desk.line else 'remove': 'covered'})
        if self._desk.pins != self._shown:
            self._shown = list(self._desk.pins)
            self._box.clear()
            self._box.set_visibility(bool(self._shown))
            with self._box:
                for pin in self._shown:
                    self._row(pin)

    def _row(self, pin: Found) -> None:
        text = visible(pin.line.text[: 2 * LONGEST])[:LONGEST]
        with ui.element('div').classes('pin').props('role=listitem'):
            ui.icon('push_pin')
            with (
                ui.element('button').props('type=button').classes('what').on('click', partial(self._desk.look_at, pin))
            ):
                ui.label(f'{pin.line.stamp[11:23]} {text}')
            close = ui.button(icon='close', on_click=partial(self._desk.pin, pin))
            close.props('flat dense round size=sm aria-label="Let the pinned line go"')
