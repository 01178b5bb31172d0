"""An engine, or a proxy in its place, may answer anything: it is away then, and no task of ours ends by it."""

from __future__ import annotations

import json
import threading
from contextlib import aclosing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dashboard.config import Settings
from dashboard.engine.docker import DockerEngine
from dashboard.errors import ContainerGone, EngineUnavailable
from dashboard.model import Container, ServiceKey
from dashboard.timeline.hub import LogHub
from tests.unit.timeline.test_feed import until

pytestmark = pytest.mark.usefixtures('quick')

WEB = {'Id': 'a' * 64, 'Names': ['/web'], 'Image': 'web', 'State': 'exited', 'Status': 'Exited (0)', 'Created': 1}
NONSENSE = [
    (404, {'message': 'page not found'}),
    (409, {'message': 'no'}),
    (200, [{}]),
    (200, 7),
    (500, 'x'),
    (200, ''),
]


@pytest.fixture
def answers():
    """What the engine at ``answers['url']`` answers, by the last part of the path: a status and a document."""
    answers = {'version': (200, {'ApiVersion': '1.41'}), '_ping': (200, 'OK'), 'events': (404, {'message': 'no'})}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, document = answers[self.path.partition('?')[0].rpartition('/')[2]]
            body = json.dumps(document).encode() if document else b'<html>'
            self.send_response(status)
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(('127.0.0.1', 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        answers['url'] = f'tcp://127.0.0.1:{server.server_port}'
        yield answers
        server.shutdown()


@pytest.mark.parametrize('nonsense', NONSENSE, ids=str)
async def test_whatever_it_answers_the_dashboard_comes_alive_when_it_answers_well(answers, nonsense):
    answers['json'] = nonsense
    async with LogHub(DockerEngine({'DOCKER_HOST': answers['url']}), Settings()) as hub:
        await until(lambda: hub.status.error)
        assert answers['url'] in str(hub.status.error)
        answers['json'] = (200, [WEB])
        await until(lambda: [service.key.name for service in hub.services] == ['web'])


async def test_a_container_that_is_not_there_is_told_from_an_engine_that_is_not_there(answers):
    answers['json'] = (404, {'message': 'No such container'})
    engine = DockerEngine({'DOCKER_HOST': answers['url']})
    with pytest.raises(ContainerGone):
        async with aclosing(engine.logs(Container('b' * 64, 'web', ServiceKey('local', '', 'web'), '', ''))) as batches:
            await anext(batches)
    with pytest.raises(EngineUnavailable):
        await engine.containers()
    await engine.close()
