"""Wires everything together and serves it."""

from __future__ import annotations

import gc
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from nicegui import ui

from dashboard import __version__, api, pages
from dashboard.access import Accounts, Audit, ensure_admin
from dashboard.config import Settings
from dashboard.engine import DemoEngine, DockerEngine, Engine
from dashboard.store import Store
from dashboard.timeline import LogHub
from dashboard.view import Redactor, Views
from dashboard.web import UNENCRYPTED, Edge, Guard, Head, Transfers, check_tls, configure, is_unencrypted, listen

OWN_NAME = 'Give the dashboard a host name of its own: browsers send its cookie to every other port of the same host.'
KEPT = 'lines'  # the directory in the data directory where lines are kept
SWITCH = 0.0005  # seconds for which a busy thread may hold up the event loop each time that it wakes
RECONNECT = 10.0  # seconds a page's state is kept for a browser that has lost its connection
DESCRIPTION = 'Live Docker container logs. Sign in with `/api/auth/login`; send the token as `Authorization: Bearer`.'


def create_api(
    hub: LogHub,
    accounts: Accounts,
    redactor: Redactor | None = None,
    audit: Audit | None = None,
    transfers: Transfers | None = None,
    views: Views | None = None,
) -> FastAPI:
    """The HTTP and WebSocket routes behind the gate, without pages; entering its lifespan starts the hub."""

    audit = audit or Audit()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None, None]:
        audit.record('start')
        async with hub, accounts.visits:
            yield
        audit.close()
        audit.record('stop')

    app = FastAPIOffline(
        title='Docker Log Dashboard',
        version=__version__,
        description=DESCRIPTION,
        docs_url='/api/docs',
        redoc_url=None,
        openapi_url='/api/openapi.json',
        static_url='/api/docs-assets',
        lifespan=lifespan,
    )
    app.add_middleware(Head)
    app.add_middleware(Guard, accounts=accounts, settings=hub.settings)
    views = views or Views(hub, redactor or Redactor())  # not the hub itself
    api.install(app, views, accounts, audit, transfers or Transfers())
    return app


def create_app(settings: Settings, hub: LogHub, accounts: Accounts) -> Edge:
    """The whole product as an ASGI application.

    :raises ConfigError: when a redaction rule does not do, or the audit log cannot be kept
    """
    views, audit, transfers = Views(hub, Redactor.of(settings)), Audit.of(settings, accounts), Transfers()
    app = create_api(hub, accounts, audit=audit, transfers=transfers, views=views)
    pages.install(app, views, accounts, settings, audit, transfers)
    ui.run_with(
        app,
        title='Docker Log Dashboard',
        favicon=pages.MARK,
        dark=None,
        reconnect_timeout=RECONNECT,
        tailwind=False,  # it would look through all lines in the browser at every flush; no page needs it
        show_welcome_message=False,
    )
    return Edge(app, settings)


def serve(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM.

    :raises ConfigError: when the address cannot be listened on, or a setting is wrong
    """
    check_tls(settings)
    engine: Engine = DemoEngine() if settings.demo else DockerEngine(settings.docker_environ)
    accounts = Accounts(settings.data_dir, settings.secret_key)
    ensure_admin(accounts, settings.admin_password)
    with listen(settings) as listener, opened_store(settings) as store:
        app = create_app(settings, LogHub(engine, settings, store), accounts)
        _greet(settings, engine, accounts, listener)
        tune_garbage_collection()
        sys.setswitchinterval(SWITCH)
        # uvicorn raises the signal again when it has shut down: an orderly end is not a failure
        signal.signal(signal.SIGTERM, _exit)
        uvicorn.Server(configure(app, settings)).run(sockets=[listener])


@contextmanager
def opened_store(settings: Settings) -> Iterator[Store | None]:
    """Where lines are kept, if they are. Those of the demo are made up anew each time, and go with it."""
    if not settings.store_bytes or not settings.store_days:
        yield None
    elif settings.demo:
        with tempfile.TemporaryDirectory(prefix='docker-log-dashboard-demo-') as place:
            yield Store(Path(place) / KEPT, settings.store_bytes, settings.store_days)
    else:
        yield Store(settings.data_dir / KEPT, settings.store_bytes, settings.store_days)


def _greet(settings: Settings, engine: Engine, accounts: Accounts, listener: socket.socket) -> None:
    """Tell the console where to look, and the set-up code, which nobody else may see."""
    host = f'[{settings.host}]' if ':' in settings.host else settings.host
    scheme = 'https' if settings.tls_cert else 'http'
    url = f'{scheme}://{host}:{listener.getsockname()[1]}{settings.base_path}'
    lines = [f'Docker Log Dashboard {__version__} on {url}', f'Engine: {engine.address}']
    if accounts.needs_setup():
        lines.append(f'Set-up code for the first account: {accounts.setup_code}')
    if is_unencrypted(settings):
        lines.append(f'Warning: {UNENCRYPTED}')
    lines.append(OWN_NAME)
    sys.stdout.write('\n'.join(lines) + '\n')
    sys.stdout.flush()


def tune_garbage_collection() -> None:
    """Lines are many and hold no cycles: look for cycles seldom, and never among what start-up made.

    The hub looks for them when somebody has left, for pages and errors do hold some.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _exit(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
