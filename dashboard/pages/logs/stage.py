"""Where the log is seen, or why there is none to see."""

from __future__ import annotations

from nicegui import ui

from dashboard.pages.logs.surveyor import ALL
from dashboard.pages.logs.tab import Part, Tab


class Banner(Part):
    """What is wrong, across the page."""

    def __init__(self, tab: Tab) -> None:
        super().__init__(tab)
        self._words = ui.label().classes('banner error').props('role=alert')

    def refresh(self) -> None:
        """Say it, or nothing."""
        problem = self._problem()
        self._words.set_text(problem)
        self._words.set_visibility(bool(problem))

    def _problem(self) -> str:
        viewer, status = self.tab.viewer, self.tab.hub.status
        if status.error:
            return str(status.error)
        if viewer.feed and viewer.feed.status.phase == 'unreadable':
            return viewer.feed.status.error
        return viewer.error or (self.tab.hub.kept.trouble if self.tab.hub.visitor.is_admin else '')


class Stage(Part):
    """The lines, the way to the newest of them, and words where there are none."""

    def __init__(self, tab: Tab) -> None:
        super().__init__(tab)
        with ui.element('main').classes('stage') as self.box:
            tab.viewer.view.move(self.box)
            self._empty = ui.label().classes('empty')
            self._newer = ui.button(on_click=lambda: tab.follow(True)).classes('newer')
            self._newer.props('rounded dense no-caps padding="4px 14px"')

    def refresh(self) -> None:
        """Say what the lines do not."""
        viewer = self.tab.viewer
        new = viewer.new_lines
        words = f'{new:,} new lines ↓' if new != 1 else '1 new line ↓'
        self._newer.set_text(words if viewer.is_live else 'End of the range ↓')
        self._newer.set_visibility(not viewer.following)
        self._empty.set_text(self._nothing() if not viewer.view.rows else '')

    def _nothing(self) -> str:
        viewer = self.tab.viewer
        if viewer.error or not self.tab.hub.services:
            return ''  # the banner says it, or the welcome
        if not viewer.is_filled:  # it is being read, if there is anybody to read it from
            return '' if viewer.feed or self.tab.hub.status.reachable else 'Waiting for the engine …'
        missed = 'contains the filter' if viewer.term else f'has the level {self.tab.link.level.replace(",", " or ")}'
        if viewer.times:
            what = f'Nothing in this range {missed}' if viewer.question else 'Nothing was written in this range'
            return f'{what}, as far as it is known here.'
        if viewer.question and (lines := viewer.lines):
            return f'None of the {lines:,} lines held here {missed}. The whole log is in the download.'
        if viewer.cleared:
            return 'No logs available since you cleared them. To have them back, choose how many last lines to see.'
        return 'No logs available'


class Foot(Part):
    """How much there is."""

    def __init__(self, tab: Tab) -> None:
        super().__init__(tab)
        with ui.element('footer').classes('foot soft'):
            self._count = ui.label()

    def refresh(self) -> None:
        """Count."""
        tab = self.tab
        lines, more = tab.viewer.lines + tab.older(ALL).lines, '' if tab.is_counted(ALL) else '+'
        busy = ', older ones are being counted …' if tab.survey and tab.survey.is_busy else ''
        words = f'{lines:,}{more} lines{busy}' if more or lines != 1 else '1 line'
        self._count.set_text(words if lines or tab.viewer.is_filled else '')  # nothing is known before it was read
