"""A question of messages lets them through whole and in order, however their lines come."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.lines import Sifter, messages_of, parse, sifting
from dashboard.lines.sifting import MOST_BYTES_HELD, MOST_HELD
from dashboard.model import Gap, LogLine, Row
from tests.unit.lines.test_messages import API, BARE, JAVA, START, STEP, WITHIN, rows_of, timelines


def sifted(typed: str, *batches: list[Row]) -> list[str]:
    sifter = Sifter(parse(typed))
    found = [row for batch in batches for row in sifter.feed(batch)] + sifter.end()
    return [row.text if isinstance(row, LogLine) else 'gap' for row in found]


def test_a_message_is_let_through_whole_when_any_line_of_it_is_asked_for():
    rows = rows_of(f'INFO: before\n{JAVA}\nINFO: after')
    assert sifted('"23 more"', rows) == JAVA.split('\n')
    assert sifted('level:error', rows) == JAVA.split('\n')
    assert sifted('-SQLException', rows) == ['INFO: before', 'INFO: after']
    assert sifted('', rows) == [row.text for row in rows]


def test_gaps_pass():
    first, second = rows_of('a\nb')
    assert sifted('b', [first, Gap(START, START, 1, 'lost'), second]) == ['gap', 'b']


def test_a_line_waits_until_its_message_has_ended_and_no_longer():
    sifter, rows = Sifter(parse('level:error')), rows_of(BARE)
    assert sifter.feed(rows) == []
    assert sifter.feed([*rows_of('other', API, start=START + WITHIN + 9 * STEP)]) == rows
    assert sifter.end() == []


def test_what_waits_is_bounded_and_late_lines_share_the_fate_of_their_message():
    rows: list[Row] = [*rows_of('ERROR: a')]
    rows += [LogLine.of(API, START + STEP, f'INFO: {number}') for number in range(MOST_HELD + 10)]
    rows += [*rows_of('  the rest of a', start=START + 2 * STEP)]
    sifter = Sifter(parse('ERROR'))
    first = sifter.feed(rows[:-1])
    assert [row.text for row in first] == ['ERROR: a']
    assert [row.text for row in [*sifter.feed(rows[-1:]), *sifter.end()]] == ['  the rest of a']
    assert sifter._judged.keys() <= sifter._grouper.open
    assert not sifter._waiting


def test_what_waits_can_be_judged_at_once_and_what_follows_shares_its_fate():
    sifter, rows = Sifter(parse('level:error')), rows_of(BARE)
    assert sifter.feed(rows[:2]) == []
    assert sifter.waiting == 2
    assert sifter.end() == rows[:2]
    assert [*sifter.feed(rows[2:]), *sifter.end()] == rows[2:]
    assert sifter.found == 1


def test_long_lines_do_not_wait_in_great_number():
    rows: list[Row] = [*rows_of('ERROR: a')]
    rows += [LogLine.of(API, START + STEP, 'INFO: ' + 'x' * 100_000) for _ in range(MOST_BYTES_HELD // 100_000 + 10)]
    assert [row.text for row in Sifter(parse('ERROR')).feed(rows)] == ['ERROR: a']


questions = st.sampled_from(
    ['a', '-a', 'level:error', 'Error', '-level:unknown -x', 'at OR goroutine', 'level:unknown "23 more"', 'a:*',
     'level:fatal OR Caused', 'Error stream:stderr', '/caused.by/', 'DETAIL -level:info']
)  # fmt: skip


@given(timelines(), questions, st.lists(st.integers(0, 30), max_size=4), st.booleans())
@settings(max_examples=100, deadline=None)
def test_however_they_come_the_lines_of_the_messages_that_are_found_come_out_in_order(rows, typed, cuts, sparse):
    with pytest.MonkeyPatch.context() as patch:
        if sparse:
            patch.setattr(sifting, 'SPARSE', 0)  # as where few lines may be found
        check_against_messages(rows, typed, cuts)


def check_against_messages(rows: list[Row], typed: str, cuts: list[int]) -> None:
    question = parse(typed)
    wanted = {id(line) for message in messages_of(rows) if question.matches(message) for line in message.lines}
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    sifter = Sifter(question)
    found = [row for start, end in pairwise(edges) for row in sifter.feed(rows[start:end])]
    found += sifter.end()
    assert [id(row) for row in found] == [id(row) for row in rows if id(row) in wanted or not isinstance(row, LogLine)]
    assert not any((sifter._held, sifter._waiting, sifter._lines, sifter._levels, sifter._bytes))
    assert sifter._judged.keys() <= sifter._grouper.open
