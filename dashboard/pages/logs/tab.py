"""What one browser tab looks at, and what its reader does there; the parts of the page show it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from datetime import UTC, datetime, tzinfo

from nicegui import ui

from dashboard.errors import BadRequest, DashboardError
from dashboard.lines import Level, Question, Range, as_address, parse_range
from dashboard.model import Cursor, ServiceKey, format_timestamp
from dashboard.pages.logs.highlights import Highlights
from dashboard.pages.logs.link import Link, levels_text
from dashboard.pages.logs.place import Place, forget_place
from dashboard.pages.logs.survey import Survey, Tallied
from dashboard.pages.logs.viewer import LogViewer
from dashboard.pages.preferences import Preferences
from dashboard.pages.shell import LOGS
from dashboard.timeline import Selection
from dashboard.view import View
from dashboard.web import path_for

RANGES = 20  # that are gone back through
SWITCHES = {'timestamps': 'nostamps', 'wrap': 'nowrap'}  # preference → the class of the log when it is off


class Part:
    """Something on the page that shows what is so in its tab."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab

    def refresh(self) -> None:
        """Say what is so now; an element is only sent when its words have changed."""


class Tab:
    """It is made for the tab and goes with it.

    :param watching: tells the audit log what is watched, for as long as its context lasts
    """

    def __init__(
        self, hub: View, link: Link, preferences: Preferences, watching: Callable[[str], AbstractContextManager[None]]
    ) -> None:
        self.hub = hub
        self.link = link
        self.preferences = preferences
        self.highlights = Highlights(preferences, link.hl)
        self.parts: list[Part] = []
        self.zone: tzinfo = UTC  # the reader's
        self.tall: bool | None = None  # whether the window has room for more than the lines, once that is known
        # where the reader was before the connection broke, until all that is shown again
        self.place: Place | None = None
        self.viewer = LogViewer(hub, hub.settings.page_lines, self._on_shown)
        self.survey: Survey | None = None  # of what a range has before what is held
        self._connected = False  # since the browser has last shown anything
        self._key: ServiceKey | None = None  # of the chosen service, once it has been found; None for several
        self._ranges: deque[tuple[str, str]] = deque(maxlen=RANGES)  # those before, as the URL had them
        self._watching = watching
        self._watched = ''  # the service that the audit log says is being watched
        self._watch_ends = ExitStack()
        self.apply_preferences()
        self._apply_highlights()

    # what the reader does

    def choose(self, name: str | None) -> None:
        """Watch another service."""
        if name and name != self.link.service:
            self.link, self._key, self.place = replace(self.link, service=name, at=''), None, None
            self._watch()

    def choose_tail(self, tail: int) -> None:
        """Begin again, with so many of the last lines."""
        self.link, self.place = replace(self.link, tail=tail, start='', end='', at=''), None
        self._watch()

    def filter(self, term: str, level: str | None = None) -> None:
        """Show only the messages that the question ``term`` finds, and of these levels; None: of those as before.

        :raises BadRequest: when it does not do; what was in force stays so
        """
        self.link = replace(self.link, filter=self.viewer.term)
        wanted = replace(self.link, filter=term, level=self.link.level if level is None else level)
        self.viewer.filter(term, wanted.levels)
        self.link = wanted

    def choose_levels(self, levels: Iterable[Level]) -> None:
        """Show only the messages of these levels; without any, those of all."""
        self.filter(self.viewer.term, levels_text(levels))
        self.remember()
        self.refresh()

    def ask(self, question: Question) -> None:
        """Filter by a question that was made by a button; the filter box and the URL say it too.

        :raises BadRequest: see :meth:`filter`
        """
        self.filter(question.text)
        self.remember()
        self.refresh()

    def highlight(self, text: str) -> None:
        """Highlight what a question finds.

        :raises BadRequest: when it does not do, or is one too many
        """
        self.highlights.add(text)
        self.note_highlights()

    def note_highlights(self) -> None:
        """The highlights have changed: show them, and let the URL say so."""
        self._apply_highlights()
        self.remember()
        self.refresh()

    def walk(self, text: str) -> None:
        """Let the keys for matches go through those of this highlight; '': of the filter."""
        was = self.highlights.on
        self.highlights.choose(text)
        if self.highlights.on != was:
            self.note_highlights()
        self.note_walked()

    def note_walked(self) -> None:
        """Another highlight is walked, or none: the browser's keys go by that."""
        walked = self.highlights.walked
        self.viewer.view.walk(walked.colour if walked else None)
        self.refresh()

    def show_all_around(self, cursor: Cursor, near: int | None = None) -> None:
        """See a line among all those around it, whatever the filter, the chosen levels and the range were.

        :param near: so many lines before it and after it, and no others
        """
        self.filter('', '')
        self.put_range(Range(), '', '')
        self.link = replace(self.link, at=str(cursor))
        self.viewer.show(cursor, near)
        self.remember()
        self.refresh()

    def jump(self, moment: int) -> None:
        """Go to the first line at or after a moment, in nanoseconds since the epoch; the address says which."""
        self._leave_range_for(moment)
        self.link = replace(self.link, at=format_timestamp(moment))
        self.viewer.jump(moment)
        self.remember()
        self.refresh()

    def narrow(self, start: str, end: str) -> None:
        """Show only what was written from one time to another, as people write them; '' leaves a side open.

        :raises BadRequest: when these are no range; what was in force stays so
        """
        zone, now = self.told_in, datetime.now(UTC)
        times = parse_range(start, end, zone, now)
        end = '' if times.end is None else as_address(end, zone, now)
        self._show_range(times, as_address(start, zone, now), end)

    def narrow_to(self, times: Range) -> None:
        """The same of two moments."""
        start, end = ('' if moment is None else format_timestamp(moment) for moment in (times.start, times.end))
        self._show_range(times, start, end)

    def widen(self) -> None:
        """Go back to the range before, or to all."""
        start, end = self._ranges.pop() if self._ranges else ('', '')
        self.narrow(start, end)
        if self._ranges:
            self._ranges.pop()

    def go_live(self) -> None:
        """Show all that there is, and what comes."""
        self._ranges.clear()
        if self.viewer.times:
            self._show_range(Range(), '', '')
            self._ranges.clear()
        self.follow(True)

    def clear(self) -> None:
        """Forget the lines so far."""
        self.viewer.clear()
        self.refresh()

    def follow(self, on: bool) -> None:
        """Go to the newest line and stay there, or stay where the view is."""
        if on and self.link.at:
            self.link = replace(self.link, at='')
            self.remember()
        if on != self.viewer.following:
            self.viewer.follow(on)
            self.refresh()

    def switch(self, name: str, on: bool) -> None:
        """Change how the log looks, here and in what is opened later."""
        self.preferences.save(name, on)
        self.apply_preferences()

    # what happens

    def refresh(self) -> None:
        """Let all parts say what is so."""
        for part in self.parts:
            part.refresh()

    def note_connected(self) -> None:
        """The browser is there, for the first time or again."""
        self._connected = True

    @property
    def range(self) -> Range:
        """From when to when lines are looked at, where that was chosen."""
        return self.viewer.times

    @property
    def told_in(self) -> tzinfo:
        """The zone in which times are told."""
        return UTC if self.preferences.on('utc') else self.zone

    def apply_preferences(self) -> None:
        """Let the log look as its reader wants it."""
        for name, off in SWITCHES.items():
            self.viewer.view.classes(**{'remove' if self.preferences.on(name) else 'add': off})
        self.viewer.show_raw(self.preferences.on('raw'))
        self.viewer.tell_time_in(self.told_in)

    def _apply_highlights(self) -> None:
        on = self.highlights.on
        self.link = replace(self.link, hl=tuple(item.text for item in on))
        self.viewer.highlight(on)

    def look_at_services(self) -> None:
        """The services have changed: the chosen one stays, even while it is away; without one, it is the first."""
        services = self.hub.services
        if self._key and (name := self.hub.name_of(self._key)) != self.link.service:
            self.link = replace(self.link, service=name)  # a namesake has come or gone
            self.remember()
        if not self.link.service and services:
            self.link = replace(self.link, service=self.hub.name_of(services[0].key))
        self.refresh()
        if self.viewer.idle:
            self._watch()

    def older(self, question: Question) -> Tallied:
        """What a question, or none, has found in the range before what is held."""
        return self.survey.of(question) if self.survey else Tallied()

    def is_counted(self, question: Question) -> bool:
        """Whether that is all."""
        survey = self.survey
        return not self.viewer.reaches_back or bool(survey and survey.meets_what_is_held and survey.of(question).whole)

    def remember(self) -> None:
        """Let the URL say what is looked at."""
        address = path_for(ui.context.client.request.scope, LOGS)
        ui.navigate.history.replace(f'{address}?{self.link}')

    def close(self) -> None:
        """Stop watching."""
        self.viewer.close()
        if self.survey:
            self.survey.stop()
        self._watch_ends.close()

    def put_range(self, times: Range, start: str, end: str) -> None:
        """Show a range, as the address has it, in place of the one before; no moment in it."""
        self.link, self.place = replace(self.link, start=start, end=end, at=''), None
        if times != self.viewer.times:
            self.viewer.narrow(times)

    def _show_range(self, times: Range, start: str, end: str) -> None:
        self._ranges.append((self.link.start, self.link.end))
        self.put_range(times, start, end)
        if not self.viewer.following:
            self.follow(True)
        self.remember()
        self.refresh()

    def _leave_range_for(self, moment: int) -> None:
        """What is to be seen was not written in the range: it ends."""
        if not self.viewer.times.has(moment):
            at = self.link.at
            self.put_range(Range(), '', '')
            self.link = replace(self.link, at=at)

    def _watch(self) -> None:
        """Follow the chosen service from its tail on."""
        name = self.link.service
        try:
            target = self.hub.select(name, some=True) if name else None
            self._key = target if isinstance(target, ServiceKey) else None
            self.link = replace(self.link, service=self.hub.name_of(self._key) if self._key else name)
        except DashboardError as error:
            self.viewer.close()
            self.viewer.error = str(error)
            self._note('')
            return
        finally:
            self.remember()
        if target:
            closed, place = bool(self.link.end), self.place
            self.viewer.watch(target, self.link.tail, None if closed else place)
            wrong = self._narrow_as_linked()
            if self.link.at and place is None:
                self._show_at()
            elif closed and place and not place.following:
                self.viewer.jump(place.top)
            missing = ' '.join(f'{words}.' for words in target.missing) if isinstance(target, Selection) else ''
            self.viewer.error = self.viewer.error or wrong or missing
            self._note(self._key.qualified if self._key else name)

    def _narrow_as_linked(self) -> str:
        """Show the range of the link; one told from now is told from this now. Returns what is wrong with it."""
        times, wrong = Range(), ''
        try:
            times = parse_range(self.link.start, self.link.end, self.told_in, datetime.now(UTC))
        except BadRequest as error:
            self.link = replace(self.link, start='', end='')
            wrong = f'The address names no range, so all lines are shown. {error}'
        if times != self.viewer.times:
            self.viewer.narrow(times)
        return wrong

    def _show_at(self) -> None:
        """The line of the link; a time told from now is told from this now."""
        if cursor := self.link.cursor:
            self._leave_range_for(cursor.timestamp)
            self.viewer.show(cursor)
            return
        try:
            moment = self.link.moment(self.told_in, datetime.now(UTC))
        except BadRequest as error:
            self.link = replace(self.link, at='')
            self.viewer.error = f'The address names no line. {error}'
            return
        self._leave_range_for(moment)
        self.viewer.jump(moment)

    def _note(self, service: str) -> None:
        """Let the audit log know what is being watched; '' for nothing."""
        if service != self._watched:
            self._watch_ends.close()
            self._watched = service
            if service:
                self._watch_ends.enter_context(self._watching(service))

    def _on_shown(self) -> None:
        self.place = None
        if self._connected:
            self._connected = False
            forget_place(self.viewer.view.client)
