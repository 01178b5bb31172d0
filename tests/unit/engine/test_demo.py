"""The demo and the scripted engine keep the protocol of a real one."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from contextlib import aclosing

import pytest

from dashboard.engine.demo import DemoEngine, ScriptedEngine
from dashboard.engine.demo_content import DEMO_SERVICES
from dashboard.errors import ContainerGone, EngineUnavailable, LogsUnreadable
from dashboard.lines import Kind, Level, fields_of, messages_of, parse
from dashboard.model import SECOND, Stream


async def all_of(engine, container, **options):
    return [line async for batch in engine.logs(container, **options) for line in batch]


@pytest.fixture
async def demo():
    engine = DemoEngine(seed=1)
    yield engine
    await engine.close()


@pytest.fixture
def engine():
    return ScriptedEngine()


async def test_the_demo_has_four_lively_services(demo):
    containers = await demo.containers()
    assert {item.service.name for item in containers} == {'web', 'api', 'worker', 'db'}
    lines = {item.name: await all_of(demo, item) for item in containers}
    assert all(len(found) > 1_000 for found in lines.values())
    assert {line.stream for found in lines.values() for line in found} == {Stream.STDOUT, Stream.STDERR}


async def test_the_demo_speaks_plainly_in_json_in_colours_and_in_stack_traces(demo):
    said = {item.service.name: await all_of(demo, item) for item in await demo.containers()}
    texts = {name: [line.text for line in lines] for name, lines in said.items()}
    assert any('"GET / HTTP/1.1" 200' in text for text in texts['web'])
    assert all('ms' in json.loads(line.text) for line in said['api'] if line.stream == Stream.STDOUT)
    assert 'Traceback (most recent call last):' in texts['api']
    assert any('\x1b[38;5;' in text for text in texts['worker'])


async def test_the_demo_has_lines_for_the_examples_of_the_help(demo):
    worker = next(item for item in await demo.containers() if item.service.name == 'worker')
    assert parse('took:>500').select(await all_of(demo, worker))


async def test_the_demo_speaks_the_dialects_that_the_page_reads(demo):
    said = {item.service.name: await all_of(demo, item) for item in await demo.containers()}
    kinds = {name: {fields_of(line.content).kind for line in lines} for name, lines in said.items()}
    assert kinds['api'] == {Kind.JSON, Kind.TEXT}
    assert Kind.LOGFMT in kinds['worker']
    assert Kind.ACCESS in kinds['web']
    longest = {name: max(messages_of(lines), key=lambda one: len(one.lines)) for name, lines in said.items()}
    firsts = {name: (len(one.lines), one.level, one.lines[0].text) for name, one in longest.items() if name != 'web'}
    assert firsts['api'] == (6, Level.ERROR, 'Traceback (most recent call last):')
    assert firsts['worker'][:2] == (13, Level.ERROR)
    assert firsts['db'][:2] == (3, Level.ERROR)


@pytest.mark.parametrize('service', DEMO_SERVICES, ids=lambda service: service.name)
def test_the_demo_writes_in_the_order_of_time(service):
    moments = [line.timestamp for line in service.between(random.Random(1), 0, 3_600 * SECOND)]
    assert moments == sorted(moments)


def test_the_demo_has_bursts():
    worker = next(service for service in DEMO_SERVICES if service.name == 'worker')
    lines = worker.between(random.Random(1), 0, 1_000 * 10**9)
    assert max(Counter(line.timestamp // 10**9 for line in lines).values()) > 1_000


async def test_the_demo_goes_on(demo):
    web = (await demo.containers())[0]
    before = len(await all_of(demo, web))
    last = (await all_of(demo, web))[-1].timestamp
    demo.advance(last, last + 60 * 10**9)
    assert len(await all_of(demo, web)) > before + 100


async def test_tail_since_and_until_select(engine):
    web = engine.add('web')
    for number in range(10):
        engine.write(web, str(number), timestamp=number)
    assert [line.text for line in await all_of(engine, web, tail=3)] == ['7', '8', '9']
    assert [line.text for line in await all_of(engine, web, since=4, until=6)] == ['4', '5', '6']


async def test_following_tells_once_when_all_has_been_given_and_ends_with_the_container(engine):
    web = engine.add('web')
    engine.write(web, 'old')
    async with aclosing(engine.logs(web, follow=True)) as batches:
        assert [line.text for line in await anext(batches)] == ['old']
        assert await anext(batches) == []
        waiting = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0)
        engine.write(web, 'new')
        assert [line.text for line in await waiting] == ['new']
        engine.write(web, 'last')
        engine.stop(web)
        assert [line.text for line in await anext(batches)] == ['last']
        with pytest.raises(StopAsyncIteration):
            await anext(batches)
    assert engine.open_streams == 0


async def test_lines_of_one_timestamp_are_told_apart(engine):
    web = engine.add('web')
    for number in range(3):
        engine.write(web, str(number), timestamp=7)
    assert [line.ordinal for line in await all_of(engine, web)] == [0, 1, 2]


async def test_events_tell_what_happens(engine):
    async with aclosing(engine.events()) as events:
        assert await anext(events) is None
        web = engine.add('web')
        engine.stop(web, exit_code=137)
        assert [(await anext(events)).action, (await anext(events)).attributes['exitCode']] == ['start', '137']


async def test_a_failing_engine_breaks_what_is_open_and_refuses_the_rest(engine):
    web = engine.add('web')
    async with aclosing(engine.logs(web, follow=True)) as batches, aclosing(engine.events()) as events:
        assert await anext(batches) == []
        assert await anext(events) is None
        engine.fail('it is away')
        for open_stream in (batches, events):
            with pytest.raises(EngineUnavailable):
                await anext(open_stream)
    with pytest.raises(EngineUnavailable, match='it is away'):
        await engine.containers()
    engine.heal()
    assert await engine.containers() == [web]


async def test_what_cannot_be_read_says_so(engine):
    web = engine.add('web')
    engine.unreadable(web)
    with pytest.raises(LogsUnreadable):
        await all_of(engine, web)
    engine.remove(web)
    with pytest.raises(ContainerGone):
        await all_of(engine, web)
