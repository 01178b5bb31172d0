"""What the reader does with single lines: looks at one closely, sees what stood around it, keeps it in sight."""

from __future__ import annotations

from dataclasses import dataclass

from nicegui import ui

from dashboard.errors import BadRequest, DashboardError
from dashboard.lines import Question, Range, none_of, parse
from dashboard.lines import Tree as Term
from dashboard.model import Cursor
from dashboard.pages.logs.link import Link
from dashboard.pages.logs.lookup import Found, find
from dashboard.pages.logs.tab import Tab

MOST_PINS = 20
NEAR = (5, 20, 100)  # lines on each side of one that is shown in context, step by step


@dataclass(frozen=True, slots=True)
class Before:
    """What was seen before a line was shown in context."""

    link: Link
    times: Range
    following: bool


class Desk:
    """The lines that one tab has taken out of its log, as its visitor may see them."""

    def __init__(self, tab: Tab) -> None:
        self.line: Found | None = None  # whose details are shown
        self.pins: list[Found] = []
        self.before: Before | None = None  # the way back from the context
        self.near = len(NEAR)  # which of the steps of the context is shown; behind the last one all
        self._tab = tab
        self._service = tab.link.service

    def look_around(self) -> None:
        """Keep nothing of another service but the pins, and nothing that the visitor may not see any more."""
        if self._service != self._tab.link.service:
            self._service, self.line, self.before = self._tab.link.service, None, None
        self.pins = [pin for pin in self.pins if self._may_see(pin)]
        self.line = self.line if self.line and self._may_see(self.line) else None

    async def do(self, act: str, name: str) -> None:
        """Do with the line of that cursor what a key or button says.

        That is ``details``, ``look``, ``context``, ``more`` or ``less`` of it, or ``pin``.
        """
        if act == 'look' and self.line is None:
            return
        if act in ('more', 'less') and self.before:
            self.step(1 if act == 'more' else -1)
            return
        if act == 'less':
            ui.notify('z shows a line in context; Z shows less of it.', position='bottom')
            return
        if not name:
            ui.notify('Select a line first: with a click, or with j and k.', position='bottom')
            return
        if found := await self._find(name):
            acts = {'context': self.show_context, 'more': self.show_near, 'pin': self.pin}
            acts.get(act, self.look_at)(found)

    def look_at(self, found: Found | None) -> None:
        """Show the details of a line; None: of none."""
        self.line = found
        self._tab.refresh()

    def pin(self, found: Found) -> None:
        """Keep a line at the top, or let it go."""
        kept = [pin for pin in self.pins if pin.cursor != found.cursor]
        if len(kept) == MOST_PINS:
            ui.notify(f'{MOST_PINS} lines are pinned: let one go first.', position='bottom')
        elif len(kept) == len(self.pins):
            kept.append(found)
        self.pins = kept
        self._tab.refresh()

    def show_context(self, found: Found) -> None:
        """Show the line among all others, without the filter and of whatever level and time."""
        self._show_around(found.line.cursor, len(NEAR))

    def show_near(self, found: Found) -> None:
        """Show the line with the few that stand around it."""
        self._show_around(found.line.cursor, 0)

    def step(self, by: int) -> None:
        """Show more of the context, or less; less than the least leads back."""
        cursor, near = self._tab.link.cursor, self.near + by
        if near < 0 or cursor is None:
            self.leave_context()
        elif near > len(NEAR):
            ui.notify('All that is around the line is shown: scroll on.', position='bottom')
        else:
            self._show_around(cursor, near)

    def _show_around(self, cursor: Cursor, near: int) -> None:
        tab, self.near = self._tab, near
        if self.before is None:
            self.before = Before(tab.link, tab.range, tab.viewer.following)
        tab.show_all_around(cursor, NEAR[near] if near < len(NEAR) else None)

    def leave_context(self) -> None:
        """Go back to what was seen before."""
        tab, before, self.before = self._tab, self.before, None
        line = tab.link.cursor
        if before is None:
            return
        tab.filter(before.link.filter, before.link.level)
        tab.put_range(before.times, before.link.start, before.link.end)
        tab.remember()
        if line and not before.following:
            tab.viewer.show(line)
        else:
            tab.follow(True)
        tab.refresh()

    def back(self) -> None:
        """Close what was opened last."""
        if self.line:
            self.look_at(None)
        elif self.before:
            self.leave_context()

    def ask_for(self, term: Term, *, without: bool = False) -> None:
        """Let the filter ask for a term as well, or for all that it does not find."""
        try:
            question: Question = parse(self._tab.link.filter)
            self._tab.ask(question.with_term(none_of(term) if without else term))
        except BadRequest as error:
            ui.notify(str(error), type='negative')
        else:
            if self.line and not without and not self._tab.viewer.following:
                self._tab.viewer.show(self.line.line.cursor)

    def highlight(self, term: Term) -> None:
        """Highlight what a term finds."""
        try:
            self._tab.highlight(Question(term).text)
        except BadRequest as error:
            ui.notify(str(error), type='negative')

    async def _find(self, name: str) -> Found | None:
        viewer = self._tab.viewer
        try:
            found = await find(self._tab.hub, viewer.feed, Cursor.parse(name)) if viewer.feed else None
        except DashboardError as error:
            ui.notify(str(error), type='negative')
            return None
        if found is None:
            ui.notify('Nobody has this line any more.', position='bottom')
        return found

    def _may_see(self, found: Found) -> bool:
        try:
            self._tab.hub.feed(found.line.container.service)
        except DashboardError:
            return False
        return True
