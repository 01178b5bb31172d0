"""Sessions, API tokens and users over HTTP, and who may do what with them."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest

from dashboard.access.scope import Scope
from dashboard.errors import InvalidToken, UnknownAccount
from dashboard.web.credentials import agent_of
from tests.support.app import PASSWORD, running

FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
EDGE = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0'
IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1'


@pytest.fixture(scope='module')
def app(tmp_path_factory):
    with running(tmp_path_factory.mktemp('accounts') / 'data') as app:
        yield app


@pytest.fixture
def ann(app):
    """An administrator with one session."""
    app.accounts.sessions.end_all('ann')
    return app.signed_in('ann')


@pytest.fixture
def bob(app):
    """A viewer of ``shop/*``, as there is none before."""
    with suppress(UnknownAccount):
        app.accounts.users.remove('bob')
    app.accounts.users.add('bob', PASSWORD, scope=Scope.of(['shop/*']))
    return app.signed_in('bob')


@pytest.fixture
def script(app, bob):
    """A client with an API token of the viewer's."""
    made = bob.post('/api/auth/tokens', json={'name': 'backup', 'days': 7}).json()
    return app.with_token(made['token'])


# sessions


def test_everybody_sees_their_own_sessions(app, bob, ann):
    app.client.post('/api/auth/login', data={'username': 'bob', 'password': PASSWORD}, headers={'User-Agent': FIREFOX})
    latest, own = bob.get('/api/auth/sessions').json()['sessions']
    assert (latest['agent'], latest['address'], latest['current']) == ('Firefox on Linux', 'testclient', False)
    assert own['current']
    assert len(ann.get('/api/auth/sessions').json()['sessions']) == 1


def test_one_session_or_all_others_are_ended(app, bob):
    one, two, three = (app.signed_in('bob') for _ in range(3))
    latest = bob.get('/api/auth/sessions').json()['sessions'][0]
    assert bob.delete(f'/api/auth/sessions/{latest["id"]}').json() == {'ok': True}
    assert [client.get('/api/auth/me').status_code for client in (one, two, three)] == [200, 200, 401]
    assert bob.delete('/api/auth/sessions').json() == {'ended': 2}
    assert [client.get('/api/auth/me').status_code for client in (one, two, bob)] == [401, 401, 200]


def test_somebody_elses_session_is_one_that_does_not_exist(bob, ann):
    anns = ann.get('/api/auth/sessions').json()['sessions'][0]['id']
    refusals = [bob.delete(f'/api/auth/sessions/{id}') for id in (anns, 'made-up')]
    assert {(answer.status_code, answer.text) for answer in refusals} == {(404, refusals[0].text)}
    assert ann.get('/api/auth/me').status_code == 200


@pytest.mark.parametrize(
    ('agent', 'words'),
    [
        (FIREFOX, 'Firefox on Linux'),
        (EDGE, 'Edge on Windows'),
        (IPHONE, 'Safari on iOS'),
        ('curl/8.5.0', 'curl'),
        ('', 'unknown'),
        ('\x1b]0;evil\x07' + 'x' * 90, ']0;evil' + 'x' * 33),
    ],
)
def test_the_program_of_a_session_is_named_in_few_and_harmless_words(agent, words):
    class Connection:
        headers = {'user-agent': agent}  # noqa: RUF012

    assert agent_of(Connection()) == words


# API tokens


def test_an_api_token_is_shown_once_and_listed_without_its_secret(bob):
    made = bob.post('/api/auth/tokens', json={'name': 'backup', 'days': 7}).json()
    assert made['token'].startswith('dld_')
    listed = bob.get('/api/auth/tokens')
    assert made['token'] not in listed.text
    assert listed.json() == {'tokens': [{name: value for name, value in made.items() if name != 'token'}]}
    assert (made['name'], made['last_used']) == ('backup', None)


def test_an_api_token_reads_what_its_owner_may_see(script):
    assert script.get('/api/auth/me').json()['scope'] == ['shop/*']
    assert script.get('/api/services').status_code == 200
    assert script.get('/api/logs').status_code == 200
    with script.websocket_connect(f'/api/logs/ws/status?token={script.token}'):
        pass


CHANGES = [
    ('POST', '/api/auth/logout'),
    ('POST', '/api/auth/change-password'),
    ('POST', '/api/auth/tokens'),
    ('DELETE', '/api/auth/sessions'),
    ('POST', '/api/users'),
    ('PATCH', '/api/users/bob'),
    ('POST', '/logout'),
    ('PUT', '/api/services'),
    ('DELETE', '/api/logs/web'),
]
ACCOUNT_PAGES = [
    '/account',
    '/users',
    '/logs',
    '/',
    '/api/auth/sessions',
    '/api/auth/tokens',
    '/api/users',
    '/api/logsx',
]


@pytest.mark.parametrize(('method', 'path'), [*CHANGES, *(('GET', path) for path in ACCOUNT_PAGES)])
def test_an_api_token_changes_nothing_and_sees_no_accounts(app, script, method, path):
    refused = script.request(method, path, json={})
    assert refused.status_code == 403
    assert 'API token' in refused.text


def test_an_api_token_of_an_administrator_is_read_only_too(app, ann):
    script = app.with_token(ann.post('/api/auth/tokens', json={'name': 'x'}).json()['token'])
    assert script.get('/api/users').status_code == script.delete('/api/users/bob').status_code == 403


def test_an_api_token_opens_no_page_as_a_cookie(app, script):
    assert app.client.get('/logs', headers={'Cookie': f'dashboard_token={script.token}'}).status_code == 403


def test_a_revoked_api_token_is_refused(bob, script):
    (token,) = bob.get('/api/auth/tokens').json()['tokens']
    assert bob.delete(f'/api/auth/tokens/{token["id"]}').json() == {'ok': True}
    assert bob.delete(f'/api/auth/tokens/{token["id"]}').status_code == 404
    assert script.get('/api/services').status_code == 401


@pytest.mark.parametrize('body', [{}, {'name': ''}, {'name': 'x', 'days': 0}, {'name': 'x', 'days': 4000}])
def test_a_token_that_does_not_do_is_refused(bob, body):
    assert bob.post('/api/auth/tokens', json=body).status_code == 422


# users

ADMIN_ROUTES = [
    ('GET', '/api/users'),
    ('POST', '/api/users'),
    ('PATCH', '/api/users/ann'),
    ('DELETE', '/api/users/ann'),
    ('GET', '/api/users/bob/sessions'),
    ('DELETE', '/api/users/bob/sessions'),
    ('DELETE', '/api/users/bob/sessions/x'),
]


@pytest.mark.parametrize(('method', 'path'), ADMIN_ROUTES)
def test_users_are_the_business_of_administrators(bob, method, path):
    refused = bob.request(method, path, json={'username': 'eve', 'password': PASSWORD, 'role': 'admin'})
    assert (refused.status_code, refused.json()) == (403, {'detail': 'Only an administrator may do this.'})


def test_every_route_about_users_is_in_the_list(app):
    paths = app.api.openapi()['paths']
    told = sorted((method.upper(), path) for path in paths if path.startswith('/api/users') for method in paths[path])
    tried = {(method, re.sub('/(ann|bob)', '/{name}', path).replace('/x', '/{id}')) for method, path in ADMIN_ROUTES}
    assert told == sorted(tried)


def test_an_administrator_adds_changes_and_removes_users(ann, bob):
    body = {'username': 'cleo', 'password': PASSWORD, 'scope': ['shop/*', '/redis']}
    made = ann.post('/api/users', json=body).json()
    assert (made['username'], made['role'], made['scope']) == ('cleo', 'viewer', ['shop/*', '/redis'])
    assert [user['username'] for user in ann.get('/api/users').json()['users']] == ['ann', 'bob', 'cleo']
    assert ann.patch('/api/users/cleo', json={'scope': None}).json()['scope'] is None
    assert ann.patch('/api/users/cleo', json={'scope': ['blog/*']}).json()['scope'] == ['blog/*']
    assert ann.patch('/api/users/cleo', json={}).json()['scope'] == ['blog/*']
    assert ann.patch('/api/users/cleo', json={'role': 'admin'}).json()['role'] == 'admin'
    assert ann.delete('/api/users/cleo').json() == {'ok': True}
    assert ann.delete('/api/users/cleo').status_code == 404


def test_a_password_set_by_an_administrator_ends_the_users_sessions(app, ann, bob, script):
    assert ann.patch('/api/users/bob', json={'password': 'battery staple'}).status_code == 200
    assert bob.get('/api/auth/me').status_code == script.get('/api/auth/me').status_code == 401
    assert app.accounts.login('bob', 'battery staple')


def test_an_administrator_sees_and_ends_the_sessions_of_anybody(app, ann, bob):
    again = app.signed_in('bob')
    latest, _ = ann.get('/api/users/bob/sessions').json()['sessions']
    assert not latest['current']
    assert ann.delete(f'/api/users/bob/sessions/{latest["id"]}').json() == {'ok': True}
    assert (again.get('/api/auth/me').status_code, bob.get('/api/auth/me').status_code) == (401, 200)
    assert ann.delete('/api/users/bob/sessions').json() == {'ended': 1}
    with pytest.raises(InvalidToken):
        app.accounts.identify(bob.token)


@pytest.mark.parametrize(
    ('method', 'path', 'body', 'status'),
    [
        ('POST', '/api/users', {'username': 'bob', 'password': PASSWORD}, 400),
        ('POST', '/api/users', {'username': 'no way', 'password': PASSWORD}, 400),
        ('POST', '/api/users', {'username': 'cleo', 'password': 'short'}, 400),
        ('POST', '/api/users', {'username': 'cleo', 'password': PASSWORD, 'scope': []}, 400),
        ('POST', '/api/users', {'username': 'cleo', 'password': PASSWORD, 'scope': ['shop']}, 400),
        ('POST', '/api/users', {'username': 'cleo', 'password': PASSWORD, 'role': 'admin', 'scope': ['a/*']}, 400),
        ('POST', '/api/users', {'username': 'cleo', 'password': PASSWORD, 'role': 'root'}, 422),
        ('PATCH', '/api/users/ann', {'role': 'viewer'}, 400),
        ('PATCH', '/api/users/ann', {'scope': ['shop/*']}, 400),
        ('PATCH', '/api/users/nobody', {'role': 'viewer'}, 404),
        ('PATCH', '/api/users/bob', {'password': 'short'}, 422),
        ('DELETE', '/api/users/ann', None, 400),
        ('GET', '/api/users/nobody/sessions', None, 404),
        ('DELETE', '/api/users/bob/sessions/made-up', None, 404),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_said_in_words(app, ann, bob, method, path, body, status):
    refused = ann.request(method, path, json=body)
    assert refused.status_code == status
    assert refused.json()['detail']
    assert len(app.accounts.users.all()) == 2
    assert app.accounts.users.known('ann').is_admin


def test_a_viewer_who_was_an_administrator_a_moment_ago_is_refused(app, bob):
    app.accounts.users.set_rights('bob', is_admin=True)
    assert bob.get('/api/users').status_code == 200
    app.accounts.users.set_rights('bob', is_admin=False)
    assert bob.get('/api/users').status_code == 403
