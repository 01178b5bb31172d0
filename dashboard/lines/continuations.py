"""What runtimes and databases write below the first line of a message, by the form of each line alone.  Knows no time.

A state is what a line lets follow it beyond what may follow any: after a traceback (``python``) the exception …
"""

from __future__ import annotations

import re
from collections.abc import Callable

from dashboard.lines.dialects import begins_with_time
from dashboard.lines.levels import Level, head_of, level_of

SPACE = (b' ', b'\t')
_IN_DATES = (b'-', b'/')  # behind the year
TRACEBACK = b'Traceback (most recent call last):'


def begins(head: bytes, level: Level) -> bool:
    """Whether a line that is not indented begins a message whatever stands before it: it has its own time or level."""
    if level is Level.UNKNOWN and not begins_with_time(head):
        return False
    first = head[:1]
    if first == b'{':  # the fast ways for what most lines are: objects, and what begins with a date or another number
        return True
    if first.isdigit():
        return not (is_detail(head) or (head[4:5] not in _IN_DATES and _CRASH(head)))
    return not (_CRASH(head) or _BELOW(head) or is_detail(head))


def follows(head: bytes, state: str) -> bool:
    """Whether a line that is not indented goes on with a message in this state."""
    if not head or head.isspace():
        return True
    return _BELOW(head) is not None or (state in _STAYS and _STAYS[state](head) is not None)


def is_indented(content: bytes) -> bool:
    """Whether a line that begins with a space says nothing of its own: neither level nor time."""
    if content.startswith((b'    ', b'\t')) or content.isspace():
        return True
    head = head_of(content)
    if begins_with_time(head):
        return False
    return _CRASH(head.lstrip()) is not None or level_of(content) is Level.UNKNOWN


def closes(head: bytes) -> bool:
    """Whether a line holds nothing but the brackets that end what stands above it."""
    return _CLOSERS(head) is not None


def names_exception(head: bytes) -> bool:
    """Whether a line begins with a class of the JVM's exceptions, as it stands below the line of a logger."""
    return _THROWN(head) is not None


def is_detail(head: bytes) -> bool:
    """Whether PostgreSQL says more of a message."""
    return b':  ' in head and _DETAIL(head) is not None


def process_of(head: bytes) -> bytes | None:
    """The process that PostgreSQL says a line is of."""
    match = _PROCESS(head)
    return match[1] if match else None


def state_after(head: bytes, before: str) -> str:
    """What may follow a line, by what it is."""
    if head.endswith(b':') and head.endswith(TRACEBACK):
        return 'python'
    if match := _ENTERS(head):
        return match.lastgroup or ''
    if before == 'json' and _CLOSED(head):  # but for more brackets, which may follow any line
        return ''
    return _NEXT.get(before, before)


def _finder(pattern: str) -> Callable[[bytes], re.Match[bytes] | None]:
    return re.compile(pattern.encode(), re.VERBOSE).match


_EXCEPTION = r'(?:[A-Za-z_]\w*\.)*+(?=\w*[a-z])[A-Z]\w*(?::\ |:?\s*$)'  # ValueError: x, shop.errors.NoStock
_CRASH = _finder(r"Traceback\ |[\w.$]*(?:Error|Exception|Interrupt|Exit)\b|panic:\ |fatal\ error:\ |thread\ '")
_THROWN = _finder(r'[a-z][\w$]*(?:\.[a-z][\w$]*+)*+\.[A-Z][\w$.]*?(?:Exception|Error|Throwable|Failure)\b(?::|\s*$)')
_ENTERS = _finder(r"""
    (?P<go>panic:\ |fatal\ error:\ |goroutine\ \d+\ \[) | (?P<rust>thread\ '.*panicked\ at\ .*:$)
  | (?P<json>[\[{]\s*$) | (?P<node>(?:/|file:|node:)\S*:\d+$)
  | (?P<chained>During\ handling\ of\ the\ above\ exception|The\ above\ exception\ was\ the\ direct\ cause)
""")
_STAYS: dict[str, Callable[[bytes], re.Match[bytes] | None]] = {
    'python': _finder(_EXCEPTION),
    'rust': _finder(''),  # the message itself
    'node': _finder(rf'{_EXCEPTION}|throw\ |\^|\}}'),
    'json': _finder(r'["}\]]|[{\[],?\s*$|(?:-?\d[\d.eE+-]*|true|false|null),?\s*$'),
    'go': _finder(r"""
        goroutine\ \d+ | created\ by\ | \[signal\ | \[originating\ | panic:\ | runtime:[ ]
      | [\w./*{}\[\]-]++(?:\([\w.*]+\)(?=\.))?+[\w.*{}\[\]-]*+\(.*\)$ | exit\ status\ \d | [a-z0-9]{2,6}\ +0x[0-9a-f]+$
    """),
}
_NEXT = {'python': 'ended', 'rust': ''}
_BELOW = _finder(r"""
    Caused\ by[:\ ] | Suppressed:\  | Wrapped\ by:\  | \.\.\.\ \d+\ (?:more|common) | at\ [\w.$/<>]+\(
  | During\ handling\ of\ the\ above\ exception | The\ above\ exception\ was\ the\ direct\ cause | goroutine\ \d+\ \[
  | Stack\ trace:|stack\ backtrace: | note:\ (?:run\ with|Some\ details) | \#\d+\ (?:/|\{main\}|\[internal|0x)
  | ---\ End\ of\  | created\ by\ .*\ in\ goroutine | from\ \S+:\d+:in\  | PHP\ Stack\ trace:
  | PHP\ +\d+\.\  | thrown\ in[ ]
  | Node\.js\ v\d
""")
_CLOSERS = _finder(r'[}\])]+[,;]?\s*$')
_CLOSED = _finder(r'[}\]]+\s*$')
_DETAIL = _finder(r'(?:[^\[\n]{0,80}\[(\d+)\][^:\n]{0,80}?\ )?(?:DETAIL|HINT|STATEMENT|CONTEXT|QUERY|LOCATION):\ \ ')
_PROCESS = _finder(r'[^\[\n]{0,80}\[(\d+)\]')
