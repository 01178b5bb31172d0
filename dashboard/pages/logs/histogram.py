"""When the lines were written that are held, by level: a strip of bars above the log, and the same as a table."""

from __future__ import annotations

import time
from html import escape
from typing import Any

from nicegui import Client, background_tasks, ui
from nicegui.elements.echart import EChart  # ui.echart is imported at its first use: a page from before cannot load it
from nicegui.events import GenericEventArguments

from dashboard.lines import LATEST, Bar, Histogram, Level, Range, Volume, histogram, together
from dashboard.model import SECOND, format_timestamp
from dashboard.pages.logs.answers import answer_of
from dashboard.pages.logs.chips import WORDS, level_variables
from dashboard.pages.logs.clock import Clock
from dashboard.pages.logs.pointing import CSS as POINTING
from dashboard.pages.logs.pointing import handlers
from dashboard.pages.logs.render import DARK, LIGHT
from dashboard.pages.logs.surveyor import ALL
from dashboard.pages.logs.tab import Part, Tab
from dashboard.pages.logs.tally import Tallies

SWITCH = 'histogram'  # the preference
EVERY = 1.0  # seconds between two drawings
TABLE_EVERY = 10.0  # and between two tables: one that is replaced while it is read to somebody cannot be read
TALL = 800  # pixels of a window in which the strip is open until its user says otherwise
FOUND = 'Found by the filter'
TO = ' – '  # stands between the beginning and the end of a bar
CSS = (
    f"""
.over {{ display:flex; align-items:center; flex:none; padding-right:14px; background:var(--bar);
  border-bottom:1px solid var(--line); --q-primary:#1659c7 }}
.body--dark .over {{ --q-primary:#79b8ff }}
.over .chips {{ flex:1 1 0; min-width:0; border-bottom:none }}
.strip {{ position:relative; flex:none; height:84px; background:var(--bar); border-bottom:1px solid var(--line);
  cursor:pointer }}
.strip, .strip-tip {{ {level_variables(LIGHT)} }}
.body--dark :is(.strip, .strip-tip) {{ {level_variables(DARK)} }}
.strip .nicegui-echart {{ position:absolute; inset:0; width:100%; height:100% }}
.strip .sum {{ position:absolute; z-index:1; top:2px; left:14px; right:14px; font-size:12px; color:var(--soft);
  white-space:nowrap; overflow:hidden; text-overflow:ellipsis; pointer-events:none }}
.unseen {{ position:absolute; width:1px; height:1px; overflow:hidden; clip-path:inset(50%); white-space:nowrap }}
@media (max-height:{TALL - 1}px) {{ .strip.unsaid {{ display:none }} }}
@media (max-width:600px) {{ .strip .sum {{ left:8px; right:8px }} .over {{ padding-right:8px }} }}
"""
    + POINTING
)
_STILL = {'silent': True, 'emphasis': {'disabled': True}}  # it would lighten a colour that it cannot read: a variable


