"""What a cursor promises, whatever happens: each client has had all that was written, in order and once, or a gap."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, aclosing, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.api.wire import Naming, row_messages
from dashboard.config import Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.errors import EngineUnavailable
from dashboard.model import SECOND, Container
from dashboard.timeline.hub import LogHub
from dashboard.timeline.marks import Marks
from tests.support.until import until

pytestmark = pytest.mark.usefixtures('quick', 'brisk')

CLIENTS = 3
NUMBERS = st.integers(0, 5)
STEPS = st.one_of(
    st.tuples(st.just('write'), NUMBERS, st.integers(1, 60)),
    st.tuples(st.just('write'), NUMBERS, st.integers(1, 60)),
    st.tuples(st.just('visit'), NUMBERS, st.sampled_from([0, 1, 7, 1_000])),
    st.tuples(st.just('visit'), NUMBERS, st.sampled_from([0, 1, 7, 1_000])),
    st.tuples(st.just('ask'), NUMBERS, st.just(0)),
    st.tuples(st.just('recreate'), NUMBERS, st.just(0)),
    st.tuples(st.just('add'), NUMBERS, st.just(0)),
    st.tuples(st.just('restart'), NUMBERS, st.just(0)),
    st.tuples(st.just('cut'), NUMBERS, st.just(0)),
    st.tuples(st.just('away'), NUMBERS, st.just(0)),
    st.tuples(st.just('rotate'), NUMBERS, st.integers(0, 30)),
    st.tuples(st.just('read_again'), NUMBERS, st.integers(1, 10)),
    st.tuples(st.just('clock'), NUMBERS, st.sampled_from([-3_600, -60, -2, 2, 60])),
    st.tuples(st.just('serve_anew'), NUMBERS, st.just(0)),
)


@pytest.fixture
def brisk(monkeypatch):
    """Rows that wait for one another no longer than they must."""
    for delay in ('timeline.COALESCE', 'merge.WINDOW', 'feed.RECHECK'):
        monkeypatch.setattr(f'dashboard.timeline.{delay}', 0.001)


class Client:
    """Resumes after the last message that it was sent, and keeps all of them."""

    def __init__(self) -> None:
        self.cursor = ''
        self.rows: list[tuple[str, int] | None] = []  # container and number; None is a gap
        self.owed: dict[str, int] = {}  # by container, how many lines it had written when this began

    def note(self, messages: list[dict]) -> None:
        for message in messages:
            self.cursor = message.get('cursor', self.cursor)
            if message['type'] == 'gap':
                self.rows.append(None)
            else:
                name, number = message['content'].split()
                self.rows.append((name, int(number)))


class Story:
    """Does what the steps say, and keeps the truth."""

    def __init__(self, history: int) -> None:
        self.engine = ScriptedEngine()
        self.written: dict[str, int] = {}  # by container
        self.clients = [Client() for _ in range(CLIENTS)]
        self.running: list[Container] = []
        self.removed: set[str] = set()
        self.rotated: dict[str, int] = {}  # by container, how many of its first lines are gone
        self._settings = Settings(history_lines=history, linger=60)
        self._clock, self._away = time.time_ns(), False
        self._stack = AsyncExitStack()

    async def begin(self) -> None:
        self.add(0, 0)
        await self.serve()

    async def serve(self) -> None:
        self.hub = await self._stack.enter_async_context(LogHub(self.engine, self._settings))
        await until(lambda: self.hub.services)
        self.key = self.hub.services[0].key
        # somebody always watches
        self.watcher = await self._stack.enter_async_context(self.hub.subscribe(self.key, 0))

    async def end(self) -> None:
        await self._stack.aclose()

    async def step(self, name: str, number: int, value: int) -> None:
        done = getattr(self, name)(number, value)
        if asyncio.iscoroutine(done):
            await done
        await asyncio.sleep(0)

    # what happens

    def add(self, number: int, value: int) -> None:
        container = self.engine.add('web', replica=str(len(self.running)))
        self.written[container.name] = 0
        self.running.append(container)

    def write(self, number: int, count: int) -> None:
        container = self.running[number % len(self.running)]
        for _ in range(count):
            self._clock += 1_000_001
            self.written[container.name] += 1
            self.engine.write(container, f'{container.name} {self.written[container.name]}', timestamp=self._clock)

    def clock(self, number: int, seconds: int) -> None:
        self._clock += seconds * SECOND

    async def recreate(self, number: int, value: int) -> None:
        await self.settled()  # what nobody has read of a removed container is another promise
        old = self.running.pop(number % len(self.running))
        self.engine.stop(old)
        await until(lambda: self._is_read(old))
        self.engine.remove(old)
        self.removed.add(old.name)
        self.add(0, 0)

    def restart(self, number: int, value: int) -> None:
        container = self.running[number % len(self.running)]
        self.engine.stop(container)
        self.engine.start(container)

    def cut(self, number: int, value: int) -> None:
        self.engine.break_streams()

    def away(self, number: int, value: int) -> None:
        self._away = not self._away
        if self._away:
            self.engine.fail()
        else:
            self.back()

    def back(self) -> None:
        self._away = False
        self.engine.heal()
        self.hub.feed(self.key).retry_now()

    def rotate(self, number: int, kept: int) -> None:
        container = self.running[number % len(self.running)]
        self.engine.rotate(container, kept)
        gone = self.written[container.name] - kept
        self.rotated[container.name] = max(gone, self.rotated.get(container.name, 0))

    async def read_again(self, number: int, count: int) -> None:
        self.write(number, count)
        await self.settled()
        self.engine.read_again(self.running[number % len(self.running)], count)

    async def serve_anew(self, number: int, value: int) -> None:
        await self.settled()
        await self._stack.aclose()
        await self.serve()

    async def settled(self) -> None:
        """Wait until the watcher's feed has read everything."""
        self.back()
        for container in self.running:
            await until(lambda container=container: self._is_read(container))

    def _is_read(self, container: Container) -> bool:
        lines = self.engine._logs[container.id].lines
        feed = self.hub.feed(self.key)
        return not lines or feed.ends.get(container.short_id) == lines[-1].cursor

    # how clients come

    async def visit(self, number: int, most: int) -> None:
        """By WebSocket, for ``most`` messages."""
        client, sent = self.clients[number % CLIENTS], 0
        with suppress(EngineUnavailable):
            async with self.hub.subscribe(self.key, 10) as subscription:
                self._begin(client)
                if client.cursor:
                    marks = Marks.parse(client.cursor)
                    async with aclosing(self.hub.reads.catch_up(subscription, marks)) as missed:
                        async for rows in missed:
                            client.note(row_messages(rows, Naming('web'), marks))
                            if (sent := sent + len(rows)) >= most:
                                return
                while sent < most and (rows := subscription.take(min(most - sent, 50))):
                    client.note(row_messages(rows, Naming('web'), subscription.feed.marks_at(subscription.taken_from)))
                    sent += len(rows)

    async def ask(self, number: int, value: int) -> None:
        """By HTTP, with ``since=CURSOR``."""
        client = self.clients[number % CLIENTS]
        if client.cursor:
            marks = Marks.parse(client.cursor)
            with suppress(EngineUnavailable):
                async with aclosing(self.hub.reads.read_after(self.hub.find('web'), marks)) as batches:
                    marks.feed = ''
                    async for rows in batches:
                        client.note(row_messages(rows, Naming('web'), marks))

    @property
    def emptied(self) -> set[str]:
        """Containers whose log has nothing left, so that nobody can know what it had."""
        return {container.name for container in self.running if not self.engine._logs[container.id].lines}

    def _begin(self, client: Client) -> None:
        if not client.cursor:
            client.owed = dict(self.written)

    # the account

    def check(self, client: Client) -> None:
        told = list(client.rows)
        for name, count in self.written.items():
            last = None
            gap = False
            for row in told:
                gap = gap or row is None
                if row and row[0] == name:
                    number = row[1]
                    # nobody can know that a log has lost lines of which the client has never had one
                    first = max(client.owed.get(name, 0), self.rotated.get(name, 0)) if last is None else last
                    assert last is None or number > last, f'{name} {number} came after {last}: {told}'
                    assert gap or number <= first + 1, f'{name}: {number} follows {last} without a gap: {told}'
                    last, gap = number, False
            owed = last if last is not None else max(client.owed.get(name, 0), self.rotated.get(name, 0))
            heard = (last is not None or name not in self.removed) and name not in self.emptied
            assert not heard or gap or owed >= count, f'{name} ends with {last} of {count} without a gap: {told}'


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, min_size=4, max_size=25), st.sampled_from([40, 200, 10_000]))
def test_each_client_has_had_everything_once_and_in_order_or_was_told_of_a_gap(steps, history):
    asyncio.run(tell(steps, history))


async def tell(steps: list[tuple[str, int, int]], history: int) -> None:
    story = Story(history)
    try:
        await story.begin()
        for step in steps:
            await story.step(*step)
        await story.settled()
        for number, client in enumerate(story.clients):
            for _ in range(4):  # a gap that stands alone at the end is no line
                await story.visit(number, 10_000)
            story.check(client)
    finally:
        await story.end()
