"""WebSocket viewers in a process of their own, so that their work is not counted as the server's."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time

from websockets.asyncio.client import connect

from tests.benchmarks.machine import STAMP, boot_time

SAMPLE = 20  # every so manieth message is looked at


async def view(url: str, ages: list[float], counts: list[int], until: float) -> None:
    boot, pattern, count = boot_time(), re.compile(STAMP), 0
    async with connect(url, max_size=None, compression=None) as viewer:
        while time.monotonic() < until:
            message = await viewer.recv()
            count += 1
            if count % SAMPLE == 0 and (found := pattern.search(message)):
                ages.append(time.time() - boot - float(found[1]))
    counts.append(count)


async def main(url: str, number: int, seconds: float) -> None:
    ages: list[float] = []
    counts: list[int] = []
    until = time.monotonic() + seconds
    await asyncio.gather(*(view(url, ages, counts, until) for _ in range(number)))
    print(json.dumps({'ages': ages, 'messages': sum(counts)}))


if __name__ == '__main__':
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
