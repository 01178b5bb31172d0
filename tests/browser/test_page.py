"""What the page does beyond the specification's criteria."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from http.client import IncompleteRead
from pathlib import Path
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.support.browser import CONTRAST, lines_of
from tests.support.docker_engine import wait_until
from tests.support.server import PASSWORD, Server
from tests.support.until import PATIENCE
from tests.support.wire import Wire

pytestmark = pytest.mark.browser
SCREENSHOT = Path(__file__).with_name('screenshot.png')
VISIBILITY = """state => {
  Object.defineProperty(document, 'visibilityState', {value: state, configurable: true});
  Object.defineProperty(document, 'hidden', {value: state === 'hidden', configurable: true});
  document.dispatchEvent(new Event('visibilitychange')); }"""
TICKER = 'i=0; while true; do i=$((i+1)); echo "line $i"; sleep 0.1; done'


@pytest.fixture
def web():
    return f'web-{uuid4().hex[:6]}'


def test_the_demo_says_that_it_is_one_and_shows_its_services(open_page, demo_server):
    page = open_page(demo_server)
    expect(page.get_by_text('Demo: these services')).to_be_visible()
    page.get_by_label('Service').click()
    expect(page.locator('.services [role=option]')).to_have_text(
        ['All services all 4', 'api running', 'db running', 'web running', 'worker running']
    )


def test_the_picture_of_the_readme_is_of_the_page(open_page, demo_server, request):
    page = open_page(
        demo_server, '/logs?service=worker&tail=100&filter=job', width=1280, height=660, color_scheme='dark'
    )
    page.wait_for_function("document.querySelectorAll('.log mark').length > 20")
    expect(page.get_by_role('button', name=re.compile(r'^Info \d'))).to_be_visible()
    page.wait_for_function('document.getAnimations().length === 0')
    path = SCREENSHOT if not SCREENSHOT.exists() else Path(request.config.cache.mkdir('screenshots')) / 'logs.png'
    page.screenshot(path=path)
    assert path.stat().st_size > 10_000


def test_new_lines_cost_the_browser_no_look_at_all_that_are_there(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web&tail=1000')
    page.wait_for_function("document.querySelectorAll('.log .l').length > 900")
    browser = page.context.browser
    browser.start_tracing(page=page, categories=['devtools.timeline'])
    shown = len(lines_of(page))
    wait_until(lambda: len(lines_of(page)) > shown + 50)
    trace = json.loads(browser.stop_tracing())['traceEvents']
    styled = [event['args'].get('elementCount', 0) for event in trace if event['name'] == 'UpdateLayoutTree']
    assert len(styled) > 20
    everything = sum(count > 1_000 for count in styled)
    assert everything < len(styled) / 10, sorted(styled)
    assert page.locator('script[src*=tailwind]').count() == 0, 'it would ask every element for its classes each time'


def test_a_link_opens_the_same_view(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=api&tail=500&filter=payment', by_hand=True)
    expect(page.get_by_label('Filter logs')).to_have_value('payment')
    expect(page.get_by_text('Last 500')).to_be_visible()
    page.wait_for_function("document.querySelectorAll('.log mark').length > 5")
    page.reload()
    expect(page.get_by_label('Filter logs')).to_have_value('payment')
    page.wait_for_function("document.querySelectorAll('.log mark').length > 5")


def test_the_filter_is_reached_by_slash_and_cleared_by_escape(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web')
    page.wait_for_selector('.log .l')
    page.locator('.log').focus()
    page.keyboard.press('/')
    expect(page.get_by_label('Filter logs')).to_be_focused()
    page.keyboard.type('GET')
    expect(page.locator('.search').get_by_text(re.compile(r'\d+ matches'))).to_be_visible()
    page.keyboard.press('Escape')
    expect(page.get_by_label('Filter logs')).to_have_value('')


def test_a_long_count_of_matches_moves_nothing_of_the_bar(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web', width=1280)
    page.wait_for_selector('.log .l')
    log = page.locator('.log')
    top = log.bounding_box()['y']
    count = page.locator('.search .soft')
    count.evaluate("label => { label.textContent = 'at least 12,345 matches in 456,789 lines'; }")
    assert log.bounding_box()['y'] == top
    assert count.evaluate('label => label.scrollWidth <= label.clientWidth'), 'it is whole'


def test_a_question_of_a_field_finds_lines_and_what_cannot_be_read_is_told_at_the_box(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web&tail=500&filter=status:>=400 -path:/nowhere')
    shown = "[...document.querySelectorAll('.log .l')].map(line => line.textContent)"
    page.wait_for_function(f'{shown}.length > 2 && {shown}.every(line => /" [45]\\d\\d /.test(line))')
    box = page.get_by_label('Filter logs')
    box.fill('(GET')
    expect(page.get_by_text('A bracket is not closed. It is searched as text.')).to_be_visible()
    box.fill('(GET OR POST)')
    expect(page.get_by_text('A bracket is not closed')).to_be_hidden()
    expect(page.locator('.search').get_by_text(re.compile(r'[1-9]\d* matches'))).to_be_visible()


def test_what_is_typed_right_after_escape_is_the_filter(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web&filter=GET')
    page.get_by_label('Filter logs').focus()
    page.keyboard.press('Escape')
    page.keyboard.type('POST')
    page.wait_for_function("document.querySelector('.log') && location.search.includes('filter=POST')")
    expect(page.get_by_label('Filter logs')).to_have_value('POST')


def test_the_title_of_the_tab_names_the_service(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=worker')
    expect(page).to_have_title('worker · Docker Log Dashboard')


def test_the_title_counts_what_came_while_the_tab_was_in_the_background(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web')
    page.wait_for_selector('.log .l')
    page.evaluate(VISIBILITY, 'hidden')
    expect(page).to_have_title(re.compile(r'^\(\d+\) web · Docker Log Dashboard$'))
    page.evaluate(VISIBILITY, 'visible')
    assert page.title() == 'web · Docker Log Dashboard', 'at once'
    shown = page.locator('.log .l').count()
    page.wait_for_function('shown => document.querySelectorAll(".log .l").length > shown + 5', arg=shown)
    expect(page).to_have_title('web · Docker Log Dashboard')


def test_a_service_that_does_not_exist_is_said_and_nothing_is_promised(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=nonsuch')
    expect(page.get_by_role('alert')).to_contain_text('nonsuch not found')
    expect(page.get_by_label('Connection')).to_contain_text('Not watching')


@pytest.mark.engine
def test_a_namesake_in_another_project_takes_nothing_from_an_open_page(open_page, server, run_container, web):
    run_container(service=web, command=TICKER)
    page = open_page(server, f'/logs?service={web}')
    page.wait_for_function("document.querySelectorAll('.log .l').length > 5")
    other = run_container(service=web, project='blog', command=TICKER)
    page.wait_for_url(f'**service=shop%3A{web}**')
    expect(page.get_by_label('Connection')).to_contain_text('Live')
    page.get_by_label('Service').click()
    page.keyboard.press('ControlOrMeta+a')
    page.keyboard.type(f'blog:{web}')
    expect(page.locator('.services .group')).to_have_text('blog')
    expect(page.locator('.services [role=option]')).to_have_text(f'{web} running')
    page.keyboard.press('Escape')
    other.remove(force=True)
    page.wait_for_url(f'**service={web}**')


@pytest.mark.engine
def test_an_open_list_takes_in_what_comes_and_stays_filtered(open_page, server, run_container, web):
    run_container(service=web, command=TICKER)
    page = open_page(server, f'/logs?service={web}')
    page.wait_for_selector('.log .l')
    page.get_by_label('Service').click()
    page.keyboard.press('ControlOrMeta+a')
    page.keyboard.type(web[:-1])
    options = page.locator('.services [role=option]:not(.group)')  # headings are there when others have a project
    expect(options).to_have_text([f'{web} running'])
    run_container(service=f'other-{uuid4().hex[:6]}', command=TICKER)
    run_container(service=f'{web}-late', command=TICKER)
    expect(options).to_have_text([f'{web} running', f'{web}-late running'])


@pytest.mark.engine
def test_the_list_stays_whole_when_the_chosen_service_goes_while_it_is_open(open_page, server, run_container):
    going, staying = f'going-{uuid4().hex[:6]}', f'staying-{uuid4().hex[:6]}'
    container = run_container(service=going, command=TICKER)
    run_container(service=staying, command=TICKER)
    page = open_page(server, f'/logs?service={going}')
    expect(page.locator('.log .l').first).to_be_visible()
    page.get_by_label('Service').click()
    options = page.locator('.services [role=option]')
    expect(options.filter(has_text=staying)).to_be_visible()
    container.remove(force=True)
    expect(options.filter(has_text=going)).to_contain_text('not found')
    expect(options.filter(has_text=staying)).to_be_visible()


def test_the_log_is_a_log_to_assistive_technology(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web')
    expect(page.get_by_role('log', name='Log lines')).to_be_visible()


@pytest.mark.parametrize('look', ['dark', 'light'])
def test_text_has_contrast_aa_in_both_themes(open_page, demo_server, look):
    page = open_page(demo_server, '/logs?service=web&filter=nothing-has-this', color_scheme=look)
    expect(page.get_by_text('lines held here contains the filter')).to_be_visible()
    poor = page.evaluate(CONTRAST)
    assert not poor, poor


@pytest.mark.parametrize('look', ['dark', 'light'])
def test_it_works_at_a_width_of_380_pixels(open_page, demo_server, look):
    page = open_page(demo_server, '/logs?service=worker', width=380, height=700, color_scheme=look)
    page.wait_for_function("document.querySelectorAll('.log .l').length > 50")
    assert page.evaluate('document.documentElement.scrollWidth') <= 380
    assert page.locator('.log').bounding_box()['height'] > 400
    for name in ('Clear', 'Download', 'Settings and account', 'Filter logs'):
        box = page.get_by_label(name, exact=True).first.bounding_box()
        assert box['x'] >= 0
        assert box['x'] + box['width'] <= 380, name


def test_switches_are_remembered(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web')
    page.wait_for_selector('.log .l')
    page.get_by_label('Settings and account').click()
    page.get_by_role('switch', name='Timestamps').click()
    page.get_by_role('switch', name='Wrap').click()
    expect(page.locator('.log')).to_have_class(re.compile('nostamps'))
    page.get_by_text('Light', exact=True).click()
    page.reload()
    expect(page.locator('.log')).to_have_class(re.compile('nostamps.*nowrap|nowrap.*nostamps'))
    expect(page.locator('.log time').first).to_be_hidden()
    page.get_by_label('Settings and account').click()
    page.get_by_role('switch', name='Timestamps').click()
    page.get_by_role('switch', name='Wrap').click()
    page.get_by_text('As the system').click()
    expect(page.locator('.log')).not_to_have_class(re.compile('nostamps|nowrap'))


def test_times_are_those_of_the_readers_clock_or_utc(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=web', timezone_id='Asia/Kolkata')
    first = page.locator('.log time').first
    expect(first).to_be_visible()
    utc = datetime.fromisoformat(first.get_attribute('title')[:19])
    expect(first).to_contain_text(f'{utc + timedelta(hours=5, minutes=30):%H:%M:%S}')
    page.get_by_label('Settings and account').click()
    page.get_by_role('switch', name='UTC').click()
    expect(page.locator(f'.log time[title^="{utc.isoformat()}"]').first).to_contain_text(f'{utc:%H:%M:%S}')
    page.get_by_role('switch', name='UTC').click()
    expect(page.locator(f'.log time[title^="{utc.isoformat()}"]').first).not_to_contain_text(f'{utc:%H:%M:%S}')


def test_two_tabs_are_independent(open_page, demo_server):
    one = open_page(demo_server, '/logs?service=web')
    two = open_page(demo_server, '/logs?service=db')
    two.get_by_label('Filter logs').fill('checkpoint')
    two.wait_for_function("document.querySelectorAll('.log mark').length > 3")
    expect(one.get_by_label('Filter logs')).to_have_value('')
    one.get_by_role('button', name='Clear').click()
    assert len(lines_of(two)) > 3


def test_signing_out_ends_the_way_back(open_page, demo_server):
    page = open_page(demo_server)
    page.get_by_label('Settings and account').click()
    page.get_by_role('button', name='Sign out').click()
    page.wait_for_url('**/login**')
    page.goto(demo_server.url + '/logs')
    page.wait_for_url('**/login**')


def test_the_first_account_is_made_with_the_code_of_the_console(browser, tmp_path):
    server = Server(tmp_path, '--demo', DASHBOARD_ADMIN_PASSWORD='')
    page = browser.new_page()
    try:
        wait_until(lambda: 'Set-up code' in server.output)
        code = re.search(r'Set-up code[^:]*: (\S+)', server.output)[1]
        page.goto(server.url)
        page.get_by_label('Set-up code').fill(code)
        page.get_by_label('User name').fill('ann')
        page.get_by_label('Password').first.fill(PASSWORD)
        page.get_by_role('button').click()
        page.wait_for_selector('.log .l')
    finally:
        page.close()
        server.stop()


# with a real engine


@pytest.mark.engine
def test_it_ends_soon_after_sigterm_while_its_engine_hangs(open_page, run_container, tmp_path, web):
    run_container(service=web, command='seq 1000000 2000000; sleep 1000')
    to_engine = Wire('/var/run/docker.sock', tmp_path / 'wire.sock')
    server = Server(tmp_path / 'data', DOCKER_HOST=f'unix://{tmp_path}/wire.sock')
    headers = {'Authorization': f'Bearer {server.token()}'}
    try:
        page = open_page(server, f'/logs?service={web}')
        page.wait_for_selector('.log .l')
        request = Request(f'{server.url}/api/logs/{web}/download', headers=headers)
        with urlopen(request, timeout=PATIENCE) as download:
            to_engine.silence()
            assert server.stop() < PATIENCE / 3
            with pytest.raises((IncompleteRead, ConnectionError)):
                download.read()
    finally:
        server.stop()
        to_engine.close()
    assert server.process.returncode == 0, server.output
    assert 'Traceback' not in server.output


@pytest.mark.engine
def test_markup_in_a_log_stays_text(open_page, server, run_container, web):
    hostile = '<script>window.hacked=1</script><img src=x onerror=window.hacked=1>'
    run_container(service=web, command=f"echo '{hostile}'; sleep 1000")
    page = open_page(server, f'/logs?service={web}')
    expect(page.locator('.log .l')).to_have_count(1)
    assert lines_of(page) == [hostile]
    page.get_by_label('Filter logs').fill('<script>')
    expect(page.locator('.log mark')).to_have_text('<script>')
    assert page.evaluate('window.hacked') is None


@pytest.mark.engine
def test_colours_are_shown_and_stderr_is_told_from_stdout(open_page, server, run_container, web):
    run_container(
        service=web, command=r"printf '\033[31mred\033[0m \033]0;title\007plain\n'; echo oops >&2; sleep 1000"
    )
    page = open_page(server, f'/logs?service={web}')
    expect(page.locator('.log .l')).to_have_count(2)
    assert sorted(lines_of(page)) == ['oops', 'red plain']
    expect(page.locator('.log .e')).to_contain_text('oops')
    expect(page.locator('.log i.f1')).to_have_text('red')


@pytest.mark.engine
def test_a_scaled_service_is_one_timeline_that_says_whose_line_it_is(open_page, server, run_container, web):
    for number in (1, 2):
        run_container(
            service=web, name=f'{web}-{number}', command=f'while true; do echo from {number}; sleep 0.1; done'
        )
    page = open_page(server, f'/logs?service={web}')
    page.wait_for_function("document.querySelectorAll('.log .l').length > 20")
    assert {f'{web}-1', f'{web}-2'} == {text.strip() for text in page.locator('.log .l b').all_inner_texts()}
    stamps = page.evaluate("[...document.querySelectorAll('.log time')].map(t => t.title)")
    assert stamps == sorted(stamps)


@pytest.mark.engine
def test_a_recreated_service_goes_on_without_reload(open_page, server, run_container, web):
    first = run_container(service=web, command=TICKER)
    page = open_page(server, f'/logs?service={web}')
    page.wait_for_function("document.querySelectorAll('.log .l').length > 5")
    first.remove(force=True)
    expect(page.get_by_label('Connection')).not_to_contain_text('Live')
    run_container(service=web, command='while true; do echo reborn; sleep 0.1; done')
    expect(page.locator('.log .l', has_text='reborn').first).to_be_visible()
    expect(page.locator('.log .l', has_text='line 1').first).to_be_attached()


@pytest.mark.engine
def test_a_log_driver_that_cannot_be_read_is_said_in_words(open_page, server, run_container, web):
    run_container(service=web, command=TICKER, log_config={'type': 'none', 'config': {}})
    page = open_page(server, f'/logs?service={web}')
    expect(page.get_by_role('alert')).to_contain_text('log driver (none) keeps nothing')


@pytest.mark.engine
def test_without_an_engine_the_page_says_where_why_and_what_to_do_and_comes_alive(open_page, private_engine, tmp_path):
    engine = private_engine()
    engine.stop()
    server = Server(tmp_path, DOCKER_HOST=engine.url)
    try:
        page = open_page(server)
        alert = page.get_by_role('alert')
        expect(alert).to_contain_text(engine.url)
        expect(alert).to_contain_text('Start Docker')
        expect(page.get_by_label('Connection')).to_contain_text('Engine unreachable')
        engine.start()
        expect(alert).to_be_hidden()
    finally:
        page.close()
        server.stop()
