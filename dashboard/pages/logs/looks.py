"""How rows look in one tab: which are one message, whose they are, when they were written, what is highlighted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import Any

from dashboard.model import Row
from dashboard.pages.logs.clock import Clock
from dashboard.pages.logs.highlights import Highlight
from dashboard.pages.logs.labels import Labels
from dashboard.pages.logs.lighting import Lighting, Lights
from dashboard.pages.logs.render import Renderer
from dashboard.pages.logs.strands import Strands


class Looks:
    """Knows what its reader wants, and what is on the page by now."""

    def __init__(self) -> None:
        self.labels = Labels()  # of lines of several containers: say which
        self.zone: tzinfo = UTC
        self.raw = False  # lines as they were written
        self.highlights: Sequence[Highlight] = ()
        self._strands = Strands()  # what is on the page, by message
        self._lighting = Lighting()
        self._lights: Lights = {}  # of the rows that are being shown

    @property
    def uncoloured(self) -> int:
        """Messages on the page for whose highlights there was no time."""
        return self._lighting.missed

    def begin(self) -> None:
        """What comes next does not follow what came last."""
        self._strands, self._lighting = Strands(), Lighting(self.highlights)

    async def light(self, rows: Sequence[Row]) -> None:
        """These rows will be shown next."""
        self._lights = await self._lighting.look(rows)

    def renderer(self, rows: int, pattern: Any) -> Renderer:
        """For so many rows that come next.

        :param pattern: finds what is to be marked
        """
        return self._renderer(rows, pattern, self._strands, self._lights)

    async def above(self, rows: Sequence[Row], pattern: Any) -> Renderer:
        """For rows that are put above those on the page."""
        return self._renderer(len(rows), pattern, Strands(), await Lighting(self.highlights).look(rows))

    def _renderer(self, rows: int, pattern: Any, strands: Strands, lights: Lights) -> Renderer:
        return Renderer(rows, pattern, self.labels, Clock(self.zone), strands, self.raw, self.highlights, lights)
