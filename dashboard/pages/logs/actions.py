"""What can be done with the lines: clear them, download them."""

from __future__ import annotations

from nicegui import ui

from dashboard.pages.logs.tab import Part, Tab


class Actions(Part):
    """Buttons."""

    def __init__(self, tab: Tab) -> None:
        super().__init__(tab)
        ui.button('Clear', icon='clear_all', on_click=tab.clear).props('flat dense no-caps aria-label=Clear')
        download = ui.dropdown_button('Download', icon='download', split=True, auto_close=True, on_click=tab.download)
        with download.props('flat dense no-caps aria-label=Download'):
            ui.item('What is shown', on_click=tab.download)
            ui.item('Everything held here', on_click=lambda: tab.download(filtered=False))
            ui.item('The whole log', on_click=lambda: tab.download(whole=True))
            ui.item('The whole log as JSON lines', on_click=lambda: tab.download(whole=True, form='jsonl'))
