"""The last lines are one JSON object, however long: sent as they are read, with bounded memory and work at one go."""

from __future__ import annotations

import json

import pytest

from dashboard.api.recent import WHOLE, Answer, last_of
from dashboard.errors import EngineUnavailable
from dashboard.model import SECOND, Container, Gap, LogLine, ServiceKey
from dashboard.timeline.pieces import BYTES, HELD_BYTES
from tests.support.turns import turns

WEB = Container('c' * 64, 'shop-web-1', ServiceKey('local', 'shop', 'web'), 'web:1', 'running')
START = 1_767_323_045 * SECOND
TEXT = 'é "quoted" \\ \x1b[31m\u2028 '


def lines(count: int, size: int = 100) -> list[LogLine]:
    return [LogLine.of(WEB, START + number, f'{number} {TEXT}'.ljust(size, 'x')) for number in range(count)]


class Source:
    """Gives batches, and remembers how many bytes it has given."""

    def __init__(self, *batches: list, error: Exception | None = None) -> None:
        self.batches, self.error, self.given = batches, error, 0

    async def rows(self):
        for batch in self.batches:
            self.given += sum(len(row.record) for row in batch if isinstance(row, LogLine))
            yield batch
        if self.error:
            raise self.error


async def body_of(response) -> bytes:
    if not hasattr(response, 'body_iterator'):
        return response.body
    return b''.join([part async for part in response.body_iterator])


@pytest.mark.parametrize('timestamps', [True, False])
@pytest.mark.parametrize(('count', 'size'), [(0, 0), (1, 100), (250, 100), (3_000, 1_000), (10, BYTES)])
async def test_whether_it_is_streamed_or_not_the_answer_is_the_same_to_the_byte(count, size, timestamps):
    rows, noted = lines(count, size), []
    gap = Gap(START, START + 1, 5, 'why')
    source = Source([gap, *rows[: count // 2]], rows[count // 2 :])
    response = await Answer(source.rows(), 'wéb', timestamps).response(noted.append)
    texts = [f'{row.stamp} {row.text}' if timestamps else row.text for row in rows]
    wanted = {'logs': texts, 'service': 'wéb', 'count': count, 'gaps': [
        {'type': 'gap', 'missed': 5, 'from': '2026-01-02T03:04:05.000000000Z', 'to': '2026-01-02T03:04:05.000000001Z',
         'reason': 'why'}
    ]}  # fmt: skip
    assert await body_of(response) == json.dumps(wanted, ensure_ascii=False, separators=(',', ':')).encode()
    assert ('content-length' in response.headers) is (count * size < WHOLE)
    assert response.headers['content-type'] == 'application/json'
    assert noted == [count]


async def test_what_is_long_is_read_no_faster_than_it_is_sent():
    batch = lines(100, 10_000)
    source = Source(*[batch] * 50)
    response = await Answer(source.rows(), 'web', True).response(lambda _: None)
    sent = 0
    async for part in response.body_iterator:
        sent += len(part)
        assert source.given <= sent + WHOLE + 2 * 100 * 10_100
    assert sent > 50 * 1_000_000


async def test_a_long_answer_is_made_in_pieces_with_turns_for_others_between():
    response = await Answer(Source(lines(3, 10), lines(1_000, 4_000)).rows(), 'web', True).response(lambda _: None)
    async with turns() as counted:
        async for part in response.body_iterator:
            counted.note(len(part))
    assert counted.most < WHOLE + 2 * BYTES, 'the beginning, which was ready'
    assert sorted(counted.work.values())[-2] <= 2 * BYTES


async def test_an_error_before_anything_is_sent_is_raised():
    with pytest.raises(EngineUnavailable):
        await Answer(Source(lines(10), error=gone()).rows(), 'web', True).response(lambda _: None)


async def test_an_error_half_way_is_told_at_the_end_of_the_lines_that_came():
    noted = []
    response = await Answer(Source(lines(100, 20_000), error=gone()).rows(), 'web', True).response(noted.append)
    answer = json.loads(await body_of(response))
    assert len(answer['logs']) == answer['count'] == 100
    assert 'it does not answer' in answer['error']
    assert noted == [100]


def gone() -> EngineUnavailable:
    return EngineUnavailable('unix:///x', 'it does not answer', '')


async def all_of(batches) -> list:
    return [row async for batch in batches for row in batch]


async def test_of_what_follows_a_cursor_the_last_lines_are_answered_after_a_gap():
    rows = lines(30)
    gap = Gap(START, START, None, 'removed')
    assert await all_of(last_of(Source(rows[:20], [gap], rows[20:]).rows(), 30, START)) == [gap, *rows]
    assert await all_of(last_of(Source(rows[:20], rows[20:]).rows(), 7, START - 1)) == [
        Gap(START - 1, rows[23].timestamp, 23, 'only the last 7 were asked for'),
        *rows[23:],
    ]


async def test_of_lines_that_are_too_long_to_be_held_a_gap_tells():
    batch = lines(10, 1_000_000)
    first, *rest = await all_of(last_of(Source(*[batch] * 6).rows(), 1_000, START))
    assert sum(len(row.record) for row in rest) <= HELD_BYTES
    assert (first.missed, first.reason) == (60 - len(rest), 'they are too long for one answer')
    assert first.end == rest[0].timestamp
