"""Private keys over many lines: each line of a PEM block is a row of its own, in the order of its container and stream.

Two things tell that a line is part of a key:

- A ``BEGIN … PRIVATE KEY`` opens a block. Every line up to the ``END`` goes, whatever is written before the key's text
  on it, for a logger puts its own words there. A block that never ends is left after ``PATIENCE`` lines without a
  long run of base64: that is what somebody's error message about keys costs.
- A reader may begin in the middle of a block, where no ``BEGIN`` was seen. So a line of nothing but 60 to 76 characters
  of base64, the lengths that OpenSSL (64), OpenSSH (70) and MIME (76) write, is key material as well, and so is a
  shorter one after it or before an ``END``. That also takes the lines of a certificate, which look the same; it leaves
  digests and ids in hexadecimal, which have letters of one case only.
"""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.lines import fixed

PATIENCE = 5  # lines that may hold no key: two headers, an empty line, and what another thread has written
LONGEST_BLOCK = 400  # lines; a key of 16,384 bits has 200
HINT = r'^[ \t]*[A-Za-z0-9+/]{58,76}={0,2}[ \t\r]*$|PRIVATE KEY'

_MARKER = r'[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)? ?-{4,5}'
BEGIN, END = rf'-{{4,5}} ?BEGIN {_MARKER}', rf'-{{4,5}} ?END {_MARKER}'

_BEGIN, _END = fixed(BEGIN), fixed(END)
_LINE = fixed(r'\s*([A-Za-z0-9+/]{58,76}={0,2})\s*')
_SHORT = fixed(r'\s*[A-Za-z0-9+/]+={0,2}\s*')
_RUN = fixed(r'[A-Za-z0-9+/]{40}')


@dataclass(slots=True)
class KeyBlock:
    """Where one stream of one container is."""

    inside: bool = False  # after a BEGIN
    after_key: bool = False  # after a line of base64 without a BEGIN
    patience: int = 0
    left: int = 0

    @property
    def open(self) -> bool:
        """Whether what follows depends on what came before."""
        return self.inside or self.after_key

    def feed(self, text: str) -> int:
        """Take the next line; how many of its characters, from the first on, are part of a key that began before it."""
        if self.inside:
            return self._within(text)
        if ends_key(text):
            self.after_key = False
            end = _ends(text)
            self._enter(text[end:])
            return end
        whole = is_key_line(text)
        part = whole or (self.after_key and could_be_key(text))
        self.after_key = whole
        self._enter(text)
        return len(text) if part else 0

    def _within(self, text: str) -> int:
        if ends_key(text):
            self.inside, end = False, _ends(text)
            self._enter(text[end:])
            return end
        self.left -= 1
        self.patience = PATIENCE if _RUN.search(text) else self.patience - 1
        self.inside = self.left > 0 and self.patience > 0
        self._enter(text)
        return len(text)

    def _enter(self, text: str) -> None:
        """Begin a block when the text begins one and does not end it."""
        if begins := [match.end() for match in _BEGIN.finditer(text)] if 'PRIVATE KEY' in text else []:
            self.inside = _END.search(text, begins[-1]) is None
            self.patience, self.left = PATIENCE, LONGEST_BLOCK


def is_key_line(text: str) -> bool:
    """Whether a line is nothing but base64 as long as that of a key."""
    match = _LINE.fullmatch(text)
    if not match or len(match.group(1)) < 60 or len(match.group(1)) > 76:
        return False
    return any(map(str.islower, match.group(1))) and any(map(str.isupper, match.group(1)))


def could_be_key(text: str) -> bool:
    """Whether a line is nothing but base64: perhaps the last one of a key."""
    return _SHORT.fullmatch(text) is not None


def ends_key(text: str) -> bool:
    """Whether a key ends here that began on an earlier line."""
    if 'PRIVATE KEY' not in text:
        return False
    end, begin = _END.search(text), _BEGIN.search(text)
    return end is not None and not (begin and begin.start() < end.start())


def _ends(text: str) -> int:
    return int(_END.search(text).end())
