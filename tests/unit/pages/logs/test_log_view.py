"""What a page is sent: all rows once and in order, in messages of a bounded length, made a piece at a time."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from nicegui import Client
from nicegui.page import page

from dashboard.model import SECOND, Container, LogLine, ServiceKey
from dashboard.pages.logs.log_view import BLOCK, LONGEST_MESSAGE, LogView
from dashboard.pages.logs.render import LONGEST_PIECE, Renderer, render_rows
from tests.support.turns import turns

WEB = Container('c' * 64, 'shop-web-1', ServiceKey('local', 'shop', 'web'), 'web:1', 'running')
CAPACITY = 1_000
STEP = re.compile(
    r'(?P<clear>v\.replaceChildren\(\))|v\.leaving \+= (?P<leaving>\d+)'
    r'|v\.(?P<into>lastElementChild\.)?insertAdjacentHTML\("beforeend", (?P<html>".*?")\);'
)


class Browser:
    """Does what the scripts of a view say, as far as rows are concerned."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.scripts: list[str] = []

    def run(self, script: str, **_: object) -> asyncio.Future[str]:
        self.scripts.append(script)
        for step in STEP.finditer(script):
            if step['clear']:
                self.blocks = []
            elif step['leaving']:
                del self.blocks[: int(step['leaving'])]
            elif step['into']:
                self.blocks[-1] += json.loads(step['html'])
            else:
                self.blocks.append(json.loads(step['html']).removeprefix('<div class="blk">').removesuffix('</div>'))
        answer = asyncio.get_running_loop().create_future()
        answer.set_result('visible')
        return answer


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
    client.browser = Browser()
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
    assert ''.join(client.browser.blocks) == render_rows(rows, None)
    assert [block.count('<div') for block in client.browser.blocks][:-1] == [BLOCK] * (max(0, shown - 1) // BLOCK)
    assert view.rows == shown


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
