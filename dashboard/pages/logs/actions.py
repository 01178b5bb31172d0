"""What can be done with the lines on the page: clear them."""

from __future__ import annotations

from nicegui import ui

from dashboard.pages.logs.tab import Part, Tab


class Actions(Part):
    """A button."""

    def __init__(self, tab: Tab) -> None:
        super().__init__(tab)
        ui.button('Clear', icon='clear_all', on_click=tab.clear).props('flat dense no-caps aria-label=Clear')
