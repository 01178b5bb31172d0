"""How a user wants the pages to look."""

from __future__ import annotations

from dashboard.access.accounts import Accounts
from dashboard.pages.preferences import AT_ONCE, Preferences
from tests.support.app import CHEAP
from tests.support.until import until
from tests.unit.access.test_unavailable import locked


async def test_many_changes_are_few_writes_and_the_last_one_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr('dashboard.pages.preferences.PAUSE', 0.05)
    accounts = Accounts(tmp_path, hasher=CHEAP)
    accounts.users.add('ann', 'correct horse')
    writes, write = [], accounts.users.save_preferences
    monkeypatch.setattr(accounts.users, 'save_preferences', lambda *values: writes.append(1) or write(*values))
    preferences = Preferences(accounts, 'ann')
    preferences.save('wrap', False)
    assert accounts.users.preferences('ann')['wrap'] is False  # the first at once: a page opened now has it
    for number in range(1_000):
        preferences.save('utc', number % 2 == 0)
    preferences.save('utc', 'last')
    await until(lambda: accounts.users.preferences('ann')['utc'] == 'last')
    assert AT_ONCE < len(writes) < 5 * AT_ONCE


async def test_what_cannot_be_written_now_is_written_later(tmp_path, monkeypatch):
    monkeypatch.setattr('dashboard.errors.AccountsUnavailable.retry_after', 0.05)
    accounts = Accounts(tmp_path, hasher=CHEAP)
    accounts.users.add('ann', 'correct horse')
    preferences = Preferences(accounts, 'ann')
    with locked(accounts._store.path):
        preferences.save('utc', True)
    await until(lambda: accounts.users.preferences('ann').get('utc'))
