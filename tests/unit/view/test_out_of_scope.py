"""Every route, asked by a viewer for a service out of scope: the answer is that of a service which does not exist.

A new route that takes a service has to be put into the table, or a test here fails.
"""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from starlette.websockets import WebSocketDisconnect

from dashboard.model import SECOND
from dashboard.view.view import Views
from tests.support.app import eventually, running

START = 1_767_323_045 * SECOND  # 2026-01-02T03:04:05Z
HIDDEN = [('hidden', 'vault'), ('hidden', 'web'), ('', 'loner')]
HISTOGRAM = '/api/histogram?service={service}'
ASKED = ['vault', 'hidden:web', ':loner']
LISTS = ['/api/services', '/api/logs', '/api/auth/me', '/api/auth/sessions', '/api/openapi.json', '/api/docs']
TABLE = {
    '/api/logs/{service}': [
        '',
        '?tail=5',
        '?since=2020-01-01T00:00:00Z',
        '?since={cursor}',
        '?until=1s',
        '?timestamps=false',
    ],
    '/api/logs/{service}/download': [
        '',
        '?format=jsonl',
        '?tail=5',
        '?since={cursor}',
        '?held=0',
        '?filter=secret',
        '?from=1970-01-01',
        '?to=now',
    ],
    '/api/logs/ws/{service}': ['', '?tail=0', '?tail=5&batch=1', '?since={cursor}', '?since={cursor}&batch=1'],
    '/api/histogram': ['?service={service}', '?service={service}&filter=secret&step=1d'],
    '/api/logs/ws/status': [''],
}
ASKING = [(path, query) for path, queries in TABLE.items() for query in queries if '{service}' in path + query]


@pytest.fixture(scope='module')
def app(tmp_path_factory):
    """Services in scope and out of it; an administrator watches one of the latter, so that it is held in memory."""
    with running(tmp_path_factory.mktemp('scope') / 'data') as app:
        engine, ann = app.engine, app.signed_in('ann')
        app.visible = app.on_loop(engine.add, 'web')
        app.on_loop(engine.write, app.visible, 'a public line', timestamp=START)
        app.hidden = []
        for project, service in HIDDEN:
            container = app.on_loop(engine.add, service, project=project)
            app.on_loop(engine.write, container, 'a secret line', timestamp=START + SECOND)
            app.hidden.append(container)
        eventually(lambda: len(ann.get('/api/services').json()['services']) == 1 + len(HIDDEN))
        with ann.websocket_connect(f'/api/logs/ws/vault?token={ann.token}') as watching:
            assert watching.receive_json()['content'] == 'a secret line'
            yield app


@pytest.fixture(scope='module')
def bob(app):
    """A viewer of ``shop/*``."""
    return app.signed_in('bob')


@pytest.fixture(scope='module')
def secrets(app):
    """What must not be in any answer."""
    of_containers = [text for item in app.hidden for text in (item.short_id, item.name)]
    return ['vault', 'hidden', 'loner', 'a secret line', *of_containers]


def answer(client, path: str, query: str, name: str, cursor: str) -> str:
    """All that comes back, with the name that was asked for made the same for any name."""
    address = (path + query.replace('{cursor}', cursor)).replace('{service}', quote(name, safe=''))
    asked = socket_answer(client, address) if '/ws/' in path else http_answer(client, address)
    return asked.replace(name, 'NAME')


def http_answer(client, address: str) -> str:
    response = client.get(address)
    return f'{response.status_code} {sorted(response.headers.multi_items())} {response.text}'


def socket_answer(client, address: str) -> str:
    said = []
    with client.websocket_connect(address, headers={'Authorization': f'Bearer {client.token}'}) as socket:
        try:
            while True:
                said.append(socket.receive_text())
        except WebSocketDisconnect as end:
            return f'{said} {end.code} {end.reason}'


@pytest.mark.parametrize('name', ASKED)
@pytest.mark.parametrize(('path', 'query'), ASKING)
def test_a_service_out_of_scope_is_one_that_does_not_exist(app, bob, secrets, path, query, name):
    cursor = f'{START + SECOND}-0-{app.hidden[0].short_id}'
    invented = name.translate(str.maketrans('abcdefghijklmnopqrstuvwxyz', 'qrstuvwxyzabcdefghijklmnop'))
    given = answer(bob, path, query, name, cursor)
    assert given == answer(bob, path, query, invented, cursor)
    assert 'not found' in given
    assert not [secret for secret in secrets if secret in given]


