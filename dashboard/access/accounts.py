"""Coming in: the first account, passwords and tokens; knows no web framework."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from argon2 import PasswordHasher

from dashboard.access.filters import SavedFilters
from dashboard.access.identity import Identity
from dashboard.access.passwords import Passwords
from dashboard.access.session_store import SessionStore
from dashboard.access.sessions import Sessions
from dashboard.access.store import AccountStore, User
from dashboard.access.throttle import Throttle
from dashboard.access.tokens import Tokens
from dashboard.access.users import Users, check_username
from dashboard.access.visits import Visits
from dashboard.errors import (
    AccountError,
    AccountsUnavailable,
    InvalidCredentials,
    InvalidToken,
    NotAllowed,
    TooManyAttempts,
    UnknownAccount,
)

Result = TypeVar('Result')

LIFETIME = 24 * 3600  # seconds a sign-in lasts
CODE_ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'  # nothing to mistake for something else
ADMISSION, PAUSE = 2.0, 0.05  # seconds that a request waits for a database that is locked, and between looks
WAITING = 100  # sign-ins that may queue for the hasher; further ones are told to come back


class Accounts:
    """Who comes in, with what, and the way to all else of accounts: ``users``, ``sessions``, ``visits``, ``filters``.

    The methods block; from the event loop, those that hash (about 50 ms) are called with :meth:`aside`.

    :param data_dir: holds ``dashboard.db`` and ``secret.key``
    :param secret_key: signs the tokens in place of ``secret.key``
    :raises ConfigError: when the directory cannot be used or the key is too short
    """

    def __init__(self, data_dir: Path, secret_key: str | None = None, hasher: PasswordHasher | None = None) -> None:
        self._store = AccountStore(data_dir.expanduser())
        sessions = SessionStore(self._store)
        self._tokens = Tokens(data_dir.expanduser(), secret_key)
        self.sessions = Sessions(sessions, self._tokens)
        self.visits = Visits(sessions)
        self._passwords = Passwords(hasher)
        self.users = Users(self._store, self._passwords)
        self.filters = SavedFilters(self._store)
        self._throttle = Throttle()
        self._devices = Throttle()  # of browsers in which the user has signed in before; see `tokens`
        self._changes = Throttle()  # of passwords: not to be used up by whoever only knows a user's name
        self._setup_code = _new_code() if self.needs_setup() else ''
        self._hashing = ThreadPoolExecutor(1, 'password')  # one hash takes 64 MiB: never forty at once
        self._waiting = 0

    async def aside(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Run one of the methods off the event loop, where a flood of sign-ins holds up nothing but itself.

        :raises TooManyAttempts: when too many are waiting already
        """
        if self._waiting >= WAITING:
            raise TooManyAttempts(5)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._hashing, work, *arguments)
        finally:
            self._waiting -= 1

    # -- the first account

    def needs_setup(self) -> bool:
        """Whether there is no account yet."""
        return not self.users.exist()

    @property
    def setup_code(self) -> str:
        """What the console prints and the first user types; '' when there was an account at the start."""
        return self._setup_code

    def setup(self, code: str, username: str, password: str, address: str = '', agent: str = '') -> str:
        """Make the first account, an administrator, and return its token.

        :raises AccountError: when there is one already, the code is wrong, or the name or password does not do
        :raises TooManyAttempts: after too many wrong codes from this address
        """
        if not (self._setup_code and self.needs_setup()):
            raise AccountError('The dashboard is set up already: sign in.')
        self._check_code(code, address)
        check_username(username)
        if not self._store.add_user(username, self._passwords.hash(password), is_admin=True, only_first=True):
            raise AccountError('The dashboard is set up already: sign in.')
        return self.issue(username, address=address, agent=agent)

    def _check_code(self, code: str, address: str) -> None:
        # 80 random bits cannot be guessed, so the throttle is all the limit there is
        self._throttle.enter('set-up code', address)
        if not secrets.compare_digest(_canonical(code), _canonical(self._setup_code)):
            raise AccountError('The set-up code is wrong. It was printed on the console where the dashboard started.')
        self._throttle.clear('set-up code', address)

    # -- tokens

    def login(
        self, username: str, password: str, address: str = '', agent: str = '', devices: Iterable[str] = ()
    ) -> str:
        """Check a password and return a new token, in the same time whether or not there is such a user.

        :param address: where the try comes from; see :class:`Throttle`
        :param agent: with what the user signs in, for the list of sessions
        :param devices: what the browser has for device tokens; with the user's, strangers cannot use up the tries here
        :raises InvalidCredentials: when either is wrong
        :raises TooManyAttempts: after too many failures in a row
        """
        account = username.casefold()[:64]
        known = next(filter(None, (self._tokens.read_device(device, username) for device in devices)), '')
        throttle, origin = (self._devices, known) if known else (self._throttle, address)
        throttle.enter(account, origin)
        user = self._verified(username, password)
        throttle.clear(account, origin)
        return self.issue(user.username, address=address, agent=agent)

    def device(self, username: str, former: Iterable[str] = ()) -> str:
        """The device token for a browser in which a user has just signed in: the former one, if that is theirs."""
        theirs = (token for token in former if self._tokens.read_device(token, username))
        return next(theirs, None) or self._tokens.sign_device(username)

    def issue(self, username: str, lifetime: int = LIFETIME, address: str = '', agent: str = '') -> str:
        """Sign a user in without asking for a password.

        :param lifetime: seconds
        :raises UnknownAccount: when there is no such user
        """
        return self.sessions.begin(self.users.known(username), lifetime, address, agent)

    def identify(self, token: str) -> Identity:
        """Who a token stands for, that of a session or of a script.

        :raises InvalidToken: when it is not ours, has expired or was ended
        """
        return self.sessions.identify(token)

    def known_token(self, token: str) -> Identity | None:
        """The same; None for a token that is not valid."""
        try:
            return self.identify(token)
        except InvalidToken:
            return None

    async def patiently(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Call what asks the database, on the event loop: it is tried again for a little, and holds up nobody.

        :raises AccountsUnavailable: when the database is still locked then, or cannot be used at all
        """
        until = time.monotonic() + ADMISSION
        while True:
            try:
                return work(*arguments)
            except AccountsUnavailable:
                if time.monotonic() > until:
                    raise
            await asyncio.sleep(PAUSE)

    def logout(self, identity: Identity) -> None:
        """End the session that was identified, if it has not ended already."""
        with suppress(UnknownAccount):
            self.sessions.end(identity.username, identity.session_id)

    def change_password(self, identity: Identity, current: str, new: str) -> None:
        """Replace one's own password and end all of one's sessions and tokens.

        :raises InvalidCredentials: when ``current`` is wrong
        :raises TooManyAttempts: after too many failures in a row
        :raises AccountError: when the new one does not do
        """
        self._changes.enter(identity.username, '')
        self._verified(identity.username, current)
        self._changes.clear(identity.username, '')
        self.users.set_password(identity.username, new)

    # -- helpers

    def _verified(self, username: str, password: str) -> User:
        user = self.users.find(username)
        newer = self._passwords.check(user.password_hash if user else None, password)
        if user is None:
            raise InvalidCredentials  # the check has said so already, but nothing here should depend on that
        if newer:
            self._store.upgrade_password(user, newer)
        return user


def require_admin(identity: Identity) -> None:
    """Let nobody pass who may not manage accounts.

    :raises NotAllowed: for a viewer
    """
    if not identity.is_admin:
        raise NotAllowed


def ensure_admin(accounts: Accounts, password: str | None) -> None:
    """Make the user ``admin`` with this password when there are no users yet; for DASHBOARD_ADMIN_PASSWORD.

    :raises AccountError: when the password does not do
    """
    if password and accounts.needs_setup():
        accounts.users.add('admin', password, is_admin=True)


def _new_code() -> str:
    letters = [secrets.choice(CODE_ALPHABET) for _ in range(16)]
    return '-'.join(''.join(letters[start : start + 4]) for start in range(0, 16, 4))


def _canonical(code: str) -> bytes:
    return code.replace('-', '').replace(' ', '').upper().encode('utf-8', 'surrogatepass')
