"""Which rows must be put together so that the messages of some lines come out whole: mostly few of many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dashboard.lines.messages import Source, surely_begins
from dashboard.model import Gap, LogLine, Row


def around(rows: Sequence[Row], hits: Sequence[bool], open_: Iterable[Source]) -> list[int]:
    """The indices of the rows from which a :class:`Grouper` makes the messages with a hit as it does from all.

    These are of each container and stream the lines from where a message surely begins to where another does, and at
    the end those of the message that may go on. What is no line is among them too.

    :param open_: the containers and streams of which a message of the rows before may go on
    """
    sources = [(row.container.id, row.stream) if isinstance(row, LogLine) else None for row in rows]
    wanted = [source is None for source in sources]
    _mark_back(rows, sources, hits, wanted)
    _mark_on(rows, sources, hits, wanted, set(open_))
    return [index for index, marked in enumerate(wanted) if marked]


def _mark_back(rows: Sequence[Row], sources: Sequence[Source | None], hits: Sequence[bool], wanted: list[bool]) -> None:
    """Mark each hit, the last line of each source, and what stands before them to where their message surely begins."""
    sought: dict[Source, bool] = {}
    at_end = True
    for index in range(len(rows) - 1, -1, -1):
        row, source = rows[index], sources[index]
        if source is None or not isinstance(row, LogLine):
            if isinstance(row, Gap):  # what stands before it has ended
                at_end = False
                sought.clear()
        elif hits[index] or sought.get(source, at_end):
            wanted[index] = True
            sought[source] = not surely_begins(row.content)


def _mark_on(
    rows: Sequence[Row],
    sources: Sequence[Source | None],
    hits: Sequence[bool],
    wanted: list[bool],
    going_on: set[Source],
) -> None:
    """Mark what stands behind a hit, or behind the rows before, to where another message surely begins."""
    for index, (row, source) in enumerate(zip(rows, sources, strict=True)):
        if source is None or not isinstance(row, LogLine):
            if isinstance(row, Gap):
                going_on.clear()
        elif hits[index]:
            going_on.add(source)
        elif source in going_on and not wanted[index]:
            if surely_begins(row.content):
                going_on.remove(source)
            else:
                wanted[index] = True
