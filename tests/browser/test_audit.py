"""Filters, the audit page and redaction, in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from dashboard.access.accounts import Accounts
from tests.support.server import Server

pytestmark = pytest.mark.browser


@pytest.fixture(scope='module')
def server(tmp_path_factory):
    """The demo, with a rule of one's own and a second user, who is no administrator."""
    directory = tmp_path_factory.mktemp('audited')
    (directory / 'redact.txt').write_text('job [0-9a-f]+\n')
    server = Server(directory, '--demo', DASHBOARD_REDACT='redact.txt')
    server.accounts = Accounts(directory)
    server.accounts.users.add('bob', 'correct horse battery')
    yield server
    server.stop()


def test_an_expression_filters_and_marks_and_a_bad_one_is_told_at_the_box(open_page, server):
    page = open_page(server, '/logs?service=web&tail=100')
    box = page.get_by_label('Filter logs')
    box.fill('/get|http/')
    expect(page.get_by_text(re.compile(r'[1-9]\d* matches'))).to_be_visible()
    marks = "[...new Set([...document.querySelectorAll('.log mark')].map(m => m.textContent.toLowerCase()))].sort()"
    page.wait_for_function(f'{marks}.join() === "get,http"')
    box.fill('/get(/')
    expect(page.get_by_text('is no regular expression: missing )')).to_be_visible()
    page.wait_for_function(f'{marks}.join() === "get,http"')
    assert 'filter=%2Fget%7Chttp%2F' in page.url
    box.fill('get(')
    expect(page.get_by_text('is no regular expression')).to_be_hidden()


def test_a_link_with_a_bad_expression_opens_the_page_and_tells(open_page, server):
    page = open_page(server, '/logs?service=web&filter=/a(/')
    expect(page.get_by_text('is no regular expression: missing )')).to_be_visible()
    page.wait_for_function("document.querySelectorAll('.log .l').length > 5")


def test_the_audit_page_shows_what_happened_and_can_be_searched(open_page, server):
    page = open_page(server, '/logs?service=web', by_hand=True)
    page.wait_for_function("document.querySelectorAll('.log .l').length > 5")
    page.goto(server.url + '/audit')
    rows = page.locator('tbody tr')
    expect(rows.filter(has_text='shop:web')).not_to_have_count(0)
    page.get_by_label('Event').fill('sign-in')
    expect(rows.filter(has_text='watch')).to_have_count(0)
    expect(rows.filter(has_text='via: page')).not_to_have_count(0)
    page.get_by_label('User').fill('nobody')
    expect(rows.filter(has_text='admin')).to_have_count(0)


def test_who_is_no_administrator_gets_marks_and_no_audit(open_page, server):
    token = server.accounts.issue('bob')
    assert server.get('/audit', token)[0] == 403
    admin, bob = (server.get('/api/logs/worker?tail=500', who)[1] for who in (server.token(), token))
    assert b'[redacted: pattern 1]' in bob
    assert b'[redacted: ' not in admin