class HistogramStrip(Part):
    """The strip with the button that folds it away. The chart is made when it is first seen: it is a megabyte.

    It has the levels of all lines that the server holds of what is watched, and what the filter has found of them.
    """

    def __init__(self, tab: Tab, tallies: Tallies, over: ui.element) -> None:
        super().__init__(tab)
        self._tallies = tallies
        self._seen: object = None  # what is drawn
        self._due = self._table_due = 0.0
        self._busy = False
        self._starts: dict[str, int] = {}  # of the bars, by their names
        self._step = SECOND  # the width of each, in nanoseconds
        self._chart: EChart | None = None
        self._open: bool | None = None  # until it is known whether it should be
        self._columns: object = None  # of the table
        with over:
            self._button = ui.button(icon='bar_chart', on_click=self._toggle).props('flat dense round size=sm')
            with self._button.props('aria-label="Lines over time"'):
                ui.tooltip('Lines over time')
        self._box = ui.element('section').classes('strip').props('aria-label="Lines over time"')
        with self._box:
            self._sum = ui.label().classes('sum')
            self._table = ui.html(sanitize=False).classes('unseen')
        if (chosen := tab.preferences.chosen(SWITCH)) is None:
            self._box.classes('unsaid')  # the browser decides, before anything is seen: later it would move the lines
        else:
            self._set_open(chosen)

    def refresh(self) -> None:
        """Draw what there is, when it is time."""
        viewer = self.tab.viewer
        if (wanted := self._wanted) is not None:
            self._set_open(wanted)
        if self._seen and viewer.feed is None and viewer.idle:  # what is in the address cannot be shown
            self._seen = None
            self._draw(Histogram(SECOND, ()), whole=True, asked=False, clock=Clock())
        if self._open and viewer.feed and not viewer.view.hidden and not self._busy and time.monotonic() >= self._due:
            self._busy, self._due = True, time.monotonic() + EVERY
            background_tasks.create(self._look(self._box.client), name='page: histogram')

    @property
    def _wanted(self) -> bool | None:
        chosen = self.tab.preferences.chosen(SWITCH)
        return self.tab.tall if chosen is None else chosen

    def _toggle(self) -> None:
        self.tab.preferences.save(SWITCH, not self._open)
        self._due = self._table_due = 0.0
        self.refresh()

    def _set_open(self, on: bool) -> None:
        if on is not self._open:
            self._open = on
            self._box.classes(remove='unsaid').set_visibility(on)
            self._button.props(f'aria-expanded={str(on).lower()}')

    async def _look(self, client: Client) -> None:
        """Count what is new, and draw it when it is other than what is drawn."""
        try:
            viewer = self.tab.viewer
            if viewer.feed is None:
                return
            tally = self._tallies.of(viewer.feed, self.tab.hub.lens)
            await tally.look(self.tab.hub.lens)
            clock, older = Clock(self.tab.told_in), [self.tab.older(item).lines for item in (ALL, viewer.question)]
            rows = viewer.searched[0], viewer.is_live or viewer.searched[1]
            seen = (
                tally,
                tally.looks,
                rows,
                older,
                viewer.finds.volume,
                viewer.finds.lines,
                viewer.times,
                clock.zone_name,
            )
            if seen == self._seen:
                return
            volume, whole = await tally.volume(*viewer.searched)
            shown, found = self._histogram(volume), viewer.finds.volume
            if not client.is_deleted:
                with client:
                    whole = whole and self.tab.is_counted(ALL)
                    self._draw(shown, whole=whole, asked=found is not None, clock=clock)
                self._seen = seen
        finally:
            self._busy = False

    def _histogram(self, volume: Volume) -> Histogram:
        """Of what is held, with what the range has before that, and what the filter has found of both."""
        viewer, found = self.tab.viewer, self.tab.viewer.finds.volume
        older = self.tab.older(ALL)
        volume = together([volume, older.volume]) if older.lines else volume
        begins = viewer.feed.history.time_of(viewer.searched[0]) if viewer.feed else None
        if found and begins is not None:
            found.forget(begins)
        if found and (also := self.tab.older(viewer.question)).lines:
            found = together([found, also.volume])
        return histogram(volume, found, times=viewer.times)

    def _draw(self, shown: Histogram, *, whole: bool, asked: bool, clock: Clock) -> None:
        names = [name_of_bar(bar, shown.step, clock) for bar in shown.bars]
        self._step = shown.step
        self._starts = dict(zip(names, (bar.start for bar in shown.bars), strict=True))
        options = options_of(shown, names, asked)
        self._sum.set_text(summary_of(shown, whole))
        self._show_table(shown, names, asked)
        if self._chart is None:
            with self._box:
                self._chart = EChart(options, renderer='svg').props('aria-hidden=true')  # the table is read
            for event, handler in handlers(self._chart.id).items():
                self._chart.on(event, self._point, js_handler=handler)
        else:
            self._chart.options.update(options)
            self._chart.update()

    def _show_table(self, shown: Histogram, names: list[str], asked: bool) -> None:
        columns = (_levels_in(shown), asked, self.tab.viewer.feed)
        if time.monotonic() >= self._table_due or columns != self._columns:
            self._table_due, self._columns = time.monotonic() + TABLE_EVERY, columns
            self._table.set_content(table_of(shown, names, asked))

    def _point(self, event: GenericEventArguments) -> None:
        """A bar was clicked, two are the ends of a drag, or none: a double click. The browser may say anything."""
        names = event.args if isinstance(event.args, list) else []
        starts = [self._starts[name] for name in map(str, names[:2]) if name in self._starts]
        if not names:
            self.tab.widen()
        elif len(starts) == 2:
            end = max(starts) + self._step - 1
            self.tab.narrow_to(Range(max(0, min(starts)), end if end < time.time_ns() else None))
        elif starts:
            self.tab.jump(starts[0])


