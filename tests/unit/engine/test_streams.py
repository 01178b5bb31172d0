"""What an engine's streams do when it, or a proxy before it, closes connections, sends no chunks, or refuses."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import aclosing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dashboard.config import Settings
from dashboard.engine.docker import DockerEngine
from dashboard.errors import EngineUnavailable, RequestRefused
from dashboard.model import Container, ServiceKey
from dashboard.timeline.hub import LogHub
from tests.support.until import PATIENCE, until

pytestmark = pytest.mark.usefixtures('quick')

WEB = {'Id': 'a' * 64, 'Names': ['/web'], 'Image': 'web', 'State': 'running', 'Status': 'Up', 'Created': 1}
CONTAINER = Container('a' * 64, 'web', ServiceKey('local', '', 'web'), '', 'running')
PAGE = b'<html><h1>Forbidden</h1></html>'


class FakeEngine:
    """Answers as an engine would, with the parts that a test sets otherwise."""

    def __init__(self) -> None:
        self.chunked = True
        self.closes = True  # connections, after each answer
        self.refused: dict[str, tuple[int, bytes]] = {}  # status and body, by the last part of the path
        self.asked: list[str] = []
        self.more = threading.Event()  # the log goes on
        self.hung_up = threading.Event()  # the dashboard has closed a stream
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self) -> None:
                fake.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f'tcp://127.0.0.1:{self.server.server_port}'

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path.partition('?')[0]
        kind = 'list' if path.endswith('containers/json') else path.rpartition('/')[2]
        self.asked.append(kind)
        if kind in self.refused:
            self._send(handler, *self.refused[kind])
        elif kind in ('logs', 'events'):
            self._stream(handler, kind)
        else:
            self._send(handler, 200, json.dumps(self._document(kind)).encode())

    def _document(self, kind: str) -> object:
        details = {'HostConfig': {}, 'Config': {'Tty': False}}
        return {'version': {'ApiVersion': '1.41'}, 'list': [WEB], 'json': details}.get(kind, 'OK')

    def _send(self, handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        handler.send_response(status)
        self._end_headers(handler, f'Content-Length: {len(body)}')
        handler.wfile.write(body)

    def _stream(self, handler: BaseHTTPRequestHandler, kind: str) -> None:
        handler.send_response(200)
        self._end_headers(handler, 'Transfer-Encoding: chunked' if self.chunked else '')
        handler.wfile.flush()
        if kind == 'logs' and self.more.is_set():
            frame = b'2026-01-02T03:04:05.000000001Z more\n'
            frame = b'\x01\x00\x00\x00' + len(frame).to_bytes(4, 'big') + frame
            handler.wfile.write(b'%x\r\n%b\r\n0\r\n\r\n' % (len(frame), frame) if self.chunked else frame)
            handler.close_connection = True
            return
        handler.rfile.read(1)  # until the other side hangs up
        self.hung_up.set()

    def _end_headers(self, handler: BaseHTTPRequestHandler, header: str) -> None:
        for item in filter(None, (header, 'Connection: close' if self.closes else '')):
            handler.send_header(*item.split(': '))
        handler.end_headers()


@pytest.fixture
def fake():
    fake = FakeEngine()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


@pytest.fixture
async def engine(fake):
    engine = DockerEngine({'DOCKER_HOST': fake.url})
    yield engine
    await engine.close()


@pytest.mark.parametrize('chunked', [True, False])
async def test_a_log_is_read_whether_its_answer_has_chunks_or_ends_with_the_connection(fake, engine, chunked):
    fake.chunked = chunked
    fake.more.set()
    async with aclosing(engine.logs(CONTAINER, follow=True)) as batches:
        assert [line.text async for batch in batches for line in batch] == ['more']


@pytest.mark.parametrize('closes', [True, False])
async def test_a_stream_may_be_quiet_for_longer_than_an_answer_may_take_to_begin(fake, engine, monkeypatch, closes):
    fake.closes = closes
    monkeypatch.setattr('dashboard.engine.stream.ANSWER_TIMEOUT', 0.5)
    async with aclosing(engine.logs(CONTAINER, follow=True)) as batches:
        assert await anext(batches) == []
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await anext(batches)


@pytest.mark.parametrize('closes', [True, False])
async def test_closing_a_quiet_stream_waits_for_nothing(fake, engine, monkeypatch, closes):
    fake.closes = closes
    monkeypatch.setattr('dashboard.engine.stream.ANSWER_TIMEOUT', 1_000.0)  # that long the loop stood still
    async with aclosing(engine.logs(CONTAINER, follow=True)) as batches:
        assert await anext(batches) == []
    await until(fake.hung_up.is_set)


REFUSALS = [(403, PAGE), (403, b''), (500, PAGE), (500, b'{"message": "no space left"}'), (404, b'{"message": "no"}')]


@pytest.mark.parametrize('refusal', REFUSALS, ids=str)
@pytest.mark.parametrize(('kind', 'path'), [('logs', '/containers/{id}/logs'), ('json', '/containers/{id}/json')])
async def test_who_is_refused_a_log_is_told_which_request_and_how_it_was_answered(fake, engine, kind, path, refusal):
    fake.refused[kind] = refusal
    with pytest.raises(RequestRefused, match=f'refused GET {path}: {refusal[0]} ') as told:
        async with aclosing(engine.logs(CONTAINER)) as batches:
            await anext(batches)
    assert fake.url in str(told.value)
    assert 'proxy' in str(told.value)
    assert ('let it pass' in str(told.value)) is (refusal[0] < 500)
    assert ('no space left' in str(told.value)) is (b'no space' in refusal[1])


@pytest.mark.parametrize('refusal', REFUSALS, ids=str)
async def test_who_is_refused_the_list_of_containers_is_told_so(fake, refusal):
    fake.refused['list'] = refusal
    async with LogHub(DockerEngine({'DOCKER_HOST': fake.url}), Settings()) as hub:
        await hub.asked()
        with pytest.raises(EngineUnavailable, match=f'refused GET /containers/json: {refusal[0]} '):
            hub.find('web')


async def test_an_engine_whose_sign_of_life_is_refused_is_there_as_long_as_its_containers_are_listed(fake, monkeypatch):
    monkeypatch.setattr('dashboard.timeline.watch.PING', 0.01)
    fake.refused['_ping'] = (403, PAGE)
    async with LogHub(DockerEngine({'DOCKER_HOST': fake.url}), Settings()) as hub:
        await until(lambda: fake.asked.count('_ping') >= 3)
        assert hub.status.reachable
        fake.refused['list'] = (403, PAGE)
        await until(lambda: hub.status.error)


async def test_a_service_whose_log_is_refused_says_so_and_comes_alive_when_it_is_not(fake):
    fake.refused['logs'] = (403, PAGE)
    async with LogHub(DockerEngine({'DOCKER_HOST': fake.url}), Settings()) as hub:
        await until(lambda: hub.services)
        async with asyncio.timeout(PATIENCE), hub.subscribe(hub.services[0].key, 10) as subscription:
            status = subscription.feed.status
            assert status.phase == 'unreadable'
            assert 'GET /containers/{id}/logs: 403' in status.error
            fake.more.set()
            fake.refused.clear()
            await until(lambda: subscription.feed.history.end)


async def test_refused_events_are_asked_for_ever_more_seldom(fake, monkeypatch):
    monkeypatch.setattr('dashboard.timeline.watch.backoff', waits := Waits())
    fake.refused['events'] = (403, PAGE)
    async with LogHub(DockerEngine({'DOCKER_HOST': fake.url}), Settings()):
        await until(lambda: len(waits.attempts) >= 4)
    assert waits.attempts[:4] == [1, 2, 3, 4]


class Waits:
    """In place of :func:`backoff`: waits no longer each time, and notes which attempt it was."""

    def __init__(self) -> None:
        self.attempts: list[int] = []

    def __call__(self, attempt: int, first: float, longest: float) -> float:
        self.attempts.append(attempt)
        return 0.01
