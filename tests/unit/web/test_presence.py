"""A page that is open follows the account of its user, whatever its browser does."""

from __future__ import annotations

import pytest
from nicegui import Client

from dashboard.access.audit import Audit
from dashboard.access.identity import Identity
from dashboard.access.scope import EVERYTHING, Scope
from dashboard.access.visits import Visit
from dashboard.errors import InvalidToken, NotAllowed
from dashboard.pages.audit import AuditPage
from tests.support.app import eventually
from tests.unit.access.test_unavailable import FAULTS
from tests.unit.web.test_guard import cookie
from tests.unit.web.test_routes import PageSocket, closes, page_of

CHANGES = {
    'another role': {'is_admin': False},
    'another scope': {'is_admin': False, 'scope': Scope.of(['shop/*'])},
}


@pytest.mark.parametrize('change', CHANGES.values(), ids=CHANGES)
def test_a_page_whose_browser_does_not_reload_is_forgotten_when_its_user_may_do_other_things(product, change):
    name = f'lee-{len(change)}'
    product.accounts.users.add(name, 'correct horse', is_admin=True)
    token = product.accounts.issue(name)
    page = page_of(product, token, '/audit')
    with PageSocket.open(product, token, page) as socket:
        assert socket.opened
        assert page in Client.instances
        product.accounts.users.set_rights(name, **change)
        eventually(lambda: page not in Client.instances)
        assert closes(socket.connection)  # and when it comes back, it is told to load the page anew


@pytest.mark.parametrize(('ended', 'refusal'), [(False, NotAllowed), (True, InvalidToken)])
async def test_an_audit_page_asks_at_each_look_whether_its_user_still_may(ended, refusal):
    visit = Visit(Identity('kim', True, EVERYTHING, 'token-id', 'session', 1 << 40))
    page = AuditPage(Audit(), visit)
    viewer = Identity('kim', False, EVERYTHING, 'token-id', 'session', 1 << 40)
    visit.change(None if ended else viewer)
    with pytest.raises(refusal):
        await page._show(None)


PAGES = ['/logs', '/audit', '/users', '/account', '/help/using']


@pytest.mark.parametrize('fault', FAULTS.values(), ids=FAULTS)
def test_pages_say_in_words_that_the_accounts_cannot_be_used(product, caplog, monkeypatch, fault):
    monkeypatch.setattr('dashboard.access.accounts.ADMISSION', 0)
    cookies = cookie(product.accounts.issue('kim'))
    assert product.client.get('/help/using', headers=cookies).status_code == 200
    path = product.accounts._store.path
    with fault[0](path):
        answers = [product.client.get(address, headers=cookies) for address in PAGES]
        form = {'username': 'kim', 'password': 'x'}
        answers += [product.client.get('/login'), product.client.post('/login', data=form)]
    for answer in answers:
        assert (answer.status_code, answer.headers['retry-after']) == (503, '5')
        assert f'The accounts in {path} cannot be used' in answer.text
        assert fault[1] in answer.text
        assert '<p>' in answer.text
    assert not any(record.exc_info or record.levelname == 'ERROR' for record in caplog.records)
    assert [product.client.get(address, headers=cookies).status_code for address in PAGES] == [200] * len(PAGES)
