"""Accounts: passwords, tokens, the set-up code, the files they live in."""

import asyncio
import base64
import contextlib
import json
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import jwt
import pytest
from argon2 import PasswordHasher

from dashboard.access.accounts import Accounts, ensure_admin
from dashboard.access.passwords import Passwords
from dashboard.access.throttle import LONGEST, OF_ACCOUNT, OF_ADDRESS, REMEMBERED, Throttle
from dashboard.errors import AccountError, AuthError, ConfigError, InvalidCredentials, InvalidToken, TooManyAttempts

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = 'correct horse'
KEY = 'k' * 32


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / 'data'


@pytest.fixture
def accounts(data_dir: Path) -> Accounts:
    made = Accounts(data_dir, KEY, CHEAP)
    made.users.add('ann', PASSWORD, is_admin=True)
    return made


def forged(accounts: Accounts, key: str = KEY, algorithm: str = 'HS256', **changes: object) -> str:
    """A token with the claims of a valid one, except for what is changed; None leaves a claim out."""
    claims = jwt.decode(accounts.issue('ann'), options={'verify_signature': False}) | changes
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, algorithm)


# -- passwords


def test_login_gives_a_token_that_identifies_the_user(accounts):
    identity = accounts.identify(accounts.login('ann', PASSWORD))
    assert (identity.username, identity.is_admin) == ('ann', True)
    assert abs(identity.expires - time.time() - 24 * 3600) < 5


def test_a_user_name_is_found_in_any_case_and_given_back_as_it_was_made(accounts):
    assert accounts.identify(accounts.login('ANN', PASSWORD)).username == 'ann'
    with pytest.raises(AccountError, match='already'):
        accounts.users.add('Ann', PASSWORD)


@pytest.mark.parametrize(
    ('username', 'password'),
    [('ann', 'wrong horse'), ('nobody', PASSWORD), ("' OR 1=1 --", PASSWORD), ('\ud800', '\ud800')],
)
def test_a_wrong_name_and_a_wrong_password_are_told_apart_by_nobody(accounts, username, password):
    with pytest.raises(InvalidCredentials) as refusal:
        accounts.login(username, password)
    assert str(refusal.value) == str(InvalidCredentials())


def test_an_unknown_user_costs_the_same_hash_as_a_known_one():
    class Counting(PasswordHasher):
        checked: list[str] = []  # noqa: RUF012

        def verify(self, kept, password):  # type: ignore[no-untyped-def]
            self.checked.append(kept)
            return super().verify(kept, password)

    hasher = Counting(time_cost=1, memory_cost=16, parallelism=1)
    passwords = Passwords(hasher)
    with pytest.raises(InvalidCredentials):
        passwords.check(None, PASSWORD)
    with pytest.raises(InvalidCredentials):
        passwords.check(hasher.hash('another one'), PASSWORD)
    dummy, real = hasher.checked
    assert dummy.rsplit('$', 2)[0] == real.rsplit('$', 2)[0] == '$argon2id$v=19$m=16,t=1,p=1'
    assert len(dummy) == len(real)


