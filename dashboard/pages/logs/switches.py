"""The switches of the page in the user's menu: how lines look."""

from __future__ import annotations

from nicegui import ui

from dashboard.pages.logs.tab import Tab

LABELS = {'timestamps': 'Timestamps', 'utc': 'Times in UTC', 'wrap': 'Wrap long lines'}  # preference → words
LOOKS = {'auto': 'As the system', 'light': 'Light', 'dark': 'Dark'}


def build_switches(tab: Tab, dark: ui.dark_mode) -> None:
    """One for each preference."""
    for name, label in LABELS.items():
        ui.switch(
            label, value=tab.preferences.on(name), on_change=lambda event, name=name: tab.switch(name, event.value)
        ).props('dense')

    def set_look(look: str) -> None:
        dark.set_value({'dark': True, 'light': False}.get(look))
        tab.preferences.save('dark', dark.value)

    value = {True: 'dark', False: 'light', None: 'auto'}[dark.value]
    toggle = ui.toggle(LOOKS, value=value, on_change=lambda event: set_look(event.value))
    toggle.props('dense no-caps flat').classes('whitespace-nowrap')
