"""Who waits for a browser's answer ends when told to, whenever that is."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from nicegui.javascript_request import JavaScriptRequest

from dashboard.pages.logs.answers import answer_of


@pytest.mark.parametrize('turns', range(6))
async def test_a_task_ends_that_is_told_to_just_as_the_answer_comes(turns):
    async def show() -> None:
        await answer_of(client, '')
        await asyncio.sleep(60)  # what it goes on with

    client = SimpleNamespace(run_javascript=lambda _script, timeout: JavaScriptRequest('one', timeout=timeout))
    task = asyncio.create_task(show())
    for _ in range(3):
        await asyncio.sleep(0)
    JavaScriptRequest.resolve('one', 'visible')
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=0.5)
    assert done, 'it goes on'
    assert task.cancelled()


async def test_an_answer_is_given_and_one_that_does_not_come_is_told():
    client = SimpleNamespace(run_javascript=lambda _script, timeout: JavaScriptRequest('two', timeout=timeout))
    asyncio.get_running_loop().call_soon(JavaScriptRequest.resolve, 'two', 'visible')
    assert await answer_of(client, '') == 'visible'
    with pytest.raises(TimeoutError):
        await answer_of(client, '', timeout=0.01)
