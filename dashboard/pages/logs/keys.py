"""The keys of the page, in one table, and the row that they move to.

The browser moves by itself, in the rows that it has: a key that is held down waits for no server. What needs the server
comes as the event ``act`` of the log, with what is to be done and the cursor of the selected row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape

from nicegui import ui

from dashboard.errors import DashboardError
from dashboard.lines import Question, any_of, parse
from dashboard.pages.logs.desk import Desk
from dashboard.pages.logs.tab import Part, Tab

SOUGHT = {  # what is gone to, also where it is not on the page → what asks for it
    'error': parse('level:>=error OR (stream:stderr level:unknown)'),
    'warning': parse('level:warn'),
    'match': parse(''),
}
LABELS = {'ArrowDown': '↓', 'ArrowUp': '↑', 'Escape': 'Esc'}  # where the browser calls a key otherwise


@dataclass(frozen=True, slots=True)
class Key:
    """Keys that do the same; ``names`` are the browser's."""

    names: tuple[str, ...]
    act: str
    words: str

    @property
    def labels(self) -> tuple[str, ...]:
        """As they are written on a keyboard."""
        return tuple(LABELS.get(name, name) for name in self.names)


KEYS = (
    Key(('/',), 'filter', 'goes to the filter'),
    Key(('j', 'ArrowDown'), 'down', 'selects the next row'),
    Key(('k', 'ArrowUp'), 'up', 'selects the row before'),
    Key(('n',), 'next_match', 'goes to the next match of the filter, or of the highlight that is chosen'),
    Key(('N',), 'last_match', 'goes to the match before'),
    Key(('h',), 'walk', 'chooses the next highlight for n and N; after the last one the filter'),
    Key(('e',), 'next_error', 'goes to the next error'),
    Key(('E',), 'last_error', 'goes to the error before'),
    Key(('w',), 'next_warning', 'goes to the next warning'),
    Key(('W',), 'last_warning', 'goes to the warning before'),
    Key(('g', 'Home'), 'first', 'goes to the first row, and loads older ones'),
    Key(('G', 'End'), 'newest', 'goes to the newest row, and follows'),
    Key(('Enter',), 'details', 'shows the details of the selected row'),
    Key(('c',), 'context', 'shows the selected row in context, without the filter'),
    Key(('z',), 'more', 'shows the selected row with 5 lines on each side of it, then 20, 100, and all as c does'),
    Key(('Z',), 'less', 'shows fewer lines on each side, and at last the filter again'),
    Key(('p',), 'pin', 'pins the selected row at the top, or lets it go'),
    Key(('Escape',), 'back', 'goes back: from the details, the context, the selected row'),
    Key(('?',), 'keys', 'shows the keys'),
)
# ``v`` is the log; see ``hold`` for what else it knows
SCRIPT = """
v.row_of = name => name ? v.querySelector(`[data-cursor="${CSS.escape(name)}"]`) : null;
v.current = () => v.chosen?.isConnected ? v.chosen : v.row_of(v.chosen?.dataset.cursor);
v.act = (name, words = v.current()?.dataset.cursor ?? '') =>
  v.dispatchEvent(new CustomEvent('act', { detail: [name, words] }));
const place = (row, block) => { row.scrollIntoView({ block }); v.placed = v.top = v.scrollTop; };
v.select = (row, block = 'nearest') => {
  v.querySelectorAll('.sel').forEach(old => { old.classList.remove('sel'); old.removeAttribute('aria-current'); });
  v.chosen = row;
  if (!row) return;
  v.stay();
  for (let fold = row.closest('details'); fold; fold = fold.parentElement.closest('details')) fold.open = true;
  row.classList.add('sel');
  row.setAttribute('aria-current', 'true');
  if (!row.hasAttribute('tabindex')) row.tabIndex = -1;
  row.focus({ preventScroll: true });
  if (block) { place(row, block); requestAnimationFrame(() => place(row, block)); }  // once more: it is laid out now
  clearTimeout(v.looks);
  if (document.querySelector('.details')?.checkVisibility()) v.looks = setTimeout(() => v.act('look'), 150);
};
v.reveal = () => requestAnimationFrame(() => {  // something has opened beside it, or before it
  if (v.current()) place(v.current(), matchMedia('(max-width:760px)').matches ? 'start' : 'nearest');
});
v.keep_chosen = () => {  // what shows the same lines anew knows of none
  const row = v.current();
  if (!row || row === v.chosen) return;
  v.chosen = row;
  row.classList.add('sel');
  row.setAttribute('aria-current', 'true');
};
const rows = () => [...v.querySelectorAll('.l, .g, .n')].filter(row => !row.closest('details:not([open])'));
const with_any = marks => [...new Set([...v.querySelectorAll(marks)].map(mark => mark.closest('.l')))];
const lit = () => [...v.querySelectorAll(v.walks == null ? '[data-h]' : `[data-h~="${v.walks}"]`)];
const matches = () => {
  const asked = new URLSearchParams(location.search);
  if (v.walks != null || !(asked.get('filter') || asked.get('level'))) return lit();
  const marked = with_any('.l mark:not([class])');
  return marked.length ? marked : [...v.querySelectorAll('.l:not(.h)')];
};
const errors = () => [...v.querySelectorAll('.l.r:not(.h)')];
const warnings = () => with_any('.l > .m4');
const after = (now, row) => now.compareDocumentPosition(row) & Node.DOCUMENT_POSITION_FOLLOWING;
const in_sight = row => {
  const [edge, place] = [v.getBoundingClientRect(), row.getBoundingClientRect()];
  return [place.bottom > edge.top + 8, place.top < edge.bottom - 8];
};
const to = (found, by, act) => {
  const now = v.current();
  const fits = row => now ? (by > 0 ? after(now, row) : after(row, now)) : in_sight(row)[by > 0 ? 0 : 1];
  const row = by > 0 ? found.find(fits) : found.findLast(fits);
  if (row) v.select(row);
  else if (act) v.act(act, [...v.querySelectorAll('.l')].at(by > 0 ? -1 : 0)?.dataset.cursor ?? '');
};
const acts = v.acts = {
  filter: () => document.querySelector('.filter input').focus(),
  down: () => to(rows(), 1), up: () => to(rows(), -1),
  next_match: () => to(matches(), 1, 'next_match'), last_match: () => to(matches(), -1, 'last_match'),
  next_error: () => to(errors(), 1, 'next_error'), last_error: () => to(errors(), -1, 'last_error'),
  next_warning: () => to(warnings(), 1, 'next_warning'), last_warning: () => to(warnings(), -1, 'last_warning'),
  walk: () => {
    const every = [null, ...[...document.querySelectorAll('.light.on')].map(light => Number(light.dataset.colour))];
    v.walks = every[(every.indexOf(v.walks ?? null) + 1) % every.length];
    v.act('walk', String(v.walks ?? ''));
  },
  first: () => {
    const row = rows()[0];
    if (row) v.select(row, 'center'); else if (v.dataset.past) v.stay();  // no match so far
    if (row || v.dataset.past) v.ask('older');
  },
  newest: () => { v.select(null); v.act('newest'); },
  back: () => {
    const open = [...document.querySelectorAll('.details, .context')].some(part => part.checkVisibility());
    if (!open) v.select(null);
    v.act('back');
  },
};
const FIELDS = 'input, textarea, select, [contenteditable=true]';
document.addEventListener('keydown', e => {
  const act = KEYS[e.key], at = e.target;
  if (!act || e.ctrlKey || e.metaKey || e.altKey || e.isComposing || e.defaultPrevented) return;
  if (at.closest?.(FIELDS) || document.querySelector('.q-menu, .q-dialog')) return;
  const own = at.closest?.('button, a, summary, [role=button], [role=switch]');  // these keys mean something there
  if ((e.key === 'Enter' && own) || (e.key.startsWith('Arrow') && at !== document.body && !v.contains(at))) return;
  e.preventDefault();
  (acts[act] ?? (() => v.act(act)))();
});
v.addEventListener('pointerdown', () => clearTimeout(v.opens));
v.addEventListener('click', e => {
  const row = e.target.closest('[data-cursor]');
  if (!row || v.selected() || e.target.closest('a, button, summary, [data-gap], [data-service]')) return;
  v.select(row, null);
  v.opens = setTimeout(() => { if (!v.selected()) v.act('details'); }, 250);  // a second click selects a word
});
"""


