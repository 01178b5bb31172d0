"""The store alone, in a process of its own: how fast it takes lines, what they weigh, how fast they are found again.

``python -m tests.benchmarks.stored [LINES]`` prints one figure a line; beside each stands what does the same to the raw
lines in one file: ``grep`` and ``zstdgrep``, which know nothing of time, services or fields.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from dashboard.app import tune_garbage_collection
from dashboard.lines import parse
from dashboard.model import SECOND, Container, LogLine, ServiceKey, format_timestamp
from dashboard.store import Place, Store, Wanted
from tests.benchmarks.machine import usage
from tests.benchmarks.meaning import MIX

SERVICES = 100
BATCH = 1_000
PACE = 10_000  # lines a second, at which it is asked what they cost
SETTLED = 20.0  # seconds after which nothing is left to be done for lines that came before
RARE = 'needle-4711-haystack'
START = 1_767_323_045 * SECOND
QUESTIONS = {  # what is asked, and of grep what comes nearest
    'rare text': (RARE, ['-c', '-i', '-F', RARE]),
    'rare expression': (r'/needle-[0-9]+-hay(stack|wain)$/', ['-c', '-i', '-E', 'needle-[0-9]+-hay(stack|wain)$']),
    'field': ('took:>=99999', ['-c', '-E', 'took=[0-9]{5,}']),
    'level and text': (f'level:error {RARE}', ['-c', '-i', '-F', RARE]),
}
Figure = tuple[str, str, str]  # what, the figure, beside what


def main(count: int) -> None:
    tune_garbage_collection()
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(_measure(Path(directory), count))


async def _measure(directory: Path, count: int) -> None:
    raw = directory / 'raw.log'
    async with Store(directory / 'store', 1 << 40, 1_000_000) as store:
        await _take(store, count)
        say('memory after that', f'{usage(os.getpid()).memory:,.0f} MiB')
        await _at_pace(store)
        await store.seal()
        with raw.open('wb') as file:
            for batch in batches(count):
                file.write(b''.join([line.record for line in batch]))
        size = sum(path.stat().st_size for path in store.directory.glob('lines-*'))
        stored = store.usage().lines
        say('disk over raw', f'{size / raw.stat().st_size * count / stored:.3f}', f'{size / stored:.1f} bytes a line')
        await asyncio.to_thread(_run, ['zstd', '-q', '-3', str(raw)])
        for name, (typed, grep) in QUESTIONS.items():
            await _ask(store, name, typed, raw, grep)
        await _read(store)
    say('memory at its highest', f'{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB')


async def _take(store: Store, count: int) -> None:
    """As fast as they can be made, which takes about a tenth of the time."""
    start, before = time.monotonic(), usage(os.getpid())
    for batch in batches(count):
        await store.append(batch[0].container.service, batch)
    await store.flush()
    seconds, after = time.monotonic() - start, usage(os.getpid())
    say(
        'taken, sealed and durable',
        f'{count / seconds:,.0f} lines/s',
        f'{(after.cpu - before.cpu) / count * 1e6:.1f} µs of processor time a line, making them included',
    )


async def _at_pace(store: Store, seconds: float = 60) -> None:
    lines = list(batches(int(PACE * seconds) // 10))
    await asyncio.sleep(SETTLED)  # what came before is put together in the background
    before = usage(os.getpid())
    for batch in lines * 10:
        await store.append(batch[0].container.service, batch)
        await asyncio.sleep(len(batch) / PACE)
    await store.flush()
    after = usage(os.getpid())
    say(f'at {PACE:,} lines/s', f'{100 * (after.cpu - before.cpu) / (after.seconds - before.seconds):.1f} % of a core')


async def _ask(store: Store, name: str, typed: str, raw: Path, grep: list[str]) -> None:
    start, found = time.monotonic(), 0
    async for step in store.messages.run(parse(typed), Wanted()):
        found += len(step.messages)
    ours = time.monotonic() - start
    beside = []
    for program, file in (('grep', raw), ('zstdgrep', raw.with_suffix('.log.zst'))):
        if shutil.which(program):
            start = time.monotonic()
            counted = await asyncio.to_thread(_run, [program, *grep, str(file)])
            beside.append(f'{program} {time.monotonic() - start:.2f} s, {counted} found')
    say(f'{name}: `{typed}`', f'{ours:.2f} s, {found:,} found', '; '.join(beside))


async def _read(store: Store) -> None:
    key = ServiceKey('local', 'shop', 'service-7')
    last = store.services()[key]
    for name, work in {
        'last 1,000 lines of a service': lambda: store.lines.older(Wanted([key]), Place(last + 1), 1_000),
        '50 lines around a moment': lambda: store.lines.older(Wanted([key]), Place((START + last) // 2), 50),
        'histogram of all by level': lambda: store.lines.volume(Wanted()),
    }.items():
        took = []
        for _ in range(5):
            start = time.monotonic()
            await work()
            took.append(time.monotonic() - start)
        say(name, f'{min(took) * 1_000:,.0f} ms')


def batches(count: int) -> Iterator[list[LogLine]]:
    """Lines of many services in turn, as they come from a host; now and then a rare one."""
    chance = random.Random(15)
    texts = [line.replace(b'4711', b'%d').replace(b'17', b'%d') for line in (*MIX, b'slow took=%d')]
    containers = [
        Container(f'{number:064x}', f'shop-{number}', ServiceKey('local', 'shop', f'service-{number}'), '', 'running')
        for number in range(SERVICES)
    ]
    holes = [text.count(b'%d') for text in texts]
    for number in range(count // BATCH):
        one, start = containers[number % SERVICES], START + number * 10_000_000
        second, first = format_timestamp(start)[:20].encode(), start % SECOND  # no batch goes over the end of a second
        batch = []
        for place in range(BATCH):
            kind = (place * 7 + number) % len(texts)
            text = texts[kind]
            if holes[kind]:
                text %= tuple([int(chance.random() * 10_000) for _ in range(holes[kind])])
            batch.append(LogLine(one, 1, b'%b%09dZ %b\n' % (second, first + place * 9_000, text)))
        if number % 1_000 == 500:
            batch[7] = LogLine.of(one, start + 63_000, f'ERROR: no {RARE}\n')
            batch[8] = LogLine.of(one, start + 72_000, 'slow took=123456\n')
        yield batch


def say(*figure: str) -> None:
    print(' | '.join(figure), flush=True)


def _run(command: list[str]) -> str:
    environ = {'LC_ALL': 'C.UTF-8', 'PATH': os.environ['PATH']}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environ).stdout.strip()


if __name__ == '__main__':
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000)
