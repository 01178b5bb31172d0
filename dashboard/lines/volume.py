"""How many lines of each level were written when: in bars, whose width follows from the time that there is to show."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from dashboard.lines.levels import Level
from dashboard.lines.messages import Grouper
from dashboard.lines.when import Range
from dashboard.model import SECOND, LogLine, Row, parse_timestamp

UNIT = SECOND // 10  # nanoseconds: no bar is narrower
MOST_BARS = 120  # that are seen
ALWAYS = Range()
FAIR = 10  # times the time of the lines that the bars may span
FINE = 1_200  # bars that are counted, so that those which are seen need not be much wider than they must
# Widths in units; each is a multiple of the one before, so that narrow bars become wide ones without counting anew.
STEPS = (
    1, 5, 10, 50, 150, 300, 600, 3_000, 9_000, 18_000, 36_000, 108_000, 216_000, 432_000, 864_000, 6_048_000,
    24_192_000, 314_496_000, 3_144_960_000, 31_449_600_000,
)  # fmt: skip
BEGINS = 8  # stands in a row's kind beside the level when the line begins a message
NO_LINE = 255  # the kind of a row that is not counted
EARLIEST, LATEST = parse_timestamp('0001-01-01T00:00:00'), parse_timestamp('9999-12-31T23:59:59')
_UNIT_LENGTH = 21  # of '2026-11-23T12:00:00.3'
_LEVEL = BEGINS - 1
_KNOWN = 10_000  # moments that are remembered: many lines share one

Counted: TypeAlias = Counter[tuple[int, int]]  # of (when in units since the epoch, level)


@dataclass(frozen=True, slots=True)
class Bar:
    """Lines that were written within one step.

    :param start: nanoseconds since the epoch; of a bar that would begin before the year 1, that year's
    :param counts: lines by the level of their message, in the order of :class:`Level`
    :param matches: how many of them belong to messages that a question finds
    """

    start: int
    counts: tuple[int, ...]
    matches: int = 0

    @property
    def lines(self) -> int:
        """All of them."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Bars without holes from the first line to the last one.

    :param step: the width of each, in nanoseconds
    """

    step: int
    bars: tuple[Bar, ...]

    @property
    def lines(self) -> int:
        """All lines."""
        return sum(bar.lines for bar in self.bars)


class Reckoner:
    """Tells row by row when a line was written and how bad its message is, in the batches in which rows come."""

    def __init__(self) -> None:
        self._grouper = Grouper()
        self._known: dict[bytes, int | None] = {}

    def feed(self, rows: Sequence[Row]) -> tuple[array[int], bytearray]:
        """When each was written, in units since the epoch, and its kind: see :data:`BEGINS` and :data:`NO_LINE`.

        A first line that says no level has that of the lines which have come with it.
        """
        parts = self._grouper.feed(rows)
        levels = {part.message: part.level for part in parts if part is not None and not part.first}
        moments, kinds = array('q', bytes(8 * len(rows))), bytearray(b'\xff' * len(rows))
        for index, (row, part) in enumerate(zip(rows, parts, strict=True)):
            if part is None or not isinstance(row, LogLine) or (moment := self._moment(row)) is None:
                continue
            moments[index] = moment
            kinds[index] = levels.get(part.message, part.level) | (BEGINS if part.first else 0)
        return moments, kinds

    def _moment(self, line: LogLine) -> int | None:
        stamp = line.record[:_UNIT_LENGTH]
        if stamp not in self._known:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            self._known[stamp] = _units(stamp)
        return self._known[stamp]


def counted(moments: Iterable[int], kinds: Iterable[int]) -> Counted:
    """So many lines of each moment and level; what :class:`Reckoner` gives."""
    return Counter((moment, kind & _LEVEL) for moment, kind in zip(moments, kinds, strict=True) if kind != NO_LINE)


def counted_in(rows: Iterable[Row]) -> Counted:
    """So many lines of each moment, whatever their level."""
    stamps = Counter(row.record[:_UNIT_LENGTH] for row in rows if isinstance(row, LogLine))
    moments = ((_units(stamp), count) for stamp, count in stamps.items())
    return Counter({(moment, 0): count for moment, count in moments if moment is not None})


class Volume:
    """Lines by time and level, in a bounded number of bars: these become wider when the time grows that they span.

    :param most: bars
    :param step: their width in units, when it must not change; :attr:`span` then has no bound
    """

    def __init__(self, most: int = FINE, step: int | None = None) -> None:
        self.step = step or STEPS[0]  # units
        self._most = most
        self._fixed = step is not None
        self._bars: dict[int, list[int]] = {}  # by the number of steps since the epoch

    @property
    def span(self) -> int:
        """How many bars there are from the first to the last one."""
        return max(self._bars) - min(self._bars) + 1 if self._bars else 0

    @property
    def could_be_finer(self) -> bool:
        """Whether what is left would fit well into narrower bars, if it were counted anew."""
        if self._fixed or self.step == STEPS[0] or not self._bars:
            return False
        narrower = STEPS[STEPS.index(self.step) - 1]
        return 2 * self.span * (self.step // narrower) <= self._most

    def add(self, lines: Counted) -> None:
        """Count lines in."""
        for (moment, level), count in lines.items():
            number = moment // self.step
            if number not in self._bars:
                self._bars[number] = [0] * len(Level)
            self._bars[number][level] += count
        if not self._fixed:
            self._widen()

    def remove(self, lines: Counted) -> None:
        """Count out lines that were counted in."""
        for (moment, level), count in lines.items():
            number = moment // self.step
            bar = self._bars[number]
            bar[level] -= count
            if not any(bar):
                del self._bars[number]

    def forget(self, before: int) -> None:
        """Let go the bars that end before a moment, in nanoseconds since the epoch."""
        first = before // UNIT // self.step
        for number in [number for number in self._bars if number < first]:
            del self._bars[number]

    def wider(self, step: int) -> dict[int, list[int]]:
        """The counts in bars of another width, by the number of such steps since the epoch."""
        if step == self.step:
            return self._bars
        found: dict[int, list[int]] = {}
        for number, bar in self._bars.items():
            wide = number * self.step // step
            found[wide] = [old + new for old, new in zip(found[wide], bar, strict=True)] if wide in found else bar
        return found

    def take_in(self, other: Volume) -> None:
        """Count in what another one holds, whose bars are no wider."""
        for number, bar in other.wider(self.step).items():
            known = self._bars.get(number)
            self._bars[number] = [*bar] if known is None else [a + b for a, b in zip(known, bar, strict=True)]
        self._widen()

    def _widen(self) -> None:
        while self.span > self._most and self.step != STEPS[-1]:
            step = STEPS[STEPS.index(self.step) + 1]
            self._bars, self.step = self.wider(step), step


def together(volumes: Iterable[Volume]) -> Volume:
    """What several hold, in one."""
    first, *others = sorted(volumes, key=lambda volume: -volume.step)
    whole = Volume()
    whole.step = first.step
    for volume in (first, *others):
        whole.take_in(volume)
    return whole


def histogram(volume: Volume, found: Volume | None = None, most: int = MOST_BARS, times: Range = ALWAYS) -> Histogram:
    """At most so many bars of a volume, as narrow as they may be, and what of them a question has found.

    :param times: the bars go from its one end to its other, where the lines make up a fair part of it
    """
    step = max(volume.step, found.step if found else 0)
    first, last = _numbers(volume, step, times)
    while last - first >= most and step in STEPS[:-1]:
        step = STEPS[STEPS.index(step) + 1]
        first, last = _numbers(volume, step, times)
    bars, matches, none = volume.wider(step), found.wider(step) if found else {}, [0] * len(Level)
    return Histogram(
        step * UNIT,
        tuple(
            Bar(max(EARLIEST, number * step * UNIT), tuple(bars.get(number, none)), sum(matches.get(number, none)))
            for number in range(first, last + 1)
        ),
    )


def _numbers(volume: Volume, step: int, times: Range) -> tuple[int, int]:
    """Of the first and the last bar, in bars of that width."""
    bars = volume.wider(step)
    if not bars:
        return 0, -1
    first, last = min(bars), max(bars)
    begins = first if times.start is None else min(first, times.start // UNIT // step)
    ends = last if times.end is None else max(last, times.end // UNIT // step)
    fair = ends - begins < FAIR * (last - first + 1)
    return (begins, ends) if fair else (first, last)


def _units(stamp: bytes) -> int | None:
    """Since the epoch; None when the stamp is no time."""
    try:
        return parse_timestamp(stamp.decode('ascii')) // UNIT
    except ValueError:  # also what is not ASCII
        return None
