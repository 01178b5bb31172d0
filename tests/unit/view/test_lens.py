"""What is a secret, what is not, and what is left of a line."""

from __future__ import annotations

import base64
import random
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dashboard.access.identity import Identity
from dashboard.access.scope import EVERYTHING
from dashboard.config import Settings
from dashboard.errors import ConfigError
from dashboard.lines.ansi import visible
from dashboard.model import Container, Gap, LogLine, ServiceKey
from dashboard.timeline.history import History
from dashboard.view.lens import Redactor
from dashboard.view.scan import TOGETHER, Scan
from dashboard.view.secrets import Rule, Rules, read_rules
from tests.support.cost import assert_linear
from tests.support.turns import turns

WEB = Container('c' * 64, 'shop-web-1', ServiceKey('local', 'shop', 'web'), 'web:1', 'running')
API = Container('a' * 64, 'shop-api-1', ServiceKey('local', 'shop', 'api'), 'api:1', 'running')
ANN = Identity('ann', True, EVERYTHING, 'x', 'session', 1 << 40)
BOB = Identity('bob', False, EVERYTHING, 'x', 'session', 1 << 40)
RULES = Rules()
JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ.SflKxwRJSMeKKF2QT4fwpM'
KEY_ID, KEY = 'AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
BODY = ['MIIEpAIBAAKCAQEA7bq0nTq2bZ0YxTn4kzH4Q0pJw3qv6vH9s6b1y0Zk2J8aXcVd', 'q' * 20 + 'Q' * 44, 'Qw1k==']
PEM = ['-----BEGIN RSA PRIVATE KEY-----', *BODY, '-----END RSA PRIVATE KEY-----']
PRIVATE = b'[redacted: private key]'


def line(text: str | bytes, container: Container = WEB, stream: int = 1) -> LogLine:
    return LogLine.of(container, 1_795_432_079_303_000_000, text, stream)


def scan(rows, rules: Rules = RULES, at_once: int = 1_000) -> list[bytes]:
    scanned = Scan(rules)
    found = []
    for start in range(0, len(rows), at_once):
        part = rows[start : start + at_once]
        changed = scanned.changes(part)
        found += [changed.get(index, row).content for index, row in enumerate(part)]
    return found


def redacted(text: str | bytes, rules: Rules = RULES) -> bytes:
    return scan([line(text)], rules)[0]


@pytest.mark.parametrize(
    ('text', 'left'),
    [
        ('GET / Authorization: Bearer abc.def-123', 'GET / Authorization: [redacted: authorization header]'),
        ('{"authorization":"Basic dXNlcjpwYXNz","n":1}', '{"authorization":"[redacted: authorization header]","n":1}'),
        (r'"{\"Authorization\":\"Token s3cr3t\"}"', r'"{\"Authorization\":\"[redacted: authorization header]\"}"'),
        ("-H 'Authorization: s3cr3t' x", "-H 'Authorization: [redacted: authorization header]' x"),
        ('Authorization: Digest username="x", response="y"', 'Authorization: [redacted: authorization header]'),
        ('map[Authorization:[Basic eHl6]]', 'map[Authorization:[[redacted: authorization header]]]'),
        ('with bearer abc123def now', 'with bearer [redacted: bearer token] now'),
        ('?auth=Bearer%20abc123def', '?auth=Bearer%20[redacted: bearer token]'),
        (f'token {JWT}, valid', 'token [redacted: web token], valid'),
        ('postgres://ann:secret@db:5432/shop', 'postgres://[redacted: URL credentials]@db:5432/shop'),
        ('postgres://ann:p@ss/w0rd@db/shop', 'postgres://[redacted: URL credentials]@db/shop'),
        ('redis://:12345@cache', 'redis://[redacted: URL credentials]@cache'),
        ('https://ghp_0123456789abcdefghij@github.com', 'https://[redacted: URL credentials]@github.com'),
        (r'{"at":"https:\/\/ann:secret@db\/x"}', r'{"at":"https:\/\/[redacted: URL credentials]@db\/x"}'),
        ('?to=https%3A%2F%2Fann%3Asecret%40db%2F&n=1', '?to=https%3A%2F%2F[redacted: URL credentials]%40db%2F&n=1'),
        (f'aws_session_token={"IQoJb3JpZ2luX2VjEJr/" * 6}==', 'aws_session_token=[redacted: AWS key]'),
        ('4111\xa01111\xa01111\xa01111', '[redacted: card number]'),
        (f'id {KEY_ID}', 'id [redacted: AWS key]'),
        (f'aws_secret_access_key = {KEY}', 'aws_secret_access_key = [redacted: AWS key]'),
        (f'"SecretAccessKey": "{KEY}"', '"SecretAccessKey": "[redacted: AWS key]"'),
        (f'{KEY_ID} {KEY} {KEY}', '[redacted: AWS key] [redacted: AWS key] [redacted: AWS key]'),
        ('paid by 4111 1111 1111 1111, ok', 'paid by [redacted: card number], ok'),
        ('4111-1111-1111-1111 4111111111111111', '[redacted: card number] [redacted: card number]'),
        ('amex 378282246310005 3782 822463 10005', 'amex [redacted: card number] [redacted: card number]'),
        ('2026-11-23 5555 5555 5555 4444 123', '2026-11-23 [redacted: card number] 123'),
        ('6011000990139424', '[redacted: card number]'),
        (f'k={chr(92).join((PEM[0], "nAbc", PEM[-1]))} z', 'k=[redacted: private key] z'),
    ],
)  # fmt: skip
def test_a_secret_becomes_a_mark_and_the_rest_stays(text, left):
    assert redacted(text).decode() == left


