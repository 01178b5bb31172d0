"""An answer that cannot be finished ends in words, or by hanging up, and the console hears nothing of it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from dashboard.config import Settings
from dashboard.errors import EngineUnavailable
from dashboard.web.edge import Edge
from tests.support.until import PATIENCE
from tests.unit.web.test_guard import configured, serving

AWAY = EngineUnavailable('unix:///x', 'it does not answer', '')


async def breaks_off(request: Request) -> Response:
    async def parts() -> AsyncIterator[str]:
        yield 'first'
        await anyio.sleep(0.05)
        raise AWAY

    return StreamingResponse(parts())


async def hangs(request: Request) -> Response:
    request.app.state.reached.set()
    await anyio.sleep_forever()
    return Response()


async def goes_on(request: Request) -> Response:
    async def parts() -> AsyncIterator[str]:
        yield 'first'
        await anyio.sleep_forever()

    return StreamingResponse(parts())


async def in_words(request: Request, error: Exception) -> Response:
    return PlainTextResponse(str(error), 503)


@pytest.fixture
def app():
    routes = [Route(f'/{route.__name__}', route) for route in (breaks_off, hangs, goes_on)]
    app = Starlette(routes=routes, exception_handlers={EngineUnavailable: in_words})
    app.state.reached = threading.Event()
    return app


def test_what_breaks_off_half_way_is_cut_off_and_no_news_to_the_console(app, caplog):
    settings = Settings()
    with (
        serving(Edge(app, settings), http=configured(settings).http) as url,
        pytest.raises(httpx.TransportError),
    ):
        httpx.get(f'{url}/breaks_off', trust_env=False)
    assert not caplog.records


def test_who_waits_when_the_server_stops_is_told_so_or_cut_off(app, caplog):
    settings, told = Settings(), []
    with serving(Edge(app, settings), http=configured(settings).http, timeout_graceful_shutdown=0.1) as url:

        def ask() -> None:
            told.append(httpx.get(f'{url}/hangs', trust_env=False))

        asking = threading.Thread(target=ask)
        asking.start()
        assert app.state.reached.wait(PATIENCE)
        stream = httpx.stream('GET', f'{url}/goes_on', trust_env=False)
        parts = stream.__enter__().iter_text()
        assert next(parts) == 'first'
    asking.join(PATIENCE)
    assert told[0].status_code == 503
    assert 'stopped' in told[0].text
    with pytest.raises(httpx.TransportError):
        next(parts)
    stream.__exit__(None, None, None)
    assert [record for record in caplog.records if record.exc_info] == []
