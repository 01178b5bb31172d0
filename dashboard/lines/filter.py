"""Which lines a reader asked for: a literal term, found as a person would find it in the text on the screen.

Between slashes it is a regular expression, and RE2 runs it: no pattern of a user can take more than linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from dashboard.errors import BadRequest
from dashboard.lines.ansi import visible
from dashboard.lines.patterns import RefusedPattern, compiled, reason_of
from dashboard.model import PREFIX, LogLine

LONGEST_TERM = 1_000  # characters
MEMORY = 8 << 20  # bytes that RE2 may use for one pattern


class LineFilter:
    """Finds lines whose visible text holds a term, whatever its case; the empty term finds every line.

    :param term: taken literally; a colour code inside it, or inside a line's word, is no part of the text. ``/…/`` is a
        regular expression in RE2's syntax, of which ``^`` and ``$`` are the line's
    :raises BadRequest: when the term is longer than 1,000 characters, or RE2 refuses the expression

    ``pattern`` finds the term in visible text (None: every line is wanted). It *is* the definition of a match;
    everything below only answers the same question faster, so a line that is found always has something to mark, but
    where an expression fits an empty place.
    """

    __slots__ = ('_ascii', '_expression', 'pattern', 'term')

    def __init__(self, term: str = '') -> None:
        if len(term) > LONGEST_TERM:
            raise BadRequest(f'The filter takes at most {LONGEST_TERM:,} characters, not {len(term):,}: shorten it.')
        self.term = visible(term)
        self._expression = _expression(self.term)
        self._ascii = None
        if self._expression:
            self.pattern = self._expression
            return
        self.pattern = re.compile(re.escape(self.term), re.IGNORECASE) if self.term else None
        folded = self.term.translate(_ASCII_TWINS).lower()
        self._ascii = folded.encode() if folded.isascii() else None

    def matches(self, text: str) -> bool:
        """Whether the line of this raw text, without its timestamp, is wanted."""
        shown = visible(text)
        if self._expression:
            return self._expression.search(shown.encode()) is not None
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
        content = record[PREFIX:].rstrip(b'\r\n')
        plain = content.isascii() and not (b'\x1b' in content or b'\r' in content or b'\b' in content)
        if plain and self._ascii is not None:
            return self._ascii in content.lower()
        if plain and self._expression:
            return self._expression.search(content) is not None
        return self.matches(content.decode('utf-8', 'replace'))


def places(pattern: Any, text: str, most: int) -> Iterator[tuple[int, int]]:
    """Where a filter's pattern fits, in characters; empty places, which nothing can mark, count but are left out."""
    spans = (match.span() for match in islice(pattern.finditer(text), most))
    return (span for span in spans if span[0] < span[1])


def _expression(term: str) -> Any:
    """The compiled regular expression of a term between slashes; None for a literal one.

    :raises BadRequest: when RE2 refuses it
    """
    if len(term) < 3 or not (term.startswith('/') and term.endswith('/')):
        return None
    try:
        return compiled(term[1:-1], memory=MEMORY, case=False, capture=False)
    except (RefusedPattern, UnicodeEncodeError) as error:
        raise BadRequest(
            f'{term} is no regular expression: {reason_of(error)}. Without the slashes it is text.'
        ) from None


# The only characters beyond ASCII that case-insensitive matching equates with an ASCII letter (a test goes through
# all of Unicode): dotless ı, dotted İ, long ſ, and the Kelvin sign.
_ASCII_TWINS = {0x131: 'i', 0x130: 'i', 0x17F: 's', 0x212A: 'k'}
_TWINS = ''.join(map(chr, _ASCII_TWINS))
