"""The lines as a file: by one click, or as a dialog asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from nicegui import ui

from dashboard.model import format_timestamp
from dashboard.pages import clients
from dashboard.pages.logs.choices import words_of
from dashboard.pages.logs.clock import Clock
from dashboard.pages.logs.range_bar import in_words
from dashboard.pages.logs.tab import Part, Tab
from dashboard.pages.logs.under_way import UnderWay

HERE, BETWEEN, WHOLE = 'here', 'between', 'whole'
FORMATS = {'text': 'Text', 'jsonl': 'JSON lines'}
CSS = """
.download { width:min(440px,94vw); gap:6px; --q-primary:#1659c7 } .body--dark .download { --q-primary:#79b8ff }
.download .subheading { margin:0 } .download .q-radio, .download .q-checkbox { font-size:14px }
.download .q-option-group--inline > div { margin-right:14px }
.download > .soft { overflow-wrap:anywhere }
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be in the file.

    :param lines: those that the page has, those of the chosen range, or the whole log
    :param filtered: only what the filter and the chosen levels find
    """

    lines: str
    filtered: bool = True
    format: str = 'text'

    def address(self, tab: Tab, transfer: str = '') -> str:
        """Where the browser gets it, without the base path."""
        query: dict[str, object] = {'format': self.format}
        query['timestamps'] = str(tab.preferences.on('timestamps')).lower()
        if self.lines == HERE:
            query['held'] = tab.viewer.first_row
        elif self.lines == BETWEEN:
            sides = {'from': tab.range.start, 'to': tab.range.end}
            query |= {name: format_timestamp(moment) for name, moment in sides.items() if moment is not None}
        if self.filtered:
            asked = {'filter': tab.viewer.term, 'level': tab.link.level}
            query |= {name: words for name, words in asked.items() if words}
        query |= {'transfer': transfer} if transfer else {}
        return f'/api/logs/{quote(tab.link.service, safe="")}/download?{urlencode(query)}'


class Downloads(Part):
    """The button, and the dialog behind its arrow."""

    def __init__(self, tab: Tab, under_way: UnderWay) -> None:
        super().__init__(tab)
        self._under_way = under_way
        with ui.button_group().props('flat'):
            ui.button('Download', icon='download', on_click=lambda: self._begin(Wanted(self._plain))).props(
                'flat dense no-caps aria-label=Download'
            )
            arrow = ui.button(icon='arrow_drop_down', on_click=self._open)
            arrow.props('flat dense padding="4px 2px" aria-haspopup=dialog aria-label="Choose what to download"')
        with ui.dialog() as self._dialog, ui.card().classes('download').props('aria-label="Download"'):
            ui.label('Download').classes('subheading').props('role=heading aria-level=2')
            self._of = ui.label().classes('soft')
            self._lines = ui.radio({}).props('dense aria-label="Which lines"')
            self._filtered = ui.checkbox(value=True).props('dense')
            self._format = ui.radio(FORMATS, value='text').props('dense inline aria-label="Format"')
            with ui.row().style('align-self: flex-end'):
                ui.button('Cancel', on_click=self._dialog.close).props('flat dense no-caps padding="4px 12px"')
                ui.button('Download the file', on_click=self._chosen).props(
                    'dense no-caps unelevated padding="4px 14px" autofocus'
                )

    @property
    def _plain(self) -> str:
        """What one click gives: what is looked at."""
        return BETWEEN if self.tab.range else HERE

    def _open(self) -> None:
        tab = self.tab
        self._of.set_text(words_of(tab.link.service))
        self._lines.set_options(dict(self._offered()), value=self._plain)
        self._filtered.set_text('Only what the filter finds' if tab.viewer.term else 'Only the chosen levels')
        self._filtered.set_visibility(bool(tab.viewer.term or tab.link.level))
        self._filtered.set_value(True)
        self._dialog.open()

    def _offered(self) -> Iterator[tuple[str, str]]:
        tab = self.tab
        if tab.range:
            yield BETWEEN, f'This range: {in_words(tab.range, Clock(tab.told_in))}'
        lines = tab.viewer.lines
        number = '' if tab.range else f': {lines:,} {"line" if lines == 1 else "lines"}'
        yield HERE, f'What is held here{number}'
        yield WHOLE, 'The whole log, as far back as it goes'

    def _chosen(self) -> None:
        self._dialog.close()
        self._begin(Wanted(str(self._lines.value), bool(self._filtered.value), str(self._format.value)))

    def _begin(self, wanted: Wanted) -> None:
        if not self.tab.link.service:
            return
        transfer = self._under_way.begin(words_of(self.tab.link.service))
        clients.download(wanted.address(self.tab, transfer.name))
