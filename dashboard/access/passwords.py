"""Hashes and checks passwords; a check costs the same whether or not there is anything to check against."""

from __future__ import annotations

import base64
import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from dashboard.errors import AccountError, InvalidCredentials

LEAST_CHARACTERS = 8
MOST_BYTES = 1024  # in UTF-8


class Passwords:
    """argon2id with the parameters of the library's present default, or of the hasher given."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()

    def hash(self, password: str) -> str:
        """A salted hash to keep. Takes about 50 ms and 64 MiB.

        :raises AccountError: when the password is too short or too long
        """
        content = _bytes(password)
        if len(password) < LEAST_CHARACTERS or len(content) > MOST_BYTES:
            raise AccountError(f'The password must have from {LEAST_CHARACTERS} characters to {MOST_BYTES} bytes.')
        return self._hasher.hash(content)

    def check(self, kept: str | None, password: str) -> str | None:
        """Check a password against its kept hash, or against nothing in the same time (``kept`` is None).

        :returns: a new hash to keep instead, when the parameters have changed since the old one was made
        :raises InvalidCredentials: when it does not fit
        """
        content = _bytes(password)
        try:
            self._hasher.verify(self._dummy() if kept is None else kept, content)
        except (VerificationError, InvalidHashError):
            raise InvalidCredentials from None
        if kept is None:
            raise InvalidCredentials
        return self._hasher.hash(content) if self._hasher.check_needs_rehash(kept) else None

    def _dummy(self) -> str:
        """A hash that fits no password and costs as much to check as a real one."""
        hasher = self._hasher
        salt, digest = (_base64(secrets.token_bytes(length)) for length in (hasher.salt_len, hasher.hash_len))
        cost = f'm={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}'
        return f'$argon2id$v=19${cost}${salt}${digest}'


def _bytes(password: str) -> bytes:
    # one keyboard sends é as one character, another as two: both are the same password
    return unicodedata.normalize('NFC', password).encode('utf-8', 'surrogatepass')


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode().rstrip('=')
