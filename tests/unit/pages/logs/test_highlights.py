"""Highlights: each in a colour of its own that can be read, found by message, counted at a bounded cost, and kept."""

from __future__ import annotations

import asyncio
import gc
from itertools import combinations
from types import SimpleNamespace

import pytest

from dashboard.access.accounts import Accounts
from dashboard.errors import BadRequest
from dashboard.lines import parse
from dashboard.model import SECOND, LogLine
from dashboard.pages.logs import counting, lighting
from dashboard.pages.logs.counting import Counts
from dashboard.pages.logs.highlights import COLOURS, MOST, Highlight, Highlights
from dashboard.pages.logs.lighting import Lighting
from dashboard.pages.logs.render import DARK, LIGHT, Renderer
from dashboard.pages.logs.seeking import seek
from dashboard.pages.preferences import Preferences
from dashboard.timeline.history import History
from dashboard.view.lens import Lens
from tests.support.app import CHEAP, PASSWORD
from tests.unit.pages.logs.test_render import NOON, WEB, contrast
from tests.unit.pages.logs.test_tally import FAILURE, lines

LENS = Lens()


def highlight(text: str, colour: int = 3) -> Highlight:
    return Highlight(text, colour, True, parse(text), '')


async def shown(rows, *highlights: Highlight, term: str = '') -> str:
    lights = await Lighting(highlights).look(rows)
    return Renderer(len(rows), parse(term).pattern, highlights=highlights, lights=lights).piece(rows)[1]


# -- colours


@pytest.mark.parametrize('theme', [LIGHT, DARK], ids=['light', 'dark'])
def test_every_highlight_can_be_read_in_both_themes(theme):
    assert min(contrast(theme['on-mark'], colour) for colour in COLOURS) >= 4.5
    assert len(set(COLOURS)) == MOST


def test_no_colour_looks_like_another_or_like_a_match_of_the_filter():
    every = [*COLOURS, LIGHT['mark']]
    assert min(sum(abs(one - other) for one, other in zip(*map(rgb, pair), strict=True))
               for pair in combinations(every, 2)) >= 40  # fmt: skip


def rgb(colour: str) -> list[int]:
    return [int(colour[n : n + 2], 16) for n in (1, 3, 5)]


# -- what is shown


async def test_each_is_marked_in_its_colour_on_top_of_the_filters_marks():
    html = await shown(lines(['order 4711 <paid>']), highlight('4711', 1), highlight('<PAID>', 2), term='order 4711')
    assert '<mark>order </mark><mark class="h1">4711</mark> <mark class="h2">&lt;paid&gt;</mark>' in html
    assert 'data-h="1 2" style="box-shadow:inset 2px 0 var(--h1),inset 5px 0 var(--h2)"' in html


async def test_a_message_that_is_found_has_an_edge_where_nothing_can_be_marked():
    html = await shown(lines(['INFO: x', *FAILURE]), highlight('level:error'))
    assert html.count('data-h="3"') == 1
    assert html.index('data-h="3"') < html.index('ERROR') < html.index('at the till')
    assert '<mark' not in html


async def test_what_is_in_a_later_line_is_marked_there_and_the_message_has_its_edge_at_the_first():
    html = await shown(lines(FAILURE), highlight('till'))
    assert html.index('data-h') < html.index('ERROR') < html.index('<mark class="h3">till</mark>')
    assert html.count('data-h') == 1


async def test_only_messages_that_the_whole_question_finds_are_marked():
    html = await shown(lines(['INFO: paid', 'ERROR: paid']), highlight('paid level:error'))
    assert html.count('<mark') == html.count('data-h') == 1
    assert html.index('ERROR') < html.index('<mark')


async def test_a_message_that_goes_on_in_the_next_flush_keeps_its_colours_and_gets_others():
    looking = Lighting([highlight('failed', 1), highlight('noon', 2)])
    rows = lines(FAILURE)
    first, second = await looking.look(rows[:2]), await looking.look(rows[2:])
    assert first[id(rows[0])] == ((1,), (1,))
    assert first[id(rows[1])] == ((1,), ())
    assert second[id(rows[2])] == ((1, 2), (2,))


async def test_where_there_is_no_time_for_all_the_newest_are_coloured_and_it_is_said(monkeypatch):
    moments = iter(range(1_000))
    monkeypatch.setattr(lighting, 'TIME', 5.5)
    monkeypatch.setattr(lighting, 'monotonic', lambda: next(moments))
    looking, rows = Lighting([highlight('INFO')]), lines(['INFO: x'] * 20)
    lights = await looking.look(rows)
    assert [id(row) in lights for row in rows] == [False] * 15 + [True] * 5
    assert looking.missed == 15


# -- how many


def feed_of(texts, most: int = 1_000):
    class Feed:
        history = History(most, 1 << 20)

    Feed.history.append(lines(texts))
    return Feed


async def count(counted) -> tuple[int, bool]:
    counted._due = 0
    await counted.look(LENS)
    return counted.of(0)


async def test_messages_are_counted_once_and_forgotten_when_they_leave(monkeypatch):
    monkeypatch.setattr(counting, 'REST', 0)
    feed = feed_of([*FAILURE, 'INFO: at noon', *FAILURE], most=64)
    counted = Counts().of(feed, parse('noon'), LENS)
    await count(counted)
    assert await count(counted) == (3, True), 'also the last one, when nothing has followed it'
    feed.history.append(lines(['INFO: x'] * 40 + ['INFO: at noon'] * 21, start=9))
    await count(counted)
    found, whole = await count(counted)
    assert (found, whole) == (21, True)
    assert counted.of(feed.history.end - 5) == (5, True)


