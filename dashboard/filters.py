"""Which lines a reader asked for: a literal term, found as a person would find it in the text on the screen."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dashboard.ansi import visible
from dashboard.errors import BadRequest
from dashboard.model import STAMP_LENGTH, LogLine

LONGEST_TERM = 1_000  # characters


class LineFilter:
    """Finds lines whose visible text holds a term, whatever its case; the empty term finds every line.

    :param term: taken literally; a colour code inside it, or inside a line's word, is no part of the text
    :raises BadRequest: when the term is longer than 1,000 characters

    ``pattern`` marks the term in visible text (None: nothing to mark). It *is* the definition of a match; everything
    below only answers the same question faster, so a line that is found always has something to mark.
    """

    __slots__ = ('_ascii', 'pattern', 'term')

    def __init__(self, term: str = '') -> None:
        if len(term) > LONGEST_TERM:
            raise BadRequest(f'The filter takes at most {LONGEST_TERM:,} characters, not {len(term):,}: shorten it.')
        self.term = visible(term)
        self.pattern = re.compile(re.escape(self.term), re.IGNORECASE) if self.term else None
        folded = self.term.translate(_ASCII_TWINS).lower()
        self._ascii = folded.encode() if folded.isascii() else None

    def matches(self, text: str) -> bool:
        """Whether the line of this raw text, without its timestamp, is wanted."""
        shown = visible(text)
        if self.pattern is None or (self._ascii is None and shown.isascii()):  # text knows whether it is ASCII
            return self.pattern is None
        if self._ascii is not None:
            if self._ascii in shown.encode().lower():
                return True
            if shown.isascii() or not any(twin in shown for twin in _TWINS):
                return False
        return self.pattern.search(shown) is not None

    def select(self, lines: Sequence[LogLine]) -> list[LogLine]:
        """The wanted lines, in their order."""
        if self.pattern is None:
            return list(lines)
        return [line for line in lines if self._wants(line.record)]

    def _wants(self, record: bytes) -> bool:
        """The same from an undecoded record: of plain ASCII the visible text is the text."""
        content = record[STAMP_LENGTH + 1 :].rstrip(b'\r\n')
        plain = content.isascii() and not (b'\x1b' in content or b'\r' in content or b'\b' in content)
        if plain and self._ascii is not None:
            return self._ascii in content.lower()
        return self.matches(content.decode('utf-8', 'replace'))


# The only characters beyond ASCII that case-insensitive matching equates with an ASCII letter (a test goes through
# all of Unicode): dotless ı, dotted İ, long ſ, and the Kelvin sign.
_ASCII_TWINS = {0x131: 'i', 0x130: 'i', 0x17F: 's', 0x212A: 'k'}
_TWINS = ''.join(map(chr, _ASCII_TWINS))
