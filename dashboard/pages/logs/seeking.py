"""Finds the next message that a question asks for in what the server holds, from a row on, up or down."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from dashboard.lines import Question, messages_of
from dashboard.model import Cursor, LogLine, Row
from dashboard.timeline import Timeline
from dashboard.view import View

PIECE = 2_000  # rows whose messages are asked at one go
AROUND = 500  # rows before and after them, in which their messages may have begun or go on


async def seek(
    hub: View, feed: Timeline, questions: Sequence[Question], first: int, stop: int, up: bool
) -> Cursor | None:
    """The first line of the nearest message that all questions find and that begins in rows ``first`` to ``stop``.

    :param up: the nearest to ``stop``, else to ``first``
    """
    await hub.lens.look(feed.history)
    starts = range(first, stop, PIECE)
    for start in reversed(starts) if up else starts:
        low = max(feed.history.first, start - AROUND)
        rows = hub.held(feed, low, min(stop, start + PIECE) + AROUND)
        found = await asyncio.to_thread(_found, rows, questions, start - low, min(stop, start + PIECE) - low, up)
        if found is not None:
            return found.cursor
    return None


def _found(rows: Sequence[Row], questions: Sequence[Question], first: int, stop: int, up: bool) -> LogLine | None:
    places = {id(row): place for place, row in enumerate(rows)}
    messages = messages_of(rows)
    for message in reversed(messages) if up else messages:
        inside = first <= places[id(message.lines[0])] < stop
        if inside and all(question.matches(message) for question in questions):
            return message.lines[0]
    return None
