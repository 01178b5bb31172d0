"""A window on a timeline as a browser would have it, and an engine with a long log behind it."""

from __future__ import annotations

import asyncio
import json
import re

from dashboard.engine.demo import ScriptedEngine
from dashboard.errors import EngineUnavailable
from dashboard.model import SECOND
from tests.support.until import until

START, EVERY, HELD, LINES, CAPACITY = 1_767_323_045 * SECOND, SECOND // 10, 1_000, 5_000, 500
SERVICES = (['web'], ['web', 'web'], ['web', 'api', 'worker'])
ROW = re.compile(r'<div class="l[^>]*data-cursor="[^"]*".*?</time>(?:<b.*?</b> )?(\d+)</div>|<div class="g')
STEP = re.compile(
    r'(?P<clear>v\.empty\(\))|v\.leaving \+= (?P<leaving>\d+)'
    r'|v\.(?:(?P<into>grow)\(|insertAdjacentHTML\("(?P<where>\w+)", )(?P<html>".*?")(?:, "[^"]*px")?\);'
    r'|v\.(?P<which>first|last)ElementChild\.remove\(\)'
    r'|v\.dataset\.past = (?P<past>".*?");|(?P<no>delete v\.dataset\.past)|v\.more = (?P<more>\w+);'
)
BLOCK = re.compile(r'<div class="blk"[^>]*>(.*)</div>', re.DOTALL)


class Window:
    """Does what the scripts of a view say, as a browser would whose reader looks at one end or the other."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.scripts: list[str] = []
        self.past, self.said, self.more, self.answers = '', [], False, 0

    def run(self, script: str, **_: object) -> asyncio.Future[object]:
        self.scripts.append(script)
        for step in STEP.finditer('' if 'addEventListener' in script else script):
            if step['clear']:
                self.blocks, self.past = [], ''
            elif step['leaving']:
                del self.blocks[: int(step['leaving'])]
            elif step['which']:
                self.blocks.pop(0 if step['which'] == 'first' else -1)
            elif step['past'] or step['no']:
                self.past = json.loads(step['past'] or '""')
                self.said.append(self.past)
            elif step['more']:
                self.more = step['more'] == 'true'
            elif step['into']:
                self.blocks[-1] += json.loads(step['html'])
            else:
                block = BLOCK.fullmatch(json.loads(step['html']))[1]
                self.blocks.insert(0 if step['where'] == 'afterbegin' else len(self.blocks), block)
        self.answers += 'v.asked = ""' in script
        answer = asyncio.get_running_loop().create_future()
        answer.set_result(0 if 'v.leaving = 0; return' in script else 'visible')
        return answer

    @property
    def numbers(self) -> list[int | None]:
        """What stands in the rows; None for a gap."""
        return [
            int(row[1]) if row[1] else None
            for block in self.blocks
            for row in ROW.finditer(re.sub('</?mark>', '', block))
        ]


class SlowEngine(ScriptedEngine):
    """Lets those wait who ask what was long ago, while it is told to."""

    fails, asked = False, 0

    def __init__(self) -> None:
        super().__init__()
        self.ready = asyncio.Event()
        self.ready.set()

    async def logs(self, container, **options):
        if options.get('until'):
            self.asked += 1
            if self.fails:
                raise EngineUnavailable(self.address, 'it does not answer', '')
            await self.ready.wait()
        async for batch in super().logs(container, **options):
            yield batch


def write(engine, numbers) -> None:
    for number in numbers:
        one = engine.ones[number % len(engine.ones)]
        engine.write(one, engine.texts.format(number), timestamp=START + number * EVERY)


def first_held(viewer) -> int:
    return int(viewer.feed.history.slice(0)[0].text)


async def scroll(viewer, window, end='older') -> None:
    """Come near an end once, and wait for what that brings."""
    answers = window.answers
    viewer._followed(False)
    viewer._come_near(end)
    await until(lambda: window.answers > answers)
