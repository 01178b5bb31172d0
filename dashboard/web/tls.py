"""The certificate and its key: whether they fit, how long they last, and what it means to have none."""

from __future__ import annotations

import ssl
from datetime import datetime
from ipaddress import ip_address

from cryptography import x509

from dashboard.config import Settings
from dashboard.errors import ConfigError

UNENCRYPTED = (
    'Passwords and logs travel unencrypted to other machines. Give --tls-cert and --tls-key, or name the '
    'proxy that ends TLS with --trusted-proxy.'
)


def check_tls(settings: Settings) -> None:
    """Look at the certificate and its key before anything is served.

    :raises ConfigError: when they cannot be read or do not belong together
    """
    if settings.tls_cert is None or settings.tls_key is None:
        return
    for option, path in (('--tls-cert', settings.tls_cert), ('--tls-key', settings.tls_key)):
        try:
            path.read_bytes()
        except OSError as error:
            raise ConfigError(f'{option}: {path} cannot be read: {error.strerror}.') from None
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password=_no_password)
    except ssl.SSLError as error:
        reason = 'the key does not belong to the certificate' if 'MISMATCH' in str(error.reason) else 'no such PEM file'
        raise ConfigError(f'--tls-cert {settings.tls_cert} and --tls-key {settings.tls_key}: {reason}.') from None


def validity(settings: Settings) -> tuple[datetime, datetime] | None:
    """From when until when the certificate is valid; None when there is none.

    :raises ConfigError: as :func:`check_tls` does
    """
    check_tls(settings)
    if settings.tls_cert is None:
        return None
    try:
        certificate = x509.load_pem_x509_certificate(settings.tls_cert.read_bytes())
    except ValueError as error:  # OpenSSL is less strict
        raise ConfigError(f'--tls-cert: {settings.tls_cert} is no well-made certificate: {error}.') from None
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def is_unencrypted(settings: Settings) -> bool:
    """Whether others can read what travels: no TLS, no proxy that ends it, and not only this machine is served."""
    return not (settings.tls_cert or settings.trusted_proxies or _is_loopback(settings.host))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == 'localhost'


def _no_password() -> str:
    raise ConfigError('--tls-key: the key has a passphrase, and nobody to type it. Give a key without one.')
