"""How lines are read on the page: their level, their message before their fields, and what belongs to them."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.lines import parse
from dashboard.model import SECOND, LogLine, Stream
from dashboard.pages.logs import strands as strands_module
from dashboard.pages.logs.meaning import LONGEST_VALUE, MOST_FIELDS
from dashboard.pages.logs.render import LONGEST_LINE, Renderer, render_rows
from dashboard.pages.logs.strands import Strands
from tests.unit.pages.logs.test_render import NOON, TODAY, WEB, Page, body, line, render_row

TRACE = [
    'ERROR: job 4711 failed',
    'java.lang.IllegalStateException: no',
    *[f'\tat shop.Sender.run{number}(Sender.java:{number})' for number in range(20)],
]


def lines(texts: list[str], stream: int = Stream.STDOUT) -> list[LogLine]:
    return [LogLine.of(WEB, NOON + number * 1_000, text, stream) for number, text in enumerate(texts)]


@pytest.mark.parametrize('level', ['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
def test_a_line_begins_with_its_level_in_a_word_for_those_who_do_not_see_the_mark(level):
    html = render_row(line(f'{level.upper()}: it is so'))
    assert f'role="img" aria-label="{level}"></span><time' in html
    assert Page(html).text[''] == f'{level.upper()}: it is so'


def test_a_line_that_says_no_level_has_no_mark():
    assert '<span' not in render_row(line('Starting with 0 errors'))


def test_json_is_read_by_its_message_and_then_by_its_fields():
    entry = {'level': 'info', 'message': 'order <placed>', 'request': {'id': 'a1', 'user': 'zoë k'}, 'ms': 1.50}
    text = json.dumps(entry, ensure_ascii=False).replace('1.5', '1.50')
    assert body(text) == (
        'order &lt;placed&gt;<i class="d"> level=info request.id=a1 request.user=&quot;zoë k&quot; ms=1.50</i>'
    )
    assert Page(render_row(line(text), raw=True)).text[''] == text


def test_logfmt_is_read_by_its_message_and_then_by_its_fields():
    assert body('level=warn msg="job is late" job=7') == 'job is late<i class="d"> level=warn job=7</i>'
    assert body('lease renewed job=7 took=1ms') == 'lease renewed<i class="d"> job=7 took=1ms</i>'
    assert body('<img src=x onerror=y=1>') == '&lt;img<i class="d"> src=x onerror=y=1&gt;</i>', 'as it was written'
    assert body('a=1 b=2') == 'a=1 b=2', 'there is no message to be read first'


@pytest.mark.parametrize('text', ['{"a":', '{not json}', '{}', 'x = y', '\x1b[32mmsg\x1b[0m a=1'])
def test_what_only_looks_like_fields_and_what_a_program_has_coloured_stays_as_it_is(text):
    assert Page(render_row(line(text))).text[''] == Page(render_row(line(text), raw=True)).text['']


def test_the_colours_inside_a_message_stay():
    assert body(json.dumps({'msg': '\x1b[31mred\x1b[0m', 'a': 1})) == '<i class="f1">red</i><i class="d"> a=1</i>'


def test_what_the_question_asks_is_marked_in_both_forms():
    text = json.dumps({'msg': 'order placed', 'status': 500})
    assert body(text, 'order') == '<mark>order</mark> placed<i class="d"> status=500</i>'
    assert body(text, 'status:500') == 'order placed<i class="d"> <mark>status=500</mark></i>'
    raw = render_row(line(text), pattern=parse('placed').pattern, raw=True)
    assert Page(raw).text['mark'] == 'placed'


def test_of_a_huge_object_the_first_fields_are_shown_and_how_many_there_are_more():
    page = Page(render_row(line(json.dumps({'msg': 'x', **{f'k{n}': n for n in range(10_000)}}))))
    assert page.text[''].startswith('x k0=0 k1=1')
    assert page.text[''].count('=') == MOST_FIELDS
    assert page.text['em'] == f' … {10_000 - MOST_FIELDS:,} more fields: whole in the download'


def test_a_megabyte_in_one_value_and_a_thousand_levels_are_shown_bounded():
    page = Page(render_row(line(json.dumps({'msg': 'x', 'payload': 'y' * (1 << 20)}))))
    assert page.text[''] == f'x payload={"y" * LONGEST_VALUE}…'
    page = Page(render_row(line('{"msg":"x","a":' + '{"a":' * 1_000 + '1' + '}' * 1_001)))
    assert 0 < len(page.text['']) <= LONGEST_LINE
    page = Page(render_row(line(json.dumps({'msg': 'x' * 9_000, 'a': 1}))))
    assert page.text[''] == 'x' * LONGEST_LINE
    assert '812 more characters' in page.text['em']


def test_a_flush_of_huge_objects_takes_only_so_many_of_them_apart(monkeypatch):
    taken = []
    monkeypatch.setattr('dashboard.pages.logs.render.told', lambda content: taken.append(len(content)))
    render_rows([line('{"a":"' + 'x' * 100_000 + '"}')] * 1_000, None)
    assert 0 < sum(taken) <= 17 << 20
    taken.clear()
    render_rows([line('{"a":"' + 'x' * 1_000_000 + '"}')], None)
    assert len(taken) == 1, 'one may be long'


@given(
    st.dictionaries(st.text(), st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists)), st.text()
)
@settings(max_examples=100, deadline=None)
def test_whatever_an_object_holds_only_text_comes_out(entry, term):
    Page(render_row(line(json.dumps(entry)), pattern=parse(f'"{term}"').pattern))


def test_a_trace_hangs_below_its_first_line_and_what_is_long_is_folded():
    html = render_rows(lines(TRACE), None, clock=TODAY)
    assert html.count('<span') == 1, 'a message has one mark'
    assert html.count('class="l r h"') == len(TRACE) - 1
    assert html.count('<details>') == 1
    assert Page(html).text['summary'] == f'+ {len(TRACE) - 6} lines'
    assert Page(html).text[''] == ''.join(TRACE), 'nothing is left out'


def test_a_short_trace_is_not_folded():
    assert '<details' not in render_rows(lines(TRACE[:8]), None)


def test_a_trace_that_comes_in_two_flushes_is_one_message():
    strands = Strands()
    rows = lines(TRACE)
    first = Renderer(3, None, strands=strands).piece(rows[:3])[1]
    second = Renderer(19, None, strands=strands).piece(rows[3:])[1]
    assert first.count(' h"') == 2
    assert second.count(' h"') == len(TRACE) - 3
    assert Page(second).text['summary'] == f'+ {len(TRACE) - 6} lines'


def test_the_lines_of_another_container_are_not_folded_away_with_a_trace():
    other = LogLine.of(type(WEB)('d' * 64, 'shop-web-2', WEB.service, 'web:1', 'running'), NOON, 'INFO: from the other')
    rows = lines(TRACE)
    page = render_rows([*rows[:12], other, *rows[12:]], None)
    assert [len(re.findall('class="l', fold)) for fold in re.findall('<details>(.*?)</details>', page)] == [6, 10]


def test_a_first_line_without_a_level_has_that_of_what_comes_with_it():
    html = render_rows(lines(['it went wrong', '  because', 'ERROR: another']), None)
    assert html.count('aria-label') == 1
    assert 'aria-label="error"' in render_rows(
        lines(['Traceback (most recent call last):', '  File "x"', 'E: x']), None
    )


def test_pieces_know_where_they_stand(monkeypatch):
    monkeypatch.setattr(strands_module, 'fitting', lambda rows: min(len(rows), 3))
    rows = lines(TRACE)
    renderer, done = Renderer(len(rows), None), 0
    htmls = []
    while done < len(rows):
        count, html = renderer.piece(rows[done : done + 7])
        assert 0 < count <= 7
        htmls.append(html)
        done += count
    assert ''.join(htmls).count(' h"') == len(TRACE) - 1
    assert Page(''.join(htmls)).text[''] == ''.join(TRACE)


def test_a_pause_ends_a_message():
    rows = [line('ERROR: x'), LogLine.of(WEB, NOON + 9 * SECOND, '  indented')]
    assert ' h"' not in render_rows(rows, None)
