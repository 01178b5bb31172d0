"""A disk that is full or read-only, and then is not: nothing is lost or there twice, and words say what is wrong."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time

import pytest

from dashboard.errors import StoreUnavailable
from dashboard.model import SECOND, Gap, LogLine
from dashboard.store import Store
from dashboard.store import store as module
from tests.support.until import PATIENCE, until
from tests.unit.store.conftest import START, container, everything

WEB, API = container('web'), container('api')
ROUND = 500


@pytest.fixture
def small_disk(tmp_path):
    """A directory on a file system of 8 MiB."""
    place = tmp_path / 'disk'
    place.mkdir()
    mount = ['mount', '-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', str(place)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip('only root can mount a small file system')
    yield place
    subprocess.run(['umount', '-l', str(place)], check=True)


async def test_lines_wait_while_the_disk_is_full(small_disk, monkeypatch):
    monkeypatch.setattr(module, 'FIRST_RETRY', 0.05)
    ballast, written = small_disk / 'ballast', []
    async with Store(small_disk / 'store', 1 << 30, 1_000_000, gather=0) as store:
        ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - 300_000))
        deadline = time.monotonic() + PATIENCE
        while store.health.recording:
            assert time.monotonic() < deadline
            start = START + len(written) * SECOND
            lines = [LogLine.of(WEB, start + number, f'{os.urandom(100).hex()}\n') for number in range(ROUND)]
            written += lines
            await store.append(WEB.service, lines)
            await store.flush()
        assert 'is full' in store.health.words
        ballast.unlink()
        await until(lambda: store.health.recording)
        await store.flush()
        assert [row.record for row in await everything(store)] == [line.record for line in written]


async def test_lines_wait_while_the_disk_is_read_only_and_what_is_sealed_is_read(small_disk, monkeypatch):
    monkeypatch.setattr(module, 'FIRST_RETRY', 0.05)
    lines = [LogLine.of(WEB, START + number, f'{number}\n') for number in range(20)]
    async with Store(small_disk / 'store', 1 << 30, 1_000_000, gather=0) as store:
        await store.append(WEB.service, lines[:10])
        await store.seal()
    remount(small_disk, 'ro')
    async with Store(small_disk / 'store', 1 << 30, 1_000_000, gather=0) as store:
        assert 'cannot be written' in store.health.words
        assert 'make it writable' in store.health.words
        assert len(await everything(store)) == 10
        await store.append(WEB.service, lines[10:])
        remount(small_disk, 'rw')
        await asyncio.wait_for(store.opened(), PATIENCE)
        await store.flush()
        assert [row.record for row in await everything(store)] == [line.record for line in lines]


async def test_what_cannot_be_removed_from_a_read_only_disk_is_said_and_stays(small_disk, monkeypatch):
    monkeypatch.setattr(module, 'FIRST_RETRY', 600)
    async with Store(small_disk / 'store', 1 << 30, 1_000_000, gather=0) as store:
        await store.append(WEB.service, [LogLine.of(WEB, START + number, f'{number}\n') for number in range(10)])
        await store.seal()
    remount(small_disk, 'ro')
    async with Store(small_disk / 'store', 1 << 30, 1_000_000, gather=0) as store:
        with pytest.raises(StoreUnavailable, match=r'cannot be written\. Make it writable for the dashboard\.$'):
            await store.purge(WEB.service)
        assert (store.usage().lines, len(await everything(store))) == (10, 10)


async def test_a_full_disk_gets_room_by_purging(small_disk, monkeypatch):
    monkeypatch.setattr(module, 'FIRST_RETRY', 600)
    async with Store(small_disk / 'store', 1 << 30, 1_000_000, gather=0) as store:
        await store.append(API.service, noise(API, 5_000))
        await store.seal()
        await fill(small_disk, store)
        await store.purge(API.service)
        assert set(store.services()) == {WEB.service}
        await until(lambda: store.health.recording)
        assert store.health.notes == ()
        assert not [row for row in await everything(store) if isinstance(row, Gap)]


async def test_a_full_disk_gets_room_by_a_smaller_budget(small_disk, monkeypatch):
    monkeypatch.setattr(module, 'FIRST_RETRY', 0.05)
    async with Store(small_disk / 'store', 1 << 30, 1_000_000, gather=0) as store:
        for round_ in range(3):
            await store.append(API.service, noise(API, 5_000, start=START + round_ * SECOND))
            await store.seal()
        await fill(small_disk, store)
    async with Store(small_disk / 'store', 2_000_000, 1_000_000, gather=0) as store:
        *_, last = lines = noise(WEB, ROUND, start=START + 10**6 * SECOND)
        await store.append(WEB.service, lines)
        await until(lambda: store.cursors.get(WEB.short_id, (0, START))[1] == last.cursor)
        await until(lambda: store.health.recording)
        assert (await everything(store, keys=[WEB.service]))[-1].record == last.record


async def test_a_disk_that_stays_full_is_never_said_to_be_recorded_on(small_disk, monkeypatch):
    monkeypatch.setattr(module, 'FIRST_RETRY', 0.01)
    told, say = [], Store._say
    async with Store(small_disk / 'store', 1 << 30, 1_000_000, gather=0) as store:
        await fill(small_disk, store)
        monkeypatch.setattr(Store, '_say', lambda self, *how: told.append(how[0]) or say(self, *how))
        await until(lambda: len(told) >= 3)
        assert not any(told)


async def fill(disk, store):
    """Leave no room, and write until that is noticed."""
    (disk / 'ballast').write_bytes(bytes(shutil.disk_usage(disk).free - 300_000))
    for start in range(0, 20_000, ROUND):
        await store.append(WEB.service, noise(WEB, ROUND, start=START + start * SECOND))
        await store.flush()
        if not store.health.recording:
            return
    pytest.fail('it was never full')


def noise(one, count, start=START):
    return [LogLine.of(one, start + number, f'{os.urandom(100).hex()}\n') for number in range(count)]


def remount(place, how):
    subprocess.run(['mount', '-o', f'remount,{how}', str(place)], check=True)
