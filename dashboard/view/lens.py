"""What nobody but an administrator sees of a log: secrets, replaced by marks before anything leaves the server.

Every exit (page, API, download, WebSocket, opened gap) takes its rows through the lens of its visitor, which
:class:`~dashboard.view.View` has, before it filters or counts them: a filter must not tell what is behind a mark.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from itertools import accumulate
from typing import TypeAlias, cast
from weakref import WeakKeyDictionary

from dashboard.access import Identity
from dashboard.config import Settings
from dashboard.errors import ConfigError
from dashboard.lines import RefusedPattern, reason_of, unseen
from dashboard.model import PREFIX, LogLine, Row
from dashboard.timeline import History, Subscription
from dashboard.view.private_keys import KeyBlock, could_be_key, ends_key
from dashboard.view.secrets import Rule, Rules, Span, mark, read_rules

TOGETHER = 64  # lines looked at in one search: one with a secret costs a second look at so many
KEY = 'private key'
_COLOUR = re.compile('\x1b\\[[0-9;:]*m')
_BROKEN = re.compile('[\udc80-\udcff]')  # bytes that are not UTF-8, as they are decoded here

Batches: TypeAlias = AsyncGenerator[list[LogLine], None] | AsyncGenerator[list[Row], None]
Source: TypeAlias = tuple[str, int]  # a container's id and its stream


class Lens:
    """Rows as they are: what an identity sees for whom nothing is redacted."""

    redacts = False

    def held(self, history: History, start: int, stop: int | None = None) -> list[Row]:
        """Rows that a history holds; see :meth:`History.slice`."""
        return history.slice(start, stop)

    def taken(self, subscription: Subscription, rows: list[Row]) -> list[Row]:
        """Rows just taken from a subscription."""
        return rows

    def read(self, batches: Batches) -> AsyncGenerator[list[Row], None]:
        """Rows that come from the engine."""
        return cast(AsyncGenerator[list[Row], None], batches)


class RedactingLens(Lens):
    """Rows without their secrets.

    A history is looked through once for all its readers, in the order of its rows: a key goes over many lines, and a
    reader may begin in the middle of one.
    """

    redacts = True

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._held: WeakKeyDictionary[History, _Held] = WeakKeyDictionary()

    def held(self, history: History, start: int, stop: int | None = None) -> list[Row]:
        """Rows that a history holds; see :meth:`History.slice`."""
        rows = history.slice(start, stop)
        return self._known(history).replaced(rows, max(start, history.first)) if rows else rows

    def taken(self, subscription: Subscription, rows: list[Row]) -> list[Row]:
        """Rows just taken from a subscription; the gap before them, if any, is no row of the history."""
        gap, own = (rows[:1], rows[1:]) if subscription.skipped else ([], rows)
        if not own:
            return rows
        history = subscription.feed.history
        return gap + self._known(history).replaced(own, subscription.position - len(own))

    async def read(self, batches: Batches) -> AsyncGenerator[list[Row], None]:
        """Rows that come from the engine."""
        scan = Scan(self._rules)
        async with aclosing(batches):
            async for rows in batches:
                changed = scan.changes(rows)
                yield [changed.get(index, row) for index, row in enumerate(rows)]

    def _known(self, history: History) -> _Held:
        known = self._held.get(history)
        if known is None:
            known = self._held[history] = _Held(Scan(self._rules))
        known.look(history)
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


class Scan:
    """Looks through rows in their order."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._blocks: dict[Source, KeyBlock] = {}  # those that are open

    def changes(self, rows: Sequence[Row]) -> dict[int, LogLine]:
        """The lines that hold secrets, without them, by their index in ``rows``."""
        changed: dict[int, LogLine] = {}
        for start in range(0, len(rows), TOGETHER):
            part = rows[start : start + TOGETHER]
            contents = [row.record[PREFIX:] for row in part if isinstance(row, LogLine)]
            if self._blocks or self._rules.suspects(contents):
                for index in range(start, start + len(part)):
                    self._look(rows, index, changed)
        return changed

    def forget(self) -> None:
        """The rows that follow are not those after the last ones."""
        self._blocks.clear()

    def _look(self, rows: Sequence[Row], index: int, changed: dict[int, LogLine]) -> None:
        row = rows[index]
        if not isinstance(row, LogLine):
            return
        source = row.container.id, row.stream
        block = self._blocks.get(source)
        if block is None and not self._rules.suspects([row.content]):
            return
        text = _Text(row)
        if block is None and not text.may_hold(self._rules):
            return
        if ends_key(text.bare) and not (block and block.inside):
            self._look_back(rows, index, changed)
        secrets = text.secrets(self._rules, self._fed(source, block, text.bare))
        if secrets:
            changed[index] = text.without(secrets)

    def _fed(self, source: Source, block: KeyBlock | None, text: str) -> int:
        block = block or KeyBlock()
        part = block.feed(text)
        self._blocks.pop(source, None)
        if block.open:
            self._blocks[source] = block
        return part

    def _look_back(self, rows: Sequence[Row], index: int, changed: dict[int, LogLine]) -> None:
        """A key ends whose beginning nobody has seen: its last lines may be too short to be known as its."""
        last = rows[index]
        for before in range(index - 1, max(-1, index - 1 - TOGETHER), -1):
            row = rows[before]
            if not isinstance(row, LogLine) or not isinstance(last, LogLine):
                continue
            if (row.container.id, row.stream) == (last.container.id, last.stream):
                text = _Text(row)
                if not could_be_key(text.bare):
                    break
                changed[before] = text.without([((0, len(text.whole)), KEY)])


