"""Filters that are kept by name: for oneself, and by administrators for everybody."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from dashboard.access import filters as filters_module
from dashboard.access.accounts import Accounts
from dashboard.access.filters import SavedFilter
from dashboard.access.schema import MIGRATIONS
from dashboard.errors import BadRequest, NotAllowed
from tests.support.app import CHEAP, PASSWORD

SLOW = SavedFilter('Slow', 'took:>500', 'warn', False)
FOR_ALL = replace(SLOW, name='Everybody', for_all=True)


@pytest.fixture
def accounts(tmp_path):
    accounts = Accounts(tmp_path, hasher=CHEAP)
    for name in ('ann', 'bob'):
        accounts.users.add(name, PASSWORD)
    return accounts


def who(accounts, name):
    return accounts.identify(accounts.issue(name))


def test_a_saved_filter_is_its_users_own_and_one_of_the_same_name_takes_its_place(accounts):
    ann, bob = who(accounts, 'ann'), who(accounts, 'bob')
    accounts.filters.save(ann, SLOW)
    accounts.filters.save(bob, replace(SLOW, filter='took:>9'))
    accounts.filters.save(ann, replace(SLOW, name='  slow ', filter='took:>700', level=''))
    assert accounts.filters.of(ann) == [replace(SLOW, filter='took:>700', level='')]
    assert accounts.filters.of(bob) == [replace(SLOW, filter='took:>9')]


def test_one_for_everybody_is_an_administrators_to_save_rename_and_remove(accounts):
    ann, bob = who(accounts, 'ann'), who(accounts, 'bob')
    accounts.filters.save(ann, FOR_ALL)
    accounts.filters.save(bob, replace(FOR_ALL, for_all=False))
    assert [saved.for_all for saved in accounts.filters.of(bob)] == [False, True]
    for refused in (
        lambda: accounts.filters.save(bob, FOR_ALL),
        lambda: accounts.filters.rename(bob, FOR_ALL, 'x'),
        lambda: accounts.filters.remove(bob, FOR_ALL),
    ):
        with pytest.raises(NotAllowed):
            refused()
    accounts.filters.rename(ann, FOR_ALL, 'All')
    assert accounts.filters.of(ann) == [replace(FOR_ALL, name='All')]
    accounts.filters.remove(ann, replace(FOR_ALL, name='All'))
    assert accounts.filters.of(ann) == []
    assert len(accounts.filters.of(bob)) == 1


def test_what_does_not_do_is_refused_in_words(accounts, monkeypatch):
    monkeypatch.setattr(filters_module, 'MOST', 2)
    ann = who(accounts, 'ann')
    for name in ('', '  ', 'x' * 61, 'a\0b'):
        with pytest.raises(BadRequest, match='1 to 60 characters'):
            accounts.filters.save(ann, replace(SLOW, name=name))
    with pytest.raises(BadRequest, match='nothing to save'):
        accounts.filters.save(ann, replace(SLOW, filter='', level=''))
    for name in ('one', 'two'):
        accounts.filters.save(ann, replace(SLOW, name=name))
    with pytest.raises(BadRequest, match='remove one first'):
        accounts.filters.save(ann, replace(SLOW, name='three'))
    with pytest.raises(BadRequest, match='already'):
        accounts.filters.rename(ann, replace(SLOW, name='one'), 'TWO')
    with pytest.raises(BadRequest, match='any more'):
        accounts.filters.rename(ann, replace(SLOW, name='three'), 'four')
    accounts.filters.save(ann, FOR_ALL)


def test_what_a_user_has_saved_goes_with_the_account_and_what_is_everybodys_stays(accounts):
    ann, bob = who(accounts, 'ann'), who(accounts, 'bob')
    accounts.users.set_rights('bob', is_admin=True)
    accounts.filters.save(who(accounts, 'bob'), FOR_ALL)
    accounts.filters.save(bob, SLOW)
    accounts.users.remove('bob')
    accounts.users.add('bob', PASSWORD)
    assert accounts.filters.of(who(accounts, 'bob')) == accounts.filters.of(ann) == [FOR_ALL]


def test_a_database_of_the_version_before_gets_their_table_and_keeps_its_users(tmp_path):
    with sqlite3.connect(tmp_path / 'dashboard.db') as database:
        for statements in MIGRATIONS[:2]:
            for statement in statements:
                database.execute(statement)
        database.execute('PRAGMA user_version = 2')
        database.execute("INSERT INTO users (username, password, is_admin, created) VALUES ('ann', 'x', 1, 0)")
    database.close()
    accounts = Accounts(tmp_path, hasher=CHEAP)
    accounts.filters.save(who(accounts, 'ann'), SLOW)
    assert accounts.filters.of(who(accounts, 'ann')) == [SLOW]