def test_a_password_is_hashed_anew_when_the_parameters_have_changed(accounts, data_dir):
    dearer = Accounts(data_dir, KEY, PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    dearer.login('ann', PASSWORD)
    assert 't=2' in dearer.users.all()[0].password_hash
    assert accounts.login('ann', PASSWORD)


def test_the_hash_is_never_shown(accounts):
    assert 'argon2' not in repr(accounts.users.all())


def test_a_password_typed_with_combining_accents_is_the_same_password(accounts):
    accounts.users.set_password('ann', 'caf\N{LATIN SMALL LETTER E WITH ACUTE} noir')
    assert accounts.login('ann', 'cafe\N{COMBINING ACUTE ACCENT} noir')


@pytest.mark.parametrize('password', ['', 'seven77', 'x' * 1025, 'é' * 513])
def test_a_password_that_does_not_do_is_refused_in_words(accounts, password):
    with pytest.raises(AccountError, match='8 characters'):
        accounts.users.add('bob', password)


@pytest.mark.parametrize('username', ['', 'a b', 'x' * 65, '../etc', '<b>', 'ann\n', 'änn'])
def test_a_user_name_that_does_not_do_is_refused_in_words(accounts, username):
    with pytest.raises(AccountError, match='letters'):
        accounts.users.add(username, PASSWORD)


def test_the_first_users_name_has_to_do_too(data_dir):
    accounts = Accounts(data_dir, KEY, CHEAP)
    with pytest.raises(AccountError, match='letters'):
        accounts.setup(accounts.setup_code, 'a b', PASSWORD)


# -- tokens


def test_the_forger_of_these_tests_makes_valid_tokens_unless_told_otherwise(accounts):
    assert accounts.identify(forged(accounts)).username == 'ann'


@pytest.mark.parametrize(
    'changes',
    [
        {'key': 'x' * 32},
        {'key': 'k' * 64},
        {'key': KEY * 2, 'algorithm': 'HS512'},
        {'algorithm': 'HS384', 'key': 'k' * 48},
        {'exp': 1},
        {'exp': None},
        {'iat': None},
        {'jti': None},
        {'sub': None},
        {'sub': 'bob'},
        {'jti': 'made-up'},
    ],
    ids=str,
)
def test_a_forged_token_is_refused(accounts, changes):
    with pytest.raises(InvalidToken):
        accounts.identify(forged(accounts, **changes))


def test_the_same_key_with_another_algorithm_is_refused(data_dir):
    accounts = Accounts(data_dir, 'k' * 64, CHEAP)
    accounts.users.add('ann', PASSWORD)
    assert accounts.identify(forged(accounts, 'k' * 64))
    for algorithm in ('HS384', 'HS512'):
        with pytest.raises(InvalidToken):
            accounts.identify(forged(accounts, 'k' * 64, algorithm))


def test_an_unsigned_token_is_refused(accounts):
    head, body, signature = accounts.issue('ann').split('.')
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip('=')
    for token in (f'{none}.{body}.', f'{none}.{body}.{signature}', f'{head}.{body}.', f'{head}.{body}'):
        with pytest.raises(InvalidToken):
            accounts.identify(token)


def test_a_tampered_token_is_refused(accounts):
    accounts.users.add('bob', PASSWORD)
    head, body, signature = accounts.issue('bob').split('.')
    claims = json.loads(base64.urlsafe_b64decode(body + '==')) | {'sub': 'ann'}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')
    with pytest.raises(InvalidToken):
        accounts.identify(f'{head}.{body}.{signature}')


@pytest.mark.parametrize('token', ['', '.', '..', 'é.é.é', 'a' * 70_000, '\ud800', 'null'])
def test_what_is_no_token_is_refused(accounts, token):
    with pytest.raises(InvalidToken):
        accounts.identify(token)


def test_a_deeply_nested_token_header_is_refused(accounts):
    nested = base64.urlsafe_b64encode(b'[' * 100_000).decode().rstrip('=')
    with pytest.raises(InvalidToken):
        accounts.identify(f'{nested}.e30.AA')


def test_a_session_ends_when_its_time_is_over_even_if_the_signature_still_holds(accounts):
    with pytest.raises(InvalidToken):
        accounts.identify(accounts.issue('ann', lifetime=0))
    still, over = (
        jwt.decode(accounts.issue('ann', seconds), KEY, ['HS256'], {'verify_exp': False}) for seconds in (60, 0)
    )
    with pytest.raises(InvalidToken):
        accounts.identify(jwt.encode(still | {'jti': over['jti']}, KEY, 'HS256'))


def test_logout_ends_this_token_and_no_other(accounts):
    here, there = accounts.login('ann', PASSWORD), accounts.login('ann', PASSWORD)
    accounts.logout(accounts.identify(here))
    with pytest.raises(InvalidToken):
        accounts.identify(here)
    assert accounts.identify(there)


def test_changing_ones_password_ends_all_sessions_and_tokens(accounts):
    here, there = accounts.login('ann', PASSWORD), accounts.login('ann', PASSWORD)
    script = accounts.sessions.make_token(accounts.users.known('ann'), 'ci', 1).secret
    accounts.change_password(accounts.identify(here), PASSWORD, 'battery staple')
    for ended in (here, there, script):
        with pytest.raises(InvalidToken):
            accounts.identify(ended)
    assert accounts.login('ann', 'battery staple')


def test_changing_ones_password_needs_the_current_one_and_slows_down_who_guesses_it(accounts):
    identity = accounts.identify(accounts.login('ann', PASSWORD))
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            accounts.change_password(identity, 'wrong horse', 'battery staple')
    with pytest.raises(TooManyAttempts):
        accounts.change_password(identity, PASSWORD, 'battery staple')
    assert accounts.identify(accounts.login('ann', PASSWORD))


def test_a_change_made_by_another_process_counts_at_once(accounts, data_dir):
    accounts.users.add('bob', PASSWORD)
    ann, bob = accounts.login('ann', PASSWORD), accounts.login('bob', PASSWORD)
    script = 'import sys, pathlib; from dashboard.access import Accounts; a = Accounts(pathlib.Path(sys.argv[1]))\n'
    script += 'a.users.set_password("ann", "battery staple"); a.users.remove("bob")'
    subprocess.run([sys.executable, '-c', script, str(data_dir)], check=True)
    for token in (ann, bob):
        with pytest.raises(InvalidToken):
            accounts.identify(token)


def test_a_user_removed_and_made_again_does_not_revive_old_tokens(accounts):
    accounts.users.add('bob', PASSWORD)
    token = accounts.login('bob', PASSWORD)
    accounts.users.remove('bob')
    accounts.users.add('bob', PASSWORD)
    with pytest.raises(InvalidToken):
        accounts.identify(token)


# -- users


def test_the_last_administrator_cannot_be_removed(accounts):
    accounts.users.add('bob', PASSWORD)
    with pytest.raises(AccountError, match='last administrator'):
        accounts.users.remove('ann')
    accounts.users.add('cleo', PASSWORD, is_admin=True)
    accounts.users.remove('ann')
    assert [user.username for user in accounts.users.all()] == ['bob', 'cleo']


def test_the_very_first_user_is_an_administrator(data_dir):
    accounts = Accounts(data_dir, KEY, CHEAP)
    accounts.users.add('ann', PASSWORD)
    accounts.users.add('bob', PASSWORD)
    assert [user.is_admin for user in accounts.users.all()] == [True, False]


def test_a_user_that_does_not_exist_is_named_in_the_refusal(accounts):
    for action in (accounts.users.remove, accounts.users.known, accounts.issue):
        with pytest.raises(AccountError, match="'bob'"):
            action('bob')
    with pytest.raises(AccountError, match="'bob'"):
        accounts.users.set_password('bob', PASSWORD)


def test_preferences_are_kept_for_each_user(accounts, data_dir):
    accounts.users.add('bob', PASSWORD)
    assert accounts.users.preferences('ann') == {}
    accounts.users.save_preferences('ann', {'wrap': True, 'theme': 'dark'})
    assert Accounts(data_dir, KEY, CHEAP).users.preferences('ann') == {'wrap': True, 'theme': 'dark'}
    assert accounts.users.preferences('bob') == {}


def test_the_admin_password_makes_an_administrator_only_while_there_is_nobody(data_dir):
    accounts = Accounts(data_dir, KEY, CHEAP)
    ensure_admin(accounts, None)
    assert accounts.needs_setup()
    ensure_admin(accounts, PASSWORD)
    ensure_admin(accounts, 'another password')
    assert accounts.identify(accounts.login('admin', PASSWORD)).is_admin


# -- the first account


def test_the_set_up_code_makes_the_first_account_once(data_dir):
    accounts = Accounts(data_dir, KEY, CHEAP)
    assert accounts.needs_setup()
    typed = accounts.setup_code.lower().replace('-', ' ')
    assert accounts.identify(accounts.setup(typed, 'ann', PASSWORD)).is_admin
    assert not accounts.needs_setup()
    with pytest.raises(AccountError, match='already'):
        accounts.setup(accounts.setup_code, 'bob', PASSWORD)


def test_there_is_no_set_up_code_when_there_is_an_account(accounts, data_dir):
    again = Accounts(data_dir, KEY, CHEAP)
    assert again.setup_code == ''
    with pytest.raises(AccountError, match='already'):
        again.setup('', 'bob', PASSWORD)


def test_every_start_has_another_set_up_code(data_dir):
    codes = {Accounts(data_dir, KEY, CHEAP).setup_code for _ in range(3)}
    assert len(codes) == 3
    assert all(len(code) == 19 for code in codes)


def test_whoever_guesses_set_up_codes_is_slowed_down(data_dir):
    accounts = Accounts(data_dir, KEY, CHEAP)
    for guess in ('', 'AAAA', '\ud800', 'é', accounts.setup_code[:-1]):
        with pytest.raises(AccountError, match='code is wrong'):
            accounts.setup(guess, 'eve', PASSWORD, '10.0.0.9')
    with pytest.raises(TooManyAttempts):
        accounts.setup(accounts.setup_code, 'eve', PASSWORD, '10.0.0.9')
    assert accounts.setup(accounts.setup_code, 'ann', PASSWORD, '10.0.0.1')


def test_two_first_users_at_once_do_not_both_win(data_dir):
    accounts = Accounts(data_dir, KEY, CHEAP)
    won: list[str] = []

    def run(name: str) -> None:
        with contextlib.suppress(AccountError):
            won.append(accounts.setup(accounts.setup_code, name, PASSWORD, name))

    threads = [threading.Thread(target=run, args=(name,)) for name in ('ann', 'bob', 'cleo', 'dan')]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == len(accounts.users.all()) == 1


# -- throttling


def test_after_five_failures_even_the_right_password_has_to_wait(accounts):
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            accounts.login('ann', 'wrong horse', '10.0.0.9')
    with pytest.raises(TooManyAttempts, match='wait 2 s') as refusal:
        accounts.login('Ann', PASSWORD, '10.0.0.9')
    assert refusal.value.retry_after == 2
    assert accounts.login('ann', PASSWORD, '10.0.0.1')


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def refusal(throttle: Throttle) -> int:
    with pytest.raises(TooManyAttempts) as refused:
        throttle.enter('ann', '')
    return refused.value.retry_after


def test_the_refusals_grow_up_to_a_limit_and_are_forgotten_in_the_end():
    clock = Clock()
    throttle = Throttle(clock)
    for _ in range(4):
        throttle.enter('ann', '')
    waits = []
    for _ in range(12):
        throttle.enter('ann', '')
        waits.append(refusal(throttle))
        clock.now += waits[-1]
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, LONGEST, LONGEST, LONGEST]
    clock.now += LONGEST + 1
    throttle.enter('ann', '')
    throttle.enter('ann', '')


