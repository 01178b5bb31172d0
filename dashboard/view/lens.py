"""What nobody but an administrator sees of a log: secrets, replaced by marks before anything leaves the server.

Every exit (page, API, download, WebSocket, opened gap) takes its rows through the lens of its visitor, which
:class:`~dashboard.view.View` has, before it filters or counts them: a filter must not tell what is behind a mark.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Protocol, TypeAlias, cast
from weakref import WeakKeyDictionary

from dashboard.access import Identity
from dashboard.config import Settings
from dashboard.errors import ConfigError
from dashboard.lines import RefusedPattern, reason_of
from dashboard.model import LogLine, Row
from dashboard.timeline import LOOK_BACK, Before, History, Subscription, fitting
from dashboard.view.scan import CUT, KEY, TOGETHER, Scan
from dashboard.view.secrets import Rule, Rules, mark, read_rules

ASIDE = 1 << 20  # bytes of a batch that are looked through in a thread

Batches: TypeAlias = AsyncGenerator[list[LogLine], None] | AsyncGenerator[list[Row], None]


class Reading(Protocol):
    """Begins to read from the engine; see :class:`Reads`."""

    def __call__(self, *, before: Before | None) -> Batches:
        """The rows, after those that precede them have been given to ``before``."""


class Lens:
    """Rows as they are: what an identity sees for whom nothing is redacted."""

    redacts = False

    @property
    def marks(self) -> tuple[str, ...] | None:
        """What may stand in place of a secret; None where nothing is hidden."""
        return None

    def among(self, before: Sequence[LogLine], lines: Sequence[LogLine], after: Sequence[LogLine]) -> list[LogLine]:
        """Lines of one container, of which it is known what stands around them; it may take long."""
        return list(lines)

    async def look(self, history: History) -> None:
        """Look through what is new in a history, with turns for others between: await it before rows are shown."""

    def held(self, history: History, start: int, stop: int | None = None) -> list[Row]:
        """Rows that a history holds; see :meth:`History.slice`."""
        return history.slice(start, stop)

    def taken(self, subscription: Subscription, rows: list[Row]) -> list[Row]:
        """Rows just taken from a subscription."""
        return rows

    def read(self, reading: Reading) -> AsyncGenerator[list[Row], None]:
        """Rows that come from the engine."""
        return cast(AsyncGenerator[list[Row], None], reading(before=None))


class RedactingLens(Lens):
    """Rows without their secrets.

    A history is looked through once for all its readers, in the order of its rows: a key goes over many lines, and a
    reader may begin in the middle of one.
    """

    redacts = True

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._held: WeakKeyDictionary[History, _Held] = WeakKeyDictionary()

    @property
    def marks(self) -> tuple[str, ...] | None:
        """What may stand in place of a secret."""
        return tuple(map(mark, (*self._rules.names, KEY, CUT)))

    def among(self, before: Sequence[LogLine], lines: Sequence[LogLine], after: Sequence[LogLine]) -> list[LogLine]:
        """Lines of one container, of which it is known what stands around them; it may take long."""
        changed = Scan(self._rules).changes([*before, *lines, *after])
        return [changed.get(number, line) for number, line in enumerate(lines, len(before))]

    async def look(self, history: History) -> None:
        """Look through what is new in a history; what comes after that is looked through at once when it is shown."""
        known = self._of(history)
        for _ in range(2):  # what comes in the first round is little, and what comes in the second one less
            end = history.end
            while (start := max(known.seen, history.first)) < end:
                known.look(history, start + fitting(history.slice(start, start + TOGETHER)))
                await asyncio.sleep(0)

    def held(self, history: History, start: int, stop: int | None = None) -> list[Row]:
        """Rows that a history holds; see :meth:`History.slice`."""
        rows, start = history.slice(start, stop), max(start, history.first)
        return self._known(history, start + len(rows)).replaced(rows, start) if rows else rows

    def taken(self, subscription: Subscription, rows: list[Row]) -> list[Row]:
        """Rows just taken from a subscription; the gap before them, if any, is no row of the history."""
        gap, own = (rows[:1], rows[1:]) if subscription.skipped else ([], rows)
        if not own:
            return rows
        history = subscription.feed.history
        return gap + self._known(history, subscription.position).replaced(own, subscription.position - len(own))

    async def read(self, reading: Reading) -> AsyncGenerator[list[Row], None]:
        """Rows that come from the engine. What a line is taken for may depend on those before the first one."""
        scan, before = Scan(self._rules), _Preceding()
        async with aclosing(reading(before=before.add)) as batches:
            async for rows in batches:
                before.give(scan)
                if sum(len(row.record) for row in rows if isinstance(row, LogLine)) > ASIDE:
                    changed = await asyncio.to_thread(scan.changes, rows)
                else:
                    changed = {}
                    for _ in scan.through(rows, changed):
                        await asyncio.sleep(0)  # lines full of what may be secrets take long
                yield [changed.get(index, row) for index, row in enumerate(rows)]

    def _known(self, history: History, stop: int) -> _Held:
        known = self._of(history)
        known.look(history, stop)
        return known

    def _of(self, history: History) -> _Held:
        known = self._held.get(history)
        if known is None:
            known = self._held[history] = _Held(Scan(self._rules))
        return known


class Redactor:
    """Decides for whom what is redacted.

    :raises ConfigError: when a rule of the file does not do
    """

    def __init__(self, own: Sequence[Rule] = (), audience: str = 'viewers') -> None:
        self._plain = Lens()
        self._audience = audience
        try:
            self._redacted = RedactingLens(Rules(own))
        except RefusedPattern as error:
            raise ConfigError(f'The redaction rules are too much together: {reason_of(error)}.') from None

    @classmethod
    def of(cls, settings: Settings) -> Redactor:
        """As the settings say.

        :raises ConfigError: when they say it wrongly
        """
        own = read_rules(settings.data_dir.expanduser() / settings.redact.expanduser()) if settings.redact else []
        return cls(own, settings.redact_for)

    def lens(self, identity: Identity) -> Lens:
        """What this identity may see of rows."""
        applies = self._audience == 'everyone' or (self._audience == 'viewers' and not identity.is_admin)
        return self._redacted if applies else self._plain


class _Preceding:
    """The lines that precede those of a reading, as many of each container as may matter."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[LogLine]] = defaultdict(lambda: deque(maxlen=LOOK_BACK))

    def add(self, lines: list[LogLine]) -> None:
        """These precede what comes next."""
        for line in lines:
            self._lines[line.container.id].append(line)

    def give(self, scan: Scan) -> None:
        """Let them be known before what comes next is looked at."""
        for lines in self._lines.values():
            scan.changes(list(lines))
        self._lines.clear()


class _Held:
    """What was found in a history, by the numbers of its rows."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self.seen = 0  # the number of the first row that was not looked at
        self._changed: dict[int, LogLine] = {}

    def look(self, history: History, stop: int) -> None:
        """Look through what is new up to row number ``stop``, and forget what has left."""
        if self.seen < history.first:
            self._scan.forget()
            self.seen = history.first
        if stop > self.seen:
            start = max(history.first, self.seen - TOGETHER)  # the end of a key may tell what was before it
            changes = {
                number - start: self._changed[number] for number in range(start, self.seen) if number in self._changed
            }
            for _ in self._scan.through(history.slice(start, stop), changes, self.seen - start):
                pass
            self._changed |= {start + index: changes[index] for index in sorted(changes)}
            self.seen = stop
        while self._changed and (oldest := next(iter(self._changed))) < history.first:
            del self._changed[oldest]

    def replaced(self, rows: list[Row], start: int) -> list[Row]:
        """These rows, the first of which has the number ``start``, without their secrets."""
        if not self._changed:
            return rows
        return [self._changed.get(number, row) for number, row in enumerate(rows, start)]
