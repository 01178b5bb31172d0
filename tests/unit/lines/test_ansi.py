"""What a reader sees of a line, whatever control characters it holds."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.lines import ansi
from dashboard.lines.ansi import PLAIN, Style, rgb, sequences, spans, visible
from tests.support.cost import assert_linear

SEQUENCES = ['\x1b[31m', '\x1b[0m', '\x1b[1;4;7m', '\x1b[38;5;196m', '\x1b[48;2;1;2;3m', '\x1b[38:2::9:8:7m', '\x9b32m']
SEQUENCES += [
    '\x1b[K',
    '\x1b]8;;http://e.x/\x1b\\',
    '\x1b]52;c;aGk=\x07',
    '\x1b]0;t',
    '\x1bP',
    '\x9d',
    '\x9c',
    '\x1b(B',
]
SEQUENCES += ['\x1b', '\r', '\b', '\t', '\0', '\x7f', '\x85', '\u2028', '\u202e', '\u2066']
OTHERS = [' ', 'text', '<b>', 'é', '😀', '\x1b[', ';', ':', 'm', '38', '99999']
hostile = st.lists(st.sampled_from(SEQUENCES + OTHERS) | st.text(max_size=4), max_size=25).map(''.join)


@pytest.mark.parametrize(
    ('text', 'seen'),
    [
        ('plain\ttext é 日本 😀', 'plain\ttext é 日本 😀'),
        ('\x1b[1;31mred\x1b[0m', 'red'),
        ('\x9b31mred\x9bm', 'red'),
        ('\x1b[2J\x1b[3;4Hat\x1b[?25l\x1b[>4;2m', 'at'),
        ('\x1b]8;;https://evil.example/\x1b\\link\x1b]8;;\x1b\\', 'link'),
        ('\x1b]52;c;c3RvbGVu\x07after', 'after'),
        ('\x9d52;c;c3RvbGVu\x9cafter', 'after'),
        ('\x1bPq#0;2\x1b\\\x1b^pm\x1b\\\x1b_apc\x1b\\\x1bXsos\x1b\\.', '.'),
        ('\x1b(B\x1b#8\x1bc\x1b7.', '.'),
        ('\x84\x8d\x9c.', '.'),
        ('cut off\x1b[31', 'cut off'),
        ('cut off\x1b[', 'cut off'),
        ('alone\x1b', 'alone␛'),
    ],
)
def test_control_sequences_are_not_seen(text, seen):
    assert visible(text) == seen


def test_a_string_without_its_end_does_not_hide_the_rest_of_the_line():
    assert visible('\x1b]52;c;c3RvbGVu') == ''
    assert visible('agent="\x1b]x" GET /admin 200') == 'agent=" GET /admin 200'


def test_double_encoded_text_is_not_taken_for_strings():
    assert visible('“quoted” text'.encode().decode('latin-1')) == 'âquotedâ text'
    assert 'tail' in visible('НОП tail'.encode().decode('latin-1'))


@pytest.mark.parametrize(
    ('text', 'seen'),
    [
        ('10%\r20%\r30%', '30%'),
        ('Downloading 50%\rDone', 'Done'),
        ('30%\r', '30%'),
        ('30%\r\x1b[K', '30%'),
        ('30%\r\x1b[2K\r      \r', '30%'),
        ('\r\x1b[K40%', '40%'),
        ('\r', ''),
    ],
)
def test_a_progress_bar_shows_its_last_state(text, seen):
    assert visible(text) == seen
    assert ''.join(piece for _, piece in spans(text)) == seen


def test_other_controls_become_visible_marks():
    assert visible('\0\a\n\x7f') == '␀␇␊␡'
    assert visible('a\bb') == 'ab'
    assert visible('a\x85b\u2028c\u2029d') == 'a⟨NEL⟩b⟨LS⟩c⟨PS⟩d'
    assert visible('user\u202enimda\u202c') == 'user⟨RLO⟩nimda⟨PDF⟩'
    assert visible('\u2066\u2067\u2068\u2069\u200e\u200f\u061c') == '⟨LRI⟩⟨RLI⟩⟨FSI⟩⟨PDI⟩⟨LRM⟩⟨RLM⟩⟨ALM⟩'


def test_no_control_or_direction_character_is_left_of_any_character():
    for code in [*range(0xD800), *range(0xE000, 0x11000)]:
        for shown in visible(chr(code)):
            assert shown == '\t' or unicodedata.category(shown) not in ('Cc', 'Zl', 'Zp')
            assert unicodedata.bidirectional(shown) not in (
                'LRE',
                'RLE',
                'LRO',
                'RLO',
                'PDF',
                'LRI',
                'RLI',
                'FSI',
                'PDI',
            )


@given(hostile)
@settings(max_examples=150, deadline=None)
def test_the_runs_are_the_visible_text(text):
    runs = spans(text)
    assert ''.join(piece for _, piece in runs) == visible(text)
    assert all(piece for _, piece in runs)
    assert all(before != after for (before, _), (after, _) in pairwise(runs))


@given(hostile, st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_with_a_limit_of_sequences_only_styles_are_lost(text, most):
    runs = spans(text, most)
    assert ''.join(piece for _, piece in runs) == visible(text)
    assert len(runs) <= most + 1
    found, end = sequences(text, most)
    assert found == min(most, sequences(text, 1_000)[0])
    assert sequences(text[:end], 1_000)[0] == found
    assert end == len(text) or sequences(text[end:], 1) == (1, len(text) - end) or found == most


@given(hostile, st.integers(1, 6))
@settings(max_examples=150, deadline=None)
def test_a_long_text_looked_through_in_pieces_is_seen_as_in_one(text, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ansi, '_PIECE', size)
        in_pieces = visible(text)
    assert in_pieces == visible(text)


@pytest.mark.parametrize(
    ('codes', 'style'),
    [
        ('31', Style(fg=1)),
        ('97;104', Style(fg=15, bg=12)),
        ('1;2;3;4;7;9', Style(bold=True, dim=True, italic=True, underline=True, inverse=True, strike=True)),
        ('38;5;196', Style(fg=196)),
        ('48;2;1;2;255', Style(bg='#0102ff')),
        ('38:5:9;48:2::1:2:3', Style(fg=9, bg='#010203')),
        ('38:2:1:2:3', Style(fg='#010203')),
        ('4:3', Style(underline=True)),
        ('4;4:0', PLAIN),
        ('58;5;1;1', Style(bold=True)),
        ('1;31;', PLAIN),
        ('1;22;31;39;41;49;3;23;4;24;7;27;9;29', PLAIN),
        ('5;8', PLAIN),
    ],
)
def test_sgr_codes_give_styles(codes, style):
    assert spans(f'\x1b[{codes}mx') == [(style, 'x')]


@pytest.mark.parametrize(
    'codes', ['38', '38;5', '38;5;256', '38;2;1;2', '38;2;1;2;999', '38;7', '38:5', '48;5;:', '9999', '1:2', '1;' * 999]
)
def test_malformed_codes_change_nothing(codes):
    assert spans(f'\x1b[{codes}mx') == [(PLAIN, 'x')]


def test_styles_nest_add_up_and_reset():
    assert spans('a\x1b[31mb\x1b[1mc\x1b[39md\x1b[me') == [
        (PLAIN, 'a'),
        (Style(fg=1), 'b'),
        (Style(fg=1, bold=True), 'c'),
        (Style(bold=True), 'd'),
        (PLAIN, 'e'),
    ]


def test_a_colour_outlives_the_redrawing_of_its_line():
    assert spans('\x1b[32m10%\r20%') == [(Style(fg=2), '20%')]


def test_the_256_colour_table_is_that_of_xterm():
    assert [rgb(n) for n in (16, 21, 196, 231, 232, 255)] == [
        '#000000', '#0000ff', '#ff0000', '#ffffff', '#080808', '#eeeeee',
    ]  # fmt: skip


@pytest.mark.parametrize(
    'unit', ['\x1b]', '\x9d', '\x1b[', '\x1b[1;', '\x1b[m', 'a\x1b[m', '\r', '\x1b ', '\x90\x07', '\0']
)
def test_time_grows_with_the_length_and_not_with_its_square(unit):
    assert_linear(lambda count: spans(unit * count), 2_000)
