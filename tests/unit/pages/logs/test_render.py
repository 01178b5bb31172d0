"""Log text becomes HTML here, and never anything but text."""

import re
import time
from datetime import date
from html.parser import HTMLParser
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.lines import parse, sequences, spans
from dashboard.lines.ansi import visible
from dashboard.model import Container, Gap, LogLine, Notice, Row, Service, ServiceKey, Stream
from dashboard.pages.logs import render as render_module
from dashboard.pages.logs.allowance import LONGEST_LINE
from dashboard.pages.logs.clock import Clock
from dashboard.pages.logs.labels import Labels
from dashboard.pages.logs.render import CSS, DARK, LIGHT, Renderer, render_rows

SECOND = 1_000_000_000
NOON = 1_795_435_200 * SECOND  # 2026-11-23 12:00:00 UTC
TODAY = Clock(today=date(2026, 11, 23))
WEB = Container('c' * 64, 'shop-web-1', ServiceKey('local', 'shop', 'web'), 'web:1', 'running')
ALLOWED = {
    'div': {
        'class': r'l( e)?( r)?( h)?|g|n', 'role': 'button', 'tabindex': '0', 'data-gap': r'\d+-\d+',
        'data-cursor': r'\d+-\d+-[0-9a-f]{12}',
    },
    'span': {'class': 'm[1-6]', 'role': 'img', 'aria-label': 'trace|debug|info|warn|error|fatal'},
    'details': {},
    'summary': {'class': '(e )?r|e|'},
    'time': {'title': r'[-0-9T:.]+Z'},
    'b': {'class': r'c[0-7]'},
    'i': {'class': r'([wdkusv]|[fb]\d+)( [wdkusv]| [fb]\d+)*', 'style': r'--[fb]:#[0-9a-f]{6}(;--b:#[0-9a-f]{6})?'},
    'mark': {},
    'em': {},
}  # fmt: skip


