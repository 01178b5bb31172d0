"""What a download of the page asks for, and what is told of it."""

from __future__ import annotations

from datetime import UTC, date
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from dashboard.lines import Range
from dashboard.model import SECOND
from dashboard.pages.logs import under_way
from dashboard.pages.logs.clock import Clock
from dashboard.pages.logs.downloads import BETWEEN, HERE, WHOLE, Wanted
from dashboard.pages.logs.range_bar import in_words
from dashboard.pages.logs.under_way import REFUSED, _File
from dashboard.pages.parts import size_in_words
from dashboard.web import Transfers

NOON = 1_763_985_600 * SECOND  # 2025-11-24T12:00:00Z


def tab(range_=None, term='', level=''):
    return SimpleNamespace(
        preferences=SimpleNamespace(on=lambda name: True),
        viewer=SimpleNamespace(first_row=7, term=term),
        link=SimpleNamespace(service='web,shop:api', level=level),
        range=range_ or Range(),
    )


@pytest.mark.parametrize(
    ('wanted', 'asked'),
    [
        (Wanted(HERE), {'held': '7', 'filter': 'a&b', 'level': 'error'}),
        (Wanted(WHOLE, filtered=False, format='jsonl'), {}),
        (
            Wanted(BETWEEN),
            {
                'from': '2025-11-24T12:00:00.000000000Z',
                'to': '2025-11-24T12:00:01.000000001Z',
                'filter': 'a&b',
                'level': 'error',
            },
        ),
    ],
)
def test_what_was_chosen_is_in_the_address(wanted, asked):
    address = urlsplit(wanted.address(tab(Range(NOON, NOON + SECOND + 1), 'a&b', 'error'), 'named'))
    assert address.path == '/api/logs/web%2Cshop%3Aapi/download'
    fixed = {'format': wanted.format, 'timestamps': 'true', 'transfer': 'named'}
    assert {name: value for name, (value,) in parse_qs(address.query).items()} == asked | fixed


def test_a_range_that_is_open_leaves_a_side_out():
    assert 'to=' not in Wanted(BETWEEN).address(tab(Range(NOON)))
    assert 'from=' not in Wanted(BETWEEN).address(tab(Range(None, NOON)))


@pytest.mark.parametrize(
    ('size', 'words'),
    [
        (0, '0 bytes'), (1, '1 byte'), (999, '999 bytes'), (1_000, '1.0 kB'), (12_400_000, '12.4 MB'),
        (3 * 10**9, '3.0 GB'), (4 * 10**12, '4.0 TB'),
    ],
)  # fmt: skip
def test_a_size_is_told_in_a_unit_that_can_be_read(size, words):
    assert size_in_words(size) == words


def test_a_range_is_told_on_the_readers_clock():
    clock = Clock(ZoneInfo('Europe/Berlin'), date(2025, 11, 24))
    assert in_words(Range(NOON, NOON + 90 * SECOND), clock) == '13:00:00 – 13:01:30'
    assert in_words(Range(NOON), clock) == 'from 13:00:00 on'
    assert in_words(Range(None, NOON), Clock(UTC, date(2025, 11, 25))) == 'up to 2025-11-24 12:00:00 UTC'


@pytest.fixture
def now(monkeypatch):
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(under_way, 'time', SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def file_of(transfer, now):
    return _File(transfer, 'web', begun=now.now)


def looked(file, now, seconds):
    now.now += seconds
    file.look()
    return file.is_long, file.is_over, file._state()


def test_a_quick_download_is_never_told_of(now):
    transfer = Transfers().begin('ann')
    file = file_of(transfer, now)
    assert looked(file, now, 0.5)[:2] == (False, False)
    transfer.asked = transfer.ended = True
    assert looked(file, now, 0.3)[:2] == (False, True)


def test_a_long_one_is_told_of_until_a_while_after_its_end(now):
    transfer = Transfers().begin('ann')
    file = file_of(transfer, now)
    transfer.asked = True
    assert looked(file, now, 1.5) == (True, False, 'waiting for its first lines …')
    transfer.bytes = 12_400_000
    assert looked(file, now, 60) == (True, False, '12.4 MB so far')
    transfer.ended = True
    assert looked(file, now, 0.5) == (True, False, '12.4 MB, complete')
    assert looked(file, now, 7)[1]


def test_why_one_was_not_sent_whole_is_told_also_when_that_was_at_once(now):
    transfer = Transfers().begin('ann')
    file = file_of(transfer, now)
    transfer.asked, transfer.ended, transfer.error = True, True, 'Service web not found'
    assert looked(file, now, 0.1) == (True, False, 'Service web not found')


def test_one_that_the_browser_never_asks_for_is_told_of(now):
    file = file_of(Transfers().begin('ann'), now)
    assert looked(file, now, 9)[1:] == (False, 'waiting for its first lines …')
    assert looked(file, now, 2)[1:] == (False, REFUSED)
    assert looked(file, now, 7)[1]
