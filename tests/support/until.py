"""Waits for what is to become true, with a deadline, while the event loop goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


async def until(condition: Callable[[], object], timeout: float = 10.0) -> None:
    """Return when the condition holds; fail when it does not in so many seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f'not in {timeout} s: {condition}'
        await asyncio.sleep(0.005)