class Page(HTMLParser):
    """Reads HTML as a browser would, and refuses what is not ours."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text = {'': '', **dict.fromkeys(ALLOWED, '')}
        self.tags = 0
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert tag in ALLOWED
        for name, value in attrs:
            assert re.fullmatch(ALLOWED[tag][name], value)
        self.open.append(tag)
        self.tags += 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        for tag in self.open:
            self.text[tag] += data
        if not {'time', 'b', 'em', 'summary'} & set(self.open):
            self.text[''] += data

    def handle_comment(self, data):
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def line(text: str | bytes, stream: int = Stream.STDOUT, container: Container = WEB) -> LogLine:
    return LogLine.of(container, NOON + 303_123_456, text, stream)


def render_row(row: Row, *, pattern: Any = None, many: bool = False, raw: bool = False) -> str:
    return render_rows([row], pattern, Labels(needed=many), TODAY, raw)


def body(text: str, term: str = '') -> str:
    html = render_row(line(text), pattern=parse(term).pattern)
    return html.partition('</time>')[2].removesuffix('</div>')


def test_a_line_carries_its_stamp_and_its_text():
    assert render_row(line('hello\r\n')) == (
        '<div class="l" data-cursor="1795435200303123456-0-cccccccccccc">'
        '<time title="2026-11-23T12:00:00.303123456Z">12:00:00.303 </time>hello</div>'
    )


def test_an_error_line_is_told_from_output():
    assert render_row(line('x', Stream.STDERR)).startswith('<div class="l e r" ')
    assert render_row(line('INFO: x', Stream.STDERR)).startswith('<div class="l e" '), 'it says itself that it is none'


def test_an_empty_line_has_no_text():
    assert body('') == ''


def test_markup_and_quotes_are_escaped():
    assert body('<script>alert("1")</script>') == '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;'
    assert body("' onmouseover='x' &lt;") == '&#x27; onmouseover=&#x27;x&#x27; &amp;lt;'
    assert Page(render_row(line('<!-- <![CDATA[ <?php </div></time>'))).tags == 2


def test_a_record_without_a_stamp_stays_inside_the_title(monkeypatch):
    monkeypatch.setitem(ALLOWED['time'], 'title', '.*')
    page = Page(render_row(LogLine(WEB, 1, b'"><img src=x onerror=alert(1)> <script>x</script>')))
    assert page.tags == 2


fragments = st.sampled_from(
    ['<script>', '"><img onerror=x>', "' style='", '&lt;', '</div>', '\x1b[31m', '\x1b[7m', '\x1b[48;5;99m',
     '\x1b[38;2;1;2;3m', '\x1b[0m', '\x1b]8;;javascript:x\x1b\\', '\x1b]52;c;PHNjcmlwdD4=',
     '\u202e', '\r', '\0', 'ab', 'AB', '\t', '&#60;']
)  # fmt: skip
contents = st.lists(fragments | st.text(max_size=4), max_size=20).map(''.join)


@given(contents, st.sampled_from(['', 'a', 'b<', '&', '"', 'ba']) | st.text(max_size=2), st.booleans(), contents)
@settings(max_examples=150, deadline=None)
def test_whatever_a_line_holds_only_its_visible_text_comes_out(text, term, many, name):
    container = Container('d' * 64, name, ServiceKey('local', '', 'web'), 'web:1', 'running')
    row = line(text, container=container)
    wanted = parse(term)
    page = Page(render_row(row, pattern=wanted.pattern, many=many, raw=True))
    separator = ' ' if many else ''
    assert page.text[''] == separator + visible(row.text)
    assert page.text['b'] == (visible(name) if many else '')
    assert bool(page.text['mark']) is (wanted.pattern is not None and wanted.matches(row))


@given(contents, contents)
@settings(max_examples=50, deadline=None)
def test_gaps_and_notices_hold_only_text(reason, text):
    page = Page(render_rows([Gap(NOON, NOON + SECOND, 2, reason), Notice(NOON, text)], None))
    assert page.text[''].endswith(f'UTC: {visible(reason)}{visible(text)}')


def test_colours_become_classes_and_exact_colours_variables():
    assert body('\x1b[31;1mred\x1b[0m no') == '<i class="w f1">red</i> no'
    assert body('\x1b[97;44mx') == '<i class="f15 b4">x</i>'
    assert body('\x1b[38;5;196mx') == '<i style="--f:#ff0000">x</i>'
    assert body('\x1b[4;38;2;1;2;3;48;5;16mx') == '<i class="u" style="--f:#010203;--b:#000000">x</i>'


def test_inverse_swaps_the_colours():
    assert body('\x1b[7mx') == '<i class="v">x</i>'
    assert body('\x1b[7;31;42mx') == '<i class="f2 b1">x</i>'
    assert body('\x1b[7;38;5;196mx') == '<i style="--b:#ff0000">x</i>'


def test_matches_are_marked_in_any_case():
    assert body('an Error, an ERROR', 'error') == 'an <mark>Error</mark>, an <mark>ERROR</mark>'
    assert body('a<b', '<B') == 'a<mark>&lt;b</mark>'
    assert body('ab', '') == 'ab'


def test_a_match_is_marked_across_colours():
    assert body('an \x1b[31mer\x1b[32mro\x1b[0mr', 'error') == (
        'an <i class="f1"><mark>er</mark></i><i class="f2"><mark>ro</mark></i><mark>r</mark>'
    )
    assert body('\x1b[31mxa\x1b[0mbxab', 'ab') == '<i class="f1">x<mark>a</mark></i><mark>b</mark>x<mark>ab</mark>'


def test_an_entity_is_never_marked_in_part():
    assert body('a & b', 'amp') == 'a &amp; b'


def test_merged_containers_are_named_each_in_its_own_colour():
    others = [Container(str(n) * 64, f'shop-web-{n}', WEB.service, 'web:1', 'running') for n in range(3)]
    html = render_rows([line('x', container=container) for container in (*others, *others)], None, Labels(needed=True))
    names = re.findall(r'<b class="(c[0-7])">(.*?)</b> x', html)
    assert [name for _, name in names] == ['web-0', 'web-1', 'web-2'] * 2
    assert names[:3] == names[3:]


def test_merged_services_are_named_each_in_its_own_colour_with_the_number_where_one_is_scaled():
    keys = [ServiceKey('', 'shop', 'web'), ServiceKey('', 'shop', 'api'), ServiceKey('', 'lab', 'web')]
    containers = [
        Container(f'{number}' * 64, f'{key.name}-{replica}', key, 'x', 'running', replica=replica)
        for number, (key, replica) in enumerate([(keys[0], '1'), (keys[0], '2'), (keys[1], '7'), (keys[2], '1')])
    ]

    def names(of):
        labels = Labels.of(Service(ServiceKey('', '', 'several'), tuple(of)))
        html = render_rows([line('x', container=container) for container in of], None, labels)
        return re.findall(r'<b class="c([0-7])" data-service="(.*?)" title=".*?">(.*?)</b> x', html)

    [web, *_, api] = colours = [hue for hue, *_ in names(containers[:3])]
    assert web != api
    assert [label for _, *label in names(containers[:3])] == [
        ['shop:web', 'web-1'],
        ['shop:web', 'web-2'],
        ['shop:api', 'api'],
    ]
    assert [hue for hue, *_ in names(containers)][:3] == colours, 'whatever else is chosen'
    assert [name for *_, name in names(containers)] == ['shop:web-1', 'shop:web-2', 'shop:api', 'lab:web']


def test_a_service_without_a_project_is_asked_for_by_its_name_alone():
    alone = Container('a' * 64, 'web', ServiceKey('', '', 'web'), 'x', 'running')
    labels = Labels.of(Service(ServiceKey('', '', 'several'), (WEB, alone)))
    assert 'data-service="web"' in render_rows([line('x', container=alone)], None, labels)


def test_among_several_a_line_that_came_after_newer_ones_is_marked():
    rows = [LogLine.of(WEB, NOON + offset, 'x') for offset in (2, 1, 2, 3)]
    assert re.findall('class="l( late)?"', render_rows(rows, None, Labels(needed=True))) == ['', ' late', '', '']
    assert ' late' not in render_rows(rows, None)


def test_a_gap_says_in_words_what_is_missing():
    gap = Gap(NOON + 63 * SECOND, NOON + 69 * SECOND, 1_037, 'the page was behind', lost=True)
    assert render_row(gap) == (
        '<div class="g">⋯ 1,037 lines missed between 12:01:03 and 12:01:09 UTC: the page was behind</div>'
    )
    assert '⋯ 1 line missed at 12:00:00 UTC: x' in render_row(Gap(NOON, NOON + 5, 1, 'x'))
    assert 'an unknown number of lines missed between 12:00:00 and 2026-11-24 12:00:00 UTC' in render_row(
        Gap(NOON, NOON + 86_400 * SECOND, None, 'x')
    )


def test_a_notice_is_a_row_with_its_time():
    assert render_row(Notice(NOON, 'web-1 restarted')) == (
        '<div class="n"><time title="2026-11-23T12:00:00.000000000Z">12:00:00.000 </time>web-1 restarted</div>'
    )


@pytest.mark.parametrize(
    ('length', 'rest'), [(8_192, ''), (8_193, '… 1 more character:'), (9_426, '… 1,234 more characters:')]
)
def test_a_long_line_is_cut_and_says_how_much_is_left(length, rest):
    page = Page(render_row(line('x' * length)))
    assert page.text[''] == 'x' * LONGEST_LINE
    assert page.text['em'] == (f'{rest} whole in the download' if rest else '')


def test_a_match_beyond_the_cut_is_announced():
    text = 'x' * 200_000 + '\x1b[31mnee\x1b[0mdle'
    assert Page(render_row(line(text), pattern=parse('needle').pattern)).text['mark'] == 'match'
    assert Page(render_row(line(text), pattern=parse('other').pattern)).text['mark'] == ''
    assert Page(render_row(line('needle' + text), pattern=parse('needle').pattern)).text['mark'] == 'needle'


@pytest.mark.parametrize('unit', ['x', '<', '\x1b[31mx\x1b[32m', '\x1b]', 'x\r', '\0', 'é', '\x1b[38;5;99mx\x1b[m"'])
def test_ten_megabytes_without_a_newline_cost_little_time_and_space(unit):
    text = unit * (10_000_000 // len(unit))
    start = time.process_time()
    html = render_row(line(text))
    assert time.process_time() - start < 10, 'a cost that grows with the square would be minutes'
    assert len(html) < 10 * LONGEST_LINE
    assert 'whole in the download</em>' in html


def test_the_elements_of_a_line_are_bounded_and_its_text_stays():
    text = ''.join(f'\x1b[3{n % 7}mab' for n in range(4_000))
    page = Page(render_row(line(text), pattern=parse('ba').pattern))
    assert page.tags < 2_010
    assert page.text[''] == visible(text)[:LONGEST_LINE]


def test_a_plain_line_costs_few_bytes():
    assert len(render_row(line('x' * 100))) <= 100 + 140


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio of two '#rrggbb' colours."""

    def luminance(colour):
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize('theme', [LIGHT, DARK], ids=['light', 'dark'])
def test_every_text_has_aacontrast(theme):
    texts = [theme['ink'], theme['faint'], *theme['f'].split()]
    grounds = [theme['log'], theme['tint'], *theme['b'].split()]
    assert len(texts) == len(grounds) == 18
    assert min(contrast(text, ground) for text in texts for ground in grounds) >= 4.5
    for text, ground in (('on-mark', 'mark'), ('note', 'note-tint'), ('gap', 'gap-tint'), ('log', 'ink')):
        assert contrast(theme[text], theme[ground]) >= 4.5
    for border in ('error', 'note', 'gap'):
        assert contrast(theme[border], theme['log']) >= 3


