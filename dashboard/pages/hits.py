"""What a search has found: each message with a link into its context, and bars that tell when they were written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from datetime import tzinfo
from html import escape

from nicegui import ui
from nicegui.elements.echart import EChart
from nicegui.events import GenericEventArguments

from dashboard.lines import Message, Question, Volume, counted_in, histogram
from dashboard.model import format_timestamp
from dashboard.pages.logs.clock import Clock
from dashboard.pages.logs.histogram import CSS as HISTOGRAM
from dashboard.pages.logs.histogram import name_of_bar, options_of, summary_of, table_of
from dashboard.pages.logs.labels import Labels, hues_of
from dashboard.pages.logs.link import Link
from dashboard.pages.logs.render import CSS as RENDER
from dashboard.pages.logs.render import Renderer
from dashboard.view import Finder

SHARE = 500  # messages that share what may be marked and taken apart
_SERVICE = "(e) => { const name = e.target.closest('[data-service]'); if (name) emit(name.dataset.service); }"
CSS = (
    RENDER
    + HISTOGRAM
    + """
.hits { overflow:auto } .hits .hit { position:relative; border-bottom:1px solid var(--line) }
.hits .hit > a { position:absolute; right:10px; top:0; padding:0 8px; background:var(--log); color:var(--f4);
  font:13px/1.5 inherit; text-indent:0 }
@media (max-width:600px) { .hits .hit > a { position:static; display:inline-block; padding:4px 12px } }
.bar.state { padding:4px 14px; min-height:36px } .bar.state .wrong { color:#b3261e }
.body--dark .bar.state .wrong { color:#ff938a }
.bar .which { min-width:180px; max-width:420px } .bar .when { width:150px }
@media (max-width:600px) { .bar .which { flex:1 1 100% } .bar .when { flex:1 1 40%; width:auto } }
"""
)


class Hits:
    """The messages, the newest first.

    :param logs: the address of the page of logs
    :param choose: called with the event whose argument is the name of a service that was clicked
    """

    def __init__(
        self, finder: Finder, zone: tzinfo, logs: str, choose: Callable[[GenericEventArguments], None]
    ) -> None:
        self.lines = 0
        self._finder = finder
        self._clock = Clock(zone)
        self._logs = logs
        self._question: Question | None = None
        self._labels = Labels()
        self._volume = Volume()  # of those that are shown
        self._whole: Volume | None = None  # of these and those that are only counted
        self._chart: EChart | None = None
        self._strip = ui.element('section').classes('strip').props('aria-label="Found over time"')
        with self._strip:
            self._sum = ui.label().classes('sum')
            self._table = ui.html(sanitize=False).classes('unseen')
        with ui.element('main').classes('stage'):
            self._box = ui.element('div').classes('log hits').props('tabindex=0 role=region aria-label="Found lines"')
        self._box.on('click', choose, js_handler=_SERVICE)
        self.clear()

    def clear(self) -> None:
        """Show nothing."""
        self.lines, self._volume, self._whole = 0, Volume(), None
        self._box.clear()
        self._strip.set_visibility(False)

    def tell(self, moment: int) -> str:
        """A time in nanoseconds since the epoch, to the second."""
        return self._clock.tell(format_timestamp(max(0, moment)))[:-4]

    def ask(self, question: Question) -> None:
        """What is marked in those that are shown next."""
        self._question = question
        self._labels = Labels(True, hues_of(service.key for service in self._finder.services))

    def add(self, messages: Sequence[Message]) -> None:
        """Show these as well, below the others."""
        if not messages:
            return
        with self._box:
            ui.html(''.join(self._hit(message) for message in messages), sanitize=False)
        self.lines += sum(len(message.lines) for message in messages)
        _count_in(self._volume, messages)
        self._whole = None
        self.draw(whole=False)

    def count(self, messages: Iterable[Message]) -> None:
        """Count in these as well, which come after those that are shown, until more are shown."""
        self._whole = self._whole or deepcopy(self._volume)
        _count_in(self._whole, messages)

    def _hit(self, message: Message) -> str:
        """Its lines, and a link to where it stands."""
        pattern = self._question.pattern if self._question else None
        renderer, rows, html = Renderer(SHARE, pattern, self._labels, self._clock), list(message.lines), ''
        while rows:
            count, piece = renderer.piece(rows)
            html, rows = html + piece, rows[count:]
        return f'<div class="hit">{html}<a href="{escape(self._address(message))}">In context</a></div>'

    def _address(self, message: Message) -> str:
        first = message.lines[0]
        marked = (self._question.text,) if self._question else ()
        return f'{self._logs}?{Link(first.container.service.qualified, hl=marked, at=str(first.cursor))}'

    def draw(self, *, whole: bool) -> None:
        """Draw when those were written that are shown or counted.

        :param whole: whether these are all
        """
        shown = histogram(self._whole or self._volume)
        if not shown.bars:
            return
        names = [name_of_bar(bar, shown.step, self._clock) for bar in shown.bars]
        self._strip.set_visibility(True)
        self._sum.set_text(summary_of(shown, whole))
        self._table.set_content(table_of(shown, names, False))
        options = options_of(shown, names, False)
        if self._chart is None:
            with self._strip:
                self._chart = EChart(options, renderer='svg').props('aria-hidden=true')  # the table is read
        else:
            self._chart.options.update(options)
            self._chart.update()


def _count_in(volume: Volume, messages: Iterable[Message]) -> None:
    for message in messages:
        counted = counted_in(message.lines)
        volume.add(Counter({(moment, int(message.level)): count for (moment, _), count in counted.items()}))