class Keys(Part):
    """They work where no field has the focus; ``?`` shows them all."""

    def __init__(self, tab: Tab, desk: Desk) -> None:
        super().__init__(tab)
        self._desk = desk
        self._seeking = False
        view = tab.viewer.view
        view.on('act', lambda event: self._act(*map(str, event.args[:2])), js_handler='(e) => emit(e.detail)')
        names = json.dumps({name: key.act for key in KEYS for name in key.names})
        view.client.run_javascript(f'const v = getHtmlElement({view.id}); const KEYS = {names}; {SCRIPT}')
        with ui.dialog() as self._sheet, ui.card().classes('keys'):
            ui.label('Keys').props('role=heading aria-level=2').classes('subheading')
            with ui.element('dl'):
                for key in KEYS:
                    with ui.element('dt'):
                        for label in key.labels:
                            ui.html(f'<kbd>{escape(label)}</kbd>', sanitize=False)
                    with ui.element('dd'):
                        ui.label(key.words)
            ui.button('Close', on_click=self._sheet.close).props('flat dense no-caps')

    async def _act(self, act: str, words: str) -> None:
        """What the browser cannot do alone."""
        if act == 'keys':
            self._sheet.open()
        elif act == 'none':
            ui.notify(words[:100], position='bottom')
        elif act == 'newest':
            self.tab.follow(True)
        elif act == 'walk':
            self._walk(words)
        elif act.partition('_')[2] in SOUGHT:
            await self._seek(act.partition('_')[2], words, up=act.startswith('last'))
        elif act == 'back':
            self._desk.back()
        elif act in ('details', 'look', 'context', 'more', 'less', 'pin'):
            await self._desk.do(act, words)

    async def _seek(self, what: str, edge: str, up: bool) -> None:
        """Go on where the page ends, in what the server holds; one search at a time."""
        if self._seeking:
            return
        self._seeking = True
        try:
            if (question := self._sought(what)) is None:
                words = 'There is nothing to go to: ask for it in the filter, or highlight it.'
            elif await self.tab.viewer.seek(question, edge, up):
                return
            else:
                words = f'No {what} {"above" if up else "below"} in what is held here.'
            ui.notify(words, position='bottom')
        except DashboardError as error:
            ui.notify(str(error), type='negative')
        finally:
            self._seeking = False

    def _sought(self, what: str) -> Question | None:
        """What asks for it; None where nobody asks."""
        highlights = self.tab.highlights
        if what != 'match':
            return SOUGHT[what]
        if highlights.walked:
            return highlights.walked.question
        if self.tab.viewer.question:
            return SOUGHT[what]
        asked = [item.question.tree for item in highlights.on if item.question]
        return Question(any_of(asked)) if asked else None

    def _walk(self, colour: str) -> None:
        """The browser has chosen the highlight in this colour, or the filter."""
        walked = self.tab.highlights.choose_colour(colour)
        self.tab.refresh()
        ui.notify(
            f'n and N go through the matches of {walked.text[:60] if walked else "the filter"}.', position='bottom'
        )
