"""A reader at night: which lines matter, what they say, and what belongs to them."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlparse
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from tests.support.browser import CONTRAST

pytestmark = pytest.mark.browser
SHOWN = "[...document.querySelectorAll('.log .l')]"


def test_each_message_begins_with_its_level_for_eyes_and_ears(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=api&tail=500')
    info = page.get_by_role('img', name='info').first
    expect(info).to_be_visible()
    letters = page.evaluate(
        "[...document.querySelectorAll('.log [role=img]')]"
        ".map(mark => [getComputedStyle(mark, '::before').content, mark.ariaLabel])"
    )
    assert {(letter.strip('"'), word) for letter, word in letters} >= {('I', 'info'), ('E', 'error'), ('D', 'debug')}


def test_the_view_still_follows_when_lines_above_turn_out_less_high(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=api&tail=1000')
    page.wait_for_function("document.querySelector('.log').follow && document.querySelectorAll('.log .l').length > 500")
    page.evaluate(
        """() => new Promise(done => {
            const v = document.querySelector('.log');
            v.firstElementChild.style.height = '10px';
            v.scrollTop = v.scrollHeight - v.clientHeight - 38;
            requestAnimationFrame(() => requestAnimationFrame(done));
        })"""
    )
    page.wait_for_function("(v => v.follow && v.at_end())(document.querySelector('.log'))")
    page.mouse.move(640, 400)
    page.mouse.wheel(0, -300)
    expect(page.get_by_role('status', name='Connection')).to_contain_text('Paused')


def test_a_reader_who_has_scrolled_is_not_taken_back_by_what_comes_before_the_browser_tells(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=api&tail=1000')
    page.wait_for_function("document.querySelector('.log').follow && document.querySelectorAll('.log .l').length > 500")
    follows = page.evaluate(
        """() => {
            const v = document.querySelector('.log');
            v.scrollTop -= 3000;
            v.notice();  // as every flush does first, in the same turn
            v.insertAdjacentHTML('beforeend', '<div class="blk"><div class="l">new</div></div>');
            if (v.follow) v.to_end();
            return [v.follow, v.to_go() > 2000];
        }"""
    )
    assert follows == [False, True]
    expect(page.get_by_role('switch', name='Auto-scroll')).not_to_be_checked()


def test_a_reader_who_scrolls_to_the_end_follows_though_rows_have_come_below_it_meanwhile(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=api&tail=1000')
    page.wait_for_function("document.querySelector('.log').follow && document.querySelectorAll('.log .l').length > 500")
    page.evaluate("document.querySelector('.log').scrollTop -= 3000")
    switch = page.get_by_role('switch', name='Auto-scroll')
    expect(switch).not_to_be_checked()
    page.wait_for_function("document.querySelector('.log').is_settled()")  # it was opened a moment ago
    page.evaluate(
        """() => {
            const v = document.querySelector('.log');
            v.scrollTop = v.scrollHeight;  // as far as the browser lets them
            v.notice();
            v.grow('<div class="l">new</div>'.repeat(20), 'auto 400px');
        }"""
    )
    expect(switch).to_be_checked()
    page.wait_for_function("(v => v.follow && v.at_end())(document.querySelector('.log'))")
    page.evaluate("document.querySelector('.log').scrollTop -= 3000")
    expect(switch).not_to_be_checked()
    page.evaluate(
        """() => new Promise(done => {
            const v = document.querySelector('.log');
            v.busy = true;  // while rows come in several messages
            v.scrollTop = v.scrollHeight;
            requestAnimationFrame(() => requestAnimationFrame(() => { v.busy = false; v.catch_up(); done(); }));
        })"""
    )
    expect(switch).to_be_checked()


def test_json_is_read_by_its_message_and_as_it_was_written_at_the_switch(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=api&tail=500&filter=request.user:mei')
    page.wait_for_selector('.log .l i.d')
    assert page.evaluate(f'{SHOWN}.every(line => !line.textContent.includes(\'{{"level"\'))')
    expect(page.locator('.log mark').first).to_have_text('request.user=mei')
    page.get_by_label('Settings and account').click()
    page.get_by_role('switch', name='Lines as they were written').click()
    page.wait_for_function(f'{SHOWN}.length && {SHOWN}.every(line => line.textContent.includes(\'{{"level"\'))')
    page.reload()
    page.wait_for_function(f'{SHOWN}.length && {SHOWN}.every(line => line.textContent.includes(\'{{"level"\'))')
    page.get_by_label('Settings and account').click()
    page.get_by_role('switch', name='Lines as they were written').click()
    page.wait_for_selector('.log .l i.d')


def test_a_trace_is_found_as_one_message_and_unfolds_by_the_keyboard(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=worker&tail=1000&filter="Caused by"')
    expect(page.locator('.log summary').last).to_have_text('+ 7 lines')
    folded = page.locator('.log details').nth(page.locator('.log details').count() - 1)  # whatever comes after it
    fold = folded.locator('summary')
    expect(page.locator('.search').get_by_text(re.compile(r'[1-9]\d* match(es)? in [\d,]+ lines'))).to_be_visible()
    cause = folded.locator('.l', has_text='Caused by').last
    expect(cause).to_be_hidden()
    fold.focus()
    page.keyboard.press('Enter')
    expect(cause).to_be_visible()
    first = page.locator('.log .l:not(.h):has(+ .h)').first
    assert first.bounding_box()['y'] < cause.bounding_box()['y']
    text = cause.text_content()
    page.get_by_label('Filter logs').fill('level:info')
    expect(page.locator('.log summary')).to_have_count(0)
    page.get_by_label('Filter logs').fill('"Caused by"')
    expect(page.get_by_text(text, exact=True).last).to_be_visible()
    expect(page.locator('.log details:not([open])').first).to_be_attached()


def level_in(page):
    return parse_qs(urlparse(page.url).query).get('level')


def test_chips_choose_levels_beside_the_filter_and_the_address_says_so(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=api&tail=500&filter=ms:>0')
    error, warn = (page.get_by_role('button', name=re.compile(rf'^{name} \d')) for name in ('Error', 'Warn'))
    expect(error).to_be_visible()
    error.focus()
    page.keyboard.press('Enter')
    expect(error).to_have_attribute('aria-pressed', 'true')
    page.wait_for_function(f"{SHOWN}.length && {SHOWN}.every(line => line.matches('.r'))")
    assert level_in(page) == ['error']
    warn.click()
    page.wait_for_function(f"{SHOWN}.some(line => line.querySelector('.m4'))")
    page.wait_for_function(f"{SHOWN}.every(line => line.matches('.r, :has(> .m4)'))")
    assert level_in(page) == ['error,warn']
    expect(page.get_by_label('Filter logs')).to_have_value('ms:>0')
    error.click()
    expect(error).to_have_attribute('aria-pressed', 'false')
    warn.click()
    page.wait_for_function(f"{SHOWN}.some(line => line.querySelector('.m3'))")
    assert level_in(page) is None


def test_an_address_with_levels_opens_with_these_also_beside_a_filter_that_asks_for_some(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=api&tail=500&level=nonsense')
    page.wait_for_function(f"{SHOWN}.length > 20 && {SHOWN}.some(line => line.querySelector('.m3'))")
    page.goto(f'{demo_server.url}/logs?service=api&tail=500&filter=level:>=info&level=warning,error,nonsense')
    for name in ('Warn', 'Error'):
        expect(page.get_by_role('button', name=re.compile(rf'^{name} \d'))).to_have_attribute('aria-pressed', 'true')
    expect(page.get_by_role('button', name=re.compile(r'^Info \d'))).to_have_attribute('aria-pressed', 'false')
    page.wait_for_function(f"{SHOWN}.length && {SHOWN}.every(line => line.matches('.r, :has(> .m4)'))")
    with page.expect_download() as download:
        page.get_by_role('button', name='Download').first.click()
    assert set(re.findall(r'"level": ?"(\w+)"', download.value.path().read_text())) == {'warning', 'error'}


def test_choosing_a_level_keeps_the_line_at_the_top_where_it_is(open_page, demo_server):
    page = open_page(demo_server, '/logs?service=api&tail=1000')
    page.wait_for_function(f'{SHOWN}.length > 900')
    near = """cursor => { const v = document.querySelector('.log'), edge = v.getBoundingClientRect().top;
        const row = v.querySelector(`[data-cursor="${cursor}"]`);
        return row && Math.abs(row.getBoundingClientRect().top - edge) < 45; }"""  # rows above may be less high
    page.evaluate(f"""{SHOWN}.filter(l => l.querySelector('[aria-label=info]'))[400].scrollIntoView();""")
    expect(page.get_by_role('switch', name='Auto-scroll')).not_to_be_checked()
    before = page.evaluate(f"""{SHOWN}.filter(l => l.querySelector('[aria-label=info]'))[400].dataset.cursor""")
    page.get_by_role('button', name=re.compile(r'^Info \d')).click()
    page.wait_for_function(f"{SHOWN}.length && {SHOWN}.every(line => line.querySelector('[aria-label=info]'))")
    page.wait_for_function(near, arg=before)
    page.get_by_role('button', name=re.compile(r'^Info \d')).click()
    page.wait_for_function(f"{SHOWN}.some(line => !line.querySelector('[aria-label=info]'))")
    expect(page.locator(f'.log [data-cursor="{before}"]')).to_be_attached()


@pytest.mark.parametrize('look', ['dark', 'light'])
@pytest.mark.parametrize('width', [380, 1280])
def test_levels_fields_and_chips_can_be_read_in_both_themes_and_fit(open_page, demo_server, look, width):
    page = open_page(demo_server, '/logs?service=api&tail=500', width=width, height=700, color_scheme=look)
    page.wait_for_selector('.log .l i.d')
    expect(page.get_by_role('button', name=re.compile(r'^Error \d'))).to_be_visible()
    assert page.evaluate('document.documentElement.scrollWidth') <= width
    poor = page.evaluate(CONTRAST)
    assert not poor, poor


HOSTILE = r"""
printf '{"level":"warn","message":"a huge one"'; seq 1 10000 | sed 's/.*/,"k&":&/' | tr -d '\n'
printf ',"payload":"'; head -c 880000 /dev/zero | tr '\0' x; echo '"}'
printf '{"message":"a deep one","x":'; yes '{"a":' | head -n 1000 | tr -d '\n'
printf 1; yes '}' | head -n 1001 | tr -d '\n'; echo
printf '%s\n' '{"message":"twice","a":1,"a":2}' '{"message":"no number","a":NaN}'
printf '%s\n' '{"message":"half \ud800","a":"\udfff"}'
"""


@pytest.mark.engine
def test_hostile_objects_are_shown_bounded_are_whole_in_the_download_and_no_other_viewer_notices(
    open_page, server, run_container
):
    web = f'web-{uuid4().hex[:6]}'
    container = run_container(service=web, command=f'while [ ! -e /go ]; do usleep 20000; done; {HOSTILE} sleep 1000')
    other, page = (open_page(server, f'/logs?service={web}') for _ in range(2))
    for one in (other, page):
        expect(one.get_by_label('Connection')).to_contain_text('Live')
    container.exec_run('touch /go')
    expect(page.locator('.log .l')).to_have_count(5)
    shown = {
        'a huge one level=warn k1=1': 'k100', 'a deep one x.a.a': 'x.a.a', 'twice a=2': 'a', 'no number a=NaN': 'NaN',
        'half \ufffd a=\ufffd': 'half \ufffd',
    }  # fmt: skip
    details = page.get_by_label('Details of the line')
    for row, (text, told) in enumerate(shown.items()):
        line = page.locator('.log .l').nth(row)
        expect(line).to_contain_text(text)
        line.evaluate('l => l.click()')
        expect(details).to_contain_text(told)
        assert len(line.text_content()) < 9_000
        assert len(details.text_content()) < 60_000
    expect(page.locator('.log .l').first).to_contain_text('more fields: whole in the download')
    expect(page.get_by_role('img', name='warn')).to_be_visible()
    expect(other.locator('.log .l')).to_have_count(5)
    expect(other.get_by_label('Connection')).to_contain_text('Live')
    status, downloaded = server.get(f'/api/logs/{web}/download', server.token())
    assert (status, downloaded) == (200, container.logs())
    assert len(downloaded) > 1_000_000