def test_the_styles_cover_every_class_and_only_the_log():
    rules = re.sub(r'@(?:supports|media)[^{]*\{', '', CSS)
    selectors = [selector.strip() for group in re.findall(r'([^{}]+)\{', rules) for selector in group.split(',')]
    assert all(selector.startswith(('.log', '.body--dark .log')) for selector in selectors)
    wanted = [f'{name}{n}' for name in 'fb' for n in range(16)] + [f'c{n}' for n in range(8)] + [*'wdkusvegnl']
    assert {f'.log .{name}' for name in wanted} <= set(selectors)
    assert CSS.count('{') == CSS.count('}')


@pytest.mark.parametrize(
    ('text', 'term', 'html'),
    [
        ('a <b> & é<b>', '/<b>/', 'a <mark>&lt;b&gt;</mark> &amp; é<mark>&lt;b&gt;</mark>'),
        ('\x1b[31mre\x1b[0md', '/RED/', '<i class="f1"><mark>re</mark></i><mark>d</mark>'),
        ('abc', '/x*/', 'abc'),
        ('aab', '/a*/', '<mark>aa</mark>b'),
        ('🐋 x', '/x/', '🐋 <mark>x</mark>'),
    ],
)
def test_what_an_expression_finds_is_marked(text, term, html):
    assert body(text, term) == html