@pytest.mark.parametrize(
    'text',
    [
        'bearer authentication failed',
        'WWW-Authenticate: Bearer realm="shop"',
        'authorization failed for bob',
        'http://host:8080/users/bob@example.com',
        'https://example.com/?mail=a@b.c',
        'git clone ssh://git@github.com/x',
        '?to=https%3A%2F%2Fhost%3A8080%2F&mail=a%40b.c',
        'the security token: expired',
        'commit da39a3ee5e6b4b0d3255bfef95601890afd80709',
        'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
        '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
        '{"time":1795432079303,"ns":1795432079303123456,"us":1795432079303123}',
        '4111111111111112',  # its check digit is wrong
        '41111111111111111111111',  # too long
        'took 0.4111111111111111 s',
        '550e8400-e29b-41d4-a716-446655440000',
        'trace 41111111111111110123456789abcdef',
        '20261123120000 2026-11-23-12-00-00',
        '4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1',
        'the private key of bob',
        'AKIA',
        '',
    ],
)
def test_what_only_looks_like_a_secret_stays(text):
    assert redacted(text).decode() == text


def test_a_record_keeps_its_time_its_ending_and_its_place():
    old = LogLine(WEB, 2, line(f'{KEY_ID}\r\n').record, ordinal=7)
    new = Scan(RULES).changes([old])[0]
    assert new.record == old.record[:31] + b'[redacted: AWS key]\r\n'
    assert (new.cursor, new.stream, new.container) == (old.cursor, 2, WEB)


def test_bytes_that_are_not_utf8_and_colours_stay_where_they_were():
    assert redacted(b'\xff\x1b[31mAKIAIOSF\x1b[1mODNN7EXAMPLE\x1b[0m\xc3 \xe2\x82\xac') == (
        b'\xff\x1b[31m[redacted: AWS key]\x1b[0m\xc3 \xe2\x82\xac'
    )


@pytest.mark.parametrize(
    'splitter', ['\x1b[31m', '\x1b[0;1m', '\x1b]0;t\x07', '\x9b1m', '\0', '\b', '\u200b', '\xad', '\u202e', '\x1b(B']
)
@pytest.mark.parametrize('secret', [KEY_ID, JWT, '4111 1111 1111 1111', f'secret_key={KEY}', 'Bearer abc123def456'])
def test_what_nobody_sees_cannot_hide_a_secret(secret, splitter):
    for position in range(1, len(secret)):
        left = redacted(secret[:position] + splitter + secret[position:]).decode()
        assert '[redacted: ' in left
        assert secret[-8:] not in visible(left).replace('\u200b', '').replace('\xad', '')


def test_a_secret_in_what_a_terminal_would_not_show_goes_too():
    assert redacted(f'\x1b]0;{KEY_ID}\x07hi') == b'\x1b]0;[redacted: AWS key]\x07hi'
    assert redacted('\x1b]8;;https://a:secret1@host\x1b\\link') == (
        b'\x1b]8;;https://[redacted: URL credentials]@host\x1b\\link'
    )


