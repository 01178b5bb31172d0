"""JSON is set out as people read it, within bounds whatever is in it."""

from __future__ import annotations

import json

from dashboard.lines import set_out


def test_an_object_is_set_out_with_its_numbers_as_they_were_written():
    assert set_out(b'{"a":1.10,"b":{"c":[1,{"d":null}],"e":{}},"f":"x"}', 100) == (
        '{\n  "a": 1.10,\n  "b": {\n    "c": [\n      1,\n      {\n        "d": null\n      }\n    ],\n'
        '    "e": {}\n  },\n'
        '  "f": "x"\n}'
    )


def test_what_is_set_out_is_the_same_object():
    found = {'a': [1, [2, []], {'b': 'ü"\n'}], 'c': {'d': True}}
    assert json.loads(set_out(json.dumps(found).encode(), 100)) == found


def test_a_line_of_text_is_not_set_out():
    assert set_out(b'GET / {"a":1}', 100) is None


def test_an_object_of_many_fields_ends_after_so_many_lines():
    lines = set_out(json.dumps({str(number): number for number in range(10_000)}).encode(), 100).split('\n')
    assert (len(lines), lines[-1]) == (101, '…')


def test_what_nests_deeply_stays_on_one_line():
    lines = set_out(b'{"a":' * 900 + b'1' + b'}' * 900, 100).split('\n')
    assert len(lines) == 25
    assert max(map(len, lines)) > 5_000
