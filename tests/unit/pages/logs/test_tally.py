"""The counts of levels are those of the messages that are held, at a bounded cost."""

from __future__ import annotations

from types import SimpleNamespace

from dashboard.lines import UNIT, Level, histogram
from dashboard.model import SECOND, LogLine, Row
from dashboard.pages.logs import tally as tally_module
from dashboard.pages.logs.tally import Tallies, Tally
from dashboard.timeline.history import History
from dashboard.view.lens import Lens
from tests.unit.pages.logs.test_render import NOON, WEB

LENS = Lens()
FAILURE = ['ERROR: it failed', '  at the till', '  at noon']


def lines(texts: list[str], start: int = 0) -> list[Row]:
    return [LogLine.of(WEB, NOON + (start + number) * 1_000, text) for number, text in enumerate(texts)]


def made(rows: list[Row], most: int = 1_000) -> tuple[History, Tally]:
    history = History(most, 1 << 20)
    history.append(rows)
    return history, Tally(SimpleNamespace(history=history))


async def look(tally: Tally) -> None:
    tally._due = 0
    await tally.look(LENS)


async def test_messages_are_counted_once_however_many_lines_they_have():
    history, tally = made(lines(['INFO: a', *FAILURE, 'WARN: b', 'plain']))
    await look(tally)
    counts, whole = tally.counts(0)
    assert whole
    assert {level: count for level, count in counts.items() if count} == {
        Level.INFO: 1, Level.ERROR: 1, Level.WARN: 1, Level.UNKNOWN: 1,
    }  # fmt: skip
    history.append(lines(['INFO: c', *FAILURE], start=9))
    await look(tally)
    assert tally.counts(0)[0][Level.ERROR] == 2


async def test_what_has_left_or_was_cleared_is_not_counted():
    history, tally = made(lines(['INFO: x'] * 50), most=64)
    await look(tally)
    history.append(lines(['ERROR: y'] * 60, start=50))
    await look(tally)
    counts, whole = tally.counts(0)
    assert whole
    assert sum(counts.values()) == history.end - history.first
    assert counts[Level.ERROR] == 60
    assert tally.counts(history.end - 10)[0][Level.ERROR] == 10


async def test_what_comes_faster_than_it_can_be_counted_is_said_to_be_more(monkeypatch):
    monkeypatch.setattr(tally_module, 'MOST', 100)
    history, tally = made(lines(['INFO: x'] * 250))
    await look(tally)
    assert tally.counts(0)[0][Level.INFO] == 100
    assert not tally.counts(0)[1]
    await look(tally)
    await look(tally)
    assert (tally.counts(0)[0][Level.INFO], tally.counts(0)[1]) == (250, True)
    history.append(lines(['ERROR: y'] * 5_000, start=250))
    await look(tally)
    counts, whole = tally.counts(history.first)
    assert counts[Level.ERROR] == 100, 'those that were never counted are not waited for'
    assert counts[Level.INFO] == 0
    assert not whole


async def test_it_looks_once_a_second_for_all_its_readers():
    history, tally = made(lines(['INFO: x']))
    await tally.look(LENS)
    history.append(lines(['INFO: y'], start=1))
    await tally.look(LENS)
    assert tally.counts(0)[0][Level.INFO] == 1


async def test_readers_who_see_the_same_share_a_tally(monkeypatch):
    class Feed:
        history = History(10, 1_000)

    feed, tallies = Feed(), Tallies()
    assert tallies.of(feed, LENS) is tallies.of(feed, Lens())
    assert tallies.of(feed, SimpleNamespace(redacts=True)) is not tallies.of(feed, LENS)


def bars(volume):
    return [bar.lines for bar in histogram(volume).bars]


async def test_lines_by_time_are_those_that_are_held_each_with_the_level_of_its_message():
    history, tally = made(lines([*FAILURE, 'INFO: a']), most=64)
    await look(tally)
    volume, whole = await tally.volume(0)
    assert whole
    assert [(bar.counts[Level.ERROR], bar.counts[Level.INFO]) for bar in histogram(volume).bars] == [(3, 1)]
    history.append([LogLine.of(WEB, NOON + number * SECOND, 'WARN: b') for number in range(100)])
    await look(tally)
    volume, whole = await tally.volume(0)
    assert whole
    assert sum(bars(volume)) == history.end - history.first
    assert sum(bars((await tally.volume(history.end - 10))[0])) == 10, 'those that were cleared are not shown'
    assert sum(bars((await tally.volume(0))[0])) == history.end - history.first, 'others still see them'


async def test_bars_become_narrow_again_when_a_service_speaks_up():
    history, tally = made(
        [LogLine.of(WEB, NOON - number * 86_400 * SECOND, 'INFO: x') for number in (9, 4, 0)], most=64
    )
    await look(tally)
    assert histogram((await tally.volume(0))[0]).step > 3_600 * SECOND
    history.append(lines(['INFO: y'] * 70))
    await look(tally)
    shown = histogram((await tally.volume(0))[0])
    assert shown.step == UNIT
    assert shown.lines == history.end - history.first


async def test_lines_by_time_are_said_to_be_more_where_not_all_could_be_counted(monkeypatch):
    monkeypatch.setattr(tally_module, 'MOST', 100)
    _, tally = made(lines(['INFO: x'] * 250))
    await look(tally)
    volume, whole = await tally.volume(0)
    assert bars(volume) == [100]
    assert not whole
