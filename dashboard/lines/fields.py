"""What a line says beside its message: the fields of JSON, logfmt and access logs.  Knows no levels and no I/O.

A field is what a line *names*. Everything is found in one pass over the line, and what is handed on is bounded: a line
may be a stranger's. :class:`Fields` is made to be shown, :func:`values_of` to be asked: it looks at all of a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeAlias

from dashboard.lines.ansi import visible
from dashboard.lines.objects import clean, compact, exact_object_of, object_of

MOST_FIELDS = 500  # shown of a line
LONGEST_VALUE = 8_192  # characters shown of a value
LONGEST_NAME = 200  # characters of a name
DEEPEST = 16  # levels of JSON that become names such as a.b.c; what lies deeper is the text of one field
LONGEST_PAIRS = 64 << 10  # bytes of a line of text in which fields are looked for
SHORT = 500  # characters of a line whose pairs are remembered for a while
ACCESS_NAMES = frozenset(  # of the fields of an access log, which stand in it without them
    name.encode()
    for name in ('host', 'ip', 'user', 'request', 'method', 'path', 'protocol', 'status', 'bytes', 'referer', 'agent',
                 'forwarded')
)  # fmt: skip


Named: TypeAlias = dict[str, Any] | list[tuple[str, str]]  # an object of JSON, or pairs


class Kind(StrEnum):
    """How a line names its fields."""

    TEXT = 'text'  # not at all
    JSON = 'json'
    LOGFMT = 'logfmt'  # key=value, perhaps behind a message
    ACCESS = 'access'  # the log of a web server


class Field(NamedTuple):
    """A named value of a line, as text; ``number`` when it is one, also when it was written as text.

    A firehose makes hundreds of thousands of these a second: a tuple, for a frozen dataclass takes three times as long.
    """

    name: str
    text: str
    number: float | None = None


class Fields(NamedTuple):
    """What a line says, taken apart.

    :param message: what a person reads first: the message of JSON or logfmt, the request of an access log, or the text
    :param message_name: the field that is the message; '' when it is none of the fields
    :param items: the fields in the order of the line, with the message when it is one
    :param more: how many there are beyond the most that are handed on
    """

    kind: Kind
    message: str
    message_name: str
    items: tuple[Field, ...]
    more: int = 0


def fields_of(content: bytes) -> Fields:
    """The fields of a line, from its bytes without timestamp and line ending (:attr:`LogLine.content`)."""
    if content[:1] in _OPENS and (found := exact_object_of(content)) is not None:
        return _of_object(found)
    text = visible(content[:LONGEST_PAIRS].decode('utf-8', 'replace'))
    if (' "' in text) and (pairs := _request(text)):
        request = ' '.join(value for name, value in pairs if name in ('method', 'path'))
        return Fields(Kind.ACCESS, request, '', tuple(Field(*pair, number_of(pair[1])) for pair in pairs))
    if '=' in text and (found_pairs := _pairs(text)):
        return _of_pairs(*found_pairs)
    return Fields(Kind.TEXT, text, '', ())


def fields_of_lines(contents: list[bytes]) -> list[Fields]:
    """The same of many lines."""
    return [fields_of(content) for content in contents]


def values_of(content: bytes, name: str) -> Iterator[Any]:
    """Each value that a line gives to a name: a string, or from JSON a number, a boolean, None, a list or a dict.

    :param name: in small letters; ``request.id`` is the ``id`` inside ``request`` as well as a key of this spelling
    """
    return values_in(named_of(content), name)


def named_of(content: bytes) -> Named:
    """What a line names, as it can be asked for several names."""
    if content[:1] in _OPENS and (found := object_of(content)) is not None:
        return found
    text = visible(content[:LONGEST_PAIRS].decode('utf-8', 'replace'))
    return (' "' in text and _request(text)) or ('=' in text and (_pairs(text) or ('', []))[1]) or []


def values_in(named: Named, name: str) -> Iterator[Any]:
    """See :func:`values_of`."""
    if isinstance(named, dict):
        return _inside(named, name)
    return (value for key, value in named if key.lower() == name)


def may_name(content: bytes, last: bytes) -> bool:
    """Whether a line may give a value to a name that ends in this part (``id`` of ``request.id``), in small letters.

    Answers fast, and never no where :func:`values_of` finds one.
    """
    if not (content.isascii() and last.isascii()) or b'\\' in content or b'\x1b' in content:
        return True  # letters beyond ASCII have other small ones than bytes, and a name may be written in other ways
    return last in content.lower() or (last in ACCESS_NAMES and b'"' in content)


def number_of(text: str) -> float | None:
    """The number that a text is; None when it is none, or none that can be compared."""
    if len(text) < 40 and text[-1:].isdigit() and _NUMBER(text):
        return float(text)
    return None


def text_of(value: Any) -> str:
    """A value of JSON as text: a string as it is, anything else as JSON writes it."""
    return clean(value if isinstance(value, str) else compact(value))


def _of_object(found: dict[str, Any]) -> Fields:
    items: list[Field] = []
    more = _collect(found, '', DEEPEST, items)
    for name in _MESSAGES:
        if isinstance(message := found.get(name), str):
            return Fields(Kind.JSON, clean(message), name, tuple(items), more)
    return Fields(Kind.JSON, '', '', tuple(items), more)


def _collect(found: dict[str, Any], prefix: str, deeper: int, items: list[Field]) -> int:
    """Add the fields of an object to those of a line; how many were left out."""
    more = 0
    for key, value in found.items():
        kind = type(value)
        if kind is dict and value and deeper > 1:
            more += _collect(value, f'{prefix}{key}.', deeper - 1, items)
            continue
        if len(items) == MOST_FIELDS:
            more += 1
            continue
        number = None
        if kind is str:
            text = value
            if text[-1:].isdigit():
                number = number_of(text)
        else:
            text = compact(value)
            if kind is int or isinstance(value, float):
                number = float(value)
        if not text.isascii() or len(text) > LONGEST_VALUE:
            text = _shortened(clean(text))
        name = prefix + key
        if not name.isascii() or len(name) > LONGEST_NAME:
            name = clean(name)[:LONGEST_NAME]
        items.append(_field((name, text, number)))
    return more


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f'{text[:LONGEST_VALUE]}…'


def _inside(found: dict[str, Any], name: str) -> Iterator[Any]:
    for key, value in found.items():
        lowered = key.lower()
        if lowered == name:
            yield value
        elif isinstance(value, dict) and name.startswith(lowered) and name[len(lowered)] == '.':
            yield from _inside(value, name[len(lowered) + 1 :])


def _of_pairs(before: str, pairs: list[tuple[str, str]]) -> Fields:
    name = '' if before else next((key for key, _ in pairs if key in _MESSAGES), '')
    message = before or next((value for key, value in pairs if key == name), '')
    items = tuple(Field(key, _shortened(value), number_of(value)) for key, value in pairs[:MOST_FIELDS])
    return Fields(Kind.LOGFMT, message, name, items, max(0, len(pairs) - MOST_FIELDS))


def _pairs(text: str) -> tuple[str, list[tuple[str, str]]] | None:
    """See :func:`_found_pairs`. A line is asked for its fields, and when it is found they are shown: once is enough."""
    return _known_pairs(text) if len(text) <= SHORT else _found_pairs(text)


def _found_pairs(text: str) -> tuple[str, list[tuple[str, str]]] | None:
    """The pairs of a line and what stands before them; None when it has none.

    A line that begins with one may have other words among them. In another only those count that end it.
    """
    found: list[tuple[str, str]] = []
    first, end = 0, 0
    whole = _PAIR_FIRST(text) is not None
    for match in _PAIR(text):
        if not whole and text[end : match.start()].strip():
            found.clear()
        if not found:
            first = match.start()
        key, quoted, bare = match.groups()
        found.append((key, bare if quoted is None else _unquoted(quoted)))
        end = match.end()
    if not found or (not whole and text[end:].strip()):
        return None
    return text[:first].rstrip(), found


def _unquoted(text: str) -> str:
    return _ESCAPED.sub(lambda match: _ESCAPES.get(match[1], match[1]), text) if '\\' in text else text


def _request(text: str) -> list[tuple[str, str]] | None:
    """The fields of a line of an access log."""
    match = (_COMBINED(text) if '] "' in text else None) or (_QUOTED(text) if ' HTTP/' in text else None)
    if not match:
        return None
    found = [(name, value) for name, value in match.groupdict().items() if value not in (None, '-', '')]
    return [pair for name, value in found for pair in (_parts(value) if name == 'request' else [(name, value)])]


def _parts(request: str) -> list[tuple[str, str]]:
    """Method, path and protocol of a request; what is no request, as somebody sent it."""
    parts = request.split(' ')
    if len(parts) not in (2, 3) or not parts[0].isalpha():
        return [('request', request)]
    return list(zip(('method', 'path', 'protocol'), parts, strict=False))


_field = partial(tuple.__new__, Field)  # a third of the cost of its own constructor, which checks nothing either
_OPENS = (b'{', b' ', b'\t')
_MESSAGES = (
    'message', 'msg', 'Message', '@message', '@m', '@mt', 'short_message', 'event', 'body', 'Body', 'textPayload',
    'MESSAGE', 'M', 'log', 'text',
)  # fmt: skip
_NUMBER = re.compile(r'[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?', re.ASCII).fullmatch
_KEY = r'[A-Za-z_@][\w.@/-]{0,199}+'
_PAIR = re.compile(rf'(?<!\S)({_KEY})=(?:"((?:[^"\\]|\\.)*+)"(?=\s|,|$)|([^\s"]*+)(?=\s|$)),?').finditer
_PAIR_FIRST = re.compile(rf'{_KEY}=').match
_ESCAPED = re.compile(r'\\(.)')
_ESCAPES = {'n': '\n', 't': '\t', 'r': '\r'}
_STRING = r'(?:[^"\\]|\\.)*+'
_COMBINED = re.compile(
    rf'(?:(?P<host>[\w.-]+:\d+) )?(?P<ip>[\w.:%-]+) \S+ (?P<user>\S+) \[[^]]+\] "(?P<request>{_STRING})"'
    rf' (?P<status>\d{{3}}) (?P<bytes>\d+|-)(?: "(?P<referer>{_STRING})" "(?P<agent>{_STRING})")?'
    rf'(?: "(?P<forwarded>{_STRING})"$)?'
).match
_QUOTED = re.compile(
    r'(?:(?>[A-Z]{3,9}: +)?(?P<ip>\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\]|[0-9a-f:]+:[0-9a-f]*)(?::\d+)? )?[^"]{0,160}+'
    r'"(?P<request>[A-Z]{3,9} [^"]* HTTP/[\d.]+)" (?P<status>\d{3})(?: (?P<bytes>\d+|-)(?= |$))?'
).match
_known_pairs = lru_cache(maxsize=8_192)(_found_pairs)
