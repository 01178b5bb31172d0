"""A reader who scrolls up sees older lines until there are none, and on the way down again all that follow, once."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from nicegui import Client
from nicegui.page import page

from dashboard.access.identity import Identity
from dashboard.access.scope import EVERYTHING
from dashboard.access.visits import Visit
from dashboard.config import Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.errors import EngineUnavailable
from dashboard.model import SECOND, Notice
from dashboard.pages.logs import past as past_module
from dashboard.pages.logs import viewer as viewer_module
from dashboard.pages.logs.past import BEGINNING, CLEARED, LOADING, REMOVED, ROTATED
from dashboard.pages.logs.viewer import LogViewer
from dashboard.timeline.hub import LogHub
from dashboard.view.lens import Redactor
from dashboard.view.view import View
from tests.unit.view.test_exits import until

START, EVERY, HELD, LINES, CAPACITY = 1_767_323_045 * SECOND, SECOND // 10, 1_000, 5_000, 500
SERVICES = (['web'], ['web', 'web'], ['web', 'api', 'worker'])
ROW = re.compile(r'<div class="l[^>]*data-cursor="[^"]*".*?</time>(?:<b.*?</b> )?(\d+)</div>|<div class="g')
STEP = re.compile(
    r'(?P<clear>v\.replaceChildren\(\))|v\.leaving \+= (?P<leaving>\d+)'
    r'|v\.(?P<into>lastElementChild\.)?insertAdjacentHTML\("(?P<where>\w+)", (?P<html>".*?")\);'
    r'|v\.(?P<which>first|last)ElementChild\.remove\(\)'
    r'|v\.dataset\.past = (?P<past>".*?");|(?P<no>delete v\.dataset\.past)|v\.more = (?P<more>\w+);'
)


class Window:
    """Does what the scripts of a view say, as a browser would whose reader looks at one end or the other."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.past, self.said, self.more, self.answers = '', [], False, 0

    def run(self, script: str, **_: object) -> asyncio.Future[object]:
        for step in STEP.finditer('' if 'addEventListener' in script else script):
            if step['clear']:
                self.blocks = []
            elif step['leaving']:
                del self.blocks[: int(step['leaving'])]
            elif step['which']:
                self.blocks.pop(0 if step['which'] == 'first' else -1)
            elif step['past'] or step['no']:
                self.past = json.loads(step['past'] or '""')
                self.said.append(self.past)
            elif step['more']:
                self.more = step['more'] == 'true'
            elif step['into']:
                self.blocks[-1] += json.loads(step['html'])
            else:
                self.blocks.insert(0 if step['where'] == 'afterbegin' else len(self.blocks), json.loads(step['html']))
        self.answers += 'v.asked = ""' in script and 'replaceChildren' not in script
        answer = asyncio.get_running_loop().create_future()
        answer.set_result(0 if 'v.leaving = 0; return' in script else 'visible')
        return answer

    @property
    def numbers(self) -> list[int | None]:
        """What stands in the rows; None for a gap."""
        return [
            int(row[1]) if row[1] else None
            for block in self.blocks
            for row in ROW.finditer(re.sub('</?mark>', '', block))
        ]


class SlowEngine(ScriptedEngine):
    """Lets those wait who ask what was long ago, while it is told to."""

    fails, asked = False, 0

    def __init__(self) -> None:
        super().__init__()
        self.ready = asyncio.Event()
        self.ready.set()

    async def logs(self, container, **options):
        if options.get('until'):
            self.asked += 1
            if self.fails:
                raise EngineUnavailable(self.address, 'it does not answer', '')
            await self.ready.wait()
        async for batch in super().logs(container, **options):
            yield batch


@pytest.fixture
def window(monkeypatch):
    monkeypatch.setattr(past_module, 'PAGE', 500)
    monkeypatch.setattr(viewer_module, 'FLUSH', 0.01)
    return Window()


@pytest.fixture
async def client(monkeypatch, window):
    client = Client(page('/logs'), request=None)
    monkeypatch.setattr(client, 'run_javascript', window.run)
    yield client
    client.delete()


