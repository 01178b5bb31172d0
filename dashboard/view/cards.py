"""Payment card numbers among the digits of a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from dashboard.lines import fixed

Span = tuple[int, int]  # from, up to and not including, in characters

MOST_GROUPS = 5  # of digits in a card number: 4-4-4-4-3
MOST_LOOKED = 500  # groups of digits looked at in one run, in Python; what is beyond is hidden
# the digits of a card, alone or in groups; behind a letter or an underscore they are part of a name
RUN = r'(?:^|[^0-9A-Za-z_-]|(?:^|[^0-9A-Za-z_])-)((?:[3-6][0-9]|2[2-7])(?:[ .\x{a0}\x{2009}\x{202f}-]?[0-9]){11,})'


def cards(text: str, run: Span) -> Iterator[Span]:
    """Payment card numbers in a run of digit groups: 13 to 19 digits, grouped as on a card, with a good check digit.

    Of a run with too many groups the rest counts as one.
    """
    found = islice(_DIGITS.finditer(text, *run), MOST_LOOKED + MOST_GROUPS)
    groups = [match.span() for match in found]
    first = 0
    while first < min(len(groups), MOST_LOOKED):
        lasts = range(min(first + MOST_GROUPS, len(groups)) - 1, first - 1, -1)
        last = next((last for last in lasts if _is_card(text, groups[first : last + 1])), None)
        if last is not None:
            yield groups[first][0], groups[last][1]
        first = (first if last is None else last) + 1
    if first < len(groups):
        yield groups[first][0], run[1]


def _is_card(text: str, groups: Sequence[Span]) -> bool:
    sizes = [end - start for start, end in groups]
    if not 13 <= sum(sizes) <= 19:
        return False
    if len(sizes) > 1 and (sizes[0] != 4 or min(sizes[1:-1], default=4) < 4 or max(sizes) > 7):
        return False
    digits = ''.join(text[start:end] for start, end in groups)
    if not _is_issued(digits) or len({text[end] for _, end in groups[:-1]}) > 1:
        return False
    return _check_digit_fits(digits) and not _is_part_of_an_id(text, groups[0][0], groups[-1][1])


def _is_issued(digits: str) -> bool:
    """Whether cards that begin like this have so many digits: most have 16, few kinds more or less."""
    if len(digits) == 16:
        return '3' <= digits[0] <= '6' or '22' <= digits[:2] <= '27'
    if len(digits) == 15:
        return digits[:2] in ('34', '37')
    if len(digits) == 14:
        return digits[:2] in ('30', '36', '38', '39')
    if len(digits) in (13, 19) and digits[0] == '4':
        return True
    return digits[:2] in ('50', '62', '67') or digits[:4] in ('5893', '6304', '6390')


def _check_digit_fits(digits: str) -> bool:
    """The formula of ISO/IEC 7812-1, annex B, which Luhn described."""
    doubled = digits[-2::-2].translate(_DOUBLED)
    return sum(map(int, digits[-1::-2] + doubled)) % 10 == 0


def _is_part_of_an_id(text: str, start: int, end: int) -> bool:
    """The decimals of a number, or digits inside a long hexadecimal name (a digest, a trace id, a UUID)."""
    if text[max(0, start - 1) : start] == '.' and text[max(0, start - 2) : start - 1].isdigit():
        return True
    low, high = start, end
    while low > max(0, end - 33) and text[low - 1] in _HEX:
        low -= 1
    while high < min(len(text), low + 33) and text[high] in _HEX:
        high += 1
    return high - low >= 32


_DOUBLED = str.maketrans('0123456789', '0246813579')  # the digits of twice as much, added
_HEX = frozenset('0123456789abcdefABCDEF-')
_DIGITS = fixed(r'[0-9]+')
