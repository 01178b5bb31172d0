"""Lines by time and level: every line is in one bar, whatever time they span and whatever has left again."""

from __future__ import annotations

from array import array
from itertools import pairwise

import pytest

from dashboard.lines import UNIT, Level, Range, Reckoner, Volume, counted, counted_in, histogram, together
from dashboard.lines.volume import FINE, NO_LINE, STEPS
from dashboard.model import SECOND, Container, Gap, LogLine, Notice, ServiceKey, Stream, format_timestamp

WEB = Container('a' * 64, 'web-1', ServiceKey('', 'shop', 'web'), 'web', 'running')
NOON = 1_763_985_600 * SECOND  # 2025-11-24T12:00:00Z


def line(seconds: float, text: str = 'INFO: x') -> LogLine:
    return LogLine.of(WEB, NOON + int(seconds * SECOND), text)


def volume_of(seconds: list[float]) -> Volume:
    volume = Volume()
    volume.add(counted_in([line(second) for second in seconds]))
    return volume


def told(volume: Volume) -> list[tuple[float, int]]:
    """When each bar that is not empty begins, in seconds since noon, and how many lines it has."""
    return [((bar.start - NOON) / SECOND, bar.lines) for bar in histogram(volume).bars if bar.lines]


def test_each_width_is_a_multiple_of_the_one_before():
    assert all(wide % narrow == 0 for narrow, wide in pairwise(STEPS))


def test_lines_of_a_message_have_its_level_and_gaps_and_notices_are_not_counted():
    rows = [
        line(0, 'ERROR: it failed'),
        line(0.05, '  at the till'),
        line(1, 'WARN: slow'),
        Gap(NOON + SECOND, NOON + 2 * SECOND, 5, 'lost'),
        Notice(NOON + 2 * SECOND, 'web-1 restarted'),
        LogLine(WEB, Stream.STDOUT, b'no timestamp at all that is one, INFO: x\n'),
        LogLine(WEB, Stream.STDOUT, b'2025-\xff1-24T12:00:00.000000000Z INFO: x\n'),
    ]
    moments, kinds = Reckoner().feed(rows)
    lines = counted(moments, kinds)
    assert lines == {(NOON // UNIT, Level.ERROR): 2, (NOON // UNIT + 10, Level.WARN): 1}
    assert list(kinds[3:]) == [NO_LINE] * 4


def test_bars_are_narrow_for_a_short_time_and_have_no_holes():
    shown = histogram(volume_of([0, 0.04, 0.3]))
    assert shown.step == UNIT
    assert [bar.lines for bar in shown.bars] == [2, 0, 0, 1]


@pytest.mark.parametrize('seconds', [1, 90, 3_600, 86_400, 10 * 86_400, 300 * 86_400, 40 * 365 * 86_400])
def test_every_line_is_in_one_of_a_few_bars_however_long_the_time(seconds):
    volume = volume_of([-seconds * index / 999 for index in range(1_000)])
    shown = histogram(volume)
    assert shown.lines == 1_000
    assert volume.span <= FINE
    assert 4 <= len(shown.bars) <= 120
    assert all(bar.start % shown.step == 0 for bar in shown.bars), 'else bars would move as time goes on'


def test_it_does_not_matter_in_which_batches_lines_come():
    seconds = [index * 0.7 for index in range(5_000)]
    parts = Volume()
    for start in range(0, len(seconds), 37):
        parts.add(counted_in([line(second) for second in seconds[start : start + 37]]))
    assert told(parts) == told(volume_of(seconds))


def test_what_is_removed_again_leaves_nothing_and_what_is_left_can_be_finer():
    far, near = [line(-86_400)], [line(second) for second in (0, 1, 2)]
    volume = Volume()
    volume.add(counted_in(far + near))
    assert not volume.could_be_finer
    wide = volume.step
    volume.remove(counted_in(far))
    assert sum(count for _, count in told(volume)) == 3
    assert volume.step == wide
    assert volume.could_be_finer
    volume.remove(counted_in(near))
    assert histogram(volume).bars == ()


def test_what_was_found_is_told_beside_all_lines_and_only_where_these_are():
    found = volume_of([-100, 1, 1.01])
    shown = histogram(volume_of([0, 1, 1.01, 1.2]), found)
    assert sum(bar.matches for bar in shown.bars) == 2
    assert max(shown.bars, key=lambda bar: bar.matches).start == NOON + SECOND
    found.forget(NOON)
    assert found.span == 1


def test_what_was_found_over_a_longer_time_makes_all_bars_as_wide():
    shown = histogram(volume_of([0, 1]), volume_of([-86_400, 0]))
    assert shown.step == 3_000 * UNIT
    assert [(bar.lines, bar.matches) for bar in shown.bars] == [(2, 1)]


def test_a_width_that_was_asked_for_does_not_change():
    volume = Volume(step=70)
    volume.add(counted_in([line(0), line(100_000)]))
    assert volume.step == 70
    assert volume.span > 10_000


def test_rows_without_a_time_take_no_bar():
    assert counted(array('q', [0, 5]), bytes([NO_LINE, Level.INFO])) == {(5, Level.INFO): 1}


def test_the_first_and_the_last_moments_that_there_are_have_a_bar_that_can_be_told():
    volume = Volume()
    for stamp in ('0001-01-01T00:00:00.000000000Z', '9999-12-31T23:59:59.999999999Z'):
        volume.add(counted_in([LogLine(WEB, Stream.STDOUT, f'{stamp} x'.encode())]))
    shown = histogram(volume)
    assert shown.lines == 2
    assert [format_timestamp(bar.start)[:2] for bar in (shown.bars[0], shown.bars[-1])] == ['00', '99']


def test_volumes_are_counted_together_whatever_the_width_of_their_bars():
    parts = [volume_of([0, 1, 1, 5]), volume_of([5, 86_400]), volume_of([])]
    assert parts[0].step < parts[1].step
    whole = together(parts)
    assert sum(lines for _, lines in told(whole)) == 6
    assert told(whole)[0][1] == 5, 'those of the first seconds are in one bar by now'
    assert [sum(lines for _, lines in told(part)) for part in parts] == [4, 2, 0], 'each is what it was'


def test_bars_go_from_one_end_of_a_range_to_the_other_where_its_lines_are_a_fair_part_of_it():
    volume, times = volume_of([10, 11, 19]), Range(NOON, NOON + 60 * SECOND)
    bars = histogram(volume, times=times).bars
    assert (bars[0].start, bars[-1].start) == (NOON, NOON + 60 * SECOND)
    assert sum(bar.lines for bar in bars) == 3
    assert len(bars) <= 120
    bars = histogram(volume, times=Range(0, NOON + 60 * SECOND)).bars
    assert bars[0].start == NOON + 10 * SECOND, 'one bar would tell nothing of them'