# whatever the line

SECRETS = {
    JWT: JWT[10:],
    KEY_ID: KEY_ID,
    f'aws_secret_access_key={KEY}': KEY,
    'postgres://ann:hunter2hunter2@db': 'hunter2hunter2',
    'Authorization: Basic dXNlcjpwYXNzd29yZA==': 'dXNlcjpwYXNzd29yZA',
    'bearer 7Fjfp0ZBr1KtDRbnfVdmIw': '7Fjfp0ZBr1KtDRbnfVdmIw',
    ''.join(PEM[:2]): BODY[0],
}
texts = st.text(
    st.sampled_from('aZ09 .:/@-_="\'[]{}<\t\x1b\x07\r\b\0é€\u200b\x9b') | st.characters(codec='utf-8'), max_size=30
)
noise = st.one_of(
    texts.map(str.encode), st.binary(max_size=20), st.sampled_from([b'\x1b[31m', b'[redacted: x]', b'://'])
)
noises = st.lists(noise, max_size=5).map(b' '.join).map(lambda content: content.replace(b'\n', b''))


@given(noises, st.sampled_from(sorted(SECRETS)), noises)
@settings(max_examples=150, deadline=None)
@example(b'\x1b]0;', KEY_ID, b'')
@example(b'http://host:80/', 'postgres://ann:hunter2hunter2@db', b'@')
def test_a_secret_is_in_no_output_wherever_it_stands(before, secret, after):
    # a space, as there is in a log: what is written without one to other letters is another word
    left = redacted(before + b' ' + secret.encode() + b' ' + after)
    assert SECRETS[secret].encode() not in left
    assert SECRETS[secret] not in visible(left.decode('utf-8', 'replace'))


@given(noises, st.sampled_from(['', *sorted(SECRETS), '4111 1111 1111 1111']), noises)
@settings(max_examples=80, deadline=None)
def test_redacting_twice_is_redacting_once(before, secret, after):
    left = redacted(before + b' ' + secret.encode() + b' ' + after)
    assert redacted(left) == left


@given(st.lists(st.text(st.sampled_from('abc xyz.,-_é€\xff\x1b[1m'), max_size=40), max_size=10))
@settings(max_examples=50, deadline=None)
def test_ordinary_lines_are_the_same_objects(contents):
    rows = [line(text) for text in contents]
    assert Scan(RULES).changes(rows) == {}


@given(st.integers(0, 10**12 - 1), st.sampled_from(['3', '4', '5', '6', '24']), st.sampled_from(['', ' ', '-']))
@settings(max_examples=50, deadline=None)
def test_every_card_number_goes_and_every_other_number_stays(digits, first, separator):
    body = f'{first}{digits:012}'.ljust(15, '0')[:15]
    doubled = [sum(divmod(2 * int(digit), 10)) if index % 2 == 0 else int(digit) for index, digit in enumerate(body)]
    check = -sum(doubled) % 10
    for last in range(10):
        number = f'{body}{last}'
        grouped = separator.join(number[start : start + 4] for start in range(0, 16, 4))
        assert redacted(f'a {grouped} b') == (
            b'a [redacted: card number] b' if last == check else f'a {grouped} b'.encode()
        )


# keys over many lines


def test_every_line_of_a_key_goes_and_the_lines_around_it_stay():
    rows = [line(text) for text in ('before', *PEM, 'after')]
    assert scan(rows) == [b'before', *[PRIVATE] * 5, b'after']
    assert scan(rows, at_once=1) == [b'before', *[PRIVATE] * 5, b'after']


@pytest.mark.parametrize('at_once', [1, 2, 1_000])
@pytest.mark.parametrize('start', range(1, 4))
def test_a_reader_that_begins_inside_a_key_sees_none_of_it(start, at_once):
    left = scan([line(text) for text in (*PEM[start:], 'after')], at_once=at_once)
    assert left[-1] == b'after'
    if start < 3 or at_once > 1:  # the last and short line alone cannot be known
        assert set(left[:-1]) == {PRIVATE}


def test_a_last_line_that_looks_like_another_secret_goes_as_part_of_the_key():
    assert scan([line(f'x{KEY_ID}y'), line(PEM[-1])]) == [PRIVATE, PRIVATE]


