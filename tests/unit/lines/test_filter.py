"""A term is found as a person would find it on the screen."""

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dashboard.errors import BadRequest
from dashboard.lines.ansi import visible
from dashboard.lines.filter import LineFilter, places
from dashboard.model import Container, LogLine, ServiceKey

WEB = Container('c' * 64, 'shop-web-1', ServiceKey('local', 'shop', 'web'), 'web:1', 'running')


def line(text: str | bytes) -> LogLine:
    return LogLine.of(WEB, 1_795_432_079_303_000_000, text)


def texts(term: str, *contents: str | bytes) -> list[str]:
    return [found.text for found in LineFilter(term).select([line(content) for content in contents])]


def test_the_empty_term_finds_every_line():
    assert texts('', 'a', '', 'b') == ['a', '', 'b']
    assert LineFilter('').matches('')
    assert LineFilter('').pattern is None


def test_case_does_not_matter():
    assert texts('Error', 'an ERROR', 'no', 'error', 'ÉRROR') == ['an ERROR', 'error']
    assert texts('été', 'ÉTÉ', 'ete') == ['ÉTÉ']


def test_a_term_is_literal():
    assert texts('a.c(*', 'A.C(*', 'abc(*') == ['A.C(*']


def test_a_colour_code_inside_a_word_does_not_hide_it_and_is_not_found():
    assert texts('error', '\x1b[31mER\x1b[1mROR\x1b[0m') == ['\x1b[31mER\x1b[1mROR\x1b[0m']
    assert texts('31m', '\x1b[31mred') == []
    assert texts('\x1b[31mred', 'a red one') == ['a red one']


def test_only_what_is_seen_is_found():
    assert texts('20%', '20%\r30%') == []
    assert texts('30%', '20%\r30%\r\n') == ['20%\r30%']
    assert texts('evil', '\x1b]8;;http://evil\x1b\\link') == []
    assert texts('rlo', 'a\u202eb') == ['a\u202eb']
    assert texts('ab', 'a\bb') == ['a\bb']


def test_the_timestamp_is_not_searched():
    assert texts('2026', 'x') == []
    assert texts(':', 'x') == []


def test_bytes_that_are_not_utf8_are_found_as_they_are_shown():
    assert texts('\ufffd', b'a\xffb', b'a') == ['a\ufffdb']
    assert texts('B', b'a\xffb') == ['a\ufffdb']


@pytest.mark.parametrize(
    ('term', 'text', 'found'),
    [
        ('k', '273 \u212a', True), ('\u212a', 'k', True), ('i', 'İ', True), ('ı', 'I', True), ('s', 'ſ', True),
        ('STRASSE', 'Straße', False), ('ß', 'ẞ', True), ('ς', 'ΟΔΟΣ', True), ('日本', '日本語', True),
    ],
)  # fmt: skip
def test_unicode_case_agrees_with_what_is_marked(term, text, found):
    wanted = LineFilter(term)
    assert wanted.matches(text) is found
    assert bool(wanted.pattern.search(text)) is found
    assert texts(term, text) == ([text] if found else [])


def test_no_other_character_of_unicode_is_equal_to_an_ascii_one():
    beyond = ''.join(map(chr, [*range(0x80, 0xD800), *range(0xE000, 0x110000)]))
    assert set(re.findall(r'[\0-\x7f]', beyond, re.IGNORECASE)) == {'ı', 'İ', 'ſ', '\u212a'}


words = st.text(st.sampled_from('aAkKsSiI\u212aſİıßẞσςΣéÉ .\r\b\x1b[31m\x9b\u202e\0<'), max_size=8)


@given(words, words)
@example('k', 'x\u212a')
@settings(max_examples=250, deadline=None)
def test_every_way_to_ask_gives_the_answer_of_the_pattern(term, text):
    wanted = LineFilter(term)
    marked = wanted.pattern is None or wanted.pattern.search(visible(text)) is not None
    assert wanted.matches(text) is marked
    assert bool(wanted.select([line(text + '\n')])) is (
        wanted.pattern is None or wanted.pattern.search(visible(text.rstrip('\r\n'))) is not None
    )


def test_a_term_that_is_too_long_is_refused_in_words():
    LineFilter('x' * 1_000)
    with pytest.raises(BadRequest, match=r'at most 1,000 characters, not 1,001'):
        LineFilter('x' * 1_001)


# regular expressions


@pytest.mark.parametrize(
    ('term', 'content', 'found'),
    [
        ('/err(or)?s/', '3 ERRS', True), ('/err(or)?s/', 'error', False), ('/^get/', 'GET /', True),
        ('/^get/', 'a GET', False), (r'/\d{3}$/', 'status 404\r\n', True), ('/é+/', 'CAFÉÉ', True),
        ('/a.c/', b'a\xffc', True),
        ('/error/', '\x1b[31mER\x1b[0mROR', True), ('/31m/', '\x1b[31mx', False), ('/x*/', 'abc', True),
        ('/api/', 'GET /v1', False), ('/api/', 'the api', True), ('/', 'a/b', True),
        ('//', 'a//b', True), ('//', 'a', False),
        ('/api', 'GET /api', True), ('/api', 'api', False), ('api/', 'api', False),
    ],
)  # fmt: skip
def test_between_slashes_it_is_a_regular_expression(term, content, found):
    wanted = LineFilter(term)
    assert wanted.matches(line(content).text) is found
    assert bool(wanted.select([line(content)])) is found


@pytest.mark.parametrize(
    ('term', 'reason'), [('/a(b/', 'missing \\)'), ('/a(?=b)/', 'invalid'), ('/\ud800/', 'no regular')]
)
def test_a_bad_expression_is_refused_in_words(term, reason, capfd):
    with pytest.raises(BadRequest, match=reason):
        LineFilter(term)
    assert capfd.readouterr().err == ''


def test_an_expression_too_large_for_its_memory_is_refused():
    with pytest.raises(BadRequest, match=r'too large|repetition size'):
        LineFilter('/((a{100}){100}){100}/')


def test_no_expression_takes_more_than_linear_time():
    wanted = LineFilter('/(a+)+$|(a|a)*b|(.*)*x/')
    start = time.process_time()
    assert not wanted.matches('a' * 100_000 + 'c')
    assert time.process_time() - start < 10, 'backtracking would take for ever'


@given(
    st.sampled_from(['a*', 'b|', r'\b', '^', '$', '(?:)', '[aé]', '<', '.']), st.text('aé<b \U0001f40b', max_size=12)
)
@settings(max_examples=80, deadline=None)
def test_what_is_marked_are_characters_and_never_empty(pattern, text):
    wanted = LineFilter(f'/{pattern}/')
    expected = [match.span() for match in re.finditer(pattern, text) if match.group()]
    if pattern != 'b|':  # where the two differ: RE2 takes the empty branch where nothing else fits, and goes on
        assert list(places(wanted.pattern, text, 1_000)) == expected
    assert all(start < end for start, end in places(wanted.pattern, text, 1_000))