@pytest.mark.parametrize(('path', 'query'), [(path, query) for path, query in ASKING if '/ws/' not in path])
def test_the_table_asks_for_what_an_administrator_would_get(app, path, query):
    """Else the test above would prove nothing. WebSockets do not end by themselves; the fixture has watched one."""
    cursor = f'{START}-0-{app.hidden[0].short_id}'
    told = '"lines":1' if path == '/api/histogram' else 'a secret line'
    assert told in answer(app.signed_in('ann'), path, query, 'vault', cursor)


@pytest.mark.parametrize('names', ['{}:*', 'web,{}:vault', '{}:*,web'])
@pytest.mark.parametrize('path', ['/api/logs/{service}/download', '/api/logs/ws/{service}', HISTOGRAM])
def test_a_project_out_of_scope_does_not_exist_either(bob, path, names):
    given = answer(bob, path, '', names.format('hidden'), '').replace('hidden', 'NAME')
    assert given == answer(bob, path, '', names.format('absent'), '').replace('absent', 'NAME')
    assert 'not found' in given


@pytest.mark.parametrize('path', LISTS)
def test_nothing_that_is_listed_names_it(bob, secrets, path):
    given = http_answer(bob, path)
    assert given.startswith('200')
    assert not [secret for secret in secrets if secret in given]


def test_a_name_in_scope_is_not_ambiguous_because_of_one_that_is_not(app, bob):
    ann = app.signed_in('ann')
    assert 'Several projects' in ann.get('/api/logs/web').text
    assert bob.get('/api/logs/web?timestamps=false').json() == {'logs': ['a public line'], 'service': 'web', 'count': 1}
    assert [item['name'] for item in bob.get('/api/services').json()['services']] == ['web']


def test_a_cursor_of_its_lines_says_nothing_about_it(app, bob):
    """It is one of a container that the service in scope does not have, whether or not there is one."""
    answers = [
        bob.get(f'/api/logs/web/download?format=jsonl&since={START}-0-{container}').text.replace(container, '…')
        for container in (app.hidden[0].short_id, '0123456789ab')
    ]
    assert answers[0] == answers[1]


def test_the_status_never_mentions_it(app, bob, secrets):
    with bob.websocket_connect(f'/api/logs/ws/status?token={bob.token}') as status:
        said = [status.receive_text()]
        assert [change['service'] for change in json.loads(said[0])['changes']] == ['web']
        another = app.on_loop(app.engine.add, 'extra', project='hidden')
        app.on_loop(app.engine.stop, app.hidden[2])
        eventually(lambda: 'exited' in app.signed_in('ann').get('/api/services').text)
        app.on_loop(app.engine.add, 'job')
        said.append(status.receive_text())
        assert [change['service'] for change in json.loads(said[1])['changes']] == ['job']
    assert not [secret for secret in (*secrets, another.name) if secret in ''.join(said)]


def test_all_services_are_all_in_scope(app, bob):
    """It stands behind the others, for it writes a line."""
    path = '/api/logs/{service}/download'
    assert 'web | a public line' in answer(bob, path, '', '*', '')
    assert 'a secret line' not in answer(bob, path, '', '*', '')
    assert 'a secret line' in answer(app.signed_in('ann'), path, '', '*', '')
    assert '"lines":1' in answer(bob, HISTOGRAM, '', '*', '')
    with bob.websocket_connect(f'/api/logs/ws/*?token={bob.token}') as socket:
        assert socket.receive_json()['content'] == 'a public line'
        app.on_loop(app.engine.write, app.hidden[0], 'a secret line')
        app.on_loop(app.engine.write, app.visible, 'another public line')
        assert socket.receive_json()['content'] == 'another public line'


def test_every_route_that_takes_a_service_is_in_the_table(app):
    """A route is told by its dependency: whoever asks for a view can see services."""
    seeing = {
        route.path
        for route in all_routes(app.api)
        if any(isinstance(item.call, Views) for item in route.dependant.dependencies)
    }
    of_administrators = {'/api/storage', '/api/storage/export'}  # who see everything
    of_what_is_kept = {'/api/search'}  # tests/unit/api/test_search.py
    assert seeing == {*TABLE, '/api/services', '/api/logs'} | of_administrators | of_what_is_kept
    takes_a_service = {route.path for route in all_routes(app.api) if '{service' in route.path}
    assert takes_a_service <= set(TABLE)


def all_routes(app):
    routers = [router.original_router for router in app.routes if hasattr(router, 'original_router')]
    return [route for routes in (app, *routers) for route in routes.routes if hasattr(route, 'dependant')]
