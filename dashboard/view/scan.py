"""Goes through the rows of a log in their order and finds the lines with secrets, also those over several lines."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TypeAlias

from dashboard.lines import unseen
from dashboard.model import LEAST_CUT, PREFIX, LogLine, Row
from dashboard.timeline import LOOK_BACK, LOOK_BACK_TIME
from dashboard.view.cards import Span
from dashboard.view.private_keys import KeyBlock, ends_key, key_line, short_line, width_of_end
from dashboard.view.secrets import Rules, mark

TOGETHER = 64  # lines looked at in one search: one with a secret costs a second look at so many
KEY = 'private key'
CUT = 'cut line'
OVERLAP = 1_024  # bytes before the cut of a line that was too long: hidden there, and looked at again with what follows
_COLOUR = re.compile('\x1b\\[[0-9;:]*m')
_WORD = re.compile(r'[^\s"\x27<>]+')
_BROKEN = re.compile('[\udc80-\udcff]')  # bytes that are not UTF-8, as they are decoded here

Source: TypeAlias = tuple[str, int]  # a container's id and its stream


class Scan:
    """Looks through rows in their order."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._open: dict[str, dict[int, _Open]] = {}  # container id → stream → what its next line may depend on

    def changes(self, rows: Sequence[Row]) -> dict[int, LogLine]:
        """The lines that hold secrets, without them, by their index in ``rows``."""
        changed: dict[int, LogLine] = {}
        for _ in self.through(rows, changed):
            pass
        return changed

    def through(self, rows: Sequence[Row], changed: dict[int, LogLine], first: int = 0) -> Iterator[None]:
        """Put what :meth:`changes` gives into ``changed``, with a pause after each piece of work.

        :param first: the index of the first row that has not been looked through
        """
        for start in range(first, len(rows), TOGETHER):
            part = rows[start : start + TOGETHER]
            contents = [row.record[PREFIX:] for row in part if isinstance(row, LogLine)]
            cut = max(map(len, contents), default=0) >= LEAST_CUT
            if self._open or cut or self._rules.suspects(contents):
                for index in range(start, start + len(part)):
                    self._look(rows, index, changed)
                    yield

    def forget(self) -> None:
        """The rows that follow are not those after the last ones."""
        self._open.clear()

    def _look(self, rows: Sequence[Row], index: int, changed: dict[int, LogLine]) -> None:
        row = rows[index]
        if not isinstance(row, LogLine):
            return
        before = self._before(row)
        if before is None and not row.is_cut and not self._rules.suspects([row.content]):
            return
        before = before or _Open()
        text = _Text(row, before.overlap)
        if not before.is_open and not row.is_cut and not text.may_hold(self._rules):
            return
        if ends_key(text.own) and not before.block.begun.open:
            self._look_back(rows, index, changed)
        if secrets := text.secrets(self._rules, before.block.feed(text.own, row.timestamp), before.torn):
            changed[index] = text.without(secrets)
        self._keep(row, before.after(text, secrets))

    def _before(self, row: LogLine) -> _Open | None:
        """What a line may depend on. The container has written one more: what it left open does not last for ever."""
        streams = self._open.get(row.container.id)
        if streams is None:
            return None
        moment = row.timestamp
        for stream, item in list(streams.items()):
            if not item.holds(moment):
                del streams[stream]
        if not streams:
            del self._open[row.container.id]
        return streams.get(row.stream)

    def _keep(self, row: LogLine, item: _Open) -> None:
        streams = self._open.setdefault(row.container.id, {})
        streams.pop(row.stream, None)
        if item.is_open:
            streams[row.stream] = item
        if not streams:
            del self._open[row.container.id]

    def _look_back(self, rows: Sequence[Row], index: int, changed: dict[int, LogLine]) -> None:
        """A key ends whose beginning is not there any more: its last lines may be too short to be known as its."""
        last = rows[index]
        if not isinstance(last, LogLine):
            return
        width = width_of_end(_Text(last).bare)
        for before in range(index - 1, max(-1, index - 1 - TOGETHER), -1):
            row = rows[before]
            if isinstance(row, LogLine) and (row.container.id, row.stream) == (last.container.id, last.stream):
                if before in changed and changed[before].content == mark(KEY).encode():
                    continue  # its beginning was there after all, but too long ago
                text = _Text(row)
                if (span := short_line(text.bare, width) or key_line(text.bare)) is None:
                    break
                changed[before] = text.without(text.secrets(self._rules, span, False))


