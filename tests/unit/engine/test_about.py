"""Which logs can be read is found out by asking for nothing of each."""

from __future__ import annotations

import asyncio

import pytest

from dashboard.engine.about import try_logs
from dashboard.engine.demo import ScriptedEngine
from dashboard.errors import EngineUnavailable


async def test_those_that_cannot_be_read_are_told_with_their_driver():
    engine = ScriptedEngine()
    containers = [engine.add(f'web{number}') for number in range(20)]
    engine.write(containers[0], 'a line')
    for container in containers[3:5]:
        engine.unreadable(container)
    found = await try_logs(engine, containers, 5)
    assert found.tried == 20
    assert {(refusal.container, refusal.driver) for refusal in found.refused} == {
        (container.name, 'none') for container in containers[3:5]
    }
    assert engine.open_streams == 0


async def test_a_container_that_goes_meanwhile_is_no_problem():
    engine = ScriptedEngine()
    web = engine.add('web')
    engine.remove(web)
    found = await try_logs(engine, [web], 5)
    assert (found.tried, found.refused) == (1, [])


async def test_a_log_that_hangs_holds_up_none_but_itself_and_the_time_is_kept():
    class Stuck(ScriptedEngine):
        async def logs(self, container, **options):
            if container.service.name == 'stuck':
                await asyncio.Event().wait()
            yield []

    engine = Stuck()
    containers = [engine.add(name) for name in ('stuck', 'web', 'api')]
    assert (await try_logs(engine, containers, 0.2)).tried == 2


async def test_an_engine_that_goes_meanwhile_is_told():
    engine = ScriptedEngine()
    web = engine.add('web')
    engine.fail('it is away')
    with pytest.raises(EngineUnavailable, match='it is away'):
        await try_logs(engine, [web], 5)
