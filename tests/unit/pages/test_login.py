"""The sign-in page: what it asks, what it answers, where it leads."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette

from dashboard.access.accounts import Accounts
from dashboard.access.audit import Audit
from dashboard.errors import InvalidToken
from dashboard.pages.login import local_path, routes
from dashboard.web.guard import Guard
from tests.support.signing_in import goes_to, kept

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = 'correct horse'
ANN = {'username': 'ann', 'password': PASSWORD}


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(tmp_path / 'data', hasher=CHEAP)


@pytest.fixture
def ann(accounts: Accounts) -> str:
    accounts.users.add('ann', PASSWORD)
    return 'ann'


@pytest.fixture
async def client(accounts: Accounts) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Guard(Starlette(routes=routes(accounts, Audit())), accounts))
    async with httpx.AsyncClient(transport=transport, base_url='http://dash') as made:
        yield made


async def test_the_page_asks_for_name_and_password(client, ann):
    page = (await client.get('/login?next=/logs%3Fservice%3Dweb')).text
    for part in ('Docker Log Dashboard', '<label for="username">', '<label for="password">', 'current-password'):
        assert part in page
    assert 'name="next" value="/logs?service=web"' in page
    assert 'role="alert"' not in page
    assert 'Set-up code' not in page


async def test_the_page_loads_nothing_and_runs_nothing(client, ann):
    answered = await client.get('/login')
    assert "default-src 'none'" in answered.headers['content-security-policy']
    assert "frame-ancestors 'none'" in answered.headers['content-security-policy']
    assert answered.headers['cache-control'] == 'no-store'
    assert '<script' not in answered.text


async def test_the_first_visit_asks_for_the_code_of_the_console_and_makes_the_account(client, accounts):
    page = (await client.get('/login')).text
    assert 'The code was printed on the console where the dashboard started.' in page
    assert 'autocomplete="new-password"' in page
    assert accounts.setup_code not in page
    refused = await client.post('/login', data=ANN | {'code': 'AAAA'})
    assert refused.status_code == 400
    assert 'name="username" value="ann"' in refused.text
    made = await client.post('/login', data=ANN | {'code': accounts.setup_code})
    assert (made.status_code, goes_to(made.text)) == (200, '/')
    assert accounts.identify(made.cookies['dashboard_token']).is_admin


async def test_signing_in_sets_a_cookie_that_no_script_and_no_other_site_can_use(client, ann, accounts):
    answered = await client.post('/login', data=ANN | {'next': '/logs?tail=5'})
    assert (answered.status_code, goes_to(answered.text)) == (200, '/logs?tail=5')
    flags = answered.headers.get_list('set-cookie')[0].lower().split('; ')[1:]
    assert sorted(flags) == ['httponly', 'max-age=86400', 'path=/', 'samesite=strict']
    assert accounts.identify(answered.cookies['dashboard_token']).username == 'ann'


async def test_the_browser_keeps_the_key_of_its_origin_and_only_that_script_runs(client, ann, accounts):
    answered = await client.post('/login', data=ANN | {'next': '/x</script><script>alert(1)//"'})
    identity = accounts.identify(answered.cookies['dashboard_token'])
    assert kept(answered.text) == ('dashboard-key:', accounts.sessions.origin_key(identity))
    nonce = re.search(r'<script nonce="([^"]+)">', answered.text)[1]
    assert answered.text.count('<script') == 1
    policy = answered.headers['content-security-policy']
    assert f"script-src 'nonce-{nonce}'" in policy
    assert "default-src 'none'" in policy
    assert nonce not in (await client.post('/login', data=ANN)).text


async def test_a_browser_that_has_lost_its_key_is_asked_to_sign_in_again(client, ann, accounts):
    client.cookies.set('dashboard_token', accounts.issue('ann'))
    assert 'autocomplete="current-password"' in (await client.get('/login?again=1&next=/logs')).text


async def test_on_https_the_cookies_are_secure(client, ann):
    answered = await client.post('https://dash/login', data=ANN)
    assert ['; secure' in made.lower() for made in answered.headers.get_list('set-cookie')] == [True, True]


async def test_a_browser_that_has_signed_in_is_not_kept_out_by_strangers_at_its_address(client, ann):
    signed_in = await client.post('/login', data=ANN)
    client.cookies.clear()
    device = signed_in.headers.get_list('set-cookie')[1]
    assert device.startswith('dashboard_device=')
    assert {'httponly', 'samesite=strict', 'path=/'} <= set(device.lower().split('; '))
    for number in range(31):
        await client.post('/login', data={'username': f'invented-{number}', 'password': 'x'})
    assert (await client.post('/login', data=ANN)).status_code == 429
    client.cookies.set('dashboard_device', signed_in.cookies['dashboard_device'])
    assert (await client.post('/login', data=ANN)).status_code == 200
    assert 'dashboard_device' not in (await client.post('/logout')).headers.get('set-cookie', '')


async def test_every_sign_in_has_a_fresh_token_whatever_the_browser_brought(client, ann):
    first = (await client.post('/login', data=ANN)).cookies['dashboard_token']
    client.cookies.set('dashboard_token', first)
    assert (await client.post('/login', data=ANN)).cookies['dashboard_token'] != first


async def test_signing_in_anew_ends_the_session_that_the_browser_had(client, ann, accounts):
    former = (await client.post('/login', data=ANN)).cookies['dashboard_token']
    client.cookies.set('dashboard_token', former)
    fresh = (await client.post('/login', data=ANN)).cookies['dashboard_token']
    assert accounts.identify(fresh).username == 'ann'
    with pytest.raises(InvalidToken):
        accounts.identify(former)


async def test_a_session_that_somebody_planted_is_not_the_one_that_is_signed_in(client, ann, accounts):
    accounts.users.add('eve', PASSWORD)
    planted = accounts.issue('eve')
    client.cookies.set('dashboard_token', planted)
    assert accounts.identify((await client.post('/login', data=ANN)).cookies['dashboard_token']).username == 'ann'
    with pytest.raises(InvalidToken):
        accounts.identify(planted)


@pytest.mark.parametrize('cookie', ['', 'made-up', 'dld_made-up'])
async def test_a_cookie_that_is_no_session_does_not_keep_anybody_from_signing_in(client, ann, cookie):
    client.cookies.set('dashboard_token', cookie)
    assert goes_to((await client.post('/login', data=ANN)).text) == '/'


async def test_a_failed_sign_in_says_so_and_keeps_the_name_but_not_the_password(client, ann):
    answered = await client.post('/login', data={'username': 'a"><b>', 'password': 'sesame open', 'next': '/logs'})
    assert answered.status_code == 401
    assert '<p class="alert" role="alert">The user name or the password is wrong.</p>' in answered.text
    assert 'value="a&quot;&gt;&lt;b&gt;"' in answered.text
    assert 'name="next" value="/logs"' in answered.text
    assert 'sesame' not in answered.text
    assert 'set-cookie' not in answered.headers


async def test_one_failure_too_many_says_how_long_to_wait(client, ann):
    for _ in range(5):
        await client.post('/login', data={'username': 'ann', 'password': 'wrong horse'})
    answered = await client.post('/login', data=ANN)
    assert (answered.status_code, answered.headers['retry-after']) == (429, '2')
    assert 'wait 2 s' in answered.text


@pytest.mark.parametrize('content', [b'', b'\xff=\xff', b'--b\r\n'])
async def test_a_form_without_its_fields_is_a_failed_sign_in(client, ann, content):
    form = {'Content-Type': 'application/x-www-form-urlencoded'}
    assert (await client.post('/login', content=content, headers=form)).status_code == 401


async def test_a_file_in_place_of_a_field_is_a_failed_sign_in(client, ann):
    assert (await client.post('/login', files={'username': b'ann', 'password': b'x'})).status_code == 401


async def test_whoever_is_signed_in_is_sent_on(client, ann, accounts):
    client.cookies.set('dashboard_token', accounts.issue('ann'))
    answered = await client.get('/login?next=/logs')
    assert (answered.status_code, answered.headers['location']) == (303, '/logs')


async def test_signing_out_ends_the_session_and_takes_the_cookie_back(client, ann, accounts):
    token = accounts.issue('ann')
    client.cookies.set('dashboard_token', token)
    answered = await client.post('/logout')
    assert (answered.status_code, answered.headers['location']) == (303, '/login')
    assert 'dashboard_token=""' in answered.headers['set-cookie']
    assert 'Max-Age=0' in answered.headers['set-cookie']
    client.cookies.set('dashboard_token', token)
    assert (await client.get('/login')).status_code == 200


async def test_a_link_cannot_sign_anybody_out(client, ann, accounts):
    client.cookies.set('dashboard_token', accounts.issue('ann'))
    assert (await client.get('/logout')).status_code == 405


@pytest.mark.parametrize('path', ['/', '/logs', '/logs?service=web&filter=a%20b#end', '/é', '/a//b', '/x?u=http://y'])
def test_a_path_of_ours_is_kept_as_the_address_to_go_next(path):
    assert local_path(path) == path


ELSEWHERE = [
    '',
    'logs',
    '@evil',
    '//evil',
    '///evil',
    '/\\evil',
    '\\\\evil',
    'http://evil',
    'https:/evil',
    'javascript:alert(1)',
]
TRICKS = ['/\t/evil', '/\n/evil', ' //evil', '/ /evil', '/a\r\nSet-Cookie: x', '/a\\b', '/\x7f', '/login', '/logout']


@pytest.mark.parametrize('text', ELSEWHERE + TRICKS)
async def test_any_other_address_to_go_next_is_replaced_by_the_front_page(client, ann, text):
    assert local_path(text) == '/'
    assert 'name="next" value="/"' in (await client.get('/login', params={'next': text})).text
    assert goes_to((await client.post('/login', data=ANN | {'next': text})).text) == '/'
