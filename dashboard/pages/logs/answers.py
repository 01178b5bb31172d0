"""What a browser answers to a script."""

from __future__ import annotations

import asyncio
from typing import Any

from nicegui import Client

PATIENCE = 30.0  # seconds: one that is slow to say where its reader was shall not begin at the tail


async def answer_of(client: Client, script: str, timeout: float = PATIENCE) -> Any:
    """What a script returns in the browser.

    NiceGUI waits for it with :func:`asyncio.wait_for`, which until Python 3.12 may swallow a cancellation that comes in
    the same moment as the answer (python/cpython#86296): who was told to end went on, for nobody. Here it is not lost.

    :raises TimeoutError: when the browser does not answer for so many seconds
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    answer = await client.run_javascript(script, timeout=timeout)
    if task and task.cancelling() > before:
        raise asyncio.CancelledError
    return answer
