"""No request of anybody is answered with 500, and none writes a traceback to the console."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from dashboard.web.routes import RULES, SOCKET, TABLE
from tests.support.docker_engine import wait_until
from tests.support.until import PATIENCE
from tests.unit.web.test_guard import bearer

VALUES = [
    '9' * 5_000, '9223372036854775808', '-9223372036854775809', '1e999', '1_000', '٣', 'a' * 3_000, '\0', '\ud800',
    '\xff', '[' * 1_000, '/(((/', '1-1-' + 'f' * 900, '9999-12-31T23:59:59.999999999Z', '9' * 30 + 'h',
]  # fmt: skip
PARTS = ['\0', '\ud800', '\xff\r\n', '../..', '9' * 5_000, '[%']
PARAMETERS = {
    '/api/logs/{service}': ['tail', 'since', 'until', 'timestamps'],
    '/api/logs/{service}/download': ['tail', 'since', 'until', 'from', 'to', 'filter', 'format', 'held', 'transfer'],
    '/logs': ['service', 'tail', 'filter'],
    '/login': ['next'],
    '/api/audit': ['limit', 'before', 'user', 'event', 'text'],
    '/_nicegui_ws/{path:path}': ['EIO', 'transport', 'sid', 'j'],
}
BODIES = [
    b'[' * 1_000, b'{"a":' * 900, b'null', b'NaN', b'\xff\xfe', b'\0', b'', b'9' * 5_000, b'{"\\ud800": 1}',
    b'{"username": NaN, "password": NaN, "code": NaN, "name": NaN, "days": NaN, "current_password": NaN}',
    b'{"username": "\\ud800", "password": "\\ud800xxxxxxx", "code": "\\ud800", "name": "\\ud800"}',
    b'{"username": "a\\u0000", "password": "longenough", "code": "", "name": "a", "days": 1e999, "scope": ["\\u0000"]}',
    b'{"username": "a", "password": 1, "code": ' + b'9' * 4_500 + b'}',
]  # fmt: skip
KINDS = ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', '\xff']
HEADERS = {
    'Cookie': ['dashboard_token=\xff', 'dashboard_token="\\377"', ';;=', 'dashboard_token=' + 'x' * 3_000],
    'Authorization': ['Bearer \xff', 'Bearer ' + '[' * 1_000, 'Bearer eyJhbGciOiJIUzI1NiJ9.' + '9' * 900 + '.x'],
    'Origin': ['http://[', '//', '\xff', 'null'],
    'Host': ['[', '\xff', 'a, b'],
    'Range': ['bytes=0-1', 'bytes=9-1', '\xff'],
    'X-Forwarded-For': ['\xff', '[::1'],
    'Expect': ['9'],
}
WRITING = ('POST', 'PATCH', 'DELETE')


@pytest.fixture(scope='module')
def here(product: SimpleNamespace) -> Iterator[SimpleNamespace]:
    headers = bearer(product.accounts.issue('kim'))
    connection = HTTPConnection('127.0.0.1', product.port, timeout=PATIENCE)
    made = SimpleNamespace(port=product.port, headers=headers, connection=connection)
    wait_until(lambda: b'a line' in answer(made, 'GET', '/api/logs/web', headers).body)
    yield made
    connection.close()


def answer(here: SimpleNamespace, method: str, path: str, headers: dict[str, str], body: bytes = b'') -> HTTPResponse:
    here.connection.request(method, path, body or None, headers)
    answered = here.connection.getresponse()
    answered.body = answered.read()
    if answered.will_close:
        here.connection.close()  # the next request opens it again
    return answered


@pytest.fixture(autouse=True)
def no_tracebacks(caplog):
    yield
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def coded(value: str) -> str:
    return quote(value.encode('utf-8', 'surrogatepass'), safe='')


def filled(path: str, value: str = 'web') -> str:
    for name in ('{service}', '{name}', '{id}', '{path:path}'):
        path = path.replace(name, 'socket.io/' if 'nicegui_ws' in path and value == 'web' else coded(value))
    return path


@pytest.mark.parametrize(('path', 'name'), [(path, name) for path, names in PARAMETERS.items() for name in names])
def test_any_value_of_a_parameter_is_answered_in_order(here, path, name):
    for value in VALUES[:: 1 if 'api' in path else 3]:  # a page takes long to make
        query = f'{name}={coded(value)}' + ('' if name == 'EIO' or 'nicegui' not in path else '&EIO=4&sid=x')
        assert answer(here, 'GET', f'{filled(path)}?{query}', here.headers).status < 500, value[:40]


@pytest.mark.parametrize('path', [path for _, path, _, _ in TABLE if '{' in path and '/ws/' not in path])
def test_any_part_of_a_path_is_answered_in_order(here, path):
    methods = {method for rule in RULES if rule.path.match(filled(path, 'x')) for method in rule.methods} - {SOCKET}
    for value in PARTS:
        for method in (*methods, 'HEAD'):
            body = b'{}' if method in WRITING else b''
            headers = {**here.headers, 'Content-Type': 'application/json'}
            assert answer(here, method, filled(path, value), headers, body).status < 500, (method, value[:40])


@pytest.mark.parametrize(
    'path', [path for methods, path, _, _ in TABLE if {'POST', 'PATCH'} & set(methods.split()) and 'logout' not in path]
)
@pytest.mark.parametrize('is_signed_in', [False, True])
def test_any_body_is_answered_in_order(here, path, is_signed_in):
    method = 'PATCH' if path == '/api/users/{name}' else 'POST'
    for body in BODIES:
        for kind in KINDS:
            headers = {'Content-Type': kind, **(here.headers if is_signed_in else {})}
            assert answer(here, method, filled(path), headers, body).status < 500, (body[:40], kind)


@pytest.mark.parametrize('name', HEADERS)
def test_any_header_is_answered_in_order(here, name):
    for value in HEADERS[name]:
        for method, path in (('GET', '/login'), ('GET', '/logs'), ('POST', '/login'), ('GET', '/_nicegui/x')):
            headers = {**here.headers, name: value}
            assert answer(here, method, path, headers).status < 500, (value[:40], method, path)


def test_a_refusal_of_what_no_json_can_say_names_the_place_and_repeats_nothing(here):
    kind = {'Content-Type': 'application/json'}
    refused = answer(here, 'POST', '/api/auth/setup', kind, b'{"username": NaN, "password": "\\ud800", "code": ""}')
    assert refused.status == 422
    assert b'"loc": ["body", "username"]' in refused.body
    assert b'NaN' not in refused.body


# -- HEAD


@pytest.mark.parametrize('path', ['/api/health', '/login', '/favicon.ico', '/api/auth/setup-status', '/api/services'])
def test_head_is_answered_as_get_without_a_body(here, path):
    read, asked = (answer(here, method, path, here.headers) for method in ('GET', 'HEAD'))
    assert (asked.status, asked.headers['content-type']) == (200, read.headers['content-type'])
    assert asked.headers['content-length'] == str(len(read.body))
    assert asked.body == b''


def test_head_of_a_download_reads_no_log(here):
    asked = answer(here, 'HEAD', '/api/logs/web/download', here.headers)
    assert (asked.status, asked.headers['content-type'], asked.body) == (200, 'text/plain; charset=utf-8', b'')


@pytest.mark.parametrize(
    ('method', 'path'),
    [('GET', '/_nicegui/x'), ('HEAD', '/_nicegui/x'), ('HEAD', '/api/health'), ('HEAD', '/login'), ('GET', '/nothing')],
)
def test_what_is_not_a_page_makes_no_page(here, method, path):
    from nicegui import Client

    before = set(Client.instances)
    answered = answer(here, method, path, here.headers)
    assert answered.status == (404 if 'x' in path or 'nothing' in path else 200)
    assert set(Client.instances) <= before


def test_a_line_that_is_no_http_is_refused(here):
    with socket.create_connection(('127.0.0.1', here.port), timeout=PATIENCE) as raw:
        raw.sendall(b'\xff\xfe\0\r\n\r\n')
        assert raw.recv(100).startswith(b'HTTP/1.1 400')
