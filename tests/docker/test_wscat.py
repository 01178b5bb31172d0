"""The validation section of the specification, with its own client."""

from __future__ import annotations

import os
import pty
import subprocess

import pytest

from tests.support.wscat import wscat

pytestmark = pytest.mark.engine


def test_wscat_gets_the_log_as_the_specification_validates_it(server, run_container):
    run_container(service='redis', command='seq 1 100; while true; do echo more; sleep 0.1; done')
    url = f'{server.url.replace("http", "ws")}/api/logs/ws/redis?token={server.token()}&tail=50'
    messages, _ = wscat(url, 60)
    assert len(messages) == 60
    assert {message['type'] for message in messages} == {'log'}
    assert {message['service'] for message in messages} == {'redis'}
    assert messages[-1]['content'] == 'more'


def test_wscat_gets_status_changes(server, run_container):
    container = run_container(service='flapping')
    url = f'{server.url.replace("http", "ws")}/api/logs/ws/status?token={server.token()}'
    messages, _ = wscat(url, 1)
    assert messages[0]['type'] == 'status_update'
    assert {'service': 'flapping', 'status': 'running', 'health': 'none'} in messages[0]['changes']
    container.kill()


def test_wscat_with_a_bad_token_is_closed_with_4001(server):
    ours, its = pty.openpty()  # only on a terminal does it say why it was disconnected
    url = f'{server.url.replace("http", "ws")}/api/logs/ws/redis?token=nonsense'
    process = subprocess.Popen(['wscat', '-c', url], stdin=its, stdout=its, stderr=its)
    os.close(its)
    said = b''
    try:
        while b'Disconnected' not in said:
            said += os.read(ours, 1_000)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert b'code: 4001' in said


def test_a_token_in_a_url_reaches_no_log(server, run_container):
    token = server.token()
    run_container()
    wscat(f'{server.url.replace("http", "ws")}/api/logs/ws/status?token={token}', 1)
    server.get(f'/api/services?token={token}')
    server.get('/no-such-page?token=' + token, token)
    assert token not in server.output
