"""Settings: the one reader of the environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from dashboard.errors import ConfigError

MEBIBYTE = 1 << 20


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
}
LIMITS: dict[str, tuple[float, float]] = {
    'port': (0, 65_535),
    'history_lines': (1_000, 10_000_000),
    'history_bytes': (MEBIBYTE, 1 << 40),
    'page_lines': (1_000, 50_000),
    'linger': (0, 86_400),
    'stalled': (1, 3_600),
}


def _boolean(text: str) -> bool:
    if text.lower() not in ('1', 'true', 'yes', 'on', '0', 'false', 'no', 'off'):
        raise ValueError(text)
    return text.lower() in ('1', 'true', 'yes', 'on')


_READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    'int': (int, 'a whole number'),
    'float': (float, 'a number'),
    'bool': (_boolean, 'true or false'),
    'Path': (Path, 'a path'),
}
_TYPES = {item.name: str(item.type) for item in fields(Settings)}


def _read(environ: Mapping[str, str], name: str) -> Any:
    text = environ.get(VARIABLES[name], '')
    if not text:
        return None
    reader, takes = _READERS.get(_TYPES[name], (str, 'text'))
    try:
        return reader(text)
    except ValueError:
        raise ConfigError(f'{VARIABLES[name]} takes {takes}, not {text!r}.') from None


def _default_data_dir(environ: Mapping[str, str]) -> Path:
    base = environ.get('XDG_DATA_HOME') or str(Path(environ.get('HOME') or '~').expanduser() / '.local' / 'share')
    return Path(base) / 'docker-log-dashboard'
