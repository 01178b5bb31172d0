"""What stands beside a line in the engine's logs is found exactly, however many lines were written since."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from dashboard.engine.demo import ScriptedEngine
from dashboard.model import SECOND, LogLine
from dashboard.timeline.beside import Beside, lines_beside, name_of
from dashboard.timeline.resume import LOOK_BACK

START, EVERY = 1_767_323_045 * SECOND, 1_000
LINES = 5_000


@pytest.fixture
def engine():
    """Two containers that write in turn, the lines 0, 2, 4 … and 1, 3, 5 …; the second one falls silent half-way."""
    engine = ScriptedEngine()
    engine.ones = engine.add('web'), engine.add('web')
    for number in range(LINES):
        if number % 2 == 0 or number < LINES // 2:
            engine.write(engine.ones[number % 2], str(number), timestamp=START + number * EVERY)
    return engine


ALL = [number for number in range(LINES) if number % 2 == 0 or number < LINES // 2]


async def beside(engine, number, *, forward=False, most=100, after=None, **options):
    line = next(line for line in await everything(engine) if line.text == str(number))
    service = type('Service', (), {'containers': engine.ones})
    asked = Beside(line.cursor, most, forward, after if after is not None else {}, line.timestamp + SECOND, **options)
    found = []
    async with aclosing(lines_beside(engine, service, asked, None)) as batches:
        async for batch in batches:
            found += [int(row.text) for row in batch]
    return found, asked


async def everything(engine):
    return [line for one in engine.ones async for batch in engine.logs(one) for line in batch]


@pytest.mark.parametrize('number', [4_998, 3_000, 2_499, 2_400, 101, 100])
async def test_the_lines_before_one_are_those_right_before_it(engine, number):
    found, asked = await beside(engine, number)
    place = ALL.index(number)
    assert found == ALL[place - 100 : place]
    assert (asked.found, asked.ended) == (True, place == 100)


@pytest.mark.parametrize('number', [0, 100, 2_400, 2_499, 3_000, 4_998])
async def test_the_lines_after_one_are_those_right_after_it(engine, number):
    found, asked = await beside(engine, number, forward=True)
    place = ALL.index(number)
    assert found == ALL[place + 1 : place + 101]
    assert (asked.found, asked.ended) == (True, number == 4_998)


async def test_going_back_step_by_step_gives_each_line_once_and_says_where_the_log_begins(engine):
    after, found, ended = {}, [4_998], False
    while not ended:
        lines, asked = await beside(engine, found[0], most=300, after=after)
        found, ended = lines + found, asked.ended
    assert found == ALL
    for name, count in after.items():
        one = next(one for one in engine.ones if one.short_id == name)
        assert count >= sum(number % 2 == engine.ones.index(one) for number in ALL) - 700


async def test_lines_of_which_the_container_has_removed_those_before_end_there(engine):
    lines = await everything(engine)
    for one in engine.ones:
        engine.rotate(one, 500)
    kept = sorted(int(line.text) for line in await everything(engine))
    asked = Beside(lines[2_000 // 2].cursor, 100, False, {}, lines[1_000].timestamp + SECOND)
    service = type('Service', (), {'containers': engine.ones})
    found = [row async for batch in lines_beside(engine, service, asked, None) for row in batch]
    assert [int(row.text) for row in found] == [n for n in kept if n < 2_000][-100:]
    assert not asked.found


async def test_what_is_held_is_not_given(engine):
    held = {
        (line.container.short_id, line.record[:30], line.ordinal)
        for line in await everything(engine)
        if int(line.text) >= 2_000
    }
    found, asked = await beside(engine, 2_000, held=held, joins=True)
    assert found == ALL[1_900:2_000]
    assert not asked.ended


class Decoded(ScriptedEngine):
    """Numbers lines of one timestamp as they come, as a decoder does: in what is read from the middle, wrongly."""

    async def logs(self, container, **options):
        last, count = b'', 0
        async for batch in super().logs(container, **options):
            lines = []
            for line in batch:
                count = count + 1 if line.record[:30] == last else 0
                last = line.record[:30]
                lines.append(LogLine(line.container, line.stream, line.record, count))
            yield lines


@pytest.mark.parametrize('short', range(3))
async def test_lines_of_one_timestamp_keep_their_names_where_reading_begins_among_them(short):
    engine = Decoded()
    engine.ones = (engine.add('web'),)
    for number in range(LINES):
        engine.write(engine.ones[0], str(number), timestamp=START + number // 3 * EVERY)
    known = {name_of(line): line.text for line in await everything(engine)}
    line = (await everything(engine))[3_000]
    after = {engine.ones[0].short_id: LINES - 3_000 - LOOK_BACK - short}  # so that fewer come than are wanted
    asked = Beside(line.cursor, 100, False, after, line.timestamp + SECOND)
    service = type('Service', (), {'containers': engine.ones})
    found = [row async for batch in lines_beside(engine, service, asked, None) for row in batch]
    assert [int(row.text) for row in found] == list(range(3_000 - len(found), 3_000))
    assert all(known[name_of(row)] == row.text for row in found)
    assert len(found) > 90