# what strangers' lines and readers' filters may cost


def rendered(rows: list[Row], term: str = '') -> str:
    return render_rows(rows, parse(term).pattern, clock=TODAY)


@pytest.mark.parametrize('term', ['x', '/./'])
def test_the_marks_of_a_flush_are_bounded_and_every_line_has_some(monkeypatch, term):
    monkeypatch.setattr(render_module, 'monotonic', lambda: 0.0)  # what is searched is bounded by time as well
    html = rendered([line('x' * 50)] * 2_000, term)
    assert html.count('<mark>x</mark>') == 30_000
    assert all(row.count('<mark>') == 15 for row in html.split('</time>')[1:])
    assert rendered([line('x' * 500)], term).count('<mark>') == 500


def test_what_lines_with_few_marks_leave_those_after_them_may_use():
    assert rendered([*[line('y')] * 1_990, *[line('x' * 500)] * 10], 'x').count('<mark>') == 500 * 10


@pytest.mark.parametrize('unit', ['\x1b[31mx\x1b[32my', '\x1b]', '\x90', '\x1b[m'])
def test_the_control_sequences_that_are_read_in_a_flush_are_bounded(monkeypatch, unit):
    read = []
    monkeypatch.setattr(render_module, 'spans', lambda text, most: read.append(text) or spans(text, most))
    html = rendered([line(unit * (65_536 // len(unit)))] * 400)
    assert sum(sequences(text, 1 << 30)[0] for text in read) <= 100_000
    assert html.count('<i') <= 100_000
    assert html.count('more characters: whole in the download') == 400


def test_long_lines_without_control_sequences_are_shown_however_many_there_are():
    assert rendered([line('x' * LONGEST_LINE)] * 500, 'nothing').count('x' * LONGEST_LINE) == 500


def test_an_expression_that_would_be_long_at_a_line_marks_nothing_in_it(monkeypatch):
    monkeypatch.setattr(render_module, '_MOST_WORK', 1_000)
    assert rendered([line('abc')], '/b/').count('<mark>') == 1
    assert '<mark>' not in rendered([line('abc' * 1_000)], '/b/')
    assert '<mark>' not in rendered([line('abc' * 100_000 + 'x')], '/x/')


def test_a_flush_ends_to_look_for_marks_when_it_has_taken_too_long(monkeypatch):
    ticks = count()
    monkeypatch.setattr(render_module, 'monotonic', lambda: next(ticks) / 10)
    assert rendered([line('x')] * 100, 'x').count('<mark>') == render_module.SEARCHING * 10


def test_a_piece_ends_when_it_has_taken_its_time_or_is_long(monkeypatch):
    ticks = count()
    monkeypatch.setattr(render_module, 'monotonic', lambda: next(ticks) * render_module.PIECE / 5)
    rows = [line(str(number)) for number in range(100)]
    sent, html = Renderer(100, None).piece(rows)
    assert sent == 6
    assert html == render_rows(rows[:6], None)
    monkeypatch.setattr(render_module, 'monotonic', lambda: 0.0)
    sent, html = Renderer(100, None).piece([line('x' * LONGEST_LINE)] * 100)
    assert len(html) < render_module.LONGEST_PIECE + 2 * LONGEST_LINE
    assert 0 < sent < 100
    assert Renderer(0, None).piece([]) == (0, '')
