"""The title of the browser's tab: the service, and how many lines came while nobody looked."""

from __future__ import annotations

from nicegui import ui

from dashboard.pages.logs.choices import words_of
from dashboard.pages.logs.tab import Part, Tab
from dashboard.pages.shell import TITLE

# the server hears only later that the tab is looked at again
LOOKED_AT = (
    "document.addEventListener('visibilitychange', () => {"
    " if (!document.hidden) document.title = document.title.replace(/^\\([\\d,]+\\) /, ''); });"
)


class Title(Part):
    """It is no element of the page."""

    def __init__(self, tab: Tab) -> None:
        super().__init__(tab)
        self._shown = ''
        ui.context.client.run_javascript(LOOKED_AT)

    def refresh(self) -> None:
        """Say it."""
        name, unseen = words_of(self.tab.link.service), self.tab.viewer.unseen
        title = f'{name} · {TITLE}' if name else TITLE
        if unseen:
            title = f'({unseen:,}) {title}'
        if title != self._shown:
            self._shown = title
            ui.page_title(title)
