"""Which of the rows that are about to be shown the highlights find, message by message.

It takes a bounded time of each flush: where rows come so fast that this is too little, the newest are looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import NamedTuple

from dashboard.lines import Grouper, Message, Part, Question
from dashboard.model import LogLine, Row
from dashboard.pages.logs.highlights import Highlight
from dashboard.pages.logs.sieve import ASIDE_BYTES, ASIDE_ROWS
from dashboard.timeline import weight

TIME = 0.25  # seconds of a flush


class Light(NamedTuple):
    """In which colours a line is seen: what is marked in it, and its edge, which tells that its message is found."""

    marks: tuple[int, ...]
    edge: tuple[int, ...]


Lights = dict[int, Light]  # by the id of the row, for as long as the rows are there
DARK = Light((), ())


class Lighting:
    """The highlights of a view, since it was filled; a message that goes on keeps the colours that it has."""

    def __init__(self, highlights: Sequence[Highlight] = ()) -> None:
        self._asked = [(item.colour, item.question) for item in highlights if item.question]
        self._grouper = Grouper()
        self._found: dict[int, tuple[int, ...]] = {}  # the colours of messages that may go on
        self.missed = 0  # messages for which there was no time

    async def look(self, rows: Sequence[Row]) -> Lights:
        """Look at the rows that come next."""
        if not self._asked:
            return {}
        if len(rows) * len(self._asked) > ASIDE_ROWS or weight(rows) * len(self._asked) > ASIDE_BYTES:
            return await asyncio.to_thread(self._look, rows)
        return self._look(rows)

    def _look(self, rows: Sequence[Row]) -> Lights:
        lights, due = Lights(), monotonic() + TIME
        messages = _messages(rows, self._grouper.feed(rows))
        for number, message in reversed(messages.items()):
            before = self._found.get(number, ())
            new: tuple[int, ...] = ()
            if monotonic() < due:
                new = tuple(colour for colour, asked in self._asked if colour not in before and _finds(asked, message))
            else:
                self.missed += 1
            if colours := before + new:
                self._found[number] = colours
                lights |= {id(line): Light(colours, ()) for line in message.lines}
                lights[id(message.lines[0])] = Light(colours, new)
        going_on = self._grouper.open
        self._found = {number: colours for number, colours in self._found.items() if number in going_on}
        return lights


def _messages(rows: Sequence[Row], parts: Sequence[Part | None]) -> dict[int, Message]:
    """What of each message stands in these rows."""
    lines: dict[int, list[LogLine]] = {}
    levels = {}
    for row, part in zip(rows, parts, strict=True):
        if part is not None and isinstance(row, LogLine):
            lines.setdefault(part.message, []).append(row)
            levels[part.message] = part.level
    return {number: Message(tuple(found), levels[number]) for number, found in lines.items()}


def _finds(question: Question, message: Message) -> bool:
    return question.matches(message if len(message.lines) > 1 else message.lines[0])
