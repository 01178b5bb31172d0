"""How far a service has been read: the last line of each of its containers. As text it is the cursor on the wire.

One line's name would do if the lines of several containers always came in the order of their timestamps. They come in
the order in which the engine could give them, so after a late one only the last line of each container tells what a
viewer has had. While the feed lives that it came from, the number of a row tells the same at once, so a cursor ends
with that: ``TIME-ORDINAL-CONTAINER.TIME-ORDINAL-CONTAINER~FEED-ROW``. Behind a container stands an ``x`` where a gap
has told that what followed that line is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from dashboard.errors import BadRequest
from dashboard.model import SHORT_ID, Cursor, Gap, LogLine, Row

MOST = 1_000  # containers in one cursor
NAMED = 16  # containers up to which a cursor names all that a service has, however long ago they ended
TOLD = 'x'  # stands behind the container of which a gap has told
_ONE = rf'-?\d{{1,21}}-\d{{1,9}}-[0-9a-f]{{{SHORT_ID}}}{TOLD}?'
_TEXT = re.compile(rf'{_ONE}(?:\.{_ONE})*(?:~[0-9a-f]{{8}}-\d{{1,15}})?', re.ASCII)


class Marks:
    """The last line of each container that a viewer has had, the newest of them last."""

    __slots__ = ('_cursors', 'feed', 'row', 'told')

    def __init__(self, cursors: Mapping[str, Cursor] | None = None) -> None:
        self._cursors: dict[str, Cursor] = dict(cursors or {})
        self.told: set[str] = set()  # the containers of which a gap has told since their last line
        self.feed = ''  # the token of the feed in whose history this was; '' when it was in none
        self.row = 0  # the number of the row there that comes next

    @classmethod
    def parse(cls, text: str) -> Marks:
        """Read a cursor as it stands in a log message.

        :raises BadRequest: when the text is not a cursor
        """
        names, _, place = text.partition('~')
        parts = names.split('.')
        if not is_cursor(text) or len(parts) > MOST:
            raise BadRequest(f'{text[:100]!r} is not a cursor: take one from the "cursor" of a log message.')
        cursors = [Cursor.parse(part.removesuffix(TOLD)) for part in reversed(parts)]
        marks = cls({cursor.container: cursor for cursor in cursors})
        marks.told = {part[-SHORT_ID - 1 : -1] for part in parts if part.endswith(TOLD)}
        if place:
            marks.feed, marks.row = place[:8], int(place[9:])
        return marks

    def __str__(self) -> str:
        names = '.'.join(
            [f'{item}{TOLD if item.container in self.told else ""}' for item in reversed(self._cursors.values())]
        )
        return f'{names}~{self.feed}-{self.row}' if self.feed and names else names

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Marks) and other._cursors == self._cursors

    __hash__ = None  # type: ignore[assignment]  # it changes

    @property
    def newest(self) -> Cursor:
        """The line that was read last of all."""
        return next(reversed(self._cursors.values()))

    @property
    def cursors(self) -> Mapping[str, Cursor]:
        """The last line by the container's short id."""
        return self._cursors

    def read(self, rows: Sequence[Row]) -> None:
        """Advance past these rows, in their order."""
        last: dict[str, LogLine] = {}  # by container: only those are looked at closely
        for row in reversed(rows):
            if isinstance(row, LogLine) and row.container.id not in last:
                last[row.container.id] = row
        for line in reversed(last.values()):
            self.read_line(line)

    def read_line(self, line: LogLine) -> None:
        """Advance past one line."""
        container = line.container.short_id
        self._cursors.pop(container, None)
        self._cursors[container] = line.cursor
        self.told.discard(container)

    def read_row(self, row: Row) -> None:
        """Advance past one row of the history, or past a gap for one viewer only, which is none of its rows."""
        if isinstance(row, LogLine):
            self.read_line(row)
        elif isinstance(row, Gap) and row.lost and row.container in self._cursors:
            self.told.add(row.container)
        self.row += not isinstance(row, Gap) or row.row is None

    def forget(self, containers: Iterable[str], before: int) -> None:
        """Drop these containers, which write no more, where their last line is older.

        :param before: nanoseconds since the epoch
        """
        for container in containers:
            if container in self._cursors and self._cursors[container].timestamp < before:
                del self._cursors[container]

    def copy(self) -> Marks:
        """The same marks, to advance independently."""
        marks = Marks(self._cursors)
        marks.told, marks.feed, marks.row = set(self.told), self.feed, self.row
        return marks


def is_cursor(text: str) -> bool:
    """Whether a text is the cursor of a log message, and not a time."""
    return _TEXT.fullmatch(text) is not None
