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


def test_of_several_writers_counts_what_each_wrote_since_its_own_first_line_shown_and_all_of_one_that_came_later():
    def of(line):
        return line[0]

    written = ['a 1', 'b 1', 'a 2', 'b 2', 'a 3', 'b 3', 'c 1', 'a 4', 'c 2', 'b 4']
    shown = ['a 3', 'b 3', 'c 1', 'a 4', 'c 2', 'b 4']
    assert compare(written, [shown], of).clean
    late = ['b 3', 'a 2', 'a 3', 'c 1', 'a 4', 'c 2', 'b 4']  # b 2 is from before the tail, whatever came late
    assert compare(written, [late], of).lost == 0
    assert compare(written, [[line for line in late if line != 'c 1']], of).lost == 1, 'the first one of a new writer'
    assert compare(written, [[line for line in late if line != 'a 3']], of).lost == 1
    assert compare(written, [[line for line in late if line[0] != 'a']], of).lost == 1, 'a 4: it wrote before'


def test_where_lines_may_come_late_a_gap_row_may_count_one_whose_place_is_beside_it():
    def of(line):
        return line[0]

    written = ['a 1', 'b 1', 'a 2', 'a 3', 'b 2', 'a 4', 'b 3']
    assert compare(written, [['a 1', 'b 1', Gap(3), 'a 4', 'b 3']], of).clean
    late = ['a 1', 'b 1', Gap(3), 'a 3', 'a 4']  # b 2 and b 3 came before a 3
    assert compare(written, [late], of).clean
    assert compare(written, [late]).miscounted
    fewer = compare(written, [['a 1', 'b 1', Gap(2), 'a 3', 'a 4']], of)
    assert fewer.miscounted
    assert fewer.lost


def test_where_lines_may_come_late_each_writer_is_to_keep_its_own_order():
    written = ['a 1', 'b 1', 'a 2', 'b 2']
    late = ['a 1', 'a 2', 'b 1', 'b 2']
    assert compare(written, [late]).disordered
    assert not compare(written, [late], lambda line: line[0]).disordered
    assert compare(written, [['a 2', 'a 1', 'b 1', 'b 2']], lambda line: line[0]).disordered