async def test_what_comes_faster_than_it_is_counted_is_said_to_be_more(monkeypatch):
    monkeypatch.setattr(counting, 'REST', 0)
    monkeypatch.setattr(counting, 'TURN', -1)
    counted = Counts().of(feed_of(['INFO: x'] * 100), parse('x'), LENS)
    assert await count(counted) == (0, False)
    monkeypatch.setattr(counting, 'TURN', 1)
    await count(counted)
    assert await count(counted) == (100, True)


async def test_readers_who_ask_the_same_share_a_count_and_one_who_sees_less_does_not():
    feed, counts = feed_of(['x']), Counts()
    counted = counts.of(feed, parse('x'), LENS)
    assert counts.of(feed, parse('x'), Lens()) is counted
    assert counts.of(feed, parse('x'), SimpleNamespace(redacts=True)) is not counted
    assert counts.of(feed, parse('y'), LENS) is not counted
    del counted
    gc.collect()
    assert not counts._known[feed], 'nothing is kept of questions that nobody asks'


async def test_all_who_count_take_a_share_of_a_core_together(monkeypatch):
    slept = []
    noting = SimpleNamespace(**vars(asyncio) | {'sleep': lambda seconds: slept.append(seconds) or asyncio.sleep(0)})
    monkeypatch.setattr(counting, 'asyncio', noting)  # others of this process sleep too
    moments = iter(range(1_000))
    monkeypatch.setattr(counting, 'monotonic', lambda: next(moments))
    feed, counts = feed_of(['x']), Counts()
    every = [counts.of(feed, parse(text), LENS) for text in 'abc']
    await asyncio.gather(*(counted.look(LENS) for counted in every))
    assert len(slept) == 3
    assert min(slept) >= counting.REST


# -- which are there


@pytest.fixture
def accounts(tmp_path):
    accounts = Accounts(tmp_path, hasher=CHEAP)
    accounts.users.add('ann', PASSWORD)
    return accounts


def tab(accounts, *asked: str) -> Highlights:
    return Highlights(Preferences(accounts, 'ann'), asked)


def state(highlights: Highlights) -> dict[str, bool]:
    return {item.text: item.on for item in highlights.items}


def test_they_are_kept_with_the_account_also_of_two_tabs(accounts):
    one, other = tab(accounts), tab(accounts)
    one.add('timeout')
    other.add(' level:error ')
    other.switch('level:error', False)
    assert state(tab(accounts)) == {'timeout': True, 'level:error': False}
    one.remove('timeout')
    assert state(tab(accounts)) == {'level:error': False}


def test_an_address_shows_its_own_and_costs_nobody_what_they_have_kept(accounts, monkeypatch):
    monkeypatch.setattr('dashboard.pages.preferences.AT_ONCE', 100)
    mine = tab(accounts)
    for number in range(MOST):
        mine.add(f'mine {number}')
    opened = tab(accounts, 'theirs', 'mine 3', 'theirs')
    assert [item.text for item in opened.on] == ['theirs', 'mine 3']
    assert len(opened.items) == MOST
    assert state(tab(accounts)) == {f'mine {number}': True for number in range(MOST)}
    with pytest.raises(BadRequest, match='remove one first'):
        mine.add('one more')
    assert len({item.colour for item in mine.items}) == MOST


def test_what_does_not_do_is_refused_and_in_an_address_it_is_off_and_says_why(accounts):
    mine = tab(accounts, '/(/', '', 'ok')
    assert state(mine) == {'/(/': False, '': False, 'ok': True}
    assert 'missing' in mine.items[0].problem
    mine.switch('/(/', True)
    assert not mine.items[0].on
    for text in ('', '  ', '/(/', 'x' * 1_001):
        with pytest.raises(BadRequest):
            mine.add(text)


def test_a_question_has_the_same_colour_everywhere(accounts):
    mine = tab(accounts)
    mine.add('timeout')
    assert mine.items[0].colour == tab(accounts, 'timeout').items[0].colour


# -- where the keys go on


@pytest.mark.parametrize('up', [True, False])
async def test_the_next_message_is_sought_over_all_that_is_held(up):
    texts = [f'INFO: {n}' for n in range(7_000)]
    texts[5], texts[2_000:2_003], texts[6_990] = 'INFO: at noon', FAILURE, 'INFO: noon'
    rows = [LogLine.of(WEB, NOON + n * SECOND // 10, text) for n, text in enumerate(texts)]
    history = History(10_000, 1 << 24)
    history.append(rows)
    feed = SimpleNamespace(history=history)
    hub = SimpleNamespace(lens=LENS, held=lambda feed, start, stop: feed.history.slice(start, stop))

    async def numbers(*asked: str, first: int = 0, stop: int = 7_000) -> int | None:
        cursor = await seek(hub, feed, [parse(text) for text in asked], first, stop, up)
        return cursor and (cursor.timestamp - NOON) // (SECOND // 10)

    assert await numbers('noon') == (6_990 if up else 5)
    assert await numbers('noon', first=6, stop=6_990) == 2_000, 'the first line of what a later line says'
    assert await numbers('noon', first=2_001, stop=6_990) is None
    assert await numbers('noon', 'level:error') == 2_000
    assert await numbers('noon', first=6_991) is None
    assert await numbers('noon', stop=5) is None