def test_a_success_forgets_the_failures_before_it():
    throttle = Throttle(Clock())
    for _ in range(3):
        for _ in range(4):
            throttle.enter('ann', '')
        throttle.clear('ann', '')


def test_the_throttle_forgets_the_oldest_when_it_is_full():
    throttle = Throttle(Clock())
    for _ in range(5):
        throttle.enter('ann', '')
    for number in range(REMEMBERED - 1):
        throttle.enter(str(number), '')
    assert refusal(throttle)
    throttle.enter('one more', '')
    throttle.enter('ann', '')


def wait_for(throttle: Throttle, account: str, address: str) -> int:
    try:
        throttle.enter(account, address)
    except TooManyAttempts as refused:
        return refused.retry_after
    return 0


def test_an_address_cannot_try_a_password_with_every_account():
    clock = Clock()
    throttle = Throttle(clock)
    assert not any(wait_for(throttle, f'user-{number}', '192.0.2.1') for number in range(OF_ADDRESS))
    assert wait_for(throttle, 'ann', '192.0.2.1') == 10
    assert not wait_for(throttle, 'ann', '192.0.2.2')
    clock.now += 10
    assert not wait_for(throttle, 'ann', '192.0.2.1')
    assert wait_for(throttle, 'bob', '192.0.2.1') == 10


