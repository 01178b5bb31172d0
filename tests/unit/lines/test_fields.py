"""The fields of a line are what it names, shown as they were written; hostile lines are taken apart within bounds."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dashboard.lines import Kind, fields_of
from dashboard.lines.fields import LONGEST_VALUE, MOST_FIELDS, may_name, values_of
from tests.support.cost import assert_linear


def fields(content: str | bytes) -> dict[str, str]:
    return {
        field.name: field.text for field in fields_of(content.encode() if isinstance(content, str) else content).items
    }


def test_fields_of_json_are_named_through_its_objects():
    found = fields_of(
        b'{"msg":"done","request":{"id":"a1","size":{"kb":7}},"tags":["a",{"b":1}],"ok":true,"error":null}'
    )
    assert (found.kind, found.message, found.message_name, found.more) == (Kind.JSON, 'done', 'msg', 0)
    assert {field.name: (field.text, field.number) for field in found.items} == {
        'msg': ('done', None), 'request.id': ('a1', None), 'request.size.kb': ('7', 7.0),
        'tags': ('["a",{"b":1}]', None), 'ok': ('true', None), 'error': ('null', None),
    }  # fmt: skip


def test_numbers_keep_their_digits_in_lists_too():
    found = fields('{"a":[1.10,{"b":[2.0,"x"]},true,null],"c":{}}')
    assert found == {'a': '[1.10,{"b":[2.0,"x"]},true,null]', 'c': '{}'}
    assert fields(f'{{"a":{"[" * 700}1.10{"]" * 700}}}') == {'a': '[…]'}


def test_numbers_keep_their_digits():
    found = fields('{"a":1.10,"b":1e3,"c":12345678901234567890123,"d":"007","e":-0.0,"f":NaN}')
    assert found == {'a': '1.10', 'b': '1e3', 'c': '12345678901234567890123', 'd': '007', 'e': '-0.0', 'f': 'NaN'}


numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(10**25), 10**25).map(str),
    st.from_regex(r'-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,22})?([eE][+-]?[0-9]{1,3})?', fullmatch=True),
).filter(lambda text: text != '-0')


@given(st.lists(numbers, min_size=1, max_size=4), st.sampled_from(['{"%s":%s}', '{ "%s" :\t%s }']))
@example(['0.00001', '0.0001', '1.0', '100000000000000.1', '9007199254740993.0', '-9223372036854775809'], '{"%s":%s}')
@settings(max_examples=200, deadline=None)
def test_every_number_keeps_its_digits_however_it_is_read(digits, form):
    written = [form % (f't":"03:04:05.60","{number}', text) for number, text in enumerate(digits)]
    shown = [fields(line)[str(number)] for number, line in enumerate(written)]
    assert shown == digits


@pytest.mark.parametrize(
    ('text', 'number'),
    [('12', 12.0), ('-1.5', -1.5), ('1e3', 1000.0), ('007', 7.0), ('12ms', None), ('', None), ('1_000', None),
     ('٣', None), ('nan', None), ('inf', None), ('0x10', None), ('1e9999', None)],
)  # fmt: skip
def test_text_that_is_a_number_has_it(text, number):
    assert [field.number for field in fields_of(json.dumps({'a': text}).encode()).items] == [number]


@pytest.mark.parametrize(
    ('content', 'message', 'expected'),
    [
        ('time="2026-01-02T03:04:05Z" level=info msg="a \\"b\\"" n=1 empty= path=/a/b?c=d',
         'a "b"', {'time': '2026-01-02T03:04:05Z', 'level': 'info', 'msg': 'a "b"', 'n': '1', 'empty': '',
                   'path': '/a/b?c=d'}),
        ('2026/01/02 03:04:05 INFO hello there count=3 user=bob', '2026/01/02 03:04:05 INFO hello there',
         {'count': '3', 'user': 'bob'}),
        ('\x1b[90m3:04AM\x1b[0m \x1b[1mINF\x1b[0m up \x1b[36mport=\x1b[0m8080', '3:04AM INF up', {'port': '8080'}),
        ('level=info msg=hello out there id=7', 'hello', {'level': 'info', 'msg': 'hello', 'id': '7'}),
    ],
)  # fmt: skip
def test_fields_of_logfmt_stand_alone_or_end_a_line(content, message, expected):
    found = fields_of(content.encode())
    assert (found.kind, found.message, fields(content)) == (Kind.LOGFMT, message, expected)


@pytest.mark.parametrize(
    ('content', 'expected'),
    [
        ('172.18.0.1 - bob [02/Jan/2026:03:04:05 +0000] "POST /a?b=c HTTP/1.1" 404 612 "https://x/" "curl \\"8\\""',
         {'ip': '172.18.0.1', 'user': 'bob', 'method': 'POST', 'path': '/a?b=c', 'protocol': 'HTTP/1.1',
          'status': '404', 'bytes': '612', 'referer': 'https://x/', 'agent': 'curl \\"8\\"'}),
        ('2001:db8::1 - - [02/Jan/2026:03:04:05 +0000] "GET / HTTP/1.0" 200 -',
         {'ip': '2001:db8::1', 'method': 'GET', 'path': '/', 'protocol': 'HTTP/1.0', 'status': '200'}),
        ('a.example:443 10.0.0.1 - - [02/Jan/2026:03:04:05 +0000] "HEAD / HTTP/1.1" 304 -',
         {'host': 'a.example:443', 'ip': '10.0.0.1', 'method': 'HEAD', 'path': '/', 'protocol': 'HTTP/1.1',
          'status': '304'}),
        ('10.0.0.1 - - [02/Jan/2026:03:04:05 +0000] "\\x16\\x03" 400 157 "-" "-"',
         {'ip': '10.0.0.1', 'request': '\\x16\\x03', 'status': '400', 'bytes': '157'}),
        ('INFO:     10.0.0.1:5432 - "GET /x HTTP/1.1" 200 OK',
         {'ip': '10.0.0.1', 'method': 'GET', 'path': '/x', 'protocol': 'HTTP/1.1', 'status': '200'}),
        ('[02/Jan/2026 03:04:05] "POST /api HTTP/1.1" 500 94021',
         {'method': 'POST', 'path': '/api', 'protocol': 'HTTP/1.1', 'status': '500', 'bytes': '94021'}),
    ],
)  # fmt: skip
def test_fields_of_an_access_log(content, expected):
    assert fields(content) == expected
    assert fields_of(content.encode()).kind is Kind.ACCESS


@pytest.mark.parametrize(
    'content',
    ['{not json}', '{"a":1} trailing', 'a {"a":1}', '["a"]', '{"a":1', "{'a': 1}", 'GET /x?a=b&c=d', '1 == 2', 'a = b',
     'x=y is not at the end', 'say "GET"', '', '{}x'],
)  # fmt: skip
def test_a_line_that_only_looks_like_it_is_text(content):
    if content.startswith('x=y'):
        assert fields_of(content.encode()).kind is Kind.LOGFMT  # it begins with a pair
        return
    found = fields_of(content.encode())
    assert (found.kind, found.message, found.items) == (Kind.TEXT, content, ())


HOSTILE = {
    'large': '{"a":"' + 'x' * 1_000_000 + '"}',
    'many': '{' + ','.join(f'"k{number}":{number}' for number in range(10_000)) + '}',
    'deep': '{"a":' * 1_000 + '1' + '}' * 1_000,
    'deep list': '{"a":' + '[' * 900 + ']' * 900 + '}',
    'too deep': '{"a":' + '[' * 100_000 + ']' * 100_000 + '}',
    'twice': '{"a":1,"a":2}',
    'surrogates': '{"\\ud800":"\\udfff","b":["\\ud800"]}',
    'number': '{"a":' + '9' * 100_000 + ',"b":1e99999,"c":-Infinity}',
    'name': '{"' + 'n' * 100_000 + '":1}',
    'pairs': ' '.join(f'k{number}="v' for number in range(20_000)),
    'quotes': '"' * 60_000,
    'requests': '] "GET / HTTP/1.1' * 4_000,
}  # fmt: skip


@pytest.mark.parametrize('name', HOSTILE)
def test_a_hostile_line_is_taken_apart_within_bounds(name):
    found = fields_of(HOSTILE[name].encode())
    assert len(found.items) <= MOST_FIELDS
    assert all(len(field.text) <= LONGEST_VALUE + 1 and len(field.name) <= 200 for field in found.items)
    for field in found.items:
        (field.name + field.text + found.message).encode()  # it can be sent
    assert list(values_of(HOSTILE[name].encode(), 'b')) is not None


def test_what_is_beyond_the_most_is_counted():
    found = fields_of(HOSTILE['many'].encode())
    assert len(found.items) + found.more == 10_000


def test_of_a_name_that_comes_twice_the_last_counts():
    assert fields(HOSTILE['twice']) == {'a': '2'}


@pytest.mark.parametrize('piece', ['"k%d":{"a":[1.5]},', 'k%d="a b" ', 'k%d= "', '"GET /%d HTTP/1.1" 200 ', 'a%d '])
def test_a_long_line_takes_linear_time(piece):
    json_line = piece.startswith('"k')

    def work(size: int) -> None:
        line = ''.join(piece % number for number in range(size))
        fields_of((f'{{{line}"z":1}}' if json_line else line).encode())

    assert_linear(work, 200)


names = st.sampled_from(['id', 'request', 'request.id', 'status', 'Level', 'a.b.c', 'user', 'é'])
objects = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.dictionaries(names | st.text(max_size=3), inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=12,
)
lines = (
    st.dictionaries(names, objects, max_size=5).map(lambda found: json.dumps(found).encode())
    | st.lists(
        st.sampled_from(['id=7', 'Status="a b"', 'x', '"GET /a HTTP/1.1" 200', '\x1b[1m', 'user=']), max_size=5
    ).map(lambda parts: ' '.join(parts).encode())
    | st.binary(max_size=40)
)


@given(lines, names)
@example(b'{"r\\u0065quest":{"\\u0069d":7}}', 'request.id')
@example('{"\u212a":7}'.encode(), 'k')
@example('{"É":8}'.encode(), 'é')
@settings(max_examples=120, deadline=None)
def test_what_is_shown_can_be_asked_for_and_the_fast_answer_never_denies_it(content, name):
    name = name.lower()
    values = list(values_of(content, name))
    shown = [field for field in fields_of(content).items if field.name.lower() == name]
    assert len(shown) <= len(values)
    if values:
        assert may_name(content, name.rpartition('.')[2].encode())


@given(st.binary(max_size=200))
@settings(max_examples=80, deadline=None)
def test_any_bytes_have_fields_and_a_message(content):
    found = fields_of(content)
    assert isinstance(found.message, str)
    assert all(isinstance(field.text, str) for field in found.items)
