"""How many messages of each level are held; a click shows only those, and those of others that are chosen."""

from __future__ import annotations

from nicegui import background_tasks, ui

from dashboard.lines import BEGINS, Level
from dashboard.pages.logs.render import DARK, LIGHT, level_colour
from dashboard.pages.logs.surveyor import ALL
from dashboard.pages.logs.tab import Part, Tab
from dashboard.pages.logs.tally import Tallies, Tally
from dashboard.pages.parts import telling

WORDS = {
    Level.FATAL: 'Fatal', Level.ERROR: 'Error', Level.WARN: 'Warn', Level.INFO: 'Info', Level.DEBUG: 'Debug',
    Level.TRACE: 'Trace', Level.UNKNOWN: 'No level',
}  # fmt: skip

_CHIPS = '\n'.join(f'.chips .m{level} {{ color:var(--m{level}) }}' for level in WORDS if level)


def level_variables(theme: dict[str, str]) -> str:
    """The colour of each level as a CSS variable."""
    return ';'.join(f'--m{level}:{level_colour(level, theme)}' for level in WORDS)


CSS = f"""
.chips {{ display:flex; align-items:center; gap:6px; padding:5px 14px; overflow-x:auto; scrollbar-width:none; flex:none;
  background:var(--bar); border-bottom:1px solid var(--line); min-height:37px; {level_variables(LIGHT)} }}
.body--dark .chips {{ {level_variables(DARK)} }}
.chip {{ display:flex; gap:6px; padding:1px 10px; border:1px solid var(--line); border-radius:13px; font-size:13px;
  line-height:22px; white-space:nowrap; background:var(--bar); color:var(--text); cursor:pointer }}
.chip::before {{ content:''; align-self:center; width:8px; height:8px; border-radius:2px; background:currentColor }}
.chip .count {{ font-variant-numeric:tabular-nums }}
.chip:hover {{ background:var(--page) }}
.chip[aria-pressed=true] {{ background:var(--page); border-color:currentColor; box-shadow:inset 0 0 0 1px currentColor;
  font-weight:600 }}
.chip:focus-visible {{ outline:2px solid var(--q-primary); outline-offset:1px }}
.chips .m0 {{ color:var(--soft) }}
{_CHIPS}
@media (max-width:600px) {{ .chips {{ padding:4px 8px }} }}
"""


class Chips(Part):
    """A button for each level that there is."""

    def __init__(self, tab: Tab, tallies: Tallies) -> None:
        super().__init__(tab)
        self._tallies = tallies
        self._seen: tuple[Tally, int, int, int] | None = None  # of what the counts are
        self._counts: tuple[dict[Level, int], bool] = ({}, True)
        with ui.element('div').classes('chips').props('role=group aria-label="Levels"'):
            self._chips = {level: _Chip(tab, level) for level in WORDS}

    def refresh(self) -> None:
        """Say how many there are, and which are chosen."""
        viewer = self.tab.viewer
        if viewer.feed is None:
            return
        tally = self._tallies.of(viewer.feed, self.tab.hub.lens)
        background_tasks.create(tally.look(self.tab.hub.lens), name='page: levels')
        self._show(tally)

    def _show(self, tally: Tally) -> None:
        first, end = self.tab.viewer.searched
        if (seen := (tally, tally.looks, first, self.tab.viewer.is_live or end)) != self._seen:
            self._seen, self._counts = seen, tally.counts(first, end)
        (counts, whole), older = self._counts, self.tab.older(ALL)
        chosen, whole = self.tab.link.levels, whole and self.tab.is_counted(ALL)
        for level, chip in self._chips.items():
            chip.show(counts[level] + older.kinds[level | BEGINS], whole, level in chosen)


class _Chip:
    """One level."""

    def __init__(self, tab: Tab, level: Level) -> None:
        self._tab = tab
        self._level = level
        self._chosen = False
        self._box = ui.element('button').classes(f'chip m{level}').props('type=button aria-pressed=false')
        self._box.on('click', telling(self._choose))
        with self._box:
            ui.label(WORDS[level])
            self._count = ui.label().classes('count')
        self._box.set_visibility(False)

    def show(self, count: int, whole: bool, chosen: bool) -> None:
        """Say how many there are; with a plus where they are more than have been counted."""
        self._count.set_text(f'{count:,}{"" if whole else "+"}')
        self._box.set_visibility(count > 0 or chosen)
        if chosen is not self._chosen:
            self._chosen = chosen
            self._box.props(f'aria-pressed={str(chosen).lower()}')

    def _choose(self) -> None:
        """Show this level as well as the others that are chosen, or not any more; with none chosen, all are shown."""
        self._tab.choose_levels(self._tab.link.levels ^ {self._level})
