"""What the tests of the store share: a directory, a store in it, and lines to keep."""

from __future__ import annotations

import pytest

from dashboard.model import SECOND, Container, LogLine, ServiceKey
from dashboard.store import Store

START = 1_767_323_045 * SECOND  # 2026-01-02T03:04:05Z


def container(service='web', number=1, project='shop'):
    """A container of a service."""
    identity = f'{service}{project}{number}'.encode().hex().ljust(64, '0')[:64]
    return Container(identity, f'{project}-{service}-{number}', ServiceKey('local', project, service), '', 'running')


def lines_of(one, count, *, start=START, every=1_000_000, text='line {}'):
    """So many lines of a container, a millisecond apart."""
    return [LogLine.of(one, start + index * every, text.format(index) + '\n') for index in range(count)]


@pytest.fixture
def directory(tmp_path):
    return tmp_path / 'store'


@pytest.fixture
def make(directory):
    """Makes a store in the test's directory; nothing in it is too old."""

    def make(**options):
        return Store(directory, **({'budget': 1 << 30, 'days': 1_000_000, 'gather': 0.01} | options))

    return make


@pytest.fixture
async def store(make):
    async with make() as store:
        yield store


async def everything(store, **wanted):
    """All rows of a store, in their order."""
    from dashboard.store import Wanted

    return [row async for rows in store.lines.between(Wanted(**wanted)) for row in rows]