def test_containers_and_streams_that_write_at_once_do_not_disturb_each_other():
    rows = []
    for key_line in PEM:
        rows += [line(key_line), line('other container', API), line('other stream', stream=2)]
    left = scan(rows, at_once=2)
    assert left[::3] == [PRIVATE] * 5
    assert set(left[1::3] + left[2::3]) == {b'other container', b'other stream'}


def test_a_key_behind_the_words_of_a_logger_goes():
    left = scan([line(f'2026-11-23 INFO key: {text}') for text in PEM] + [line('INFO after')])
    assert not any(part.encode() in b'\n'.join(left) for part in BODY)
    assert left[-1] == b'INFO after'


def test_an_encrypted_key_with_headers_and_colours_goes():
    rows = [
        PEM[0],
        'Proc-Type: 4,ENCRYPTED',
        'DEK-Info: AES-128-CBC,00',
        '',
        *(f'\x1b[32m{text}\x1b[0m' for text in PEM[1:]),
    ]
    assert {visible(left.decode()) for left in scan([line(text) for text in rows])} == {PRIVATE.decode(), ''}


def test_words_about_a_key_cost_few_lines():
    left = scan([line(text) for text in (f'expected {PEM[0]}', *['GET / 200'] * 10)])
    assert left[0] == b'expected ' + PRIVATE
    assert left.count(b'GET / 200') >= 5


def test_a_block_that_never_ends_is_left():
    rows = [line(PEM[0])] + [line(f'{"x" * 50} {number}') for number in range(1_000)]
    assert scan(rows).count(PRIVATE) < 500


@given(st.binary(min_size=300, max_size=900), st.sampled_from([60, 64, 70, 76]), st.randoms())
@settings(max_examples=60, deadline=None)
def test_no_line_of_a_random_key_is_left_from_wherever_it_is_read(secret, width, chance: random.Random):
    text = base64.b64encode(secret).decode()
    body = [text[start : start + width] for start in range(0, len(text), width)]
    body = [part for part in body if part.upper() != part and part.lower() != part]  # not those of zeros
    start = chance.randrange(len(body)) if body else 0
    left = scan([line(part) for part in [*body[start:], PEM[-1]]])
    assert set(left) <= {PRIVATE, b'[redacted: AWS key]'}  # its last line may have the length of one


# rows that a history holds


def test_a_history_is_looked_through_once_for_all_its_readers(monkeypatch):
    history, view = History(1_000, 1 << 20), Redactor().lens(BOB)
    history.append([line(text) for text in ('a', *PEM, 'z')])
    looked = []
    monkeypatch.setattr(
        Scan,
        'through',
        lambda self, rows, changed, first, real=Scan.through: (
            looked.append(len(rows) - first) or real(self, rows, changed, first)
        ),
    )
    whole = [row.content for row in view.held(history, 0)]
    assert whole == [b'a', *[PRIVATE] * 5, b'z']
    for start in range(7):
        assert [row.content for row in view.held(history, start)] == whole[start:]
    history.append([line('new')])
    assert view.held(history, 7)[0].content == b'new'
    assert [size for size in looked if size] == [7, 1]


def filled(contents: list[str]) -> History:
    history = History(10_000, 1 << 30)
    history.append([line(text) for text in contents])
    return history


@pytest.mark.parametrize('first', [0, 2, 3])  # the key without its beginning: only its end tells what came before
@pytest.mark.parametrize('before', [TOGETHER - 4, TOGETHER - 3, TOGETHER - 2, TOGETHER - 1, TOGETHER])
async def test_a_history_that_is_looked_through_in_pieces_shows_the_same(before, first):
    history = filled(['a line'] * before + PEM[first:] + ['a line'] * 2 * TOGETHER)
    lens = Redactor().lens(BOB)
    await lens.look(history)
    at_once = Redactor().lens(BOB).held(history, 0)
    assert [row.content for row in lens.held(history, 0)] == [row.content for row in at_once]
    assert sum(row.content == PRIVATE for row in at_once) == len(PEM) - first


async def test_others_have_their_turn_while_a_history_is_looked_through(monkeypatch):
    history = filled([f'password=hunter{number}' for number in range(1_000)])
    async with turns() as counted:
        looked = Rules.suspects
        monkeypatch.setattr(Rules, 'suspects', lambda self, lines: counted.note(len(lines)) or looked(self, lines))
        lens = Redactor().lens(BOB)
        await lens.look(history)
    assert counted.most <= 2 * TOGETHER, 'all of a piece together, and then each line'
    assert sum(counted.work.values()) == 2 * len(history.slice(0))
    lens.held(history, 0)
    assert sum(counted.work.values()) == 2 * len(history.slice(0)), 'there is nothing left to look through at once'