def test_an_account_cannot_be_guessed_from_everywhere():
    throttle = Throttle(Clock())
    assert not any(wait_for(throttle, 'ann', f'10.0.{number}.1') for number in range(OF_ACCOUNT))
    assert wait_for(throttle, 'ann', '192.0.2.1') == 10
    assert not wait_for(throttle, 'bob', '192.0.2.1')


def test_the_addresses_of_one_network_of_ipv6_are_one():
    throttle = Throttle(Clock())
    assert not any(wait_for(throttle, 'ann', f'2001:db8::{number}') for number in range(5))
    assert wait_for(throttle, 'ann', '2001:db8::ffff:1') == 2
    assert not wait_for(throttle, 'ann', '2001:db8:0:1::1')


def test_signing_in_with_an_account_of_ones_own_pays_for_no_guesses():
    throttle = Throttle(Clock())
    for number in range(OF_ADDRESS):
        throttle.enter(f'user-{number}', '192.0.2.1')
        if number < OF_ADDRESS - 1:
            throttle.enter('own', '192.0.2.1')
            throttle.clear('own', '192.0.2.1')
    assert wait_for(throttle, 'ann', '192.0.2.1') == 10


# -- a browser that has signed in before


def flooded(accounts: Accounts, monkeypatch) -> None:
    """Strangers have used up all tries of an address, and all of ann's."""
    monkeypatch.setattr(accounts._passwords, 'check', refuse)  # of what is behind the throttle nothing is asked here
    for number in range(OF_ACCOUNT):
        for username, address in ((f'invented-{number}', '192.0.2.1'), ('ann', f'10.0.{number}.1')):
            with contextlib.suppress(AuthError):
                accounts.login(username, 'guess', address)
    monkeypatch.undo()
    for address in ('192.0.2.1', '198.51.100.7'):
        with pytest.raises(TooManyAttempts):
            accounts.login('ann', PASSWORD, address)


