"""What reaches the terminal of whoever started the program: text, whatever it holds.

User names, service names, paths and errors of other programs are printed and logged in many places, and not only by
this code. So what is written to standard output and standard error passes here, and not one place can be forgotten.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO, cast

PAUSE = 60.0  # seconds before the same is told again
# controls but tab and newline, and what turns the direction of writing
_ACTIVE = re.compile('[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]')


def harmless(text: str) -> str:
    """The text with every character that a terminal acts on written out, as ``\\x1b``."""
    return _ACTIVE.sub(lambda match: match.group().encode('unicode_escape').decode(), text)


@contextmanager
def harmless_console() -> Iterator[None]:
    """Let nothing but text through to standard output and standard error."""
    with redirect_stdout(_harmless(sys.stdout)), redirect_stderr(_harmless(sys.stderr)):
        yield


def log_to_console() -> None:
    """Let what is logged, by any library too, reach standard error: each message once a minute, and in no one's words.

    Whoever can make a library log something, and be it a stranger, could else fill the console, or write on it a line
    that looks like one of ours.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_Indented('%(levelname)s: %(message)s'))
    handler.addFilter(_Seldom())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger('python_multipart').setLevel(logging.CRITICAL)  # it tells of every form that is none


class _Indented(logging.Formatter):
    """A message begins a line, and what it quotes never does."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).rstrip('\n').replace('\n', '\n    ')


class _Seldom(logging.Filter):
    """Lets what is logged at one place of the code, about one kind of error, pass once in a while."""

    def __init__(self) -> None:
        super().__init__()
        self._passed: dict[tuple[object, ...], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind, _, trace = record.exc_info or (None, None, None)
        while trace and trace.tb_next:
            trace = trace.tb_next
        place = (record.pathname, record.lineno, kind, trace and trace.tb_frame.f_code, trace and trace.tb_lineno)
        passes = record.created - self._passed.get(place, -PAUSE) >= PAUSE
        if passes:
            self._passed[place] = record.created
        return passes


class _Harmless:
    """A text stream; all but :meth:`write` is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        self._stream.write(harmless(text))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)


def _harmless(stream: TextIO) -> TextIO:
    return cast(TextIO, _Harmless(stream))
