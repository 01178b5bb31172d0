"""Says that only a range of the log is shown, and ends it."""

from __future__ import annotations

from nicegui import ui

from dashboard.lines import Range
from dashboard.model import format_timestamp
from dashboard.pages.logs.clock import Clock
from dashboard.pages.logs.tab import Part, Tab

CSS = """
.range { display:flex; align-items:center; gap:4px 12px; flex:none; flex-wrap:wrap; padding:2px 14px; font-size:13px;
  background:var(--bar); border-bottom:1px solid var(--line); --q-primary:#1659c7 }
.body--dark .range { --q-primary:#79b8ff }
.range .words { flex:1 1 0; min-width:0; font-variant-numeric:tabular-nums }
@media (max-width:600px) { .range { padding:2px 8px } }
"""


class RangeBar(Part):
    """A line with its times and the way back to live; nothing where all is shown."""

    def __init__(self, tab: Tab) -> None:
        super().__init__(tab)
        with ui.element('div').classes('range').props('role=status aria-label="Range"') as self._box:
            self._words = ui.label().classes('words')
            ui.button('Live', icon='play_arrow', on_click=tab.go_live).props(
                'flat dense no-caps aria-label="End the range and go live" padding="2px 8px"'
            )
        self._box.set_visibility(False)

    def refresh(self) -> None:
        """Appear with what it says, or go."""
        chosen, start = self.tab.range, self.tab.link.start
        self._box.set_visibility(bool(chosen))
        if chosen:
            ago = f' ({start.removeprefix("now-")} ago)' if start.startswith('now-') and chosen.end is None else ''
            self._words.set_text(f'Only {in_words(chosen, Clock(self.tab.told_in))}{ago}')


def in_words(chosen: Range, clock: Clock) -> str:
    """``14:00:00 – 14:30:00``, ``from 14:00:00 on``, ``up to 14:30:00``."""
    start, end = (
        None if moment is None else clock.tell(format_timestamp(moment))[:-4] + clock.zone_name
        for moment in (chosen.start, chosen.end)
    )
    if start and end:
        return f'{start} – {end}'
    return f'from {start} on' if start else f'up to {end}'
