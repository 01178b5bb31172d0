"""Sessions and API tokens, and the database that keeps them."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from dashboard.access import schema
from dashboard.access.accounts import Accounts
from dashboard.access.scope import EVERYTHING, Scope
from dashboard.access.sessions import MOST_TOKENS
from dashboard.errors import AccountError, ConfigError, InvalidToken, UnknownAccount

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = 'correct horse'
KEY = 'k' * 32
# as the first release of accounts made it, with an administrator, a user, a session and a script's token
OLD_DATABASE = """
CREATE TABLE users (username TEXT PRIMARY KEY COLLATE NOCASE, password TEXT NOT NULL, is_admin INTEGER NOT NULL,
    created INTEGER NOT NULL, preferences TEXT NOT NULL DEFAULT '{}');
CREATE TABLE sessions (jti TEXT PRIMARY KEY, username TEXT NOT NULL COLLATE NOCASE REFERENCES users ON DELETE CASCADE,
    created INTEGER NOT NULL, expires INTEGER NOT NULL, kind TEXT NOT NULL, label TEXT NOT NULL);
CREATE INDEX sessions_of_user ON sessions (username);
INSERT INTO users VALUES ('ann', 'x', 1, 1, '{"wrap": false}'), ('bob', 'x', 0, 2, '{}');
INSERT INTO sessions VALUES ('one', 'ann', 3, 9999999999, 'session', ''), ('two', 'bob', 4, 9999999999, 'token', 'ci');
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / 'data'


@pytest.fixture
def accounts(data_dir: Path) -> Accounts:
    made = Accounts(data_dir, KEY, CHEAP)
    made.users.add('ann', PASSWORD, is_admin=True)
    made.users.add('bob', PASSWORD, scope=Scope.of(['shop/*']))
    return made


def token_of(accounts: Accounts, username: str = 'bob', days: int = 1) -> str:
    return accounts.sessions.make_token(accounts.users.known(username), 'backup', days).secret


# roles and scopes


def test_a_viewer_keeps_a_scope_and_an_administrator_has_none(accounts):
    assert accounts.identify(accounts.issue('bob')).scope == Scope.of(['shop/*'])
    assert accounts.users.set_rights('bob', is_admin=True).scope == EVERYTHING
    assert accounts.users.set_rights('bob', is_admin=False).role == 'viewer'
    accounts.users.set_rights('bob', scope=Scope.of(['blog/*', '/redis']))
    assert str(accounts.users.known('BOB').scope) == 'blog/* /redis'
    for refused in (
        lambda: accounts.users.set_rights('ann', scope=Scope.of(['shop/*'])),
        lambda: accounts.users.add('cleo', PASSWORD, is_admin=True, scope=Scope.of(['shop/*'])),
    ):
        with pytest.raises(AccountError, match='sees everything'):
            refused()


def test_the_first_user_is_not_given_a_scope_that_would_not_hold(data_dir):
    with pytest.raises(AccountError, match='first user'):
        Accounts(data_dir, KEY, CHEAP).users.add('ann', PASSWORD, scope=Scope.of(['shop/*']))


def test_the_last_administrator_stays_one(accounts):
    with pytest.raises(AccountError, match='last administrator'):
        accounts.users.set_rights('ann', is_admin=False)
    accounts.users.set_rights('bob', is_admin=True)
    assert accounts.users.set_rights('ann', is_admin=False).role == 'viewer'


def test_what_somebody_may_do_is_looked_up_anew_for_every_token(accounts):
    session, script = accounts.issue('bob'), token_of(accounts)
    accounts.users.set_rights('bob', scope=Scope.of(['blog/*']))
    assert {str(accounts.identify(token).scope) for token in (session, script)} == {'blog/*'}


# sessions


def test_sessions_say_when_and_from_where_the_latest_first(accounts):
    accounts.login('bob', PASSWORD, '10.0.0.1', 'Firefox on Linux')
    accounts.login('bob', PASSWORD, '10.0.0.2', 'curl')
    token_of(accounts)
    sessions = accounts.sessions.of('bob')
    assert [(item.address, item.agent) for item in sessions] == [('10.0.0.2', 'curl'), ('10.0.0.1', 'Firefox on Linux')]
    assert abs(sessions[0].created - time.time()) < 5
    assert accounts.sessions.of('ann') == []


def test_the_id_of_a_session_is_not_what_its_token_is_known_by(accounts):
    identity = accounts.identify(accounts.issue('bob'))
    assert identity.session_id == accounts.sessions.of('bob')[0].id
    assert identity.session_id not in identity.token_id
    assert accounts.sessions._store.identity(identity.session_id) is None


def test_one_session_or_all_others_can_be_ended_and_tokens_stay(accounts):
    here, there, elsewhere = (accounts.issue('bob') for _ in range(3))
    script, anns = token_of(accounts), accounts.issue('ann')
    identity = accounts.identify(here)
    accounts.sessions.end('bob', accounts.identify(there).session_id)
    assert accounts.sessions.end_others(identity) == 1
    for ended in (there, elsewhere):
        with pytest.raises(InvalidToken):
            accounts.identify(ended)
    assert [accounts.identify(token).username for token in (here, script, anns)] == ['bob', 'bob', 'ann']
    assert accounts.sessions.end_all('bob') == 1
    with pytest.raises(InvalidToken):
        accounts.sessions.still(identity)


