"""Signing in and out over HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI

from dashboard import errors
from dashboard.access.accounts import Accounts
from dashboard.access.audit import Audit
from dashboard.api.auth import router
from dashboard.api.errors import answer_error, status_of
from dashboard.web.guard import Guard

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = 'correct horse'
WRONG = {'username': 'ann', 'password': 'wrong horse'}


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(tmp_path / 'data', hasher=CHEAP)


@pytest.fixture
def app(accounts: Accounts) -> FastAPI:
    made = FastAPI()
    made.include_router(router(accounts, Audit()))
    made.add_exception_handler(errors.DashboardError, answer_error)
    made.add_middleware(Guard, accounts=accounts)
    return made


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url='https://dash') as made:
        yield made


@pytest.fixture
def ann(accounts: Accounts) -> dict[str, str]:
    accounts.users.add('ann', PASSWORD, is_admin=True)
    return {'username': 'ann', 'password': PASSWORD}


def bearer(answer: httpx.Response) -> dict[str, str]:
    return {'Authorization': f'Bearer {answer.json()["access_token"]}'}


async def test_the_first_account_is_made_with_the_code_of_the_console(client, accounts):
    assert (await client.get('/api/auth/setup-status')).json() == {'needs_setup': True}
    first = {'username': 'ann', 'password': PASSWORD}
    refused = await client.post('/api/auth/setup', json=first | {'code': 'AAAA'})
    assert (refused.status_code, 'console' in refused.json()['detail']) == (400, True)
    made = await client.post('/api/auth/setup', json=first | {'code': accounts.setup_code})
    assert made.json() | {'access_token': '…'} == {
        'access_token': '…',
        'token_type': 'bearer',
        'username': 'ann',
        'is_admin': True,
    }
    me = (await client.get('/api/auth/me', headers=bearer(made))).json()
    assert me == {'username': 'ann', 'is_admin': True, 'role': 'admin', 'scope': None}
    assert (await client.get('/api/auth/setup-status')).json() == {'needs_setup': False}
    again = await client.post('/api/auth/setup', json=first | {'code': accounts.setup_code})
    assert (again.status_code, again.json()['detail']) == (400, 'The dashboard is set up already: sign in.')


@pytest.mark.parametrize('encoding', ['json', 'data'])
async def test_signing_in_takes_json_and_the_oauth2_form(client, ann, encoding):
    signed_in = await client.post('/api/auth/login', **{encoding: ann | {'grant_type': 'password'}})
    assert signed_in.status_code == 200
    assert sorted(signed_in.json()) == ['access_token', 'is_admin', 'token_type', 'username']
    assert (await client.get('/api/auth/me', headers=bearer(signed_in))).json()['username'] == 'ann'


async def test_signing_in_over_the_api_sets_no_cookie(client, ann):
    assert not (await client.post('/api/auth/login', json=ann)).cookies


async def test_a_wrong_sign_in_is_401_and_one_too_many_429(client, ann):
    for _ in range(5):
        refused = await client.post('/api/auth/login', json=WRONG)
        assert (refused.status_code, refused.headers['www-authenticate']) == (401, 'Bearer')
        assert refused.json() == {'detail': 'The user name or the password is wrong.'}
    throttled = await client.post('/api/auth/login', json=ann)
    assert (throttled.status_code, throttled.headers['retry-after']) == (429, '2')


@pytest.mark.parametrize(
    'body',
    [b'', b'{', b'[]', b'{"username": "ann"}', b'{"username": 1, "password": []}', b'\xff', b'"' + b'x' * 9000 + b'"'],
)
@pytest.mark.parametrize(
    'kind', ['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=b']
)
async def test_a_body_that_is_no_sign_in_is_refused_in_words(client, ann, body, kind):
    refused = await client.post('/api/auth/login', content=body, headers={'Content-Type': kind})
    assert refused.status_code in (400, 422)
    assert refused.json()['detail']


async def test_logging_out_ends_the_token(client, ann):
    headers = bearer(await client.post('/api/auth/login', json=ann))
    assert (await client.post('/api/auth/logout', headers=headers)).json() == {'ok': True}
    for path in ('me', 'logout'):
        method = 'GET' if path == 'me' else 'POST'
        assert (await client.request(method, f'/api/auth/{path}', headers=headers)).status_code == 401


async def test_changing_the_password_gives_a_new_token_and_ends_the_old(client, ann):
    old = bearer(await client.post('/api/auth/login', json=ann))
    change = {'current_password': PASSWORD, 'new_password': 'battery staple'}
    wrong = await client.post('/api/auth/change-password', json=change | {'current_password': 'x'}, headers=old)
    short = await client.post('/api/auth/change-password', json=change | {'new_password': 'short'}, headers=old)
    assert (wrong.status_code, short.status_code) == (401, 400)
    changed = await client.post('/api/auth/change-password', json=change, headers=old)
    assert (await client.get('/api/auth/me', headers=bearer(changed))).json()['username'] == 'ann'
    assert (await client.get('/api/auth/me', headers=old)).status_code == 401
    assert not changed.cookies


async def test_a_browser_stays_signed_in_when_it_changes_its_password_and_not_when_it_logs_out(client, ann, accounts):
    first = accounts.login('ann', PASSWORD)
    client.cookies.set('__Host-dashboard_token', first)
    client.headers['X-Dashboard-Key'] = accounts.sessions.origin_key(accounts.identify(first))
    change = {'current_password': PASSWORD, 'new_password': 'battery staple'}
    answered = await client.post('/api/auth/change-password', json=change)
    assert 'HttpOnly' in answered.headers['set-cookie']
    client.cookies.clear()
    client.cookies.update(answered.cookies)
    client.headers['X-Dashboard-Key'] = answered.headers['X-Dashboard-Key']
    assert (await client.get('/api/auth/me')).status_code == 200
    assert 'Max-Age=0' in (await client.post('/api/auth/logout')).headers['set-cookie']


def test_the_openapi_document_tells_how_to_sign_in(app):
    document = app.openapi()
    content = document['paths']['/api/auth/login']['post']['requestBody']['content']
    assert sorted(content) == ['application/json', 'application/x-www-form-urlencoded']
    assert document['paths']['/api/auth/me']['get']['security'] == [{'OAuth2PasswordBearer': []}]


@pytest.mark.parametrize(
    ('error', 'status'),
    [
        (errors.ServiceNotFound(''), 404),
        (errors.ContainerGone(''), 404),
        (errors.BadRequest(''), 422),
        (errors.EngineUnavailable('', '', ''), 503),
        (errors.LogsUnreadable('web', 'none'), 409),
        (errors.InvalidCredentials(), 401),
        (errors.InvalidToken(), 401),
        (errors.NotAllowed(), 403),
        (errors.AccountError(''), 400),
        (errors.TooManyAttempts(1), 429),
        (errors.ConfigError(''), 500),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_error_has_its_status(error, status):
    assert status_of(error) == status
