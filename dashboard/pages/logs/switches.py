"""The switches of the page in the user's menu: how lines look."""

from __future__ import annotations

from nicegui import ui

from dashboard.pages.logs.tab import Part, Tab

LABELS = {  # preference → words
    'timestamps': 'Timestamps',
    'utc': 'Times in UTC',
    'wrap': 'Wrap long lines',
    'raw': 'Lines as they were written',
}


class Switches(Part):
    """One for each preference."""

    def __init__(self, tab: Tab) -> None:
        super().__init__(tab)
        for name, label in LABELS.items():
            switch = ui.switch(label, value=tab.preferences.on(name))
            switch.on_value_change(lambda event, name=name: tab.switch(name, event.value)).props('dense')
