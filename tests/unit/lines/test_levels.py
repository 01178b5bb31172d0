"""The level of a line is what its logger wrote, in the dialects of some 260 programs and formats; nothing else is one.

``dialects.txt`` holds the lines: below ``== system`` one each of level, tab, and the line, in which ``\\x1b`` is ESC.
"""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.lines import Level, level_named, level_of, levels_of
from tests.corpus import __main__ as corpus
from tests.support.cost import assert_linear


def dialects() -> list[tuple[str, str, bytes]]:
    system, found = '', []
    for row in (Path(__file__).parent / 'dialects.txt').read_text().splitlines():
        if row.startswith('== '):
            system = row[3:]
        else:
            level, _, text = row.partition('\t')
            found.append((system, level, text.replace('\\x1b\\\\', '\x1b\\').replace('\\x1b', '\x1b').encode()))
    return found


DIALECTS = dialects()
TEXTS = [(system, level, text) for system, level, text in DIALECTS if not text.startswith(b'{') and b'\x1b' not in text]


def told_otherwise(lines: list[tuple[str, str, bytes]]) -> list[tuple[str, str, str, bytes]]:
    found = levels_of([text for _, _, text in lines])
    return [
        (system, level, told.name.lower(), text)
        for (system, level, text), told in zip(lines, found, strict=True)
        if told.name.lower() != level
    ]


def test_every_dialect_is_told():
    assert len({system for system, _, _ in DIALECTS}) > 250
    assert told_otherwise(DIALECTS) == []


def test_colours_hide_no_level():
    coloured = [
        (system, level, re.sub(rb'([A-Za-z]+|\[\w+ *\])', b'\x1b[1;31m\\1\x1b[0m', text))
        for system, level, text in TEXTS
    ]
    assert told_otherwise(coloured) == []


def test_what_follows_changes_no_level():
    lines = [line for line in TEXTS if line[1] != 'unknown' and not re.search(rb'(?:Error|Exception)$', line[2])]
    more = [(system, level, text + b' then [error] ERROR: FATAL level=fatal') for system, level, text in lines]
    assert told_otherwise(more) == []


@pytest.mark.parametrize(
    ('word', 'level'),
    [
        ('error', Level.ERROR), ('ERR', Level.ERROR), ('Severe', Level.ERROR), ('warning', Level.WARN),
        ('w', Level.WARN),
        ('critical', Level.FATAL), ('notice', Level.INFO), ('verbose', Level.TRACE), ('unknown', Level.UNKNOWN),
        ('', None), ('errors', None), ('5', None),
    ],
)  # fmt: skip
def test_a_word_names_a_level_as_any_logger_writes_it(word, level):
    assert level_named(word) is level


@pytest.mark.parametrize(
    'content',
    [
        b'{"level":NaN}', b'{"level":Infinity,"msg":"\\ud800"}', b'{"level":1e999}', b'{"level":' + b'9' * 5_000 + b'}',
        b'{"level":[[[["error"]]]]}', b'{"level":{"level":{"level":"error"}}}', b'{"level":-1}', b'{"level":true}',
        b'{"a":' * 5_000 + b'1' + b'}' * 5_000, b'{"level":"error"', b"{'level': 'error'}", b'{}', b'{"status":200}',
        b'{"status":"\xd9\xa3\xd9\xa3\xd9\xa3","method":"GET"}', b'{"level":"\xd9\xa3"}', b'{"severityNumber":99}',
    ],
)  # fmt: skip
def test_hostile_json_has_no_level(content):
    assert level_of(content) is Level.UNKNOWN


@pytest.mark.parametrize(
    ('content', 'level'),
    [
        (b'{"level":"error","x":NaN}', Level.ERROR), (b'{"level":"error","x":"\\ud800"}', Level.ERROR),
        (b'{"level":"info","level":"error"}', Level.ERROR), (b' {"level":"error"}\r', Level.ERROR),
        (b'{"a":' * 900 + b'1' + b'}' * 899 + b',"level":"warn"}', Level.WARN),
        (b'{"level":"error","x":"\xff"}', Level.ERROR),
        (b'{"level":"\\u001b[32minfo\\u001b[39m","message":"x"}', Level.INFO),
        (b'{"log":{"level":"\\u001b[31merror\\u001b[39m"}}', Level.ERROR),
    ],
)  # fmt: skip
def test_json_that_other_programs_write_has_its_level(content, level):
    assert level_of(content) is level


@given(
    st.binary(max_size=300)
    | st.lists(st.sampled_from(DIALECTS).map(lambda line: line[2][:40]), max_size=4).map(b' '.join)
)
@settings(max_examples=80, deadline=None)
def test_any_bytes_have_a_level(content):
    assert level_of(content) in Level


HOSTILE = [
    b'[',
    b'[a ',
    b'a ',
    b'a: ',
    b'a=',
    b'a="',
    b'12:00:00 ',
    b'[[',
    b'((',
    b'<',
    b'2026-01-02 03:04:05 a ',
    b'\x1b[',
    b'A.A',
]


@pytest.mark.parametrize('piece', HOSTILE)
def test_a_long_line_costs_what_its_head_costs(piece):
    assert_linear(lambda size: level_of(piece * size), 1_000)


def test_a_large_object_takes_linear_time():
    numbers = random.Random(1)
    names = [f'"k{numbers.random()}":[{{}},{{}}],' for _ in range(16_000)]
    assert_linear(lambda size: level_of(('{' + ''.join(names[:size]) + '"level":"error"}').encode()), 1_000)


def test_the_measure_of_a_corpus_prints_a_row_a_set(tmp_path, capsys):
    (tmp_path / 'shop.tsv').write_bytes(b'error\t[error] no\ninfo\t[error] no\nwarn\ta sentence\nunknown\tanother\r\n')
    corpus.main(tmp_path)
    assert capsys.readouterr().out == 'shop 4 2 1 1\n'