def test_rows_that_left_a_history_unseen_leave_no_trace():
    history, view = History(16, 1 << 20), Redactor().lens(BOB)
    history.append([line(PEM[0])])
    assert view.held(history, 0)[0].content == PRIVATE
    history.append([line(f'row {number}') for number in range(100)])
    assert {row.content[:3] for row in view.held(history, 0)} == {b'row'}
    assert [row.content for row in view.held(history, history.end - 1)] == [b'row 99']


def test_rows_that_are_no_lines_pass():
    gap = Gap(1, 2, 3, 'password@x')
    assert Scan(RULES).changes([gap, line('x')]) == {}


# for whom, and one's own rules


@pytest.mark.parametrize(
    ('audience', 'ann', 'bob'), [('viewers', False, True), ('everyone', True, True), ('nobody', False, False)]
)
def test_the_setting_says_for_whom(audience, ann, bob):
    redactor = Redactor.of(Settings.from_env({'DASHBOARD_REDACT_FOR': audience}))
    assert (redactor.lens(ANN).redacts, redactor.lens(BOB).redacts) == (ann, bob)


def test_an_unknown_audience_is_refused_in_words():
    with pytest.raises(ConfigError, match='DASHBOARD_REDACT_FOR takes viewers, everyone, nobody'):
        Settings.from_env({'DASHBOARD_REDACT_FOR': 'admins'})


def own(tmp_path: Path, text: str) -> Rules:
    path = tmp_path / 'redact.txt'
    path.write_text(text)
    return Rules(read_rules(path))


def test_own_patterns_are_read_from_a_file(tmp_path):
    rules = own(tmp_path, '# ours\n\nhunter\\d+\n  (?i)pin=(\\d+)\n^\\Aroot$\n')
    assert redacted('hunter22 PIN=1234 x', rules) == b'[redacted: pattern 3] PIN=[redacted: pattern 4] x'
    assert scan([line('x'), line('root')], rules) == [b'x', b'[redacted: pattern 5]']


def test_an_own_pattern_reaches_over_bytes_that_are_not_utf8(tmp_path):
    assert redacted(b'pw=a\xffb; x', own(tmp_path, 'pw=[^;]*')) == b'[redacted: pattern 1]; x'


def test_own_patterns_are_found_in_the_data_directory(tmp_path):
    (tmp_path / 'redact.txt').write_text('hunter2')
    settings = Settings(data_dir=tmp_path, redact=Path('redact.txt'))
    history = History(10, 1_000)
    history.append([line('hunter2')])
    assert Redactor.of(settings).lens(BOB).held(history, 0)[0].content == b'[redacted: pattern 1]'


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('ok\na(b', r'line 2: .a\(b. is no regular expression of RE2: missing \)'),
        ('(?=x)', 'line 1: .*invalid'),
        ('x*', 'line 1: .*every line'),
        ('x' * 5_000, 'line 1: .*4,096 characters'),
    ],
)
def test_a_bad_pattern_is_told_with_its_line_and_the_reason(tmp_path, text, words, capfd):
    with pytest.raises(ConfigError, match=words):
        own(tmp_path, text)
    assert capfd.readouterr().err == ''


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(ConfigError, match='cannot be read'):
        read_rules(tmp_path / 'no.txt')


@pytest.mark.parametrize(
    'text', ['://a:', 'Bearer ', PEM[0], 'A', 'eyJaaaaaaaa.', f'[redacted: x]{KEY_ID}', '\x1b[0m', 'a@', '4111 ']
)
def test_time_grows_with_the_length_of_a_hostile_line_and_not_with_its_square(text):
    assert_linear(lambda size: redacted(text * (size // len(text))), 5_000)


def test_an_own_pattern_that_stalls_others_takes_linear_time():
    rules = Rules([Rule('own', r'(a+)+$|(a|aa)+b')])
    start = time.process_time()
    assert redacted('a' * 50_000 + 'c', rules) == b'a' * 50_000 + b'c'
    assert time.process_time() - start < 10, 'backtracking would take for ever'
