"""What one tab holds of a service: what it showed before its connection broke, and the history from a row on."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import aclosing

from dashboard.errors import EngineError, LimitReached
from dashboard.model import Cursor, Gap, LogLine, Row, Service
from dashboard.pages.logs.place import Place
from dashboard.timeline import SKIPPED, Subscription, Timeline, removed, row_time
from dashboard.view import Lens, View

UNREAD = 'they could not be read from the engine'


class Held:
    """Knows which of it the tab has shown. Row numbers are those of the service's history."""

    def __init__(self, start: int, cleared: int = 0) -> None:
        self.start = start  # the first row that is shown
        self.cleared = cleared  # up to this row the reader has cleared it
        self.older: list[Row] = []  # from before the connection broke; not in the history any more
        self._older_shown = 0  # how many of those the tab has shown
        self._shown = 0  # up to this row it has shown everything
        self._shown_until = 0  # nanoseconds since the epoch: when that was

    @property
    def unknown(self) -> int:
        """The first row that the tab may never have shown."""
        return max(self.start, self._shown)

    def first(self, feed: Timeline, searched: bool) -> int:
        """The first row that is shown, or searched: a filter looks at everything that the server holds completely."""
        if not searched or self.older:
            return max(self.start, feed.history.first)
        return min(max(self.cleared, feed.complete_from), max(self.start, feed.history.first))

    def lines(self, feed: Timeline, searched: bool) -> int:
        """How many lines are shown, or searched."""
        return lines_in(self.older) + feed.history.lines(self.first(feed, searched))

    def note_shown(self, subscription: Subscription) -> None:
        """The tab has shown everything before the subscription's position."""
        self._shown = subscription.position
        self._shown_until = subscription.feed.history.time_of(self._shown - 1) or self._shown_until

    def parts(self, feed: Timeline, lens: Lens, searched: bool) -> tuple[list[Row], list[Row]]:
        """What the tab has shown or can search, and what it may never have shown, after a gap for what has left."""
        history = feed.history
        shown = [*self.older[: self._older_shown], *lens.held(history, self.first(feed, searched), self.unknown)]
        new = lens.held(history, self.unknown)
        missed = history.missing(self.unknown, max(self.unknown, history.first))
        if new and missed != 0:
            end = row_time(new[0])
            new.insert(0, Gap(self._shown_until or end, end, missed, SKIPPED, row=self.unknown))
        return shown, [*self.older[self._older_shown :], *new]

    async def read_again(self, hub: View, subscription: Subscription, place: Place, capacity: int) -> None:
        """Hold what the tab showed before its connection broke, and what has come since and has left the history.

        :param capacity: rows that the page can show: of what has come since the others become a gap
        :raises EngineError, LimitReached: when the engine cannot be read; a gap then stands for the rest
        """
        shown: deque[Row] = deque(maxlen=capacity)
        gone = _gone(subscription.feed, place)
        since: deque[Row] = deque(removed([Cursor(name, place.last) for name in sorted(gone)]))
        try:
            async with aclosing(hub.read_from(subscription, place.first)) as batches:
                async for batch in batches:
                    if gone and batch:  # what is read has the lines of those that are kept
                        kept = await hub.kept_wholly(subscription.feed.service, gone)
                        since = deque(row for row in since if not (isinstance(row, Gap) and row.container in kept))
                        gone = set()
                    shown += (row for row in batch if row_time(row) <= place.last)
                    since += (row for row in batch if row_time(row) > place.last)
                    if (excess := len(since) - capacity) > 0:
                        leaving = [since.popleft() for _ in range(excess)]
                        since.appendleft(left_out(leaving, since[0]))
        except (EngineError, LimitReached):
            had = since or shown
            end = subscription.feed.history.time_of(subscription.position) or place.last + 1
            unread = Gap(row_time(had[-1]) if had else place.first - 1, end, None, UNREAD)
            (since if end > place.last else shown).append(unread)
            raise
        finally:
            self.start = subscription.position
            self.older, self._older_shown = [*shown, *since], len(shown)
            self._shown_until = row_time(since[-1]) if since else place.last
            history = subscription.feed.history
            found = history.find(place.last + 1)
            # meanwhile what follows the older rows may have left the history, and then its first row tells nothing
            self._shown = found if found > history.first else subscription.position


def _gone(feed: Timeline, place: Place) -> set[str]:
    """The containers that could still write then, and were removed before this timeline heard of them."""
    known = {container.short_id for container in feed.service.containers} | feed.ends.keys()
    known |= {former.name for former in feed.former}
    return set(place.running - known)


def running_in(service: Service) -> str:
    """The short ids of the containers that can write, in one line."""
    return ' '.join(sorted(container.short_id for container in service.containers if container.running))


def lines_in(rows: Sequence[Row]) -> int:
    """How many of the rows are lines."""
    return sum(isinstance(row, LogLine) for row in rows)


def before(rows: list[Row], row: Row) -> list[Row]:
    """Those that stand before this very row; none when it is not among them."""
    return rows[: next((index for index, item in enumerate(rows) if item is row), 0)]


def left_out(rows: Sequence[Row], then: Row, row: int | None = None, counted: bool = True) -> Gap:
    """A gap in place of rows, which may be gaps themselves.

    :param then: the row that follows
    :param row: the number in the history of the first one, if it is held there
    :param counted: whether all of these would be seen
    """
    counts = [item.missed for item in rows if isinstance(item, Gap)]
    missed = None if None in counts or not counted else lines_in(rows) + sum(filter(None, counts))
    start = rows[0].start if isinstance(rows[0], Gap) else row_time(rows[0]) - 1
    return Gap(start, row_time(then) + 1, missed, SKIPPED, row=row)
