"""Waits for what is to become true, with a deadline, while the event loop goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

PATIENCE = 60.0  # seconds that anything may take: a machine may be slow and busy, and who waits longer loses nothing


async def until(condition: Callable[[], object], timeout: float = PATIENCE) -> None:
    """Return when the condition holds; fail when it does not in so many seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f'not in {timeout} s: {condition}'
        await asyncio.sleep(0.005)
