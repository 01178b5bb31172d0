"""Where the engine is, found as the Docker CLI finds it, and why it cannot be reached, in words."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from docker.constants import DEFAULT_UNIX_SOCKET
from docker.context import Context, ContextAPI
from docker.errors import TLSParameterError
from docker.tls import TLSConfig
from docker.utils import kwargs_from_env

from dashboard.errors import ConfigError, EngineUnavailable

START = 'Start Docker, or set DOCKER_HOST to the address of your engine; the page comes alive by itself.'


@dataclass(frozen=True, slots=True)
class EngineAddress:
    """An address that the Docker SDK takes, and where it was found."""

    url: str
    tls: TLSConfig | bool
    origin: str  # DOCKER_HOST, the context's name, or the default


def find_engine(environ: Mapping[str, str]) -> EngineAddress:
    """The address from DOCKER_HOST (with DOCKER_TLS_VERIFY, DOCKER_CERT_PATH), the current context, or the default.

    The order is that of the Docker CLI: https://docs.docker.com/engine/manage-resources/contexts/

    :raises ConfigError: when a context is named that does not exist
    """
    if environ.get('DOCKER_HOST'):
        try:
            found = kwargs_from_env(dict(environ))
        except TLSParameterError:
            raise ConfigError(
                'TLS to the engine takes ca.pem, cert.pem and key.pem in the directory DOCKER_CERT_PATH: '
                f'they are not all in {environ.get("DOCKER_CERT_PATH") or "~/.docker"}.'
            ) from None
        return EngineAddress(found['base_url'], found.get('tls', False), 'DOCKER_HOST')
    name = environ.get('DOCKER_CONTEXT') or None
    context: Context | None = ContextAPI.get_context(name) if name else ContextAPI.get_current_context()
    if context is None:
        raise ConfigError(f'There is no Docker context {name!r}: `docker context ls` shows those there are.')
    if context.Name == 'default' or not context.Host:
        return EngineAddress(DEFAULT_UNIX_SOCKET.removeprefix('http+'), False, 'the default')
    return EngineAddress(context.Host, context.TLSConfig or False, f'the context {context.Name}')


def explain(error: BaseException, where: EngineAddress) -> EngineUnavailable:
    """Say why the engine at ``where`` cannot be reached, and what to do."""
    number = next((cause.errno for cause in _causes(error) if isinstance(cause, OSError) and cause.errno), None)
    reason, advice = _REASONS.get(number or 0, ('', START))
    if not reason:
        reason = _last_words(error)
        if 'timed out' in reason.lower() or any(isinstance(cause, TimeoutError) for cause in _causes(error)):
            reason, advice = 'it does not answer', 'It may be overloaded or frozen; the next try follows by itself.'
    return EngineUnavailable(f'{where.url} ({where.origin})', reason, advice)


_REASONS = {
    errno.ENOENT: ('the socket does not exist', START),
    errno.ECONNREFUSED: ('nothing listens there', START),
    errno.ECONNRESET: ('it closed the connection', 'It may be restarting; the next try follows by itself.'),
    errno.EPIPE: ('it closed the connection', 'It may be restarting; the next try follows by itself.'),
    errno.ETIMEDOUT: ('it does not answer', 'It may be overloaded or frozen; the next try follows by itself.'),
    errno.EHOSTUNREACH: ('its host cannot be reached', 'Check the network and the address.'),
    errno.EACCES: (
        'permission denied',
        'Run the dashboard as a user in the group that owns the socket (often `docker`), or as root.',
    ),
}


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it wraps: urllib3 and requests carry the cause as an argument, not as ``__cause__``."""
    todo: list[object] = [error]
    seen: set[int] = set()
    while todo:
        current = todo.pop(0)
        if isinstance(current, BaseException) and id(current) not in seen:
            seen.add(id(current))
            yield current
            todo += [*current.args, current.__cause__, current.__context__, getattr(current, 'reason', None)]


def _last_words(error: BaseException) -> str:
    *_, last = _causes(error)
    return (str(last) or type(last).__name__).strip().rstrip('.').splitlines()[0][:200]
