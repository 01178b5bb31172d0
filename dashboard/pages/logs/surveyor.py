"""Has counted what a range has before what the server holds, for all who tell numbers of it."""

from __future__ import annotations

import asyncio

from dashboard.lines import parse
from dashboard.pages.logs.survey import Survey
from dashboard.pages.logs.tab import Part, Tab

ALL = parse('')


class Surveyor(Part):
    """It is no element of the page. It comes before the parts that tell the numbers.

    :param turn: see :class:`Survey`; one for all tabs
    """

    def __init__(self, tab: Tab, turn: asyncio.Lock) -> None:
        super().__init__(tab)
        self._turn = turn

    def refresh(self) -> None:
        """Begin a survey where one is needed, and end one that is not any more."""
        viewer, survey = self.tab.viewer, self.tab.survey
        feed = viewer.feed if viewer.reaches_back else None
        if survey and (survey.feed is not feed or survey.times != viewer.times):
            survey.stop()
            survey = self.tab.survey = None
        if feed and viewer.is_filled:
            self.tab.survey = survey or Survey(self.tab.hub, feed, viewer.times, self._turn)
            lights = [item.question for item in self.tab.highlights.on if item.question]
            self.tab.survey.ask([ALL, *([viewer.question] if viewer.question else []), *lights])
