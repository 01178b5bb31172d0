"""What lines over time cost the server, second by second: counted as they come, and drawn."""

from __future__ import annotations

import asyncio
import json
import time
from types import SimpleNamespace

from dashboard.lines import histogram
from dashboard.model import SECOND, Container, LogLine, ServiceKey
from dashboard.pages.logs.clock import Clock
from dashboard.pages.logs.histogram import TABLE_EVERY, name_of_bar, options_of, table_of
from dashboard.pages.logs.tally import Tally
from dashboard.timeline import History
from dashboard.view import Lens
from tests.benchmarks.machine import PAYLOAD

BEGIN = 1_767_323_045 * SECOND
WORDS = ('INFO: ', 'DEBUG: ', '', 'WARN: ', 'ERROR: ')


async def costs(rate: int, seconds: int) -> tuple[float, float, float]:
    """Shares of one core: of counting, which the levels above the log need as well, and of drawing all or a part of it.

    :param rate: lines a second
    """
    container = Container('c' * 64, 'shop-web-1', ServiceKey('local', 'shop', 'web'), 'web:1', 'running')
    history, clock = History(50_000, 64 << 20), Clock()
    tally, lens, spent = Tally(SimpleNamespace(history=history)), Lens(), [0.0, 0.0, 0.0]
    for second in range(seconds):
        moment = BEGIN + second * SECOND
        texts = [f'{WORDS[number % len(WORDS)]}{PAYLOAD} {number}\n' for number in range(rate)]
        history.append([LogLine.of(container, moment + n * SECOND // rate, text) for n, text in enumerate(texts)])
        times = [time.process_time()]
        tally._due = 0.0
        await tally.look(lens)
        for first in (history.first, history.first + 1):
            times.append(time.process_time())
            shown = histogram((await tally.volume(first))[0])
            names = [name_of_bar(bar, shown.step, clock) for bar in shown.bars]
            json.dumps(options_of(shown, names, asked=False))
            if second % TABLE_EVERY == 0:
                table_of(shown, names, asked=False)
        times.append(time.process_time())
        spent = [sum_ + end - begin for sum_, begin, end in zip(spent, times, times[1:], strict=False)]
    counting, all_, part = (seconds_of / seconds for seconds_of in spent)
    return counting, all_, part


def measured(rate: int, seconds: int) -> tuple[float, float, float]:
    """The same, from outside an event loop."""
    return asyncio.run(costs(rate, seconds))