def test_nobody_ends_what_is_not_theirs(accounts):
    anns = accounts.identify(accounts.issue('ann'))
    token = accounts.identify(token_of(accounts, 'ann'))
    for attempt in (
        lambda: accounts.sessions.end('bob', anns.session_id),
        lambda: accounts.sessions.revoke('bob', token.session_id),
        lambda: accounts.sessions.end('ann', token.session_id),
        lambda: accounts.sessions.end('ann', 'no such'),
    ):
        with pytest.raises(UnknownAccount):
            attempt()
    assert len(accounts.sessions.of('ann')) == len(accounts.sessions.tokens_of('ann')) == 1


def test_the_last_use_is_written_down_coarsely(accounts, monkeypatch):
    token = accounts.issue('bob')
    begun = accounts.sessions.of('bob')[0].last_used
    for minutes, noted in ((1, False), (6, True), (8, True), (12, True)):
        now = begun + minutes * 60
        monkeypatch.setattr(time, 'time', lambda now=now: now)
        accounts.identify(token)
        last_used = accounts.sessions.of('bob')[0].last_used
        assert (last_used > begun) == noted
        assert now - last_used <= 300


# API tokens


def test_an_api_token_is_its_owner_reading_only(accounts):
    token = token_of(accounts)
    identity = accounts.identify(token)
    assert re.fullmatch(r'dld_[A-Za-z0-9_-]{43}', token)
    assert (identity.username, identity.read_only, str(identity.scope)) == ('bob', True, 'shop/*')
    assert not accounts.identify(accounts.issue('bob')).read_only


def test_an_api_token_is_kept_nowhere(accounts, data_dir):
    made = accounts.sessions.make_token(accounts.users.known('bob'), 'backup', 1)
    assert made.secret not in repr(made)
    assert made.secret.encode() not in (data_dir / 'dashboard.db').read_bytes()
    assert made.secret.removeprefix('dld_').encode() not in (data_dir / 'dashboard.db').read_bytes()


def test_what_the_database_keeps_of_an_api_token_does_not_let_anybody_in(accounts):
    token_of(accounts)
    kept = accounts.sessions.tokens_of('bob')[0]
    for guess in (
        kept.jti,
        f'dld_{kept.jti}',
        kept.id,
        f'dld_{kept.id}',
        'dld_',
        'dld_\ud800',
        token_of(accounts)[:-1],
    ):
        with pytest.raises(InvalidToken):
            accounts.identify(guess)


def test_a_revoked_or_expired_api_token_is_refused(accounts, monkeypatch):
    token = token_of(accounts)
    accounts.sessions.revoke('bob', accounts.identify(token).session_id)
    expiring = token_of(accounts, days=2)
    with pytest.raises(InvalidToken):
        accounts.identify(token)
    later = time.time() + 2 * 86_400 + 1
    monkeypatch.setattr(time, 'time', lambda: later)
    with pytest.raises(InvalidToken):
        accounts.identify(expiring)
    assert accounts.sessions.tokens_of('bob') == []


@pytest.mark.parametrize(
    ('name', 'days'), [('', 1), (' ', 1), ('x' * 65, 1), ('a\nb', 1), ('\x1b[31m', 1), ('ci', 0), ('ci', 3651)]
)
def test_a_token_that_does_not_do_is_refused_in_words(accounts, name, days):
    with pytest.raises(AccountError, match='token'):
        accounts.sessions.make_token(accounts.users.known('bob'), name, days)


def test_a_user_has_only_so_many_tokens(accounts, monkeypatch):
    monkeypatch.setattr('dashboard.access.sessions.MOST_TOKENS', 2)
    for _ in range(2):
        token_of(accounts)
    with pytest.raises(AccountError, match='revoke one'):
        token_of(accounts)
    assert token_of(accounts, 'ann')
    assert MOST_TOKENS > 2


# the database


def old_database(data_dir: Path) -> None:
    data_dir.mkdir()
    with closing(sqlite3.connect(data_dir / 'dashboard.db')) as database:
        database.executescript(OLD_DATABASE)


def test_a_database_from_before_roles_is_brought_up_to_date_with_all_that_is_in_it(data_dir):
    old_database(data_dir)
    for _ in range(2):
        accounts = Accounts(data_dir, KEY, CHEAP)
    assert [(user.username, user.role, user.scope) for user in accounts.users.all()] == [
        ('ann', 'admin', EVERYTHING),
        ('bob', 'viewer', EVERYTHING),
    ]
    assert accounts.users.preferences('ann') == {'wrap': False}
    session, token = accounts.sessions.of('ann')[0], accounts.sessions.tokens_of('bob')[0]
    assert accounts.identify(accounts.sessions._tokens.sign(session)).username == 'ann'
    assert accounts.identify(accounts.sessions._tokens.sign(token)).read_only
    assert len({session.id, token.id, ''}) == 3


def test_two_programs_may_bring_it_up_to_date_at_once(data_dir, monkeypatch):
    old_database(data_dir)
    made: list[Accounts] = []
    both_have_looked = threading.Barrier(2, timeout=5)
    looked = threading.local()
    version = schema._version

    def slow_version(database: sqlite3.Connection) -> int:
        found = version(database)
        if not hasattr(looked, 'once'):
            looked.once = both_have_looked.wait()
        return found

    monkeypatch.setattr(schema, '_version', slow_version)
    threads = [threading.Thread(target=lambda: made.append(Accounts(data_dir, KEY, CHEAP))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 2


def test_a_database_of_a_later_version_is_left_alone(accounts, data_dir):
    with closing(sqlite3.connect(data_dir / 'dashboard.db')) as database:
        database.execute('PRAGMA user_version = 99')
    with pytest.raises(ConfigError, match='later version'):
        Accounts(data_dir, KEY, CHEAP)
