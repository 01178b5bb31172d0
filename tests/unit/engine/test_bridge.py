"""When a source that a thread reads has given all that was there."""

from __future__ import annotations

import asyncio
import time

from dashboard.engine.bridge import SETTLED, Bridge


async def test_a_source_is_not_settled_that_was_silent_only_because_the_loop_was_held_up():
    loop, bridge = asyncio.get_running_loop(), Bridge[int]()
    bridge.opened()
    batches = bridge.batches(lambda _: False)
    first = asyncio.ensure_future(anext(batches))
    for _ in range(5):
        await asyncio.sleep(0)  # it waits
    loop.call_soon(time.sleep, 3 * SETTLED)  # whoever may run now, it is not the thread that reads
    loop.call_later(3.3 * SETTLED, bridge.put, [1])
    assert [await first, await anext(batches)] == [[1], []]
    bridge.close()
    await batches.aclose()


async def test_a_source_that_makes_pauses_is_settled_when_it_is_silent_for_longer_than_these():
    loop, bridge = asyncio.get_running_loop(), Bridge[int]()
    bridge.opened()
    batches = bridge.batches(lambda _: False)
    loop.call_later(0.8 * SETTLED, bridge.put, [1])
    loop.call_later(2.4 * SETTLED, bridge.put, [2])
    assert [await anext(batches) for _ in range(3)] == [[1], [2], []]
    bridge.close()
    await batches.aclose()
