"""Settings: the one reader of the environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from dashboard.errors import ConfigError

MEBIBYTE = 1 << 20
BASE_PATH = re.compile(r'(/[A-Za-z0-9][A-Za-z0-9._~-]*)+')
OWN_PATHS = ('/logs', '/api', '/login', '/logout', '/docs', '/favicon.ico')  # a base path must not look like one

Networks = tuple[IPv4Network | IPv6Network, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a user may set. Each field is read from the environment variable named in ``VARIABLES``."""

    host: str = '127.0.0.1'
    port: int = 9000
    demo: bool = False
    data_dir: Path = Path('~/.local/share/docker-log-dashboard')
    secret_key: str | None = None
    admin_password: str | None = None
    compose_project: str | None = None
    history_lines: int = 50_000  # kept in memory for each watched service
    history_bytes: int = 64 * MEBIBYTE  # kept in memory for each watched service
    page_lines: int = 5_000  # kept in the browser
    linger: float = 30.0  # seconds a stream stays open after its last viewer left
    stalled: float = 30.0  # seconds a WebSocket client may leave what it was sent unread
    tls_cert: Path | None = None  # PEM, the certificate and what leads to its root
    tls_key: Path | None = None
    trusted_proxies: Networks = ()  # only what they say of the original request is believed
    base_path: str = ''  # what the addresses begin with behind a proxy, without a slash at the end
    max_connections: int = 1_000  # of all clients at once
    max_sockets: int = 200  # of a user at once, raw ones and those of pages each
    max_pages: int = 50  # of a user at once
    max_waiting_pages: int = 20  # of a user, whose browser has not opened its socket yet
    max_downloads: int = 4  # of a user at once
    max_reads: int = 20  # of a user at once: requests for the last lines, each of which takes a stream
    max_streams: int = 500  # of the engine at once; each has a thread
    max_body: int = 65_536  # bytes of a request
    max_url: int = 8_192  # bytes of path and query
    max_headers: int = 16_384  # bytes of all headers
    redact: Path | None = None  # a file of one's own rules; from the data directory when it is no absolute path
    redact_for: str = 'viewers'  # everyone, viewers (who are no administrators), nobody
    audit_bytes: int = 10 * MEBIBYTE  # of one file of the audit log
    audit_files: int = 5  # older ones that are kept
    docker_environ: Mapping[str, str] = field(default_factory=dict)  # the DOCKER_* variables

    @classmethod
    def from_env(cls, environ: Mapping[str, str], **overrides: Any) -> Settings:
        """Read the settings; what ``overrides`` gives (and is not None) beats the environment.

        :raises ConfigError: when a value does not fit, naming the variable and what it takes
        """
        values = {name: _read(environ, name) for name in VARIABLES}
        values |= {name: value for name, value in overrides.items() if value is not None}
        given = {name: value for name, value in values.items() if value is not None}
        docker = {name: value for name, value in environ.items() if name.startswith('DOCKER_')}
        settings = cls(**{'data_dir': _default_data_dir(environ), 'docker_environ': docker, **given})
        settings._check()
        return settings

    def _check(self) -> None:
        for name, (low, high) in LIMITS.items():
            if not low <= getattr(self, name) <= high:
                raise ConfigError(f'{VARIABLES[name]} must be from {low:,} to {high:,}, not {getattr(self, name):,}.')
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ConfigError('TLS takes both a certificate and its key: set --tls-cert and --tls-key.')
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ConfigError(f'{VARIABLES[name]} takes {", ".join(choices)}; not {getattr(self, name)!r}.')


