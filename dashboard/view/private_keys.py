"""Private keys over many lines: each line of a PEM block is a row of its own, in the order of its container and stream.

Two things tell that a line is part of a key:

- A ``BEGIN … PRIVATE KEY`` opens a block. Every line up to the ``END`` goes, whatever is written before the key's text
  on it, for a logger puts its own words there. A block that never ends is left after ``PATIENCE`` lines without a
  long run of base64: that is what somebody's error message about keys costs.
- The beginning of a log may be in the middle of a block, where no ``BEGIN`` is any more. So 60 to 76 characters of
  base64, the lengths that OpenSSL (64), OpenSSH (70) and MIME (76) write, are key material as well, alone on a line,
  behind a logger's words or in quotes, and so is a shorter one after such a line or before an ``END``. That also takes
  the lines of a certificate, which look the same; it leaves digests and ids in hexadecimal, which have letters of one
  case only.

What a line is taken for depends on nothing that is further away than ``LOOK_BACK`` lines of its container or
``LOOK_BACK_TIME``: whoever begins to read has to know so much of what came before, and then sees what everybody sees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dashboard.lines import fixed
from dashboard.timeline import LOOK_BACK, LOOK_BACK_TIME
from dashboard.view.cards import Span

PATIENCE = 5  # lines that may hold no key: two headers, an empty line, and what another thread has written

KEY_LINE = r'[A-Za-z0-9+/]{60,}={0,2}'
# not inside of a longer word and soon with a letter that is no hexadecimal digit
HINT = r'(?:^|[\s"\x27`|:=>,;(\[{\\])[0-9A-Fa-f+/]{0,11}[G-Zg-z][A-Za-z0-9+/]{48,75}={0,2}(?:$|[\s"\x27`,;)\]}<\\])'

_MARKER = r'[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)? ?-{4,5}'
BEGIN, END = rf'-{{4,5}} ?BEGIN {_MARKER}', rf'-{{4,5}} ?END {_MARKER}'

_BEGIN, _END = fixed(BEGIN), fixed(END)
_SHORT = fixed(r'[\s"\x27]{0,9}([A-Za-z0-9+/]+={0,2})(?:\s*|["\x27\\].*)')
_LONG = fixed(KEY_LINE)
_RUN = fixed(r'[A-Za-z0-9+/]{40}')


@dataclass(slots=True)
class _Lasting:
    """Something that holds for a while."""

    open: bool = False
    left: int = 0  # lines of the container, of any stream
    until: int = 0  # nanoseconds since the epoch

    def passed(self, moment: int) -> None:
        self.left -= 1
        self.open = self.open and self.left >= 0 and moment <= self.until

    def begin(self, moment: int) -> None:
        self.open, self.left, self.until = True, LOOK_BACK, moment + LOOK_BACK_TIME


@dataclass(slots=True)
class _Begun(_Lasting):
    """Whether a BEGIN has been and its END has not."""

    patience: int = 0

    def feed(self, text: str, moment: int) -> Span | None:
        inside, end = self.open, len(text)
        if ends_key(text):
            self.open, inside, end = False, True, end_of_key(text)
        elif inside:
            self.patience = PATIENCE if _RUN.search(text) else self.patience - 1
            self.open = self.patience > 0
        self._enter(text[end:] if end < len(text) else text, moment)
        return (0, end) if inside else None

    def _enter(self, text: str, moment: int) -> None:
        """Begin a block when the text begins one and does not end it."""
        if begins := [match.end() for match in _BEGIN.finditer(text)] if 'PRIVATE KEY' in text else []:
            self.patience = PATIENCE
            if _END.search(text, begins[-1]):
                self.open = False
            else:
                self.begin(moment)


@dataclass(slots=True)
class _Shaped(_Lasting):
    """Whether the line before was one of a key, by its shape."""

    width: int = 0  # of what was written before the base64

    def feed(self, text: str, moment: int) -> Span | None:
        after, self.open = self.open, False
        if span := key_line(text):
            self.width = span[0]
            self.begin(moment)
            return span
        return short_line(text, self.width) if after else None


@dataclass(slots=True)
class KeyBlock:
    """Where one stream of one container is. Both ways to know a key go on side by side, each as it would alone."""

    begun: _Begun = field(default_factory=_Begun)
    shaped: _Shaped = field(default_factory=_Shaped)

    @property
    def open(self) -> bool:
        """Whether what follows depends on what came before."""
        return self.begun.open or self.shaped.open

    def passed(self, moment: int) -> None:
        """The container has written another line, on any stream; ``moment`` in nanoseconds since the epoch."""
        self.begun.passed(moment)
        self.shaped.passed(moment)

    def feed(self, text: str, moment: int) -> Span | None:
        """Take the next line of this stream; which of its characters are part of a key that began before it."""
        shaped, begun = self.shaped.feed(text, moment), self.begun.feed(text, moment)
        return begun or shaped


def key_line(text: str) -> Span | None:
    """Where a line has base64 as long as that of a key, whatever is written before it."""
    return next((span for match in _LONG.finditer(text) for span in key_lines(text, match.span())), None)


def short_line(text: str, width: int) -> Span | None:
    """Where a line may have the last base64 of a key: so far from its beginning as the line before, and alone there."""
    match = _SHORT.fullmatch(text, width)
    return match.span(1) if match else None


def key_lines(text: str, run: Span) -> Iterator[Span]:
    """A run of base64, if it is as long as a line of a key and looks like chance."""
    start, end = run
    if text[start - 1 : start] == '\\':  # the letter of an escape
        start += 1
    before, run_text = text[max(0, start - 1) : start], text[start:end].rstrip('=')
    escaped = start > run[0]
    if not 60 <= len(run_text) <= 76 or not (escaped or before in _BEFORE):
        return
    if text[end : end + 1] not in _AFTER:
        return
    upper, lower = sum(map(str.isupper, run_text)), sum(map(str.islower, run_text))
    alone = not text[:start].strip() and not text[end:].strip()
    if (upper and lower) if alone else (upper >= 8 and lower >= 8 and any(map(str.isdigit, run_text))):
        yield start, end


def ends_key(text: str) -> bool:
    """Whether a key ends here that began on an earlier line."""
    if 'PRIVATE KEY' not in text:
        return False
    end, begin = _END.search(text), _BEGIN.search(text)
    return end is not None and not (begin and begin.start() < end.start())


def end_of_key(text: str) -> int:
    """Up to where a text is part of a key that ends in it."""
    return int(_END.search(text).end())


def width_of_end(text: str) -> int:
    """How much is written before the end of a key."""
    return int(_END.search(text).start())


_BEFORE = ('', *' \t"\x27`|:=>,;([{')
_AFTER = ('', *' \t\r\n"\x27`,;)]}<\\')