class _Text:
    """A line's characters, with and without those that nobody sees; bytes that are not UTF-8 are characters too."""

    def __init__(self, line: LogLine) -> None:
        self._line = line
        self.whole = line.content.decode('utf-8', 'surrogateescape')
        self._cuts = unseen(self.whole)
        edges = [0, *(edge for cut in self._cuts for edge in cut), len(self.whole)]
        self._kept = list(zip(edges[::2], edges[1::2], strict=True))
        self._starts = list(accumulate((end - start for start, end in self._kept), initial=0))
        self.bare = _BROKEN.sub('\ufffd', ''.join(self.whole[start:end] for start, end in self._kept))

    def may_hold(self, rules: Rules) -> bool:
        """Whether there may be a secret in it."""
        return any(rules.may_find(text.encode()) for text in self._views())

    def secrets(self, rules: Rules, key: int) -> list[tuple[Span, str]]:
        """Where secrets are in the whole text; the first ``key`` characters of the bare one are part of a key."""
        bare, *whole = self._views()
        found = [((0, key), KEY)] if key else []
        found = [(self._placed(span), name) for span, name in (*found, *rules.find(bare))]
        return sorted(found + [secret for text in whole for secret in rules.find(text)])

    def _views(self) -> list[str]:
        """What may show a secret: without what is cut out, and with it where that is more than colours."""
        if all(_COLOUR.fullmatch(self.whole, *cut) for cut in self._cuts):
            return [self.bare]
        return [self.bare, _BROKEN.sub('\ufffd', self.whole)]

    def without(self, secrets: list[tuple[Span, str]]) -> LogLine:
        """The line with a mark for each secret; secrets that overlap get one."""
        parts, position, line = [], 0, self._line
        for (start, end), name in secrets:
            if start >= position:
                parts += [self.whole[position:start], mark(name)]
            position = max(position, end)
        content = ''.join([*parts, self.whole[position:]]).encode('utf-8', 'surrogateescape')
        ending = line.record[PREFIX + len(line.content) :]
        return LogLine(line.container, line.stream, line.record[:PREFIX] + content + ending, line.ordinal)

    def _placed(self, span: Span) -> Span:
        return self._place(span[0]), self._place(span[1] - 1) + 1

    def _place(self, index: int) -> int:
        piece = bisect_right(self._starts, index) - 1
        return self._kept[piece][0] + index - self._starts[piece]


class _Held:
    """What was found in a history, by the numbers of its rows."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._seen = 0  # the number of the first row that was not looked at
        self._changed: dict[int, LogLine] = {}

    def look(self, history: History) -> None:
        """Look through what is new, and forget what has left."""
        if self._seen < history.first:
            self._scan.forget()
            self._seen = history.first
        changes = self._scan.changes(history.slice(self._seen))
        self._changed |= {self._seen + index: changes[index] for index in sorted(changes)}
        self._seen = history.end
        while self._changed and (oldest := next(iter(self._changed))) < history.first:
            del self._changed[oldest]

    def replaced(self, rows: list[Row], start: int) -> list[Row]:
        """These rows, the first of which has the number ``start``, without their secrets."""
        if not self._changed:
            return rows
        return [self._changed.get(number, row) for number, row in enumerate(rows, start)]
