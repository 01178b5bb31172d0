"""What a viewer has seen, compared with what was written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Gap:
    """A row that says that lines are missing here; ``missed`` is None where nobody can know how many."""

    missed: int | None


@dataclass
class Account:
    """Of one viewer. All but ``seen`` and what tells of gap rows should be 0 or empty."""

    seen: int = 0
    lost: int = 0  # written, not shown, and no gap row in that place
    repeated: int = 0
    disordered: int = 0
    gaps: int = 0
    in_gaps: int = 0  # written, not shown, and a gap row says so
    miscounted: list[str] = field(default_factory=list)  # gap rows whose number is wrong, in words
    said: int = 0  # how many are missing, as the gap rows say together

    @property
    def clean(self) -> bool:
        return not (self.lost or self.repeated or self.disordered or self.miscounted)

    def __str__(self) -> str:
        text = f'{self.lost} / {self.repeated} / {self.disordered}'
        rows = 'gap row' if self.gaps == 1 else 'gap rows'
        return text if not self.gaps else f'{text}; {self.gaps} {rows} for {self.in_gaps:,} lines'


def compare(
    written: Sequence[str], shown: Iterable[Sequence[str | Gap]], writer: Callable[[str], str] | None = None
) -> Account:
    """Compare what was written with what each load of a page, or each whole run of a client, has shown, in order.

    What was written before the first line shown does not count: a viewer begins with a tail.

    :param writer: of a line; its lines are to be in order, where those of several may come late for one order. Of each
        that wrote before the viewer came, what counts begins with its own first line shown. A gap row may then count
        lines that came late, and whose place is beside it: what counts is how many all gap rows say.
    """
    shown, crowded = list(shown), writer is not None
    writer = writer or (lambda line: '')
    place = {line: number for number, line in enumerate(written)}
    account, everything = Account(), set()
    excused: set[int] = set()
    for rows in shown:
        _look_through(rows, place, account, everything, excused, writer)
    account.seen = len(everything)
    missing = _wanted(written, [place[row] for rows in shown for row in rows if not isinstance(row, Gap)], writer)
    missing -= everything
    if crowded and account.said == len(missing):
        excused, account.miscounted = missing, []
    account.lost, account.in_gaps = len(missing - excused), len(missing & excused)
    return account


def _wanted(written: Sequence[str], shown: Sequence[int], writer: Callable[[str], str]) -> set[int]:
    """The places of the lines that a viewer should have had, who was shown these, in that order."""
    came = shown[0] if shown else 0
    first: dict[str, int] = {}
    for number in sorted(shown):
        first.setdefault(writer(written[number]), number)
    wanted, begun = set[int](), dict[str, int]()
    for number, line in enumerate(written):
        name = writer(line)
        begins = begun.setdefault(name, number)
        if number >= (first.get(name, came) if begins <= came else begins):
            wanted.add(number)
    return wanted


def _is_true(gap: Gap, missing: int, between: int | None) -> bool:
    """Whether a gap row's number is right, where so many lines lie between its neighbours.

    A page that is loaded anew may begin with a gap row. Then it has no neighbour before, and may count lines that the
    page before has shown in its last moment: it must not say less than what is missing.
    """
    if gap.missed is None:
        return True
    return gap.missed >= missing if between is None else gap.missed == between


def _look_through(
    rows: Sequence[str | Gap],
    place: dict[str, int],
    account: Account,
    everything: set[int],
    excused: set[int],
    writer: Callable[[str], str],
) -> None:
    seen: set[int] = set()
    last: dict[str, int] = {}
    highest = -1
    gap: Gap | None = None
    for row in rows:
        if isinstance(row, Gap):
            account.gaps += 1
            gap = row
            continue
        number = place.get(row)
        assert number is not None, f'{row!r} was shown and never written'
        account.repeated += number in seen
        account.disordered += number < last.get(writer(row), -1)
        last[writer(row)] = max(number, last.get(writer(row), -1))
        if gap:
            account.said += gap.missed or 0
        if gap and number > highest:
            before = highest if highest >= 0 else min(everything, default=number) - 1  # not what is before the tail
            skipped = set(range(before + 1, number)) - everything - seen - excused
            between = number - highest - 1 if highest >= 0 else None
            if not _is_true(gap, len(skipped), between):
                account.miscounted.append(
                    f'{gap.missed} said, {len(skipped)} missing, {between} between its neighbours'
                )
            excused |= skipped
        gap = None
        seen.add(number)
        highest = max(highest, number)
    everything |= seen