VARIABLES = {
    'host': 'DASHBOARD_HOST',
    'port': 'DASHBOARD_PORT',
    'demo': 'DASHBOARD_DEMO',
    'data_dir': 'DASHBOARD_DATA_DIR',
    'secret_key': 'SECRET_KEY',
    'admin_password': 'DASHBOARD_ADMIN_PASSWORD',
    'compose_project': 'COMPOSE_PROJECT_NAME',
    'history_lines': 'DASHBOARD_HISTORY_LINES',
    'history_bytes': 'DASHBOARD_HISTORY_BYTES',
    'page_lines': 'DASHBOARD_PAGE_LINES',
    'linger': 'DASHBOARD_LINGER',
    'stalled': 'DASHBOARD_STALLED',
    'tls_cert': 'DASHBOARD_TLS_CERT',
    'tls_key': 'DASHBOARD_TLS_KEY',
    'trusted_proxies': 'DASHBOARD_TRUSTED_PROXY',
    'base_path': 'DASHBOARD_BASE_PATH',
    'max_connections': 'DASHBOARD_MAX_CONNECTIONS',
    'max_sockets': 'DASHBOARD_MAX_SOCKETS',
    'max_pages': 'DASHBOARD_MAX_PAGES',
    'max_waiting_pages': 'DASHBOARD_MAX_WAITING_PAGES',
    'max_downloads': 'DASHBOARD_MAX_DOWNLOADS',
    'max_reads': 'DASHBOARD_MAX_READS',
    'max_streams': 'DASHBOARD_MAX_STREAMS',
    'max_body': 'DASHBOARD_MAX_BODY',
    'max_url': 'DASHBOARD_MAX_URL',
    'max_headers': 'DASHBOARD_MAX_HEADERS',
    'redact': 'DASHBOARD_REDACT',
    'redact_for': 'DASHBOARD_REDACT_FOR',
    'audit_bytes': 'DASHBOARD_AUDIT_BYTES',
    'audit_files': 'DASHBOARD_AUDIT_FILES',
}
LIMITS: dict[str, tuple[float, float]] = {
    'port': (0, 65_535),
    'history_lines': (1_000, 10_000_000),
    'history_bytes': (MEBIBYTE, 1 << 40),
    'page_lines': (1_000, 50_000),
    'linger': (0, 86_400),
    'stalled': (1, 3_600),
    'max_connections': (10, 100_000),
    'max_sockets': (1, 100_000),
    'max_pages': (1, 10_000),
    'max_waiting_pages': (1, 10_000),
    'max_downloads': (1, 1_000),
    'max_reads': (1, 1_000),
    'max_streams': (1, 10_000),
    'max_body': (1_024, MEBIBYTE),
    'max_url': (256, 65_536),
    'max_headers': (1_024, 65_536),
    'audit_bytes': (65_536, 1 << 30),
    'audit_files': (1, 1_000),
}
CHOICES = {'redact_for': ('viewers', 'everyone', 'nobody')}


def _boolean(text: str) -> bool:
    if text.lower() not in ('1', 'true', 'yes', 'on', '0', 'false', 'no', 'off'):
        raise ValueError(text)
    return text.lower() in ('1', 'true', 'yes', 'on')


def networks(text: str) -> Networks:
    """The addresses and networks (CIDR) of a list with commas.

    :raises ValueError: when one is neither
    """
    return tuple(ip_network(part.strip()) for part in text.split(',') if part.strip())


def base_path(text: str) -> str:
    """A path for all addresses to begin with, without its last slash; '' for none.

    :raises ValueError: when it is no path, or begins like a path of the dashboard's own
    """
    path = text.rstrip('/')
    if path and (not BASE_PATH.fullmatch(path) or f'{path}/'.startswith((*(f'{own}/' for own in OWN_PATHS), '/_'))):
        raise ValueError(text)
    return path


_READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    'int': (int, 'a whole number'),
    'float': (float, 'a number'),
    'bool': (_boolean, 'true or false'),
    'Path': (Path, 'a path'),
    'Path | None': (Path, 'a path'),
    'Networks': (networks, 'addresses or networks such as 10.0.0.7 or 10.1.0.0/16, with commas between them'),
    'base_path': (base_path, f'a path such as /logs-ui that does not begin with {", ".join(OWN_PATHS)} or /_'),
}
_TYPES = {item.name: str(item.type) for item in fields(Settings)}


def _read(environ: Mapping[str, str], name: str) -> Any:
    text = environ.get(VARIABLES[name], '')
    if not text:
        return None
    reader, takes = _READERS.get(name) or _READERS.get(_TYPES[name], (str, 'text'))
    try:
        return reader(text)
    except ValueError:
        raise ConfigError(f'{VARIABLES[name]} takes {takes}, not {text!r}.') from None


def _default_data_dir(environ: Mapping[str, str]) -> Path:
    base = environ.get('XDG_DATA_HOME') or str(Path(environ.get('HOME') or '~').expanduser() / '.local' / 'share')
    return Path(base) / 'docker-log-dashboard'
