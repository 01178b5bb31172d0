"""How bad a line says that it is, in whatever dialect.  Knows the formats of JSON; those of text are in `dialects`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum
from typing import Any

from dashboard.errors import BadRequest
from dashboard.lines.ansi import visible
from dashboard.lines.dialects import LONGEST_HEAD, WORDS, by_status, word_of
from dashboard.lines.objects import object_of


class Level(IntEnum):
    """How bad a line is; the worse, the greater. Unknown is what says nothing of it: a person's words are not read."""

    UNKNOWN = 0
    TRACE = 1
    DEBUG = 2
    INFO = 3
    WARN = 4
    ERROR = 5
    FATAL = 6


def level_of(content: bytes, head: bytes | None = None) -> Level:
    """The level of a line, from its bytes without timestamp and line ending (:attr:`LogLine.content`).

    Only what a logger wrote there counts (``[error]``, ``"level":"error"``, ``ERROR:``), in its place at the head of
    the line; never a word in a sentence. Access logs have that of their status: 5xx is an error, 4xx a warning.

    :param head: that of the line, where it is known already
    """
    if content[:1] in (b'{', b' ') and (fields := object_of(content)) is not None:
        return level_of_object(fields)
    word = word_of(head_of(content) if head is None else head)
    return _LEVELS[word] if word else Level.UNKNOWN


def levels_of(contents: Iterable[bytes]) -> list[Level]:
    """The same of many lines."""
    return [level_of(content) for content in contents]


def head_of(content: bytes) -> bytes:
    """The first bytes of a line, without what is not seen of it: colours hide nothing."""
    if b'\x1b' not in content and b'\r' not in content and b'\b' not in content:
        return content[:LONGEST_HEAD]
    head = _COLOUR.sub(b'', content[: 2 * LONGEST_HEAD])
    if b'\x1b' in head or b'\r' in head or b'\b' in head:
        head = visible(head.decode('utf-8', 'replace')).encode()
    return head[:LONGEST_HEAD]


def level_named(word: str) -> Level | None:
    """The level that a word means in some dialect, in any case: ``warning``, ``SEVERE``, ``crit``; None for others."""
    name = WORDS.get(word.strip().lower())
    return _LEVELS[name] if name else (Level.UNKNOWN if word.strip().lower() == 'unknown' else None)


def levels_named(words: str) -> frozenset[Level]:
    """The levels that words mean which are parted by commas, as in ``error,warn``.

    :raises BadRequest: when one of them means none
    """
    found = {word.strip(): level_named(word) for word in words.split(',') if word.strip()}
    if unknown := [word for word, level in found.items() if level is None]:
        known = ', '.join(level.name.lower() for level in Level)
        raise BadRequest(f'There is no level {unknown[0][:40]!r}: say one or several of {known}, with commas between.')
    return frozenset(level for level in found.values() if level is not None)


def level_of_object(fields: dict[str, Any]) -> Level:
    """The level of a line that is this JSON object."""
    for key in _KEYS:
        if key in fields and (level := _value(key, fields[key], fields)) is not None:
            return level
    return _by_shape(fields)


def level_of_member(line: bytes) -> Level:
    """The level that a line gives to an object which is set out over several: ``  "level": "error",``."""
    match = _MEMBER(line)
    fields = object_of(b'{%b}' % match[1]) if match else None
    return level_of_object(fields) if fields else Level.UNKNOWN


def _value(key: str, value: Any, fields: dict[str, Any]) -> Level | None:
    """What the value of a key that may hold a level means; None when it means nothing."""
    if isinstance(value, str):
        if name := WORDS.get((visible(value) if '\x1b' in value else value).strip().lower()):
            return _LEVELS[name]
        value = int(value) if len(value) < 4 and value.isascii() and value.isdecimal() else None
    if isinstance(value, dict):  # ECS as it is nested, {"log": {"level": …}}
        inner = value.get('level', value.get('name'))
        return _value(key, inner, fields) if isinstance(inner, str) else None
    return _number(key, value, fields) if isinstance(value, int) and not isinstance(value, bool) else None


def _number(key: str, value: int, fields: dict[str, Any]) -> Level | None:
    if key in _OTEL:
        return Level((value + 3) // 4) if 1 <= value <= 24 else None
    if key in _SYSLOG or (key == 'level' and 0 <= value < 8):
        nextcloud = 'reqId' in fields and 'app' in fields
        scale = (2, 3, 4, 5, 6) if nextcloud else (6, 6, 6, 5, 4, 3, 3, 2)  # Nextcloud counts up, syslog counts down
        return Level(scale[value]) if 0 <= value < len(scale) else None
    if key == 'level' and 100 <= value <= 600:  # Monolog
        return Level((2, 3, 4, 5, 6, 6)[value // 100 - 1])
    return Level(value // 10) if key == 'level' and 10 <= value <= 60 else None  # pino and bunyan


def _by_shape(fields: dict[str, Any]) -> Level:
    """The level of an object that names none, but whose shape is known."""
    if '@t' in fields and ('@mt' in fields or '@m' in fields):
        return Level.INFO  # Serilog's compact form leaves just this one out
    if 's' in fields and 'c' in fields and isinstance(fields['s'], str):  # MongoDB: D1 to D5, I, W, E, F
        return _LEVELS[_LETTERS.get(fields['s'][:1], 'unknown')]
    status = next((fields[key] for key in _STATUS if key in fields), None)
    if status is not None and not fields.keys().isdisjoint(_REQUEST):
        digits = str(status)
        return _LEVELS[by_status(digits)] if re.fullmatch('[1-5][0-9][0-9]', digits) else Level.UNKNOWN
    return Level.UNKNOWN


_LEVELS = {level.name.lower(): level for level in Level}
_LETTERS = {'D': 'debug', 'I': 'info', 'W': 'warn', 'E': 'error', 'F': 'fatal'}
_COLOUR = re.compile(rb'\x1b\[[0-9;:]*m')
_MEMBER = re.compile(rb'\s*+("(?:[^"\\]|\\.){1,40}+"\s*+:\s*+(?:"(?:[^"\\]|\\.){1,80}+"|\d{1,3}+))\s*+,?\s*+$').match
_OTEL = ('severityNumber', 'SeverityNumber', 'severity_number')
_SYSLOG = ('PRIORITY', 'syslog_severity')
_KEYS = (
    'level', 'severity', 'Level', 'levelname', 'lvl', 'log.level', '@l', '@level', 'level_name', 'loglevel',
    'log_level', 'logLevel', 'severityText', 'SeverityText', 'severity_text', 'Severity', 'LEVEL', 'SEVERITY',
    'LogLevel', 'L', 'log', *_OTEL, *_SYSLOG, 'priority',
)  # fmt: skip
_STATUS = ('status', 'status_code', 'statusCode', 'DownstreamStatus', 'response_code')
_REQUEST = (
    'method', 'request', 'request_method', 'request_uri', 'requestMethod', 'RequestMethod', 'uri', 'url', 'path',
)  # fmt: skip
