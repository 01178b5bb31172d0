"""Where the engine is, found as the Docker CLI finds it, and why it cannot be reached, in words."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import requests
from docker.constants import DEFAULT_UNIX_SOCKET
from docker.context import Context, ContextAPI
from docker.errors import TLSParameterError
from docker.tls import TLSConfig
from docker.utils import kwargs_from_env

from dashboard.errors import ConfigError, EngineUnavailable, RequestRefused

FILTERED = 'If a proxy filters what may be asked of the engine, let it pass this request.'
FAILED = (
    'The next try follows by itself; if this goes on, see the log of the engine, and of a proxy before it, '
    'which must allow this request.'
)
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
    """Say why the engine at ``where`` cannot be reached, or what it refused, and what to do."""
    refusals = (cause.response for cause in _causes(error) if isinstance(cause, requests.HTTPError))
    if (answer := next((answer for answer in refusals if answer is not None), None)) is not None:
        return _refused(answer, error, where)
    number = next((cause.errno for cause in _causes(error) if isinstance(cause, OSError) and cause.errno), None)
    reason, advice = _REASONS.get(number or 0, ('', START))
    if not reason:
        reason = _last_words(error)
        if 'timed out' in reason.lower() or any(isinstance(cause, TimeoutError) for cause in _causes(error)):
            reason, advice = 'it does not answer', 'It may be overloaded or frozen; the next try follows by itself.'
    return EngineUnavailable(f'{where.url} ({where.origin})', reason, advice)


def _refused(answer: requests.Response, error: BaseException, where: EngineAddress) -> RequestRefused:
    request = answer.request
    path = _VARIABLE.sub(r'\1{id}', _VERSION.sub('', request.path_url.partition('?')[0]))
    said = getattr(error, 'explanation', None)
    status = ' '.join(filter(None, (str(answer.status_code), answer.reason)))
    words = f'{status}: {_one_line(said)}' if said and said != answer.reason else status
    advice = FILTERED if answer.status_code < 500 else FAILED
    return RequestRefused(f'{where.url} ({where.origin})', f'{request.method} {path}', words, advice)


_VERSION = re.compile(r'^/v[0-9.]+(?=/)')
_VARIABLE = re.compile(r'^(/containers/)[^/]+(?=/)')  # what differs from one container to the next
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
    return _one_line(str(last)) or type(last).__name__


def _one_line(words: object) -> str:
    return next(iter(str(words).strip().splitlines()), '').strip().rstrip('.')[:200]
