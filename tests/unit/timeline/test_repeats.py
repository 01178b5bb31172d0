"""What an engine gives twice is passed on once, and nothing else is left out."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.engine.demo import ScriptedEngine
from dashboard.model import SECOND, LogLine
from dashboard.timeline.repeats import Repeats

START = 1_800_000_000 * SECOND
WEB = ScriptedEngine().add('web')


def line(moment: int, text: str = '') -> LogLine:
    return LogLine.of(WEB, START + moment, (text or str(moment)) + '\n')


def numbered(lines: list[LogLine]) -> list[LogLine]:
    """As the decoder numbers them: by their place among those of one timestamp that come one after the other."""
    found: list[LogLine] = []
    for item in lines:
        follows = found and found[-1].stamp == item.stamp
        found.append(LogLine(item.container, item.stream, item.record, found[-1].ordinal + 1 if follows else 0))
    return found


def sifted(stream: list[LogLine], *sizes: int) -> list[LogLine]:
    """What is passed on of a stream that comes in batches of these sizes, where its log has the distinct lines only."""
    passed: list[LogLine] = []
    repeats, rest, turns = Repeats(lambda: reversed(passed)), numbered(stream), itertools.cycle(sizes or [len(stream)])
    while rest:
        size = next(turns)
        batch, rest = rest[:size], rest[size:]
        while doubtful := repeats.doubtful(batch):
            batch = [item for item in batch if item is not doubtful]
        passed += repeats.sift(batch)
    return passed


def records(lines: list[LogLine]) -> list[tuple[int, bytes]]:
    return [(item.stream, item.record) for item in lines]


@pytest.mark.parametrize('size', [1, 2, 3, 5, 100])
@pytest.mark.parametrize('back', [1, 2, 7, 20])
def test_a_block_that_is_read_again_after_a_rotation_is_passed_on_once(size, back):
    lines = [line(7 * number + 1) for number in range(40)]
    assert records(sifted([*lines[:30], *lines[30 - back : 30], *lines[30:]], size)) == records(lines)


def test_two_rotations_one_after_the_other_are_both_seen_through():
    lines = [line(7 * number + 1) for number in range(40)]
    stream = [*lines[:20], *lines[15:20], *lines[20:25], *lines[18:25], *lines[25:]]
    assert records(sifted(stream)) == records(sifted(stream, 30)) == records(lines)


def test_a_block_is_known_again_after_one_that_ended_with_its_batch():
    lines = [line(number) for number in range(1, 9)]
    stream = [*lines[:5], *lines[2:5], *lines[5:8], *lines[6:8]]
    assert records(sifted(stream, 5, 3, 3, 2)) == records(lines)


@given(
    st.lists(st.sampled_from([1, 2]), min_size=12, max_size=30),
    st.lists(st.tuples(st.integers(2, 30), st.integers(1, 10), st.integers(1, 10)), max_size=4),
    st.integers(1, 12),
)
def test_whatever_is_read_again_however_cut_short_is_passed_on_once(streams, rotations, size):
    lines = [LogLine.of(WEB, START + 7 * number + 1, 'x\n', stream) for number, stream in enumerate(streams)]
    stream, given_to = [], 0
    for place, back, again in sorted(rotations):
        to = min(place, len(lines))
        stream += [*lines[given_to:to], *lines[max(0, to - back) : to][:again]]
        given_to = to
    assert records(sifted([*stream, *lines[given_to:]], size)) == records(lines)


def test_lines_of_the_two_streams_that_are_out_of_order_are_kept():
    lines = [line(moment) for moment in (1, 5, 3, 4, 9, 8, 7, 12)]
    assert records(sifted(lines, 3)) == records(lines)


@pytest.mark.parametrize('size', [1, 2, 3, 100])
@pytest.mark.parametrize('moment', [5_000, 5_001])
def test_lines_that_were_written_twice_at_one_moment_are_kept(moment, size):
    """Of a clock of microseconds, and of one of nanoseconds that has shown the same moment to two lines."""
    ticks = [line(moment, 'tick')] * 3
    lines = [line(1, 'one'), line(1, 'two'), *ticks, line(6_000, 'tick'), line(6_001, 'tock'), line(6_001, 'tock')]
    assert records(sifted(lines, size)) == records(lines)
    assert records(sifted([*lines[:5], *lines[1:5], *lines[5:], *lines[3:]], size)) == records(lines)


@pytest.mark.parametrize('size', [1, 100])
def test_the_equal_pieces_of_a_very_long_line_are_kept(size):
    pieces = [LogLine.of(WEB, START + 7, 'y' * 1_000) for _ in range(5)]
    lines = [line(1), *pieces, line(7, ''), line(8)]
    assert records(sifted(lines, size)) == records(lines)


@pytest.mark.parametrize('size', [1, 3, 100])
def test_what_is_logged_after_the_clock_was_set_back_is_kept(size):
    lines = [line(moment) for moment in (100, 101, 102, 50, 51, 52, 101, 102, 103)]
    lines[6:8] = [line(101, 'again'), line(102, 'again')]
    assert records(sifted([*lines[:6], *lines[4:6], *lines[6:]], size)) == records(lines)


@given(st.lists(st.integers(1, 10**6).filter(lambda moment: moment % 1_000), unique=True), st.integers(1, 10))
def test_no_line_that_comes_once_is_ever_left_out(moments, size):
    lines = [line(moment) for moment in moments]
    assert records(sifted(lines, size)) == records(lines)