@pytest.fixture
async def tab(client, window):
    """Opens a tab on containers of these services, which have written in turn: ``await tab('web', 'web')``."""
    async with LogHub(engine := SlowEngine(), Settings(history_lines=HELD, linger=0)) as hub:
        viewers = []

        async def open_(*services: str, is_admin: bool = True, texts: str = '{}') -> LogViewer:
            engine.ones, engine.texts = [engine.add(service) for service in services or ['web']], texts
            write(engine, range(LINES))
            hub._watch.look_again()
            await until(lambda: sum(len(item.containers) for item in hub.services) == len(engine.ones))
            with client:
                viewer = LogViewer(
                    view := View(hub, Visit(Identity('x', is_admin, EVERYTHING, '', 'session', 1 << 40)), Redactor()),
                    CAPACITY,
                    lambda: None,
                )
            viewers.append(viewer)
            viewer.engine, viewer.hub = engine, hub
            viewer.watch(view.select('*' if len(hub.services) > 1 else 'web'), 300)
            await until(lambda: window.blocks and window.blocks[-1].endswith(f'{LINES - 1}</div></div>'))
            return viewer

        yield open_
        for viewer in viewers:
            viewer.close()


def write(engine, numbers) -> None:
    for number in numbers:
        one = engine.ones[number % len(engine.ones)]
        engine.write(one, engine.texts.format(number), timestamp=START + number * EVERY)


def first_held(viewer) -> int:
    return int(viewer.feed.history.slice(0)[0].text)


async def scroll(viewer, window, end='older') -> None:
    """Come near an end once, and wait for what that brings."""
    answers = window.answers
    viewer._followed(False)
    viewer._come_near(end)
    await until(lambda: window.answers > answers)


@pytest.mark.parametrize('services', SERVICES, ids=' and '.join)
async def test_all_lines_come_once_in_order_up_to_the_beginning_and_down_to_live(tab, window, services):
    viewer = await tab(*services)
    seen = window.numbers
    while window.past != BEGINNING:
        await scroll(viewer, window)
        numbers = window.numbers
        assert numbers == list(range(numbers[0], numbers[-1] + 1)), 'no hole, nothing twice'
        assert len(numbers) <= 2 * CAPACITY + 250
        seen = list(range(min(seen[0], numbers[0]), LINES))
    assert seen[0] == 0
    assert LOADING in window.said
    write(viewer.engine, range(LINES, LINES + 50))
    await until(lambda: viewer.new_lines == 50)
    while window.numbers[-1] < LINES + 49:
        assert window.more
        await scroll(viewer, window, 'newer')
        numbers = window.numbers
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert len(numbers) <= 2 * CAPACITY + 250
    await until(lambda: not window.more)
    viewer._followed(True)
    write(viewer.engine, range(LINES + 50, LINES + 60))
    await until(lambda: window.numbers[-1] == LINES + 59)
    assert window.numbers == list(range(window.numbers[0], LINES + 60))
    assert viewer.new_lines == 0


async def test_what_leaves_the_history_while_its_reader_is_in_the_past_comes_from_the_engine(tab, window):
    viewer = await tab()
    for _ in range(4):
        await scroll(viewer, window)
    write(viewer.engine, range(LINES, LINES + 3 * HELD))
    await until(lambda: viewer.new_lines == 3 * HELD)
    assert first_held(viewer) > LINES
    for _ in range(3):
        await scroll(viewer, window)
    while window.numbers[-1] < LINES + 3 * HELD - 1:
        await scroll(viewer, window, 'newer')
        numbers = window.numbers
        assert numbers == list(range(numbers[0], numbers[-1] + 1))


async def test_the_newest_lines_are_shown_at_once_from_anywhere(tab, window):
    viewer = await tab()
    for _ in range(6):
        await scroll(viewer, window)
    assert window.numbers[-1] < LINES - HELD
    viewer._followed(True)
    await until(lambda: window.numbers[-1] == LINES - 1)
    assert None not in window.numbers
    assert not window.past


async def test_what_the_engine_has_rotated_away_is_told_and_so_is_what_was_cleared(tab, window):
    viewer = await tab()
    viewer.engine.rotate(viewer.engine.ones[0], 500)
    while not window.past or window.past == LOADING:
        await scroll(viewer, window)
    assert window.past == ROTATED
    assert window.numbers[0] == first_held(viewer)
    viewer.clear()
    await until(lambda: not window.numbers)
    write(viewer.engine, range(LINES, LINES + 10))
    await until(lambda: len(window.numbers) == 10)
    await scroll(viewer, window)
    assert window.past == CLEARED


