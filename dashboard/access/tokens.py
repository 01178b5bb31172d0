"""Signs and reads the tokens: JWT with HS256 and nothing else.

A *device token* is what a browser keeps in which a user has signed in once: with it, their tries to sign in are counted
apart from those of strangers, who could else use them up. It lets nobody in. So it may outlive the session, and whoever
steals it has won a few tries. The idea: https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

from __future__ import annotations

import hmac
import secrets
import time
from pathlib import Path
from typing import Any

import jwt

from dashboard.access.private import make_private_file, read_private_file
from dashboard.access.session_store import Session
from dashboard.errors import ConfigError, InvalidToken

ALGORITHM = 'HS256'  # the only one ever accepted: a token does not choose how it is checked
CLAIMS = ['sub', 'jti', 'iat', 'exp']
SECRET_BYTES = 32  # the least that HS256 is worth
DEVICE = 'device'  # the audience of device tokens: what has one is never taken for the token of a session
DEVICE_LIFETIME = 400 * 86_400  # seconds; browsers keep no cookie for longer


class Tokens:
    """Signs with ``secret_key``, or with a key made once and kept in ``data_dir/secret.key``.

    :raises ConfigError: when the key is too short or cannot be kept
    """

    def __init__(self, data_dir: Path, secret_key: str | None = None) -> None:
        self._key = _checked_key(secret_key) if secret_key else _kept_key(data_dir / 'secret.key')

    def sign(self, session: Session) -> str:
        """The token of a session."""
        claims = {'sub': session.username, 'jti': session.jti, 'iat': session.created, 'exp': session.expires}
        return jwt.encode(claims, self._key, ALGORITHM)

    def key_of(self, session: str) -> str:
        """A second secret of a session, by its ``jti``; kept nowhere, and of no use to whoever has the token."""
        return hmac.new(self._key, f'origin key {session}'.encode(), 'sha256').hexdigest()

    def read(self, token: str) -> dict[str, Any]:
        """The claims of a session's token of ours that has not expired.

        :raises InvalidToken: for any other
        """
        return self._read(token)

    def sign_device(self, username: str) -> str:
        """The token of a browser in which the user has just signed in."""
        now = int(time.time())
        name = secrets.token_urlsafe(16)
        claims = {'sub': username, 'jti': name, 'iat': now, 'exp': now + DEVICE_LIFETIME, 'aud': DEVICE}
        return jwt.encode(claims, self._key, ALGORITHM)

    def read_device(self, token: str, username: str) -> str:
        """The name of the browser, '' when this is no device token of the user; case does not matter."""
        try:
            claims = self._read(token, DEVICE)
        except InvalidToken:
            return ''
        return str(claims['jti']) if claims['sub'].casefold() == username.casefold() else ''

    def _read(self, token: str, audience: str | None = None) -> dict[str, Any]:
        try:
            return jwt.decode(token, self._key, [ALGORITHM], {'require': CLAIMS}, audience=audience)
        except (jwt.InvalidTokenError, ValueError):  # the latter for text that is not even Unicode
            raise InvalidToken from None


def _checked_key(text: str) -> bytes:
    if len(text.encode()) < SECRET_BYTES:
        raise ConfigError(
            f'SECRET_KEY is shorter than {SECRET_BYTES} bytes. Make one with: openssl rand -hex 32 '
            '(or leave it unset: a key is then made in the data directory).'
        )
    return text.encode()


def _kept_key(path: Path) -> bytes:
    make_private_file(path, secrets.token_hex(SECRET_BYTES).encode())
    key = read_private_file(path).strip()
    if len(key) < SECRET_BYTES:
        raise ConfigError(f'{path} is damaged. Delete it and start again: everybody has to sign in anew.')
    return key
