"""Downloads that a page has begun: what it can tell of them, and how it breaks them off."""

from __future__ import annotations

import asyncio

import pytest

from dashboard.errors import BrokenOff, EngineUnavailable
from dashboard.web.transfers import LEFT, Transfers, Uncounted
from tests.support.until import PATIENCE


async def chunks(*contents, error: Exception | None = None):
    for content in contents:
        yield content
    if error:
        raise error


async def test_what_is_sent_is_counted_as_it_goes():
    transfer = Transfers().begin('ann')
    seen = []
    async for chunk in transfer.counted(chunks(b'one', b'', b'three')):
        seen.append((chunk, transfer.bytes, transfer.ended))
    assert seen == [(b'one', 3, False), (b'', 3, False), (b'three', 8, False)]
    assert (transfer.ended, transfer.error) == (True, '')


async def test_a_transfer_is_cancelled_also_while_nothing_comes():
    transfer, ended = Transfers().begin('ann'), asyncio.Event()

    async def endless():
        try:
            yield b'one'
            await asyncio.Event().wait()
        finally:
            ended.set()

    source = transfer.counted(endless())
    assert await anext(source) == b'one'
    asyncio.get_running_loop().call_soon(transfer.cancel)
    with pytest.raises(BrokenOff):
        await asyncio.wait_for(anext(source), PATIENCE)
    assert ended.is_set(), 'nothing more is read'
    assert (transfer.ended, transfer.error) == (True, 'You have cancelled this download.')


async def test_why_it_was_not_sent_whole_is_told_in_words():
    transfer = Transfers().begin('ann')
    with pytest.raises(EngineUnavailable):
        async for _ in transfer.counted(chunks(b'one', error=EngineUnavailable('here', 'it is away', 'Start it.'))):
            pass
    assert 'it is away' in transfer.error
    left = Transfers().begin('ann')
    source = left.counted(chunks(b'one', b'two'))
    await anext(source)
    await source.aclose()
    assert (left.ended, left.error) == (True, LEFT)


def test_a_request_is_the_transfer_of_its_own_user_and_only_once():
    transfers = Transfers()
    transfer = transfers.begin('ann')
    for name, owner in (('', 'ann'), ('other', 'ann'), (transfer.name, 'bob')):
        with transfers.asked(name, owner) as sending:
            assert isinstance(sending, Uncounted)
    assert not transfer.asked
    with transfers.asked(transfer.name, 'ann') as sending:
        assert sending is transfer
    with transfers.asked(transfer.name, 'ann') as sending:
        assert isinstance(sending, Uncounted)


def test_a_request_that_is_refused_has_ended_and_what_nobody_keeps_is_forgotten():
    transfers = Transfers()
    transfer = transfers.begin('ann')
    with pytest.raises(BrokenOff), transfers.asked(transfer.name, 'ann'):
        raise BrokenOff
    assert (transfer.ended, transfer.error) == (True, 'You have cancelled this download.')
    del transfer
    transfers.begin('ann')
    assert not transfers._known