async def test_a_removed_containers_lines_end_with_what_is_held(tab, window):
    viewer = await tab()
    viewer.engine.stop(viewer.engine.ones[0])
    viewer.engine.remove(viewer.engine.ones[0])
    viewer.engine.add('web')
    viewer.hub._watch.look_again()
    await until(lambda: viewer.engine.ones[0] not in viewer.feed.service.containers)
    while not window.past or window.past == LOADING:
        await scroll(viewer, window)
    assert window.past == REMOVED


async def test_something_else_can_be_chosen_while_older_lines_are_read(tab, window):
    viewer = await tab()
    while window.numbers[0] > first_held(viewer):
        await scroll(viewer, window)
    viewer.engine.ready.clear()
    before = window.numbers
    viewer._come_near('older')
    await until(lambda: window.past == LOADING and viewer.engine.asked)
    viewer.filter('4999')
    await until(lambda: window.numbers and all('4999' in str(number) for number in window.numbers))
    viewer.filter('')
    viewer.engine.ready.set()
    viewer.engine.fails = True
    await until(lambda: len(window.numbers) > 10)
    while not viewer.error:
        await scroll(viewer, window)
    assert 'does not answer' in viewer.error
    assert window.numbers[0] == before[0]
    viewer.engine.fails = False
    await scroll(viewer, window)
    assert window.numbers[0] < before[0]


@pytest.mark.parametrize('services', SERVICES, ids=' and '.join)
async def test_older_matches_are_sought_in_bounded_steps_until_all_are_found(tab, window, monkeypatch, services):
    monkeypatch.setattr(past_module, 'STEP', 300)
    monkeypatch.setattr(past_module, 'MOST', 900)
    viewer = await tab(*services)
    viewer.filter('77')
    wanted = [number for number in range(LINES) if '77' in str(number)]
    await until(lambda: window.numbers and all('77' in str(number) for number in window.numbers))
    asks = 0
    while window.past != BEGINNING:
        asks += 1
        await scroll(viewer, window)
    assert asks >= (LINES - HELD) / 900 - 1
    assert window.numbers == wanted


async def test_what_is_read_from_the_engine_has_been_through_the_lens_of_its_reader(tab, window):
    viewer = await tab(is_admin=False, texts='password=hunter{0} of request {0}')
    while window.past != BEGINNING:
        await scroll(viewer, window)
    shown = ''.join(window.blocks)
    assert len(re.findall(r'request (\d+)</div>', shown)) >= 2 * CAPACITY
    assert 'hunter' not in shown


async def test_a_trace_is_found_as_one_message_wherever_a_step_begins(tab, window, monkeypatch):
    monkeypatch.setattr(past_module, 'STEP', 41)  # of 20 lines a message: every place in one comes to be a beginning
    viewer = await tab()
    engine = viewer.engine
    engine.remove(engine.ones[0])
    engine.ones = [engine.add('web')]
    texts = 16 * ['INFO: at work'] + [
        'ERROR: it broke',
        '  at a.b(C.java:1)',
        '  at d.e(F.java:2)',
        'Caused by: needle',
    ]
    for number in range(2_000):
        engine.write(engine.ones[0], texts[number % 20], timestamp=START + LINES * EVERY + number * 1_000)
    viewer.hub._watch.look_again()
    await until(lambda: 'needle' in ''.join(window.blocks[-1:]))
    viewer.filter('needle')
    await until(lambda: window.blocks and 'at work' not in ''.join(window.blocks))
    while 'log' not in window.past.lower():
        await scroll(viewer, window)
    assert ''.join(window.blocks).count('it broke') == 100


async def test_what_happened_to_a_container_stands_there_once_where_a_window_begins_with_it(tab, window):
    viewer = await tab()
    viewer.engine.stop(viewer.engine.ones[0])
    viewer.engine.start(viewer.engine.ones[0])
    viewer.hub._watch.look_again()
    await until(lambda: any('restarted' in block for block in window.blocks))
    write(viewer.engine, range(LINES, LINES + CAPACITY))
    await until(lambda: window.numbers[-1:] == [LINES + CAPACITY - 1])
    history = viewer.feed.history
    notices = [number for number, row in enumerate(history.slice(0), history.first) if isinstance(row, Notice)]
    middle = history.slice(notices[-1] + CAPACITY // 2)[0]
    viewer.show(middle.cursor)
    await until(lambda: window.blocks[0].startswith('<div class="blk"><div class="n"'))
    await scroll(viewer, window)
    assert ''.join(window.blocks).count('class="n"') == len(notices)
    assert window.numbers == list(range(window.numbers[0], LINES + CAPACITY))