def refuse(*_: object) -> None:
    raise InvalidCredentials


def test_strangers_cannot_use_up_the_tries_of_a_browser_that_has_signed_in_before(accounts, monkeypatch):
    device = accounts.device('Ann')
    flooded(accounts, monkeypatch)
    assert accounts.login('ann', PASSWORD, '192.0.2.1', devices=['planted', device])
    assert accounts.login('ann', PASSWORD, '198.51.100.7', devices=['planted', device])


def test_such_a_browser_has_no_more_tries_than_others_and_leaves_them_theirs(accounts):
    device = accounts.device('ann')
    for number in range(5):
        with pytest.raises(InvalidCredentials):
            accounts.login('ann', 'wrong horse', f'10.0.0.{number}', devices=['planted', device])
    with pytest.raises(TooManyAttempts, match='wait 2 s'):
        accounts.login('ann', PASSWORD, '10.0.0.9', devices=['planted', device])
    assert accounts.login('ann', PASSWORD, '10.0.0.1')
    assert accounts.login('ann', PASSWORD, '10.0.0.1', devices=[accounts.device('ann')])


def test_a_device_token_is_for_its_user_alone_and_lets_nobody_in(accounts, data_dir, monkeypatch):
    device = accounts.device('ann')
    with pytest.raises(InvalidToken):
        accounts.identify(device)
    with pytest.raises(InvalidCredentials):
        accounts.login('ann', 'wrong horse', devices=['planted', device])
    flooded(accounts, monkeypatch)
    others = Accounts(data_dir, 'x' * 32, CHEAP).device('ann')
    with monkeypatch.context() as later:
        later.setattr(time, 'time', lambda: 0)
        expired = accounts.device('ann')
    for unfit in (accounts.device('bob'), others, expired, accounts.issue('ann'), device[:-9], 'x', '\ud800'):
        with pytest.raises(TooManyAttempts):
            accounts.login('ann', PASSWORD, '192.0.2.1', devices=[unfit])


