"""Settings: the one table of what a user may set, and the one reader of the environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, TypeAlias

from dashboard.errors import ConfigError

MEBIBYTE = 1 << 20
BASE_PATH = re.compile(r'(/[A-Za-z0-9][A-Za-z0-9._~-]*)+')
OWN_PATHS = (  # a base path must not look like one
    '/logs', '/search', '/api', '/login', '/logout', '/account', '/users', '/audit', '/storage', '/help', '/docs',
    '/favicon.ico',
)  # fmt: skip

Networks: TypeAlias = tuple[IPv4Network | IPv6Network, ...]
BasePath: TypeAlias = str  # read by base_path()
Patterns: TypeAlias = tuple[str, ...]  # read by patterns()


def setting(
    default: Any,
    help: str,
    *,
    variable: str = '',
    limits: tuple[float, float] | None = None,
    choices: tuple[str, ...] = (),
    option: str | None = None,
) -> Any:
    """A field of :class:`Settings` with all there is to know of it; the documents hold the same words.

    :param variable: of the environment, when it is not ``DASHBOARD_`` and the name
    :param limits: the least and the greatest number
    :param option: what the command line's help calls the value, '' for a switch; without it there is no such option
    """
    known = {'help': help, 'variable': variable, 'limits': limits, 'choices': choices, 'metavar': option}
    return field(default=default, metadata=known)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a user may set. To add a setting, add a field here and a row to the documents: no more is needed."""

    host: str = setting('127.0.0.1', 'the address to listen on', option='HOST')
    port: int = setting(9000, 'the port to listen on', limits=(0, 65_535), option='PORT')
    demo: bool = setting(False, 'shows four made-up services, without Docker', option='')
    data_dir: Path = setting(
        Path('~/.local/share/docker-log-dashboard'),
        'where accounts, the signing key and the audit log are kept',
        option='DIR',
    )
    secret_key: str | None = setting(None, 'signs the tokens of sessions', variable='SECRET_KEY')
    admin_password: str | None = setting(None, 'makes the account admin with this password when there is no account')
    compose_project: str | None = setting(None, 'shows this Compose project only', variable='COMPOSE_PROJECT_NAME')
    history_lines: int = setting(50_000, 'lines remembered for each watched service', limits=(1_000, 10_000_000))
    history_bytes: int = setting(64 * MEBIBYTE, 'bytes remembered for each watched service', limits=(MEBIBYTE, 1 << 40))
    page_lines: int = setting(5_000, 'lines kept in a page', limits=(1_000, 50_000))
    linger: float = setting(30.0, 'seconds a stream stays open after its last viewer has left', limits=(0, 86_400))
    stalled: float = setting(
        30.0, 'seconds a WebSocket client may read nothing before it is closed with 1013', limits=(1, 3_600)
    )
    tls_cert: Path | None = setting(None, 'serves HTTPS with this certificate (PEM, the whole chain)', option='FILE')
    tls_key: Path | None = setting(None, 'and this key', option='FILE')
    trusted_proxies: Networks = setting(
        (),
        'whose X-Forwarded-… headers are believed',
        variable='DASHBOARD_TRUSTED_PROXY',
        option='ADDRESS|CIDR[,…]',
    )
    base_path: BasePath = setting('', 'what all addresses begin with', option='/PATH')
    max_connections: int = setting(1_000, 'connections of everybody together', limits=(10, 100_000))
    max_sockets: int = setting(200, 'WebSockets of a user, and as many of their pages', limits=(1, 100_000))
    max_pages: int = setting(50, 'open pages of a user', limits=(1, 10_000))
    max_waiting_pages: int = setting(20, 'pages of a user that no browser has opened yet', limits=(1, 10_000))
    max_searches: int = setting(2, 'searches of a user at once', limits=(1, 100))
    max_downloads: int = setting(4, 'downloads of a user at once', limits=(1, 1_000))
    max_reads: int = setting(20, 'requests of a user for last lines at once', limits=(1, 1_000))  # each takes a stream
    max_streams: int = setting(500, 'log streams of the engine, for everybody together', limits=(1, 10_000))
    max_body: int = setting(65_536, 'bytes of a request, or of a message on a WebSocket', limits=(1_024, MEBIBYTE))
    max_url: int = setting(8_192, 'bytes of path and query', limits=(256, 65_536))
    max_headers: int = setting(16_384, 'bytes of all headers', limits=(1_024, 65_536))
    store_bytes: int = setting(1 << 30, 'bytes of kept lines; 0 keeps none', limits=(0, 1 << 50))
    store_days: float = setting(14.0, 'days for which lines are kept; 0 keeps none', limits=(0, 36_500))
    store_include: Patterns = setting((), 'whose lines are kept; without it those of all services')
    store_exclude: Patterns = setting((), 'whose lines are not kept')
    redact: Path | None = setting(None, 'a file of your own redaction patterns')  # absolute, or in the data directory
    redact_for: str = setting('viewers', 'from whom secrets are hidden', choices=('viewers', 'everyone', 'nobody'))
    audit_bytes: int = setting(10 * MEBIBYTE, 'bytes of a file of the audit log', limits=(65_536, 1 << 30))
    audit_files: int = setting(5, 'older files of the audit log that are kept', limits=(1, 1_000))
    docker_environ: Mapping[str, str] = field(default_factory=dict)  # the DOCKER_* variables

    @classmethod
    def from_env(cls, environ: Mapping[str, str], **overrides: Any) -> Settings:
        """Read the settings; what ``overrides`` gives (and is not None) beats the environment.

        :raises ConfigError: when a value does not fit, naming the variable and what it takes
        """
        given = {name: value for name, value in overrides.items() if value is not None}
        read = {name: item.read(environ) for name, item in SETTINGS.items() if name not in given}
        given |= {name: value for name, value in read.items() if value is not None}
        docker = {name: value for name, value in environ.items() if name.startswith('DOCKER_')}
        settings = cls(**{'data_dir': _default_data_dir(environ), 'docker_environ': docker, **given})
        if bool(settings.tls_cert) != bool(settings.tls_key):
            raise ConfigError('TLS takes both a certificate and its key: set --tls-cert and --tls-key.')
        return settings


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting, as the reader of the environment, the command line and the test of the documents know it."""

    name: str
    kind: str  # the type, as the field says it
    default: Any
    help: str
    variable: str
    limits: tuple[float, float] | None
    choices: tuple[str, ...]
    metavar: str | None

    @property
    def option(self) -> str:
        """As ``--port``; '' when the command line has none."""
        name = self.variable.removeprefix('DASHBOARD_').lower().replace('_', '-')
        return '' if self.metavar is None else f'--{name}'

    def read(self, environ: Mapping[str, str]) -> Any:
        """Its value; None when it is not set, or empty.

        :raises ConfigError: when the value does not fit
        """
        try:
            return self.parse(environ[self.variable]) if environ.get(self.variable) else None
        except ValueError as error:
            raise ConfigError(f'{self.variable} {error}.') from None

    def parse(self, text: str) -> Any:
        """The value that a text stands for.

        :raises ValueError: when it does not fit; the words go on after the name of the setting
        """
        reader, takes = _KINDS[self.kind]
        low, high = self.limits or (0, 0)
        try:
            value = reader(text)
        except ValueError:
            raise ValueError(
                f'takes {takes}{f" from {low:,} to {high:,}" if self.limits else ""}, not {text!r}'
            ) from None
        if self.limits and not low <= value <= high:
            raise ValueError(f'must be from {low:,} to {high:,}, not {value:,}')
        if self.choices and value not in self.choices:
            raise ValueError(f'takes {", ".join(self.choices)}; not {value!r}')
        return value


def _boolean(text: str) -> bool:
    if text.lower() not in ('1', 'true', 'yes', 'on', '0', 'false', 'no', 'off'):
        raise ValueError(text)
    return text.lower() in ('1', 'true', 'yes', 'on')


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~name of a user that there is not
        raise ValueError(text) from error


def networks(text: str) -> Networks:
    """The addresses and networks (CIDR) of a list with commas.

    :raises ValueError: when one is neither
    """
    return tuple(ip_network(part.strip()) for part in text.split(',') if part.strip())


def patterns(text: str) -> Patterns:
    """The patterns of a list with commas or spaces.

    :raises ValueError: when one is none
    """
    found = tuple(text.replace(',', ' ').split())
    if not all('/' in pattern and pattern.isprintable() for pattern in found):
        raise ValueError(text)
    return found


def base_path(text: str) -> str:
    """A path for all addresses to begin with, without its last slash; '' for none.

    :raises ValueError: when it is no path, or begins like a path of the dashboard's own
    """
    path = text.rstrip('/')
    if path and (not BASE_PATH.fullmatch(path) or f'{path}/'.startswith((*(f'{own}/' for own in OWN_PATHS), '/_'))):
        raise ValueError(text)
    return path


_KINDS: dict[str, tuple[Callable[[str], Any], str]] = {
    'str': (str, 'text'),
    'str | None': (str, 'text'),
    'int': (int, 'a whole number'),
    'float': (float, 'a number'),
    'bool': (_boolean, 'true or false'),
    'Path': (_path, 'a path'),
    'Path | None': (_path, 'a path'),
    'Networks': (networks, 'addresses or networks such as 10.0.0.7 or 10.1.0.0/16, with commas between them'),
    'Patterns': (patterns, 'patterns of project/service such as shop/* or */web, with commas between them'),
    'BasePath': (base_path, f'a path such as /logs-ui that does not begin with {", ".join(OWN_PATHS)} or /_'),
}
SETTINGS: Mapping[str, Setting] = {
    item.name: Setting(
        item.name,
        str(item.type),
        item.default,
        **{**item.metadata, 'variable': item.metadata['variable'] or f'DASHBOARD_{item.name.upper()}'},
    )
    for item in fields(Settings)
    if item.metadata
}


def _default_data_dir(environ: Mapping[str, str]) -> Path:
    base = environ.get('XDG_DATA_HOME') or str(Path(environ.get('HOME') or '~').expanduser() / '.local' / 'share')
    return Path(base) / 'docker-log-dashboard'
