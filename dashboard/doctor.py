"""What is well and what is not, in about ten lines, each with what to do. Changes nothing, and never hangs."""

from __future__ import annotations

import asyncio
import platform
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from dashboard import __version__
from dashboard.access import look_at_directory
from dashboard.config import MEBIBYTE, Settings
from dashboard.engine import DemoEngine, DockerEngine, Engine, Readable, try_logs
from dashboard.errors import DashboardError
from dashboard.health import NotWell, ask_health
from dashboard.web import UNENCRYPTED, is_unencrypted, listen, validity

DEADLINE = 20.0  # seconds for everything: a file system or a name server may hang as an engine may
ENGINE_TIME, LOGS_TIME = 8.0, 8.0  # seconds of these for the engine's first answer, and for trying the logs
CLOCKS = 2.0  # seconds that two clocks may differ before anybody notices
SOON = 14  # days a certificate is still valid when it is time for the next one
NAMED = 5  # logs that are named in one line


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: how something is, and what to do."""

    level: str  # ok, warning, problem
    subject: str
    words: str


Look = Callable[[Settings], Iterator[Finding]]


def examine(settings: Settings) -> list[Finding]:
    """Look at everything side by side; what has not come to its end in ``DEADLINE`` is a problem."""
    looks: dict[str, Look] = {'Python': _python, 'Engine': _engine, 'Data': _data, 'Port': _port, 'TLS': _tls}
    found: dict[str, list[Finding]] = {subject: [] for subject in looks}
    threads = [
        threading.Thread(target=_collect, args=(subject, look, settings, found[subject]), daemon=True)
        for subject, look in looks.items()
    ]
    until = time.monotonic() + DEADLINE
    for thread in threads:
        thread.start()
    for subject, thread in zip(looks, threads, strict=True):
        thread.join(max(0.0, until - time.monotonic()))
        if thread.is_alive():
            found[subject].append(Finding('problem', subject, f'No answer in {DEADLINE:g} s: what it needs hangs.'))
    return [finding for findings in found.values() for finding in findings]


def _collect(subject: str, look: Look, settings: Settings, found: list[Finding]) -> None:
    try:
        found.extend(look(settings))
    except DashboardError as error:
        found.append(Finding('problem', subject, str(error)))
    except Exception as error:  # one thing that cannot be looked at must not hide the others
        found.append(Finding('problem', subject, f'It cannot be looked at: {error or type(error).__name__}.'))


def _python(_: Settings) -> Iterator[Finding]:
    yield Finding('ok', 'Python', f'{platform.python_version()}, with docker-log-dashboard {__version__}.')


# -- the engine


def _engine(settings: Settings) -> Iterator[Finding]:
    async def findings() -> list[Finding]:
        engine: Engine = DemoEngine() if settings.demo else DockerEngine(settings.docker_environ)
        try:
            return [finding async for finding in _ask(engine)]
        finally:
            await engine.close()

    yield from asyncio.run(findings())


async def _ask(engine: Engine) -> AsyncIterator[Finding]:
    try:
        async with asyncio.timeout(ENGINE_TIME):
            about, containers = await engine.about(), await engine.containers()
    except TimeoutError:
        words = f'{engine.address} does not answer in {ENGINE_TIME:g} s. Is it overloaded, or behind a firewall?'
        yield Finding('problem', 'Engine', words)
        return
    yield Finding('ok', 'Engine', f'{about.name} at {engine.address}.')
    yield _clock(about.ahead)
    try:
        readable = await try_logs(engine, containers, LOGS_TIME)
    except DashboardError as error:  # it has gone meanwhile: what it was is told all the same
        yield Finding('problem', 'Logs', str(error))
        return
    for finding in _logs(len(containers), readable):
        yield finding


def _clock(ahead: float) -> Finding:
    if abs(ahead) < CLOCKS:
        return Finding('ok', 'Clock', 'The engine and this machine agree on the time.')
    words = f'The clock of the engine is {abs(ahead):,.0f} s {"ahead of" if ahead > 0 else "behind"} the one here'
    advice = 'The age of lines, and `since`, are wrong by that. Let both machines keep their time by NTP.'
    return Finding('warning', 'Clock', f'{words}. {advice}')


def _logs(count: int, readable: Readable) -> Iterator[Finding]:
    if readable.tried < count:
        yield Finding('warning', 'Logs', f'Only {readable.tried} of {count} could be tried in {LOGS_TIME:g} s.')
    if readable.refused:
        names = [f'{refusal.container} ({refusal.driver})' for refusal in readable.refused]
        more = f' and {len(names) - NAMED} more' if len(names) > NAMED else ''
        yield Finding(
            'problem',
            'Logs',
            f'{len(names)} of {count} cannot be read, because their log driver keeps nothing: '
            f'{", ".join(sorted(names)[:NAMED])}{more}. Use the driver json-file or local for them '
            '(docker run --log-driver, or logging: in compose.yaml), and create them anew.',
        )
    elif readable.tried:
        yield Finding('ok', 'Logs', f'The logs of {readable.tried} containers can be read.')
    elif not count:
        yield Finding('ok', 'Logs', 'There is no container yet; each shows by itself when it is created.')


# -- this machine


def _data(settings: Settings) -> Iterator[Finding]:
    path = settings.data_dir.expanduser()
    found = look_at_directory(path)
    if found.faults:
        yield from (Finding('problem', 'Data', fault) for fault in found.faults)
    elif not found.writable:
        verb = 'written' if found.exists else 'made'
        yield Finding('problem', 'Data', f'{path} cannot be {verb} by this user. Choose another one with --data-dir.')
    elif found.exists and not found.private:
        words = f'{path} is not private: others can list it. Is it only for the dashboard? Then: chmod 700 {path}'
        yield Finding('warning', 'Data', words)
    else:
        words = 'is private and writable' if found.exists else 'is made at the first start'
        yield Finding('ok', 'Data', f'{path} {words}.')
    yield _space(found.free, settings.audit_bytes * (settings.audit_files + 1))


def _space(free: int, audit: int) -> Finding:
    words, wanted = (f'{size / MEBIBYTE:,.0f} MiB' for size in (free, audit))
    if free < MEBIBYTE:
        return Finding('problem', 'Disk', f'{words} are free: no account and no event can be kept. Make room.')
    if free < audit:
        return Finding('warning', 'Disk', f'{words} are free, and the audit log alone may take {wanted}. Make room.')
    return Finding('ok', 'Disk', f'{words} are free.')


def _port(settings: Settings) -> Iterator[Finding]:
    where = f'{settings.host} port {settings.port}'
    try:
        health = ask_health(settings)
    except NotWell:
        listen(settings).close()
        yield Finding('ok', 'Port', f'{where} is free.')
        return
    if health.get('status') != 'ok':
        yield Finding('problem', 'Port', f'Something else answers at {where}. Choose another one with --port.')
    elif health.get('engine') != 'reachable':
        yield Finding('warning', 'Port', f'A dashboard answers at {where}, which does not reach its engine.')
    else:
        yield Finding('ok', 'Port', f'A dashboard answers at {where}: version {health.get("version")}.')


def _tls(settings: Settings) -> Iterator[Finding]:
    dates = validity(settings)
    if dates is None:
        yield _no_tls(settings)
        return
    begin, end = dates
    days = (end - datetime.now(UTC)).days
    if begin > datetime.now(UTC):
        yield Finding('problem', 'TLS', f'{settings.tls_cert} is valid only from {begin:%Y-%m-%d %H:%M} UTC on.')
    elif days < 0:
        yield Finding('problem', 'TLS', f'{settings.tls_cert} has expired on {end:%Y-%m-%d}. Renew it.')
    else:
        words = f'{settings.tls_cert} and its key fit; valid for {days} more days, until {end:%Y-%m-%d}.'
        yield Finding('warning' if days < SOON else 'ok', 'TLS', words + (' Renew it.' if days < SOON else ''))


def _no_tls(settings: Settings) -> Finding:
    if is_unencrypted(settings):
        return Finding('warning', 'TLS', UNENCRYPTED)
    why = 'the proxy that is trusted ends TLS' if settings.trusted_proxies else 'only this machine is served'
    return Finding('ok', 'TLS', f'No certificate, and none is needed: {why}.')
