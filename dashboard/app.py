"""Wires everything together and serves it."""

from __future__ import annotations

import gc
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import FrameType

import uvicorn
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from nicegui import ui

from dashboard import __version__, api, pages
from dashboard.access import Accounts, Audit, ensure_admin
from dashboard.config import Settings
from dashboard.engine import DemoEngine, DockerEngine, Engine
from dashboard.timeline import LogHub
from dashboard.view import Redactor, Views
from dashboard.web import UNENCRYPTED, Edge, Guard, Head, check_tls, configure, is_unencrypted, listen

OWN_NAME = 'Give the dashboard a host name of its own: browsers send its cookie to every other port of the same host.'
RECONNECT = 10.0  # seconds a page's state is kept for a browser that has lost its connection
DESCRIPTION = 'Live Docker container logs. Sign in with `/api/auth/login`; send the token as `Authorization: Bearer`.'


def create_api(
    hub: LogHub, accounts: Accounts, redactor: Redactor | None = None, audit: Audit | None = None
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
    api.install(app, Views(hub, redactor or Redactor()), accounts, audit)  # nobody is given the hub itself
    return app


def create_app(settings: Settings, hub: LogHub, accounts: Accounts) -> Edge:
    """The whole product as an ASGI application.

    :raises ConfigError: when a redaction rule does not do, or the audit log cannot be kept
    """
    redactor, audit = Redactor.of(settings), Audit.of(settings, accounts)
    app = create_api(hub, accounts, redactor, audit)
    pages.install(app, Views(hub, redactor), accounts, settings, audit)
    ui.run_with(
        app,
        title='Docker Log Dashboard',
        favicon=pages.MARK,
        dark=None,
        reconnect_timeout=RECONNECT,
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
    app = create_app(settings, LogHub(engine, settings), accounts)
    with listen(settings) as listener:
        _greet(settings, engine, accounts, listener)
        tune_garbage_collection()
        # uvicorn raises the signal again when it has shut down: an orderly end is not a failure
        signal.signal(signal.SIGTERM, _exit)
        uvicorn.Server(configure(app, settings)).run(sockets=[listener])


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
