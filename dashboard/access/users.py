"""The administration of accounts: who has one, with which name, password and rights, and what their pages remember."""

from __future__ import annotations

import re
from typing import Any

from dashboard.access.passwords import Passwords
from dashboard.access.scope import EVERYTHING, Scope
from dashboard.access.store import AccountStore, User
from dashboard.errors import AccountError, UnknownAccount

USERNAME = re.compile(r'[A-Za-z0-9._@-]{1,64}')


class Users:
    """What may be asked and changed about accounts. Its methods block; those that hash a password for about 50 ms."""

    def __init__(self, store: AccountStore, passwords: Passwords) -> None:
        self._store = store
        self._passwords = passwords

    def exist(self) -> bool:
        """Whether there is any account."""
        return self._store.has_users()

    def all(self) -> list[User]:
        """All accounts by name."""
        return self._store.users()

    def find(self, username: str) -> User | None:
        """One account, or None; case does not matter."""
        return self._store.user(username) if USERNAME.fullmatch(username) else None

    def known(self, username: str) -> User:
        """One account; case does not matter.

        :raises UnknownAccount: when there is none of that name
        """
        user = self.find(username)
        if user is None:
            raise UnknownAccount(f'There is no user {username!r}.')
        return user

    def add(self, username: str, password: str, is_admin: bool = False, scope: Scope = EVERYTHING) -> None:
        """Add an account. The very first is an administrator in any case, and an administrator sees everything.

        :raises AccountError: when the name is taken, or the name or password does not do
        """
        check_username(username)
        if scope != EVERYTHING and (is_admin or not self.exist()):
            raise AccountError('An administrator, as the first user is, sees everything: a scope is for viewers.')
        if not self._store.add_user(username, self._passwords.hash(password), is_admin, scope):
            raise AccountError(f'There is a user {username!r} already. Choose another name.')

    def set_rights(self, username: str, *, is_admin: bool | None = None, scope: Scope | None = None) -> User:
        """Change an account's role, scope or both; what is open follows within a second. An administrator has no scope.

        :raises UnknownAccount: when there is no such user
        :raises AccountError: when an administrator would get a scope, or none would be left
        """
        user = self.known(username)
        admin = user.is_admin if is_admin is None else is_admin
        wanted = user.scope if scope is None else scope
        if admin and scope not in (None, EVERYTHING):
            raise AccountError('An administrator sees everything: a scope is for viewers.')
        if not self._store.set_rights(user.username, admin, EVERYTHING if admin else wanted):
            raise AccountError(f'{user.username!r} is the last administrator. Make another one first.')
        return self.known(username)

    def set_password(self, username: str, password: str) -> None:
        """Replace a password and end every token of the user, those of scripts too.

        :raises AccountError: when there is no such user or the password does not do
        """
        self._store.set_password(self.known(username).username, self._passwords.hash(password))

    def remove(self, username: str) -> None:
        """Remove an account and end its tokens.

        :raises AccountError: when there is no such user, or it is the last administrator
        """
        user = self.known(username)
        if not self._store.remove_user(user.username):
            raise AccountError(f'{user.username!r} is the last administrator. Make another one first.')

    def preferences(self, username: str) -> dict[str, Any]:
        """What the user's pages remember; empty at first."""
        return self._store.preferences(username)

    def save_preferences(self, username: str, preferences: dict[str, Any]) -> None:
        """Keep what the user's pages remember: anything that JSON can hold."""
        self._store.save_preferences(username, preferences)


def check_username(username: str) -> None:
    """Let only names pass that an account may have.

    :raises AccountError: for any other
    """
    if not USERNAME.fullmatch(username):
        raise AccountError('A user name has 1 to 64 letters (a to z), digits and the signs . _ - @')
