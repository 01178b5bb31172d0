"""Several services as one timeline on the page: chosen, told apart, filtered, shared, complete and in order."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.support.docker_engine import wait_until

pytestmark = pytest.mark.browser
NAMES = "[...new Set([...document.querySelectorAll('.log .l b')].map(name => name.textContent))].sort().join()"
# of the lines that are not said to be late
STAMPS = "[...document.querySelectorAll('.log .l:not(.late) time')].map(time => time.title)"
TEXTS = "[...document.querySelectorAll('.log .l')].map(line => line.lastChild.textContent)"
LAST = 300
WRITER = f'i=0; while [ $i -lt {LAST} ]; do i=$((i+1)); echo "NAME $i"; sleep 0.02; done; exec sleep 600'


def numbers_of(page, writer):
    texts = (text.split() for text in page.evaluate(TEXTS))
    return [int(number) for name, number in texts if name == writer]


def test_all_services_a_few_of_them_and_one_are_chosen(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web&tail=1000')
    page.get_by_label('Service').click()
    page.get_by_role('option', name='All services').click()
    page.wait_for_url('**/logs?service=*&tail=1000')
    page.wait_for_function(f"{NAMES} === 'api,db,web-1,web-2,worker'")
    page.get_by_label('Watch several together').click()
    chips = page.locator('.several .q-chip')
    for left in (4, 3, 2):
        expect(chips).to_have_count(left)
        if left > 2:
            page.get_by_label('Together', exact=True).press('Backspace')
    page.get_by_role('button', name='Show together').click()
    page.wait_for_url('**/logs?service=api&service=db&tail=1000')
    page.wait_for_function(f"{NAMES} === 'api,db'")
    expect(page).to_have_title('api, db · Docker Log Dashboard')


@pytest.mark.parametrize(('width', 'look'), [(1280, 'light'), (380, 'dark')])
def test_a_click_on_a_name_shows_only_that_service_and_with_shift_all_others(open_page, demo_server, width, look):
    page = open_page(demo_server, '/logs?project=shop&tail=1000', width=width, height=760, color_scheme=look)
    page.wait_for_function(f"{NAMES} === 'api,db,web-1,web-2,worker'")
    assert page.evaluate('document.documentElement.scrollWidth') <= width
    page.locator('.log b', has_text='api').first.click(modifiers=['Shift'])
    page.wait_for_function(f"{NAMES} === 'db,web-1,web-2,worker'")
    page.locator('.log b', has_text='worker').first.click()
    page.wait_for_function(f"{NAMES} === 'worker'")
    expect(page.get_by_label('Details of the line')).to_be_hidden()
    expect(page.get_by_label('Filter logs')).to_have_value('-service:shop:api service:shop:worker')


@pytest.mark.engine
def test_services_that_restart_and_grow_while_they_are_watched_lose_nothing_and_stay_in_order(
    open_page, server, run_container
):
    project = f'shop{uuid4().hex[:6]}'

    def start(name: str, number: int = 1):
        labels = {'com.docker.compose.container-number': str(number)}
        command = WRITER.replace('NAME', f'{name}-{number}')
        return run_container(service=name, project=project, command=command, labels=labels)

    api = start('api')
    start('db')
    page = open_page(server, f'/logs?project={project}&tail=1000')
    expect(page.locator('.log .l').first).to_be_visible()
    start('web')
    start('db', 2)
    api.restart(timeout=0)
    writers = ('api-1', 'db-1', 'db-2', 'web-1')
    wait_until(lambda: numbers_of(page, 'api-1').count(1) == 2)
    wait_until(lambda: all(numbers_of(page, name)[-1:] == [LAST] for name in writers))
    stamps = page.evaluate(STAMPS)
    assert stamps == sorted(stamps)
    every = list(range(1, LAST + 1))
    for name in writers:
        numbers = numbers_of(page, name)
        begun = len(numbers) - LAST  # the first run of one that began anew
        assert numbers == every[:begun] + every, name