async def is_tall(client: Client) -> bool:
    """Whether the browser's window has room for the strip."""
    try:
        return bool(await answer_of(client, f'return innerHeight >= {TALL}'))
    except TimeoutError:
        return False


def step_in_words(step: int) -> str:
    """``500 ms``, ``5 s``, ``15 min``, ``3 h``, ``7 d``; of nanoseconds."""
    if step < SECOND:
        return f'{step // 1_000_000} ms'
    units = ((86_400, 'd'), (3_600, 'h'), (60, 'min'), (1, 's'))
    size, name = next(unit for unit in units if step % (unit[0] * SECOND) == 0)
    return f'{step // (size * SECOND):,} {name}'


def summary_of(shown: Histogram, whole: bool) -> str:
    if not shown.bars:
        return 'No lines yet'
    more, most = '' if whole else '+', max(bar.lines for bar in shown.bars)
    lines = 'line' if shown.lines == 1 and whole else 'lines'
    return f'{shown.lines:,}{more} {lines}, {step_in_words(shown.step)} a bar, at most {most:,}'


def name_of_bar(bar: Bar, step: int, clock: Clock) -> str:
    """From when to when, as the reader's clock tells it: ``14:32:05 – 14:32:10``."""
    start, end = (clock.tell(format_timestamp(moment)) for moment in (bar.start, min(LATEST, bar.start + step)))
    cut = None if step % SECOND else -4
    return f'{start[:cut]}{TO}{end[:cut]}'


def _levels_in(shown: Histogram) -> list[Level]:
    """The worst first."""
    return [level for level in WORDS if any(bar.counts[level] for bar in shown.bars)]


def options_of(shown: Histogram, names: list[str], asked: bool) -> dict[str, Any]:
    """For the chart. Nothing of any line is in it: numbers, times and our own words."""
    series = [
        {
            'name': WORDS[level], 'type': 'bar', 'stack': 'lines', 'barCategoryGap': '12%', **_STILL,
            'itemStyle': {'color': f'var(--m{level})', 'opacity': 0.3 if asked else 1},
            'data': [bar.counts[level] or None for bar in shown.bars],
        }
        for level in _levels_in(shown)
    ]  # fmt: skip
    if asked:
        series.append({
            'name': FOUND, 'type': 'bar', 'barGap': '-100%', 'z': 3, **_STILL,
            'itemStyle': {'color': 'var(--text)', 'opacity': 1}, 'data': [bar.matches or None for bar in shown.bars],
        })  # fmt: skip
    return {
        'animation': False,
        'grid': {'left': 12, 'right': 12, 'top': 20, 'bottom': 18},
        'xAxis': {
            'type': 'category', 'data': names, 'axisTick': {'show': False},
            'axisLine': {'lineStyle': {'color': 'var(--line)'}},
            'axisLabel': {
                'color': 'var(--soft)', 'fontSize': 11, 'hideOverlap': True, 'margin': 4, 'alignMinLabel': 'left',
                'alignMaxLabel': 'right', ':formatter': f"name => name.split('{TO}')[0]",
            },
        },
        'yAxis': {'type': 'value', 'show': False},
        'tooltip': {
            'trigger': 'axis', 'confine': True, 'appendTo': 'body', 'className': 'strip-tip',
            'axisPointer': {'type': 'shadow', 'shadowStyle': {'color': 'var(--soft)', 'opacity': 0.2}},
            'backgroundColor': 'var(--bar)', 'borderColor': 'var(--line)', 'padding': [6, 10],
            'textStyle': {'color': 'var(--text)', 'fontSize': 12},
        },
        'series': series,
    }  # fmt: skip


def table_of(shown: Histogram, names: list[str], asked: bool) -> str:
    levels = _levels_in(shown)
    heads = ['Time', *(WORDS[level] for level in levels), *([FOUND] if asked else [])]
    rows = [
        ''.join(
            f'<td>{number}</td>' for number in [*(bar.counts[level] for level in levels), bar.matches][: len(heads) - 1]
        )
        for bar in shown.bars
    ]
    head = ''.join(f'<th scope="col">{word}</th>' for word in heads)
    body = ''.join(f'<tr><th scope="row">{escape(name)}</th>{row}</tr>' for name, row in zip(names, rows, strict=True))
    return f'<table><caption>Lines by time and level</caption><tr>{head}</tr>{body}</table>'
