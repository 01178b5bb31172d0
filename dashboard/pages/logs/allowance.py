"""How much work the rows of one flush may be: a stranger's lines and a reader's filter decide how much there would be.

Every line may use an equal share and what those before it have left, so that the newest lines, which are looked at, get
the most.
"""

from __future__ import annotations

LONGEST_LINE = 8_192  # characters shown of a line; the download has the rest


class Allowance:
    """What the lines of a flush may use of one thing.

    :param total: for all of them together
    :param rows: how many there are
    :param least: for a line, however many there are
    :param most: for a line, however few there are
    """

    __slots__ = ('_left', '_most', '_share')

    def __init__(self, total: int, rows: int, least: int, most: int) -> None:
        self._share = max(least, total // max(1, rows))
        self._most = most
        self._left = 0

    def next(self) -> int:
        """Begin another line: how much it may use."""
        self._left += self._share
        return min(self._most, self._left)

    def use(self, amount: int) -> None:
        """The present line has used so much of it."""
        self._left -= amount


class Allowances:
    """For a flush of so many rows."""

    def __init__(self, rows: int) -> None:
        self.marks = Allowance(30_000, rows, least=4, most=1_000)
        self.taken_apart = Allowance(
            16 << 20, rows, least=4_096, most=2 << 20
        )  # bytes that are parsed for their fields
        self.codes = Allowance(100_000, rows, least=32, most=8 * LONGEST_LINE)  # control sequences that are read
        # characters of a line in which those shown are looked for, past its control sequences
        self.examined = Allowance(64 << 20, rows, least=LONGEST_LINE, most=8 * LONGEST_LINE)
