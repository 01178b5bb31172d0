"""What stands around a moment in the engine's logs is found without reading these from their beginning."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from dashboard.engine.demo import ScriptedEngine
from dashboard.errors import LogsUnreadable
from dashboard.model import SECOND, format_timestamp
from dashboard.timeline import reaching
from dashboard.timeline.reaching import MARGIN, TooShort, lines_around
from dashboard.timeline.reads import Reads, Streams
from dashboard.timeline.stored import Stored

START = 1_767_323_045 * SECOND
LINES = 18_000


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """For logs that are short."""
    monkeypatch.setattr(reaching, 'MARGIN', 450)


class Counting:
    """An engine that knows how many lines it has given."""

    def __init__(self, engine: ScriptedEngine) -> None:
        self.given = self.opened = 0
        self._engine = engine

    async def logs(self, container, **options):
        self.opened += 1
        async with aclosing(self._engine.logs(container, **options)) as batches:
            async for batch in batches:
                self.given += len(batch)
                yield batch


def times(kind: str) -> list[int]:
    if kind == 'even':
        return [START + number * SECOND for number in range(LINES)]
    if kind == 'ever faster':
        return [START + int(number**0.5 * SECOND * 100) for number in range(LINES)]
    if kind == 'ever slower':
        return [START + number**2 * SECOND // 100 for number in range(LINES)]
    return [START + (number // 6_000) * 86_400 * SECOND + number * 1_000 for number in range(LINES)]  # in bursts


async def around(engine, containers, moment, least=100, until=None, before=None):
    found = []
    async with aclosing(lines_around(engine, containers, moment, least, until, before)) as batches:
        async for batch in batches:
            found += batch
            if sum(line.timestamp >= moment for line in found) > 200:
                break
    return found


@pytest.mark.parametrize('kind', ['even', 'ever faster', 'ever slower', 'in bursts'])
@pytest.mark.parametrize('number', [0, 1, 150, 1_000, 6_000, 9_000, 15_000, 17_950, LINES - 1])
async def test_every_line_from_some_before_a_moment_on_is_given_and_not_much_more(kind, number):
    engine, when = ScriptedEngine(), times(kind)
    container = engine.add('web')
    for index, moment in enumerate(when):
        engine.write(container, str(index), timestamp=moment)
    counting = Counting(engine)
    lines = [int(line.text) for line in await around(counting, [container], when[number])]
    assert lines == list(range(lines[0], lines[0] + len(lines))), 'each, and in order'
    same = next(index for index in range(LINES) if when[index] == when[number])
    assert lines[0] <= max(0, same - (1 if kind == 'ever faster' else 50)), 'its pace is not known where it was slower'
    assert lines[-1] >= min(LINES - 1, number + 200)
    assert counting.opened <= 2 + reaching.LOOKS
    assert kind == 'in bursts' or number - lines[0] < 3_000, 'and not from the beginning'


async def test_of_several_containers_nothing_is_given_from_where_one_is_not_complete():
    engine = ScriptedEngine()
    fast, slow, new = engine.add('web'), engine.add('web'), engine.add('web')
    for number in range(LINES):
        engine.write(fast, f'fast {number}', timestamp=START + number * SECOND)
        if number % 50 == 0:
            engine.write(slow, f'slow {number}', timestamp=START + number * SECOND + 1)
    engine.write(new, 'new', timestamp=START + 16_100 * SECOND + 2)
    preceding = []
    found = await around(engine, [fast, slow, new], START + 16_000 * SECOND, before=preceding.extend)
    first = found[0].timestamp
    logged = [line.timestamp for one in (fast, slow, new) async for batch in engine.logs(one) for line in batch]
    every = sorted(logged)
    begun = every.index(first)
    assert [line.timestamp for line in found] == every[begun : begun + len(found)]
    assert 'new' in [line.text for line in found]
    assert len(preceding) >= 50, 'what is before it may tell what it means'
    assert all(line.timestamp < first for line in preceding)


async def test_a_log_that_grows_too_fast_meanwhile_is_read_by_the_time(monkeypatch):
    engine = ScriptedEngine()
    container = engine.add('web')
    for number in range(LINES):
        engine.write(container, str(number), timestamp=START + number * SECOND)
    reach = reaching._reach

    async def growing(*arguments):
        found = await reach(*arguments)
        for number in range(LINES, LINES + 1_000):
            engine.write(container, str(number), timestamp=START + number * SECOND)
        return found

    monkeypatch.setattr(reaching, '_reach', growing)
    with pytest.raises(TooShort):
        await around(engine, [container], START + 15_000 * SECOND)
    service = type('Service', (), {'containers': (container,)})
    async with aclosing(
        Reads(engine, Streams(10, lambda: 0), Stored(None)).around(service, START + 15_000 * SECOND, 100)
    ) as rows:
        assert (await anext(rows))[0].stamp == format_timestamp(START + (15_000 - 60) * SECOND)


async def test_what_cannot_be_read_says_so():
    engine = ScriptedEngine()
    container = engine.add('web')
    engine.unreadable(container)
    with pytest.raises(LogsUnreadable):
        await around(engine, [container], START)


async def test_a_container_that_is_removed_is_no_hindrance_to_others():
    engine = ScriptedEngine()
    here, gone = engine.add('web'), engine.add('web')
    engine.write(here, 'here', timestamp=START)
    engine.remove(gone)
    assert [line.text for line in await around(engine, [gone, here], START)] == ['here']


def test_the_margin_is_longer_than_what_is_looked_back_over():
    assert MARGIN > reaching.LOOK_BACK