@dataclass(slots=True)
class _Open:
    """What the next line of a stream may depend on: a key that goes on, a line that was cut because of its length."""

    block: KeyBlock = field(default_factory=KeyBlock)
    overlap: bytes = b''  # the end of the cut line
    torn: bool = False  # whether a secret goes on behind the cut
    left: int = LOOK_BACK
    until: int = 0

    @property
    def is_open(self) -> bool:
        return self.block.open or bool(self.overlap)

    def holds(self, moment: int) -> bool:
        """The container has written another line; whether this still says something about those that follow."""
        self.block.passed(moment)
        self.left -= 1
        if self.left < 0 or moment > self.until:
            self.overlap, self.torn = b'', False
        return self.is_open

    def after(self, text: _Text, secrets: list[tuple[Span, str]]) -> _Open:
        """The same after this line."""
        if not text.line.is_cut:
            return _Open(self.block)
        torn = any(end == len(text.whole) and name != CUT for (_, end), name in secrets)
        return _Open(self.block, text.line.content[-OVERLAP:], torn, LOOK_BACK, text.line.timestamp + LOOK_BACK_TIME)


class _Text:
    """A line's characters, with and without those that nobody sees; bytes that are not UTF-8 are characters too.

    :param overlap: the end of the line before, where this one goes on with it
    """

    def __init__(self, line: LogLine, overlap: bytes = b'') -> None:
        self.line = line
        before = overlap.decode('utf-8', 'surrogateescape')
        self.whole = before + line.content.decode('utf-8', 'surrogateescape')
        self._begin = len(before)
        self._cuts = unseen(self.whole)
        edges = [0, *(edge for cut in self._cuts for edge in cut), len(self.whole)]
        self._kept = list(zip(edges[::2], edges[1::2], strict=True))
        self._starts = list(accumulate((end - start for start, end in self._kept), initial=0))
        self.bare = _BROKEN.sub('\ufffd', ''.join(self.whole[start:end] for start, end in self._kept))
        self._own = sum(min(end, self._begin) - min(start, self._begin) for start, end in self._kept)

    @property
    def own(self) -> str:
        """What is seen of the line itself."""
        return self.bare[self._own :]

    def may_hold(self, rules: Rules) -> bool:
        """Whether there may be a secret in it."""
        return any(rules.may_find(text.encode()) for text in self._views())

    def secrets(self, rules: Rules, key: Span | None, torn: bool) -> list[tuple[Span, str]]:
        """Where secrets are in the whole text.

        :param key: the characters of :attr:`own` that are part of a key
        :param torn: whether a secret of the line before goes on in this one, which is its other half
        """
        bare, *whole = self._views()
        found = [((key[0] + self._own, key[1] + self._own), KEY)] if key and key[0] < key[1] else []
        found = [(self._placed(span), name) for span, name in (*found, *rules.find(bare))]
        found += [secret for text in whole for secret in rules.find(text)]
        if torn and (word := _WORD.match(self.whole, self._begin)):
            found.append((word.span(), CUT))
        if self.line.is_cut:
            found.append(((max(self._begin, len(self.whole) - OVERLAP), len(self.whole)), CUT))
        own = (secret for secret in found if secret[0][1] > self._begin)
        return sorted(own, key=lambda secret: (secret[0][0], -secret[0][1], secret[1] != KEY))

    def _views(self) -> list[str]:
        """What may show a secret: without what is cut out, and with it where that is more than colours."""
        if all(_COLOUR.fullmatch(self.whole, *cut) for cut in self._cuts):
            return [self.bare]
        return [self.bare, _BROKEN.sub('\ufffd', self.whole)]

    def without(self, secrets: list[tuple[Span, str]]) -> LogLine:
        """The line with a mark for each secret; secrets that overlap get one."""
        parts: list[str] = []
        position, line = self._begin, self.line
        for (start, end), name in secrets:
            if end > position and (start >= position or not parts):
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
