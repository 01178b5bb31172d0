"""Log text is a stranger's: what of it a reader sees, with its colours.  Knows control sequences, no HTML and no I/O.

Only SGR (colours and the like) is interpreted. Every other sequence is dropped, so that a log can neither move, name,
link, clear nor copy anything; every other control character is shown as a mark, so that none works unseen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, TypeAlias

Colour: TypeAlias = int | str | None  # of the 256-colour table, or '#rrggbb', or the theme's own


@dataclass(frozen=True, slots=True)
class Style:
    """How a run of text looks. Concealed and blinking text do not exist: nothing in a log may hide or distract."""

    fg: Colour = None
    bg: Colour = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    inverse: bool = False
    strike: bool = False


PLAIN = Style()


def visible(text: str) -> str:
    """The text a reader sees: without control sequences, other controls as marks, a redrawn line in its last state."""
    if text.isprintable() or not _SPECIAL.search(text):  # nearly every line; tabs need the second look
        return text
    shown = _marked(_without_sequences(text))
    return _last_state(shown) if '\r' in shown else shown


def unseen(text: str) -> list[tuple[int, int]]:
    """Where, in characters, a text holds what parts it and takes no room on a screen: sequences, controls, joiners."""
    return [match.span() for match in _UNSEEN.finditer(text)]


def sequences(text: str, most: int) -> tuple[int, int]:
    """How many control sequences begin in a text at the most, and where the one after the first ``most`` does.

    :returns: their number, no more than ``most``, and the place in characters; the end of the text when there is none
    """
    if text.isascii() and (found := text.count('\x1b')) <= most:
        return found, len(text)
    starts = [introducer.start() for introducer in islice(_INTRODUCER.finditer(text), most + 1)]
    return (len(starts), len(text)) if len(starts) <= most else (most, starts[most])


def spans(text: str, most: int | None = None) -> list[tuple[Style, str]]:
    """:func:`visible` text cut where its style changes; no run is empty, no two neighbours have the same style.

    :param most: after so many control sequences no style changes any more
    """
    if text.isprintable() or not _SPECIAL.search(text):
        return [(PLAIN, text)] if text else []
    pieces: list[tuple[Style, str]] = []
    style, start = PLAIN, 0
    for sequence in islice(_SEQUENCE.finditer(text), most):
        pieces.append((style, _marked(text[start : sequence.start()])))
        start = sequence.end()
        if codes := sequence['sgr']:
            style = _styled(style, codes)
    pieces.append((style, _marked(_without_sequences(text[start:]))))
    return _merged(_last_pieces(pieces) if '\r' in text else pieces)


def rgb(colour: int) -> str:
    """``#rrggbb`` of an entry from 16 to 255 of the 256-colour table: a cube of 6×6×6 colours, then 24 greys."""
    if colour >= 232:
        return f'#{8 + 10 * (colour - 232):02x}' + f'{8 + 10 * (colour - 232):02x}' * 2
    steps = (0, 95, 135, 175, 215, 255)
    red, rest = divmod(colour - 16, 36)
    return f'#{steps[red]:02x}{steps[rest // 6]:02x}{steps[rest % 6]:02x}'


# A string (OSC, DCS, SOS, PM, APC: titles, links, the clipboard) whose terminator is missing ends at the first space:
# a terminal would swallow all that follows, and one stray ESC ] would hide the rest of a line from its reader.
# The 8-bit forms count only when complete: they are also what double-encoded UTF-8 leaves ('Ð\x9d', 'â€\x9d').
# Nothing repeats over what it may have to give back, and a payload ends at the next introducer: the time is linear.
_SEQUENCE = re.compile(
    r"""
    [\x1b\x80-\x84\x86-\x9f] (?:                # one set in front: the search runs to it at full speed
      (?: (?<=\x1b)\[ | (?<=\x9b) ) (?: (?P<sgr> [0-9;:]*+ m ) | [0-?]*+ [@-~] )
    | (?<=\x1b) \[ [0-?]*+ [ -/]*+ [@-~]?         # any other CSI, perhaps cut off
    | (?: (?<=\x1b) []PX^_] | (?<=[\x90\x98\x9d-\x9f]) ) [^\x07\x1b\x80-\x9f]*+ (?: \x07 | \x1b\\ | \x9c )
    | (?<=\x1b) []PX^_] [^\s\x00-\x1f\x7f-\x9f]*+
    | (?<=\x1b) [ -/]*+ [0-~]                     # ESC x, ESC ( x
    | (?<!\x1b)                                  # the same in one 8-bit character
    )""",
    re.VERBOSE,
)
_UNSEEN = re.compile(
    rf'{_SEQUENCE.pattern}|[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e'
    r'\u2060-\u206f\ufe00-\ufe0f\ufeff]',
    re.VERBOSE,
)
_SPECIAL = re.compile('[\0-\x08\n-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]')
_MARKS: dict[int, str | None] = {code: chr(0x2400 + code) for code in range(0x20) if code not in (0x09, 0x0D)}
_MARKS |= {0x08: None, 0x7F: '␡', 0x85: '⟨NEL⟩', 0x2028: '⟨LS⟩', 0x2029: '⟨PS⟩'}
_MARKS |= {0x061C: '⟨ALM⟩', 0x200E: '⟨LRM⟩', 0x200F: '⟨RLM⟩'}  # what turns the direction of writing can forge a line
_MARKS |= dict(zip(range(0x202A, 0x202F), ('⟨LRE⟩', '⟨RLE⟩', '⟨PDF⟩', '⟨LRO⟩', '⟨RLO⟩'), strict=True))
_MARKS |= dict(zip(range(0x2066, 0x206A), ('⟨LRI⟩', '⟨RLI⟩', '⟨FSI⟩', '⟨PDI⟩'), strict=True))


