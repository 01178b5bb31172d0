"""The comparison that the fault tests go by finds what it is there to find."""

from __future__ import annotations

import pytest

from tests.faults.account import Gap, compare

WRITTEN = [str(number) for number in range(100)]
TAIL = WRITTEN[50:60]


def test_all_lines_shown_once_make_a_clean_account():
    account = compare(WRITTEN, [WRITTEN[50:]])
    assert account.clean
    assert account.seen == 50


@pytest.mark.parametrize(
    ('shown', 'figure', 'count'),
    [
        ([TAIL, WRITTEN[70:]], 'lost', 10),
        ([TAIL + WRITTEN[58:]], 'repeated', 2),
        ([WRITTEN[50:60] + WRITTEN[61:62] + WRITTEN[60:61] + WRITTEN[62:]], 'disordered', 1),
        ([[*TAIL, Gap(10), *WRITTEN[70:]]], 'in_gaps', 10),
    ],
)
def test_what_is_wrong_is_counted(shown, figure, count):
    account = compare(WRITTEN, shown)
    assert getattr(account, figure) == count
    assert account.clean == (figure == 'in_gaps')


@pytest.mark.parametrize('said', [9, 11])
def test_a_gap_row_between_lines_must_have_their_number(said):
    assert compare(WRITTEN, [[*TAIL, Gap(said), *WRITTEN[70:]]]).miscounted


@pytest.mark.parametrize('said', [10, 13, None])
def test_a_gap_row_at_the_top_of_a_page_may_count_lines_that_the_page_before_has_shown(said):
    # and the lines before the tail that the first page began with are nobody's loss
    assert compare(WRITTEN, [TAIL, [Gap(said), *WRITTEN[70:]]]).clean


def test_a_gap_row_at_the_top_of_a_page_must_not_count_too_few():
    assert compare(WRITTEN, [TAIL, [Gap(9), *WRITTEN[70:]]]).miscounted


def test_where_lines_may_come_late_each_writer_is_to_keep_its_own_order():
    written = ['a 1', 'b 1', 'a 2', 'b 2']
    late = ['a 1', 'a 2', 'b 1', 'b 2']
    assert compare(written, [late]).disordered
    assert not compare(written, [late], lambda line: line[0]).disordered
    assert compare(written, [['a 2', 'a 1', 'b 1', 'b 2']], lambda line: line[0]).disordered
