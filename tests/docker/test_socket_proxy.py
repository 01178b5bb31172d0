"""The set-up that the README advises: a filtering proxy between the dashboard and the Docker socket."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter

import pytest
from websockets.sync.client import connect

from tests.support.docker_engine import wait_until
from tests.support.proxies import SocketProxy
from tests.support.server import Server
from tests.support.until import PATIENCE

pytestmark = pytest.mark.engine


@pytest.fixture
def proxy():
    proxy = SocketProxy()
    yield proxy
    proxy.close()


@pytest.mark.parametrize(
    ('method', 'path'),
    [
        ('POST', '/containers/create'),
        ('POST', '/v1.44/containers/x/exec'),
        ('DELETE', '/containers/x'),
        ('GET', '/containers/x/archive?path=/'),
        ('GET', '/containers/x/../../images/json'),
        ('GET', '/images/json'),
        ('GET', '/secrets'),
        ('GET', '/info'),
        ('HEAD', '/_ping'),
    ],
)
def test_the_proxy_of_this_test_refuses_all_the_rest(proxy, method, path):
    request = urllib.request.Request(proxy.url.replace('tcp', 'http') + path, method=method)
    with pytest.raises(urllib.error.HTTPError, match='403') as refused:
        urllib.request.urlopen(request, timeout=PATIENCE)
    refused.value.close()


def test_the_dashboard_needs_nothing_else(proxy, tmp_path, run_container):
    web = run_container(service='proxied', command='n=0; while true; do echo line $n; n=$((n+1)); sleep 0.05; done')
    server = Server(tmp_path, DOCKER_HOST=proxy.url)
    try:
        token = server.token()
        wait_until(lambda: b'"proxied"' in server.get('/api/services', token)[1])
        assert b'line 0' in server.get('/api/logs/proxied?tail=1000', token)[1]
        assert b'line 0' in server.get('/api/logs/proxied/download', token)[1]
        status = connect(f'{server.url.replace("http", "ws")}/api/logs/ws/status?token={token}', proxy=None)
        address = f'{server.url.replace("http", "ws")}/api/logs/ws/proxied?token={token}&tail=0'
        with connect(address, proxy=None) as live, status as changes:
            assert json.loads(live.recv(10))['content'].startswith('line ')
            changes.recv(10)
            web.stop()
            while '"exited"' not in changes.recv(10):
                pass
    finally:
        server.stop()
    kinds = Counter(kind_of(line) for line in proxy.seen)
    print('requests to the engine:', dict(kinds))
    assert proxy.refused == []
    wanted = {'version', 'events', 'containers/json', 'containers/ID/json', 'containers/ID/logs'}
    assert kinds.keys() - {'GET /_ping'} == {f'GET /{path}' for path in wanted}  # the ping is for an engine in trouble


def kind_of(line: str) -> str:
    method, path = line.partition('?')[0].split(' ')
    parts = ['ID' if len(part) == 64 else part for part in path.split('/') if not part.startswith('v1.')]
    return f'{method} {"/".join(parts)}'
