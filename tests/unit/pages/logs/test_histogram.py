"""What the strip of bars says: in words, on its axis, in its table, and nothing of what any line says."""

from __future__ import annotations

from datetime import UTC, date
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest

from dashboard.lines import LATEST, Bar, Histogram, Level
from dashboard.model import SECOND
from dashboard.pages.logs.clock import Clock
from dashboard.pages.logs.histogram import name_of_bar, options_of, step_in_words, summary_of, table_of
from tests.unit.pages.logs.test_render import NOON

TODAY = date(2025, 11, 24)


def bars(*counts: dict[Level, int], step: int = 5 * SECOND, matches: int = 0) -> Histogram:
    made = (
        Bar(NOON + number * step, tuple(c.get(level, 0) for level in Level), matches) for number, c in enumerate(counts)
    )
    return Histogram(step, tuple(made))


@pytest.mark.parametrize(
    ('step', 'words'),
    [(0.1, '100 ms'), (0.5, '500 ms'), (5, '5 s'), (60, '1 min'), (900, '15 min'), (10_800, '3 h'), (604_800, '7 d')],
)
def test_the_width_of_a_bar_is_told_as_people_say_it(step, words):
    assert step_in_words(int(step * SECOND)) == words


def test_the_sum_says_whether_there_are_more():
    shown = bars({Level.INFO: 1_000, Level.ERROR: 2}, {Level.INFO: 1})
    assert summary_of(shown, whole=True) == '1,003 lines, 5 s a bar, at most 1,002'
    assert summary_of(shown, whole=False).startswith('1,003+ lines')
    assert summary_of(bars({Level.INFO: 1}), whole=True).startswith('1 line,')
    assert summary_of(bars(), whole=True) == 'No lines yet'


def test_a_bar_is_named_by_its_times_on_the_readers_clock():
    bar = Bar(1_763_985_600 * SECOND, ())  # 2025-11-24T12:00:00Z
    assert name_of_bar(bar, 5 * SECOND, Clock(UTC, TODAY)) == '12:00:00 – 12:00:05'
    assert name_of_bar(bar, SECOND // 2, Clock(UTC, TODAY)) == '12:00:00.000 – 12:00:00.500'
    assert name_of_bar(bar, 3_600 * SECOND, Clock(ZoneInfo('Europe/Berlin'), TODAY)) == '13:00:00 – 14:00:00'
    assert name_of_bar(bar, 86_400 * SECOND, Clock(UTC, TODAY)) == '12:00:00 – 2025-11-25 12:00:00'
    assert name_of_bar(Bar(LATEST, ()), 10**18, Clock(UTC, TODAY)).startswith('9999-12-31 23:59:59 – ')


class Cells(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs) -> None:
        if tag == 'tr':
            self.rows.append([])

    def handle_data(self, data) -> None:
        if self.rows:
            self.rows[-1].append(data)


def test_the_table_has_the_numbers_of_the_chart():
    shown = bars({Level.INFO: 7, Level.ERROR: 2}, {}, {Level.INFO: 1}, matches=1)
    assert Cells(table_of(shown, ['a', 'b', 'c'], asked=False)).rows == [
        ['Time', 'Error', 'Info'], ['a', '2', '7'], ['b', '0', '0'], ['c', '0', '1'],
    ]  # fmt: skip
    assert Cells(table_of(shown, ['a', 'b', 'c'], asked=True)).rows[:2] == [
        ['Time', 'Error', 'Info', 'Found by the filter'], ['a', '2', '7', '1'],
    ]  # fmt: skip
    series = options_of(shown, ['a', 'b', 'c'], asked=True)['series']
    assert [(one['name'], one['data']) for one in series] == [
        ('Error', [2, None, None]), ('Info', [7, None, 1]), ('Found by the filter', [1, 1, 1]),
    ]  # fmt: skip


def test_the_only_code_in_what_the_chart_is_told_is_ours():
    """What begins with a colon is run by the browser."""

    def keys(value):
        if isinstance(value, dict):
            return {key for key in value if key.startswith(':')}.union(*map(keys, value.values()))
        return set().union(*map(keys, value)) if isinstance(value, list) else set()

    assert keys(options_of(bars({Level.INFO: 1}), [':x'], asked=True)) == {':formatter'}
