"""Where the reader says which lines to see, and whether to follow them."""

from __future__ import annotations

from nicegui import ui

from dashboard.errors import BadRequest
from dashboard.pages.logs.link import LONGEST_FILTER
from dashboard.pages.logs.tab import Part, Tab

# cleared by the browser: the server's answer would come over what is typed next
_CLEAR = "(e) => { e.target.value = ''; e.target.dispatchEvent(new Event('input', {bubbles: true})); }"
# what is in the box now, which the server learns a little later
_TYPED = "() => emit(document.querySelector('.filter input').value)"


class FilterBar(Part):
    """The filter, how many lines match it, and the switch of the automatic scrolling."""

    def __init__(self, tab: Tab) -> None:
        super().__init__(tab)
        with ui.element('div').classes('search').props('role=search'):
            self._box = ui.input(
                placeholder='Filter logs...', value=tab.link.filter, on_change=lambda event: self._set(event.value)
            )
            self._box.props('dense outlined clearable debounce=150 aria-label="Filter logs"')
            self._box.props(f'maxlength={LONGEST_FILTER}')
            self._box.classes('filter').on('keydown.escape', js_handler=_CLEAR)
            light = ui.button(icon='border_color')  # beside the box: inside, it would be made anew at every letter
            light.props('flat dense round aria-label="Highlight this" title="Highlight this"')
            light.on('click', lambda event: self._highlight(str(event.args)), js_handler=_TYPED)
            self._matches = ui.label().classes('soft').props('role=status')
            self._auto = ui.switch('Auto-scroll', value=True, on_change=lambda event: tab.follow(event.value))
            self._auto.classes('auto').props('aria-label=Auto-scroll')
            # not the box's own: each change of the box sends its text along, over what is typed next
            self._words = ui.label().classes('words').props('role=status')
        self._told = ''  # what of this box is in force
        self._filter(tab.link.filter, begins=True)

    def refresh(self) -> None:
        """Say how many lines match."""
        viewer = self.tab.viewer
        self._auto.set_value(viewer.following)
        if self.tab.link.filter != self._told:  # not what was typed here: a button asks it
            self._box.set_value(self.tab.link.filter)
        self._matches.set_text(self._found() if viewer.question else '')

    def _found(self) -> str:
        viewer = self.tab.viewer
        if not viewer.is_filled:  # nothing was looked at yet
            return 'Searching…'
        finds, older, whole = viewer.finds, self.tab.older(viewer.question), self.tab.is_counted(viewer.question)
        return _matches(finds.matches + older.messages, finds.lines + older.lines, finds.counted and whole)

    def _highlight(self, typed: str) -> None:
        """Highlight what is in the box; the filter stays as it is."""
        try:
            self.tab.highlight(typed)
        except BadRequest as error:
            ui.notify(str(error), type='negative')

    def _set(self, term: str | None) -> None:
        self._filter(term or '')
        self.tab.remember()

    def _filter(self, term: str, begins: bool = False) -> None:
        """Filter by a term; one that does not do is told below its box, and what was in force stays so."""
        try:
            if begins or not term == self.tab.link.filter == self.tab.viewer.term:
                self.tab.filter(term)
        except BadRequest as error:
            if begins:
                self.tab.filter('')  # among the levels of the link
            in_force = bool(self.tab.link.filter)
            self._say(f'{error} The filter before it stays in force.' if in_force else str(error), wrong=True)
        else:
            self._say(self.tab.viewer.problem)
        self._told = self.tab.link.filter

    def _say(self, words: str, wrong: bool = False) -> None:
        """Tell below the box why a term does not do, or what of it could not be read as a question."""
        self._words.set_text(words)
        self._words.classes(**{'add' if wrong else 'remove': 'wrong'})


def _matches(messages: int, lines: int, counted: bool) -> str:
    """A match is a message; of how many lines these are is said where that is not the same."""
    words = f'{"" if counted else "at least "}{messages:,} match{"" if messages == 1 else "es"}'
    return words if lines == messages else f'{words} in {lines:,} lines'
