"""A line that is one JSON object: parsed in time in proportion to its length, whatever a stranger put into it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from math import isfinite
from typing import Any

import orjson

LONGEST = 2 << 20  # bytes of a line that is parsed; what is longer is text
_DEEPEST = 12
_MARGIN = b' \t\r\n'


def object_of(content: bytes) -> dict[str, Any] | None:
    """The object that a line holds, with nothing before and nothing after it; None when it is text.

    ``NaN``, lone surrogates and control characters inside strings, which other programs write, are taken; what nests
    deeper than about 1,000 levels is text.
    """
    content = content.strip(_MARGIN)
    if not _may_be(content):
        return None
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        found = _parsed(_LOOSE, content)
    return found if isinstance(found, dict) else None


def exact_object_of(content: bytes) -> dict[str, Any] | None:
    """The same, in which numbers keep the digits that were written: ``1.10`` is shown as such. It may take longer."""
    content = content.strip(_MARGIN)
    if not _may_be(content) or all(map(_is_kept, _NUMBERS(content))):
        return object_of(content)
    found = _parsed(_EXACT, content)
    return found if isinstance(found, dict) else None


def _is_kept(digits: bytes) -> bool:
    """Whether a number is what it was when it is read and written again."""
    return len(digits) <= _LONGEST_KEPT and repr(float(digits)).encode() == digits


def _may_be(content: bytes) -> bool:
    return content.startswith(b'{') and content.endswith(b'}') and len(content) <= LONGEST


def compact(value: Any) -> str:
    """A value as JSON writes it, without spaces; what nests too deep for that only by its brackets."""
    if isinstance(value, _Exact):
        return value.digits
    if type(value) is int or (type(value) is float and isfinite(value)):
        return repr(value)  # as the encoder does, at a fifth of the cost
    try:
        return _with_digits(value) if _has_digits(value) else _ENCODER.encode(value)
    except RecursionError:
        return '{…}' if isinstance(value, dict) else '[…]'


def _has_digits(value: Any) -> bool:
    """Whether a list or an object has numbers in it that keep their digits."""
    rest = [value]
    while rest:
        item = rest.pop()
        if type(item) is _Exact:
            return True
        if type(item) in (list, dict):
            rest += item.values() if type(item) is dict else item
    return False


def _with_digits(value: Any) -> str:
    """The same as the encoder writes, at a tenth of its speed, and with those digits."""
    if type(value) is list:
        return f'[{",".join(map(_with_digits, value))}]'
    if type(value) is dict:
        return f'{{{",".join(f"{_ENCODER.encode(key)}:{_with_digits(item)}" for key, item in value.items())}}}'
    return value.digits if type(value) is _Exact else _ENCODER.encode(value)


def clean(text: str) -> str:
    """The text without halves of surrogate pairs, which JSON may hold and nothing can send."""
    return text if text.isascii() else _SURROGATE.sub('\ufffd', text)


def set_out(content: bytes, most: int) -> str | None:
    """The object that a line holds, over several lines as people read it: at most so many; None when it is text.

    What lies deeper than 12 levels stays on one line.
    """
    found = exact_object_of(content)
    if found is None:
        return None
    lines = list(islice(_lines(found, '', ''), most + 1))
    return clean('\n'.join([*lines[:most], '…'] if len(lines) > most else lines))


def _lines(value: Any, indent: str, name: str, end: str = '') -> Iterator[str]:
    if not isinstance(value, dict | list) or not value or len(indent) >= 2 * _DEEPEST:
        yield f'{indent}{name}{compact(value)}{end}'
        return
    opens, closes = ('{', '}') if isinstance(value, dict) else ('[', ']')
    yield f'{indent}{name}{opens}'
    items = value.items() if isinstance(value, dict) else (('', item) for item in value)
    for number, (key, item) in enumerate(items, 1):
        label = f'{compact(key)}: ' if isinstance(value, dict) else ''
        yield from _lines(item, f'{indent}  ', label, ',' if number < len(value) else '')
    yield f'{indent}{closes}{end}'


class _Exact(float):
    """A number with the digits that were written."""

    __slots__ = ('digits',)

    def __new__(cls, digits: str) -> _Exact:
        number = super().__new__(cls, digits[:_LONGEST_NUMBER])
        number.digits = digits
        return number

    digits: str


def _parsed(decoder: json.JSONDecoder, content: bytes) -> Any:
    """What Python's own parser takes of what the strict one refuses, at a fifth of the speed."""
    try:
        return decoder.decode(content.decode('utf-8', 'replace'))
    except (ValueError, RecursionError):
        return None


def _whole(digits: str) -> int | float:
    """A whole number; a long one as a float, for Python takes quadratic time to read it and refuses the longest."""
    return int(digits) if len(digits) < 20 else float(digits[:_LONGEST_NUMBER])


def _exact_whole(digits: str) -> int | float:
    return int(digits) if len(digits) < 20 else _Exact(digits)


def _broken(digits: str) -> float:
    return float(digits[:_LONGEST_NUMBER])


_SURROGATE = re.compile('[\ud800-\udfff]')
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(',', ':'))
_LONGEST_NUMBER = 400  # digits; the largest number that can be compared has 309
_LONGEST_KEPT = 24  # digits of a number that is read and written again
# The numbers that may not be written again as they were. Those with a point and few digits are, as long as no zero ends
# them; 05.6 is no number, but a part of a string.
_NUMBERS = re.compile(
    rb'[:\[,]\s*+(?!-?+(?:0\d|(?!0\.0000)(?=[\d.]{3,16}+(?![\d.eE]))\d++\.(?:0|\d*[1-9])(?![\d.eE])))'
    rb'(-?\d++(?:\.\d++(?:[eE][+-]?\d++)?|[eE][+-]?\d++|(?<=\d{20}|-\d{19})))'
).findall
_LOOSE = json.JSONDecoder(parse_int=_whole, parse_float=_broken, strict=False)
_EXACT = json.JSONDecoder(parse_int=_exact_whole, parse_float=_Exact, strict=False)
