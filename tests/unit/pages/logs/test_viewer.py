"""What a tab shows is complete, or says what is missing, also when lines leave the history meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from dashboard.access.identity import Identity
from dashboard.access.scope import EVERYTHING
from dashboard.access.visits import Visit
from dashboard.config import Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.errors import EngineUnavailable
from dashboard.lines import Question, histogram, parse
from dashboard.model import SECOND, Cursor, Gap, LogLine
from dashboard.pages.logs import viewer as viewer_module
from dashboard.pages.logs.place import Place
from dashboard.pages.logs.sieve import ASIDE_BYTES, ASIDE_ROWS, Sieve
from dashboard.pages.logs.viewer import LogViewer
from dashboard.timeline.hub import LogHub
from dashboard.view.lens import Redactor
from dashboard.view.view import View
from tests.support.until import until
from tests.unit.view.test_exits import Screen

HELD, ALL, START = 1_000, 3_000, 1_767_323_045 * SECOND


class BusyEngine(ScriptedEngine):
    """Its container goes on writing while somebody reads what it wrote long ago."""

    def __init__(self) -> None:
        super().__init__()
        self.web = self.add('web')
        self.written = 0
        self.busy = False
        self.answers = True  # those who ask for what was long ago

    def go_on(self, count: int) -> None:
        for _ in range(count):
            self.written += 1
            self.write(self.web, str(self.written), timestamp=START + self.written * SECOND)

    async def logs(self, container, **options):
        if options.get('until') and not self.answers:
            raise EngineUnavailable(self.address, 'it does not answer', '')
        async for batch in super().logs(container, **options):
            if self.busy and options.get('until'):
                self.go_on(50)
            yield batch


class PatientScreen(Screen):
    """Takes its time to show rows while it is busy."""

    busy = waiting = False

    async def replace(self, rows, **options) -> bool:
        while self.busy:
            self.waiting = True
            await asyncio.sleep(0.01)
        return await super().replace(rows, **options)


class DeafScreen(Screen):
    """Does not answer for a while."""

    deaf = 0

    async def replace(self, rows, **options) -> bool:
        await super().replace(rows, **options)
        self.deaf -= 1
        return self.deaf < 0

    async def top(self) -> str:
        return '' if self.deaf >= 0 else await super().top()


@asynccontextmanager
async def watched(capacity: int, written: int) -> AsyncIterator[tuple[BusyEngine, LogViewer]]:
    """A viewer of a service that has written so many lines, which shows the last 50 of them."""
    engine = BusyEngine()
    engine.go_on(written)
    async with LogHub(engine, Settings()) as hub:
        await hub.asked()
        viewer = LogViewer(View(hub, Visit(IDENTITY), Redactor()), capacity, lambda: None)
        viewer.watch(engine.web.service, 50)
        last = [str(number) for number in range(1, written + 1)][-50:]
        await until(lambda: viewer.view.texts == last)
        yield engine, viewer


@pytest.mark.parametrize('capacity', [500, 5_000])
async def test_what_leaves_the_history_while_a_tab_comes_back_is_a_gap_with_its_number(monkeypatch, capacity):
    monkeypatch.setattr(viewer_module, 'LogView', Screen)
    engine = BusyEngine()
    async with LogHub(engine, Settings(history_lines=HELD, linger=0)) as hub:
        await hub.asked()
        async with hub.subscribe(engine.web.service, 0) as other:
            engine.go_on(ALL)
            await until(lambda: other.feed.history.end >= ALL)
            engine.busy = True
            viewer = LogViewer(View(hub, Visit(IDENTITY), Redactor()), capacity, lambda: None)
            viewer.watch(engine.web.service, 100, Place(START + SECOND, START + 9 * SECOND, START + SECOND, True))
            await until(lambda: viewer.view.shown and viewer.behind == 0)
            engine.busy = False
            assert other.feed.history.first > ALL - HELD, 'rows have left the history while it was read'
            assert viewer.view.texts[-1] == str(engine.written)
            assert missing(viewer.view.shown, after=9 if capacity < ALL else 0) == 0
            viewer.close()


@pytest.mark.parametrize('seen', [True, False], ids=['while it was watched', 'unseen'])
async def test_a_tab_that_comes_back_is_told_of_a_container_that_was_removed_unseen(monkeypatch, seen):
    monkeypatch.setattr(viewer_module, 'LogView', Screen)
    engine = BusyEngine()
    engine.go_on(5)
    async with LogHub(engine, Settings()) as hub, AsyncExitStack() as watching:
        await hub.asked()
        old = engine.web
        if seen:
            other = await watching.enter_async_context(hub.subscribe(old.service, 0))
            await until(lambda: other.feed.history.end == 5)
            engine.stop(old)
            await until(lambda: other.feed.status.phase == 'stopped')
        engine.remove(old)
        engine.web = engine.add('web')
        engine.go_on(3)
        await until(lambda: hub.services and hub.services[0].containers == (engine.web,))
        viewer = LogViewer(View(hub, Visit(IDENTITY), Redactor()), 500, lambda: None)
        running = frozenset([old.short_id, engine.web.short_id])
        viewer.watch(old.service, 100, Place(START + SECOND, START + 5 * SECOND, START + SECOND, True, running))
        await until(lambda: viewer.view.texts[-3:] == ['6', '7', '8'])
        gaps = [row for row in viewer.view.shown if isinstance(row, Gap)]
        assert [gap.container for gap in gaps] == ([] if seen else [old.short_id])
        assert seen or viewer.view.shown.index(gaps[0]) == len(viewer.view.shown) - 4
        assert viewer.view.running == engine.web.short_id
        viewer.close()


@pytest.mark.parametrize('last', [9, ALL - 10], ids=['shown long ago', 'shown just before'])
async def test_what_cannot_be_read_when_a_tab_comes_back_is_a_gap_that_can_be_opened_later(monkeypatch, last):
    monkeypatch.setattr(viewer_module, 'LogView', Screen)
    engine = BusyEngine()
    async with LogHub(engine, Settings(history_lines=HELD)) as hub:
        await hub.asked()
        async with hub.subscribe(engine.web.service, 0) as other:
            engine.go_on(ALL)
            await until(lambda: other.feed.history.end >= ALL)
            engine.answers = False
            viewer = LogViewer(View(hub, Visit(IDENTITY), Redactor()), 5_000, lambda: None)
            viewer.watch(engine.web.service, 100, Place(START + SECOND, START + last * SECOND, START + SECOND, True))
            await until(lambda: viewer.view.shown)
            gap, *rows = viewer.view.shown
            assert isinstance(gap, Gap)
            assert gap.missed is None
            assert 'does not answer' in viewer.error
            first = other.feed.history.first + 1
            assert [row.text for row in rows] == [str(number) for number in range(first, ALL + 1)]
            engine.answers = True
            viewer.view.open(gap.key)
            await until(lambda: viewer.view.texts == [str(number) for number in range(1, ALL + 1)])
            viewer.close()


async def test_a_filter_searches_all_that_the_server_holds_and_nothing_that_was_cleared(monkeypatch):
    monkeypatch.setattr(viewer_module, 'LogView', Screen)
    async with watched(1_000, ALL) as (engine, viewer):
        viewer.filter('77')
        found = [str(number) for number in range(1, ALL + 1) if '77' in str(number)]
        await until(lambda: viewer.view.texts == found)
        assert (viewer.finds.matches, viewer.lines, viewer.first_row) == (len(found), ALL, 0)
        assert histogram(viewer.finds.volume).lines == len(found)
        viewer.filter('')
        assert viewer.finds.volume is None, 'what another filter has found is not told of this one'
        await until(lambda: len(viewer.view.shown) == 50)
        viewer.clear()
        engine.go_on(100)
        viewer.filter('77')
        await until(lambda: viewer.view.texts == ['3077'])
        assert viewer.lines == 100
        engine.go_on(77)
        await until(lambda: viewer.view.texts == ['3077', '3177'])
        assert [bar.start for bar in histogram(viewer.finds.volume).bars if bar.lines] == [
            START + number * SECOND for number in (3_077, 3_177)
        ]
        viewer.close()


async def test_of_many_that_a_filter_finds_the_newest_are_asked_alone_and_shown_as_if_all_had_been(monkeypatch):
    monkeypatch.setattr(viewer_module, 'LogView', Screen)
    asked = count_asked(monkeypatch)
    async with watched(100, ALL) as (_, viewer):
        asked.clear()
        viewer.filter('-x')
        await until(lambda: viewer.view.texts == [str(number) for number in range(ALL - 99, ALL + 1)])
        assert len(asked) < ALL
        assert (viewer.finds.counted, viewer.finds.matches >= 100) == (False, True)
        viewer.filter('-x -9')
        wanted = [str(number) for number in range(1, ALL + 1) if '9' not in str(number)]
        await until(lambda: viewer.view.texts == wanted[-100:])
        viewer.filter('77')
        await until(
            lambda: viewer.finds.counted and viewer.view.texts == [n for n in map(str, range(1, ALL + 1)) if '77' in n]
        )
        viewer.close()


async def test_where_more_comes_than_the_page_holds_the_newest_are_shown_behind_a_gap(monkeypatch):
    monkeypatch.setattr(viewer_module, 'LogView', PatientScreen)
    async with watched(100, 1) as (engine, viewer):
        viewer.view.busy = True
        viewer.filter('-x')
        await until(lambda: viewer.view.waiting)
        engine.go_on(ALL)  # is shown all at once
        await until(lambda: viewer.behind >= ALL)
        asked = count_asked(monkeypatch)
        viewer.view.busy = False
        await until(lambda: viewer.view.texts[-1] == str(ALL + 1))
        first, gap, *rest = viewer.view.shown
        assert [row.text for row in (first, *rest)] == ['1', *map(str, range(ALL - 99, ALL + 2))]
        assert (gap.missed, gap.row) == (None, 1)
        assert len(asked) < ALL
        viewer.view.open(gap.key)
        await until(lambda: viewer.view.texts == list(map(str, range(2, ALL + 2))))
        viewer.close()


async def test_what_was_held_back_is_not_lost_where_only_the_newest_are_asked():
    web = ScriptedEngine().add('web')
    rows = [LogLine.of(web, START + number, f'INFO: {number}') for number in range(ALL)]
    sieve = Sieve('-x')
    assert await sieve.choose(rows[:1]) == []
    held, chosen = await sieve.newest(rows[1:], 50)
    assert held == rows[:1]
    assert [*chosen, *await sieve.rest()][-50:] == rows[-50:]
    assert 50 <= sieve.found < ALL
    assert await sieve.newest(rows[1:], ALL) is None
    assert await Sieve('x').newest(rows, 50) is None


def count_asked(monkeypatch) -> list:
    """Every message that a question is asked of from now on."""
    asked: list = []
    matches = Question.matches
    monkeypatch.setattr(Question, 'matches', lambda question, item: asked.append(item) or matches(question, item))
    return asked


async def test_what_is_shown_anew_is_shown_around_where_the_reader_stays(monkeypatch):
    monkeypatch.setattr(viewer_module, 'LogView', Screen)
    async with watched(100, ALL) as (_, viewer):
        assert await viewer.seek(parse('/^1234$/'), '', up=True)
        await until(lambda: '1234' in viewer.view.texts)
        viewer.filter('234')
        await until(lambda: '1235' not in viewer.view.texts)
        await until(lambda: '1234' in viewer.view.texts)
        viewer.filter('')
        await until(lambda: '1235' in viewer.view.texts)
        assert str(ALL) not in viewer.view.texts
        assert not await viewer.seek(parse('/^1234$/'), viewer.view.at_top, up=True), 'it is not sought where it is'
        viewer.follow(True)
        viewer.filter('')
        await until(lambda: viewer.view.texts[-1:] == [str(ALL)])
        viewer.close()


async def test_behind_a_filter_too_a_moment_is_shown_with_what_follows_it(monkeypatch):
    monkeypatch.setattr(viewer_module, 'LogView', Screen)
    async with watched(100, ALL) as (_, viewer):
        viewer.filter('5')
        viewer.jump(START + 1_500 * SECOND)
        await until(lambda: '1500' in viewer.view.texts)
        following = [str(number) for number in range(1_500, 1_600) if '5' in str(number)]
        assert set(following) <= set(viewer.view.texts)
        assert viewer.view.texts[0] < '1400'
        assert not viewer.error
        viewer.close()


@pytest.mark.parametrize('what', ['moment', 'line', 'gap'])
async def test_what_is_asked_for_is_shown_although_the_browser_does_not_answer_at_first(monkeypatch, what):
    monkeypatch.setattr(viewer_module, 'LogView', DeafScreen)
    async with watched(100, ALL) as (engine, viewer):
        opened = Cursor(engine.web.short_id, START + 1_500 * SECOND)
        viewer.view.deaf, fills = 3, viewer.view.fills
        if what == 'moment':
            viewer.jump(opened.timestamp)
        elif what == 'line':
            viewer.show(opened)
        else:
            gap = Gap(opened.timestamp - SECOND, opened.timestamp + SECOND, 1, 'lost')
            viewer._gaps.remember([gap])
            viewer.view.open(gap.key)
        await until(lambda: viewer.is_filled)
        assert viewer.view.fills == fills + 4
        assert '1500' in viewer.view.texts
        assert not viewer.following
        viewer.follow(True)
        viewer.view.deaf = 1
        viewer.filter('')
        await until(lambda: viewer.view.texts[-1:] == [str(ALL)] and viewer.is_filled)
        viewer.close()


async def test_a_tab_is_told_in_words_that_no_stream_is_left(monkeypatch):
    monkeypatch.setattr(viewer_module, 'LogView', Screen)
    engine = BusyEngine()
    other = engine.add('other')
    async with LogHub(engine, Settings(max_streams=1)) as hub:
        await hub.asked()
        async with hub.subscribe(engine.web.service, 0):
            viewer = LogViewer(View(hub, Visit(IDENTITY), Redactor()), 1_000, lambda: None)
            viewer.watch(other.service, 100)
            await until(lambda: 'DASHBOARD_MAX_STREAMS' in viewer.error)


@pytest.mark.parametrize(
    ('count', 'size', 'aside'), [(10, 10, False), (ASIDE_ROWS + 1, 1, True), (3, ASIDE_BYTES // 2, True)]
)
async def test_a_question_of_much_text_is_asked_in_another_thread(monkeypatch, count, size, aside):
    threads = set()
    matches = Question.matches
    monkeypatch.setattr(Question, 'matches', lambda *item: threads.add(threading.get_ident()) or matches(*item))
    web = ScriptedEngine().add('web')
    rows = [LogLine.of(web, START, 'x' * size)] * count
    sieve = Sieve('/x/')
    assert [*await sieve.choose(rows), *await sieve.rest()] == rows
    assert (threading.get_ident() not in threads) is aside


def missing(rows, after: int) -> int:
    """How many numbers are neither shown nor counted by a gap, or counted and there; each gap stands in its place."""
    wrong, last = 0, after
    for row in rows:
        if isinstance(row, Gap):
            last += row.missed
        elif isinstance(row, LogLine):
            wrong += abs(int(row.text) - last - 1)
            last = int(row.text)
    return wrong


IDENTITY = Identity('x', True, EVERYTHING, '', 'session', 1 << 40)
