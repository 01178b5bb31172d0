"""What an engine gives twice is passed on once, and nothing else is left out."""

from __future__ import annotations

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


def sifted(batches: list[list[LogLine]]) -> list[LogLine]:
    passed: list[LogLine] = []
    repeats = Repeats(lambda: reversed(passed))
    for batch in batches:
        passed += repeats.sift(list(batch))
    return passed


@pytest.mark.parametrize('size', [1, 2, 3, 5, 100])
@pytest.mark.parametrize('back', [1, 2, 7, 20])
def test_a_block_that_is_read_again_after_a_rotation_is_passed_on_once(size, back):
    lines = [line(7 * number + 1) for number in range(40)]
    stream = [*lines[:30], *lines[30 - back : 30], *lines[30:]]
    assert sifted([stream[start : start + size] for start in range(0, len(stream), size)]) == lines


def test_two_rotations_one_after_the_other_are_both_seen_through():
    lines = [line(7 * number + 1) for number in range(40)]
    assert sifted([[*lines[:20], *lines[15:20], *lines[20:25]], [*lines[18:25], *lines[25:]]]) == lines


def test_lines_of_the_two_streams_that_are_out_of_order_are_kept():
    lines = [line(moment) for moment in (1, 5, 3, 4, 9, 8, 7, 12)]
    assert sifted([lines[:3], lines[3:6], lines[6:]]) == lines


def test_equal_lines_of_a_clock_of_microseconds_are_kept():
    lines = [line(5_000, 'tick'), line(5_000, 'tick'), line(5_000, 'tick'), line(6_000, 'tick')]
    assert sifted([lines]) == lines
    assert sifted([[item] for item in lines]) == lines


def test_the_equal_pieces_of_a_very_long_line_are_kept():
    pieces = [LogLine.of(WEB, START + 7, 'y' * 1_000) for _ in range(5)]
    lines = [line(1), *pieces, line(7, ''), line(8)]
    assert sifted([lines]) == lines
    assert sifted([[item] for item in lines]) == lines


@given(st.lists(st.integers(1, 10**6).filter(lambda moment: moment % 1_000), unique=True), st.integers(1, 10))
def test_no_line_that_comes_once_is_ever_left_out(moments, size):
    lines = [line(moment) for moment in moments]
    assert sifted([lines[start : start + size] for start in range(0, len(lines), size)]) == lines
