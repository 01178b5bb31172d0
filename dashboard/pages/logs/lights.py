"""The highlights, in a row: each is switched by a click, counted, walked and removed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from nicegui import background_tasks, ui

from dashboard.lines import Question
from dashboard.pages.logs.counting import Count, Counts
from dashboard.pages.logs.highlights import COLOURS, Highlight
from dashboard.pages.logs.render import HIGHLIGHTS, LIGHT
from dashboard.pages.logs.tab import Part, Tab
from dashboard.pages.parts import telling
from dashboard.view import Lens

LONGEST = 60  # characters shown of a question
UNCOLOURED = 'Lines came too fast to colour them all.'

_FILLED = '\n'.join(f'.light.h{n} {{ --own:var(--h{n}) }}' for n in range(len(COLOURS)))
CSS = f"""
.lights {{ {HIGHLIGHTS}; display:flex; align-items:center; gap:6px; padding:5px 14px; overflow-x:auto; flex:none;
  scrollbar-width:none; background:var(--bar); border-bottom:1px solid var(--line); font-size:13px;
  --on:{LIGHT['ink']} }}
.light {{ display:flex; align-items:center; flex:none; border:1px solid var(--line); border-radius:13px;
  line-height:22px; overflow:hidden; color:var(--text) }}
.light button {{ padding:1px 7px; border:0; background:none; color:inherit; white-space:nowrap; cursor:pointer;
  min-width:26px }}
.light .what {{ display:flex; gap:6px; padding-left:10px }} .light .count {{ font-variant-numeric:tabular-nums }}
.light .what::before {{ content:''; align-self:center; width:10px; height:10px; border-radius:2px;
  background:var(--own); box-shadow:0 0 0 1px var(--soft) }}
.light .what > :first-child {{ max-width:min(320px,50vw); overflow:hidden; text-overflow:ellipsis }}
.light.on .what::before {{ display:none }}
.light.on {{ background:var(--own); border-color:var(--own); color:var(--on) }}
.light.walked {{ box-shadow:0 0 0 2px var(--text); font-weight:600 }}
.light.wrong .what > :first-child {{ text-decoration:line-through }}
.light button:focus-visible {{ outline:2px solid currentColor; outline-offset:-3px; border-radius:13px }}
.light button:hover {{ background:#0000001a }}
{_FILLED}
.lights > .soft {{ flex:none; white-space:nowrap }}
@media (max-width:600px) {{ .lights {{ padding:4px 8px }} }}
"""


class Lights(Part):
    """A chip for each highlight, and nothing where there is none."""

    def __init__(self, tab: Tab, counts: Counts) -> None:
        super().__init__(tab)
        self._counts = counts
        self._chips: dict[str, _Chip] = {}
        with ui.element('div').classes('lights').props('role=group aria-label="Highlights"') as self._box:
            self._list = ui.element('div').style('display:contents')
            self._words = ui.label().classes('soft').props('role=status')
        self._box.set_visibility(False)

    def refresh(self) -> None:
        """Show those that there are, and how many messages they find."""
        items = self.tab.highlights.items
        self._box.set_visibility(bool(items))
        for text in self._chips.keys() - {item.text for item in items}:
            self._chips.pop(text).remove()
        for item in items:
            self._chip(item).show(item)
        feed, lens = self.tab.viewer.feed, self.tab.hub.lens
        for chip in self._chips.values():
            if feed is not None and chip.item.on and chip.item.question:
                chip.count(self._counts.of(feed, chip.item.question, lens), chip.item.question)
                background_tasks.create(chip.look(lens), name='page: highlights')
        self._words.set_text(UNCOLOURED if self.tab.viewer.uncoloured else '')

    def _chip(self, item: Highlight) -> _Chip:
        """That of a highlight; the others stay as they are, for somebody may be about to click them."""
        if item.text not in self._chips:
            with self._list:
                self._chips[item.text] = _Chip(self.tab, item)
        return self._chips[item.text]


class _Chip:
    """One highlight."""

    def __init__(self, tab: Tab, item: Highlight) -> None:
        self.item = item
        self._tab = tab
        self._count: Count | None = None  # kept, for it lasts as long as somebody has it
        self._state: dict[str, bool] = {}
        with ui.element('div').props(f'data-colour={item.colour}').classes(f'light h{item.colour}') as self._box:
            self._what = self._button('what', f'title="{_in_quotes(item.problem)}"', self._switch)
            with self._what:
                ui.label(item.text[:LONGEST])
                self._number = ui.label().classes('count')
            name = _in_quotes(item.text[:LONGEST])
            for sign, words, act in (
                ('↑', 'Previous match of', partial(self._walk, True)),
                ('↓', 'Next match of', partial(self._walk, False)),
                ('×', 'Remove the highlight', self._remove),
            ):
                with self._button('', f'aria-label="{words} {name}" title="{words} {name}"', act):
                    ui.label(sign)

    def remove(self) -> None:
        """The highlight is gone."""
        self._box.delete()

    def show(self, item: Highlight) -> None:
        """Say whether it is on, and walked; in its place, for a button that has the focus keeps it."""
        self.item = item
        walked = self._tab.highlights.chosen == item.text
        state = {'on': item.on, 'walked': item.on and walked, 'wrong': item.question is None}
        if state != self._state:
            self._state = state
            self._what.props(f'aria-pressed={str(item.on).lower()}')
            for name, so in state.items():
                self._box.classes(**{'add' if so else 'remove': name})
        if not item.on:
            self._number.set_text('')

    def count(self, count: Count, question: Question) -> None:
        """Say how many messages it finds of those that are searched; with a plus where there may be more."""
        self._count = count
        found, whole = count.of(*self._tab.viewer.searched)
        found += self._tab.older(question).messages
        whole = whole and self._tab.is_counted(question)
        self._number.set_text(f'{found:,}{"" if whole else "+"}')

    async def look(self, lens: Lens) -> None:
        """Let what is new be counted."""
        if self._count:
            await self._count.look(lens)

    def _button(self, classes: str, props: str, act: Callable[[], None]) -> ui.element:
        return ui.element('button').classes(classes).props(f'type=button {props}').on('click', telling(act))

    def _switch(self) -> None:
        self._tab.highlights.switch(self.item.text, not self.item.on)
        self._tab.note_highlights()
        self._tab.note_walked()

    def _remove(self) -> None:
        self._tab.highlights.remove(self.item.text)
        self._tab.note_highlights()
        self._tab.note_walked()

    def _walk(self, up: bool) -> None:
        self._tab.walk(self.item.text)
        self._tab.viewer.view.press('last_match' if up else 'next_match')


def _in_quotes(text: str) -> str:
    """For a property of an element, in which quotes and backslashes mean something."""
    return text.replace('\\', '').replace('"', "'")
