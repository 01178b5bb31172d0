"""What a page is sent: all rows once and in order, in messages of a bounded length, made a piece at a time."""

from __future__ import annotations

import asyncio
import re

import pytest
from nicegui import Client
from nicegui.page import page

from dashboard.model import SECOND, Container, LogLine, ServiceKey
from dashboard.pages.logs.log_view import BLOCK, LONGEST_MESSAGE, LogView
from dashboard.pages.logs.render import LONGEST_PIECE, Renderer, render_rows
from tests.support.turns import turns
from tests.support.until import until
from tests.support.window import Window

WEB = Container('c' * 64, 'shop-web-1', ServiceKey('local', 'shop', 'web'), 'web:1', 'running')
CAPACITY = 1_000


class Watched(Renderer):
    """Notes how much is rendered in a turn of the loop."""

    def __init__(self, rows: int, counted) -> None:
        super().__init__(rows, None)
        self.counted = counted

    def piece(self, rows):
        made = super().piece(rows)
        self.counted.note(len(made[1]))
        return made


@pytest.fixture
async def client(monkeypatch):
    client = Client(page('/logs'), request=None)
    client.browser = Window()
    monkeypatch.setattr(client, 'run_javascript', client.browser.run)
    yield client
    client.delete()


def lines(count: int, size: int = 10) -> list[LogLine]:
    return [LogLine.of(WEB, SECOND * number, str(number).ljust(size, '.')) for number in range(count)]


def view_of(client: Client, renderer) -> LogView:
    with client:
        return LogView(renderer, CAPACITY, lambda _: None, lambda _: None, lambda _: None)


@pytest.mark.parametrize('sizes', [[0], [1], [BLOCK], [3 * BLOCK + 1], [10, BLOCK, 7, 2 * BLOCK, 1_300]])
async def test_all_rows_are_shown_once_in_order_in_blocks(client, sizes):
    view, rows = view_of(client, lambda count: Renderer(count, None)), lines(sum(sizes))
    shown = 0
    await view.replace([])
    for size in sizes:
        assert await view.append(rows[shown : shown + size], follow=False)
        shown += size
    assert await view.answered()
    assert ''.join(client.browser.blocks) == render_rows(rows, None)
    assert [block.count('<div') for block in client.browser.blocks][:-1] == [BLOCK] * (max(0, shown - 1) // BLOCK)
    assert view.rows == shown


async def test_a_block_is_thought_to_be_as_high_as_all_its_rows_also_when_they_came_bit_by_bit(client):
    view = view_of(client, lambda count: Renderer(count, None))
    await view.replace([])
    for count in (2, 100, BLOCK - 102):
        await view.append(lines(count), follow=True)
    await view.answered()
    assert re.findall(r'(?:auto )?\d+px', ''.join(client.browser.scripts)) == ['40px', '2040px', 'auto 5000px']


async def test_a_flush_is_made_while_the_one_before_is_shown_and_sent_when_that_was(client, monkeypatch):
    view, answers = view_of(client, lambda count: Renderer(count, None)), []

    def run(script, **_):
        client.browser.run(script)
        answers.append(asyncio.get_running_loop().create_future())
        return answers[-1]

    await view.replace([])
    monkeypatch.setattr(client, 'run_javascript', run)
    assert await view.append(lines(1), follow=True)
    second = asyncio.create_task(view.append(lines(1), follow=True))
    await until(lambda: answers)
    await asyncio.sleep(0.02)
    assert (len(answers), second.done(), view.rows) == (1, False, 1)
    answers[0].set_result(None)
    assert not await second, 'the browser has not shown the first'
    await until(lambda: len(answers) == 2)
    answers[1].set_result('hidden')
    assert await view.answered()
    assert view.hidden


async def test_a_browser_too_slow_for_a_flush_has_longer_for_the_next_ones_until_it_answers(client, monkeypatch):
    view, waited, answers = view_of(client, lambda count: Renderer(count, None)), [], [None] * 4 + ['visible', None]

    async def run(script, timeout):
        waited.append(timeout)
        if (answer := answers.pop(0)) is None:
            raise TimeoutError
        return answer

    monkeypatch.setattr(client, 'run_javascript', run)
    assert [await view.replace([]) for _ in range(6)] == [False, False, False, False, True, False]
    assert [seconds / waited[0] for seconds in waited] == [1, 2, 4, 4, 4, 1]


async def test_a_view_that_follows_keeps_its_capacity(client):
    view, rows = view_of(client, lambda count: Renderer(count, None)), lines(3 * CAPACITY)
    await view.replace(rows)
    assert ''.join(client.browser.blocks) == render_rows(rows[-CAPACITY:], None)
    assert view.rows == CAPACITY


async def test_long_rows_are_made_in_pieces_and_sent_in_bounded_messages(client):
    rows = lines(400, size=8_000)
    async with turns() as counted:
        await view_of(client, lambda count: Watched(count, counted)).replace(rows)
    assert ''.join(client.browser.blocks) == render_rows(rows, None)
    assert counted.most <= LONGEST_PIECE + 10_000
    assert max(map(len, client.browser.scripts)) < LONGEST_MESSAGE + LONGEST_PIECE + 20_000


async def test_no_two_pieces_that_take_their_time_are_made_in_one_turn(client, monkeypatch):
    monkeypatch.setattr('dashboard.pages.logs.render.PIECE', 0)
    async with turns() as counted:
        await view_of(client, lambda count: Watched(count, counted)).replace(lines(50))
    assert counted.most < 2 * len(render_rows(lines(1), None))