_INTRODUCER = re.compile('[\x1b\x80-\x84\x86-\x9f]')
_BEGINNING = re.compile(r'\x1b(?!\\)|[\x80-\x84\x86-\x9b\x9d-\x9f]')  # of a sequence, and never inside another one
_PIECE = 1 << 16  # characters looked through at one go: other threads wait meanwhile


def _without_sequences(text: str) -> str:
    if len(text) <= _PIECE:
        return _SEQUENCE.sub('', text)
    parts, start = [], 0
    while start < len(text):
        beginning = _BEGINNING.search(text, start + _PIECE)
        end = beginning.start() if beginning else len(text)
        parts.append(_SEQUENCE.sub('', text[start:end]))
        start = end
    return ''.join(parts)


def _marked(text: str) -> str:
    return text if text.isprintable() else text.translate(_MARKS)


def _last_state(text: str) -> str:
    """What was drawn last and is not blank.

    A terminal overwrites only as far as the later text reaches ('Doneloading 50%'): never what was meant. A blank
    state wipes a progress bar away before it ends; in a log its last figures are worth more than an empty line.
    """
    return next((state for state in reversed(text.split('\r')) if state.strip()), text.rpartition('\r')[2])


def _last_pieces(pieces: list[tuple[Style, str]]) -> list[tuple[Style, str]]:
    """The pieces of :func:`_last_state`; a colour set before a return goes on after it."""
    last: list[tuple[Style, str]] = []
    current: list[tuple[Style, str]] = []
    for style, text in pieces:
        first, *others = text.split('\r')
        current.append((style, first))
        if others:
            last = last if _blank(current) else current
            drawn = next((state for state in reversed(others[:-1]) if state.strip()), None)
            last = last if drawn is None else [(style, drawn)]
            current = [(style, others[-1])]
    return last if last and _blank(current) else current


def _blank(pieces: list[tuple[Style, str]]) -> bool:
    return not any(text.strip() for _, text in pieces)


def _merged(pieces: list[tuple[Style, str]]) -> list[tuple[Style, str]]:
    """Runs; joined once each, for adding piece to piece takes quadratic time on a line of nothing but resets."""
    shown = ((style, text) for style, text in pieces if text)
    return [(style, ''.join(text for _, text in run)) for style, run in groupby(shown, key=itemgetter(0))]


_SGR: dict[int, dict[str, Any]] = {
    1: {'bold': True},
    2: {'dim': True},
    3: {'italic': True},
    4: {'underline': True},
    7: {'inverse': True},
    9: {'strike': True},
    21: {'underline': True},  # doubly
    22: {'bold': False, 'dim': False},
    23: {'italic': False},
    24: {'underline': False},
    27: {'inverse': False},
    29: {'strike': False},
    39: {'fg': None},
    49: {'bg': None},
}
_SGR |= {first + n: {'fg': n + 8 * (first > 40)} for first in (30, 90) for n in range(8)}
_SGR |= {first + n: {'bg': n + 8 * (first > 40)} for first in (40, 100) for n in range(8)}
_TARGETS = {38: 'fg', 48: 'bg', 58: ''}  # 58 colours the underline: its numbers are read, and mean nothing here
_LONGEST = 128  # characters of SGR codes; nothing honest comes near


@lru_cache(maxsize=1024)  # a program writes the same few codes for ever
def _styled(style: Style, codes: str) -> Style:
    """The style after SGR codes, ``1;31m``; what is malformed or unknown changes nothing."""
    if len(codes) > _LONGEST:
        return style
    parts = iter(codes.removesuffix('m').split(';'))
    for part in parts:
        number, *details = (int(digits or 0) for digits in part.split(':'))
        if number == 0:
            style = PLAIN
        elif number in _TARGETS:
            style = replace(style, **_coloured(_TARGETS[number], details or _following(parts)))
        elif not details or number == 4:  # 4:0 is no underline, 4:3 a curly one
            style = replace(style, **_SGR.get(24 if details == [0] else number, {}))
    return style


def _following(parts: Iterator[str]) -> list[int]:
    """The numbers that belong to a 38 or 48 written with semicolons: 5;n or 2;r;g;b."""
    kind = next(parts, '')
    rest = islice(parts, {'5': 1, '2': 3}.get(kind, 0))
    return [-1 if ':' in part else int(part or 0) for part in (kind, *rest)]


def _coloured(target: str, numbers: list[int]) -> dict[str, Any]:
    kind, *values = numbers
    values = values[-3:] if kind == 2 else values[:1]  # 2:colour-space:r:g:b as well as 2:r:g:b
    if not target or (kind, len(values)) not in ((5, 1), (2, 3)) or not all(0 <= value <= 255 for value in values):
        return {}
    return {target: values[0] if kind == 5 else '#{:02x}{:02x}{:02x}'.format(*values)}