def test_a_browser_keeps_its_device_token_for_as_long_as_the_same_user_signs_in(accounts):
    device = accounts.device('ann')
    assert accounts.device('ANN', ['planted', device]) == device
    assert accounts.device('bob', [device]) not in ('', device)
    assert accounts.device('ann', ['nonsense']) not in ('', 'nonsense', device)


async def test_a_flood_of_sign_ins_is_told_to_come_back(accounts, monkeypatch):
    monkeypatch.setattr('dashboard.access.accounts.WAITING', 1)
    first = accounts.aside(accounts.login, 'ann', PASSWORD)
    release = threading.Event()
    holding = asyncio.create_task(accounts.aside(release.wait))
    await asyncio.sleep(0)
    with pytest.raises(TooManyAttempts):
        await first
    release.set()
    await holding
    assert await accounts.aside(accounts.login, 'ann', PASSWORD)


# -- files


@pytest.mark.parametrize('umask', [0o000, 0o077, 0o777])
def test_nobody_else_can_read_what_is_kept_under_any_umask(data_dir, umask):
    before = os.umask(umask)
    try:
        Accounts(data_dir, hasher=CHEAP).users.add('ann', PASSWORD)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (data_dir, *data_dir.iterdir())}
    assert modes == {'data': 0o700, 'dashboard.db': 0o600, 'secret.key': 0o600}


def test_a_file_that_others_can_read_is_closed_and_a_directory_that_was_there_is_left_alone(data_dir):
    Accounts(data_dir, hasher=CHEAP)
    data_dir.chmod(0o755)
    for path in data_dir.iterdir():
        path.chmod(0o644)
    Accounts(data_dir, hasher=CHEAP)
    assert {stat.S_IMODE(path.stat().st_mode) for path in data_dir.iterdir()} == {0o600}
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o755


def test_tokens_outlive_a_restart_because_the_key_is_kept(data_dir):
    before = Accounts(data_dir, hasher=CHEAP)
    before.users.add('ann', PASSWORD)
    assert Accounts(data_dir, hasher=CHEAP).identify(before.issue('ann')).username == 'ann'


def test_a_short_secret_is_refused_with_what_to_do(data_dir):
    with pytest.raises(ConfigError, match='openssl rand'):
        Accounts(data_dir, 'k' * 31)


def test_a_damaged_key_file_is_refused_with_what_to_do(data_dir):
    Accounts(data_dir, hasher=CHEAP)
    (data_dir / 'secret.key').write_bytes(b'')
    with pytest.raises(ConfigError, match='Delete it'):
        Accounts(data_dir, hasher=CHEAP)


def test_a_data_directory_that_cannot_be_used_is_refused_in_words(tmp_path):
    (tmp_path / 'file').write_text('')
    for path in (tmp_path / 'file', tmp_path / 'file' / 'below'):
        with pytest.raises(ConfigError, match='--data-dir'):
            Accounts(path)


def test_a_database_that_is_none_or_vanishes_is_said_so(accounts, data_dir):
    (data_dir / 'dashboard.db').unlink()
    with pytest.raises(ConfigError, match='cannot be used'):
        accounts.needs_setup()
    assert not (data_dir / 'dashboard.db').exists()
    (data_dir / 'dashboard.db').write_text('not a database, by far' * 100)
    with pytest.raises(ConfigError, match='cannot be used'):
        Accounts(data_dir, KEY)
