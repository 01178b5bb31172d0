"""The parts of a question, and how they are written.  Knows neither how they are read nor what they find.

A tree is kept normal: what belongs together lies in one :class:`And` or :class:`Or` of at least two parts, and nothing
is denied twice. Who asks elsewhere (a store, in SQL) goes through these classes with ``match``. Text, level, stream,
container and service are columns or close to it; :class:`Regex` needs RE2, the three that ask for fields need those.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TypeAlias

from dashboard.lines.levels import Level
from dashboard.model import Stream


class Order(StrEnum):
    """How a number or a level compares."""

    IS = ''
    MORE = '>'
    LESS = '<'
    AT_LEAST = '>='
    AT_MOST = '<='


@dataclass(frozen=True, slots=True)
class Everything:
    """Finds all lines."""


@dataclass(frozen=True, slots=True)
class Text:
    """The visible text holds this, in upper or lower case (Python's case folding by character, ``re.IGNORECASE``)."""

    text: str


@dataclass(frozen=True, slots=True)
class Regex:
    """The visible text matches this expression of RE2, in upper or lower case; ``^`` and ``$`` are a line's."""

    pattern: str


@dataclass(frozen=True, slots=True)
class HasValue:
    """A field of this name holds the value as whole words or as an equal number; or the text holds ``name:value``.

    With '' the field is that or null.
    """

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Compares:
    """A field of this name holds a number that compares so."""

    name: str
    order: Order
    number: str  # as it was typed

    @property
    def bound(self) -> float:
        """The number."""
        return float(self.number)


@dataclass(frozen=True, slots=True)
class HasField:
    """A field of this name holds anything but null and ''."""

    name: str


@dataclass(frozen=True, slots=True)
class HasLevel:
    """The level compares so; an unknown level is that only, and neither less nor more than another."""

    order: Order
    level: Level


@dataclass(frozen=True, slots=True)
class OfStream:
    """It was written to this stream."""

    stream: Stream


@dataclass(frozen=True, slots=True)
class OfContainer:
    """The container's name holds this as whole words, or its id begins with it."""

    name: str


@dataclass(frozen=True, slots=True)
class OfService:
    """The service has this name, alone or as ``project:name``."""

    name: str


@dataclass(frozen=True, slots=True)
class Not:
    """What the part does not find."""

    part: Tree


@dataclass(frozen=True, slots=True)
class And:
    """What all parts find."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """What any of the parts finds."""

    parts: tuple[Tree, ...]


Leaf: TypeAlias = (
    Everything | Text | Regex | HasValue | Compares | HasField | HasLevel | OfStream | OfContainer | OfService
)
Tree: TypeAlias = Leaf | Not | And | Or


def all_of(parts: Iterable[Tree]) -> Tree:
    """What all of these find; without any, everything."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, And) else (part,))]
    kept = tuple(part for part in flat if not isinstance(part, Everything))
    return And(kept) if len(kept) > 1 else kept[0] if kept else Everything()


def any_of(parts: Iterable[Tree]) -> Tree:
    """What any of these finds.

    :raises ValueError: without any
    """
    kept = tuple(inner for part in parts for inner in (part.parts if isinstance(part, Or) else (part,)))
    if not kept:
        raise ValueError('any of nothing')
    return Or(kept) if len(kept) > 1 else kept[0]


def none_of(part: Tree) -> Tree:
    """What this does not find."""
    return part.part if isinstance(part, Not) else Not(part)


def leaves(tree: Tree, denied: bool = False) -> Iterator[tuple[Leaf, bool]]:
    """Each part that asks something, and whether it is denied."""
    match tree:
        case And(parts) | Or(parts):
            for part in parts:
                yield from leaves(part, denied)
        case Not(part):
            yield from leaves(part, not denied)
        case _:
            yield tree, denied


def written(tree: Tree) -> str:
    """The tree as it can be typed; every part in a form that reads the same wherever it stands."""
    match tree:
        case Or(parts):
            return ' OR '.join(map(written, parts))
        case And(parts):
            # words between slashes would be part of one expression
            slashes = isinstance(parts[0], Regex) and isinstance(parts[-1], Regex)
            return _joined([(_in_and(part, slashes), isinstance(part, Text)) for part in parts])
        case Not(part):
            return f'-{_denied(part)}'
    return _leaf(tree)


def _joined(parts: list[tuple[str, bool]]) -> str:
    """Parts side by side; words beside words would be one text."""
    text = parts[0][0]
    for (before, plain), (part, also) in pairwise(parts):
        words = plain and also and not before.endswith('"') and not part.startswith('"')
        text += (' AND ' if words else ' ') + part
    return text


def _in_and(part: Tree, slashes: bool) -> str:
    if slashes and isinstance(part, Text):
        return quoted(part.text)
    return f'({written(part)})' if isinstance(part, Or) else written(part)


def _denied(part: Tree) -> str:
    if isinstance(part, Or | And):
        return f'({written(part)})'
    if isinstance(part, Text) and (' ' in part.text or not is_words(part.text)):
        return quoted(part.text)
    return written(part)


def _leaf(leaf: Leaf) -> str:
    match leaf:
        case Text(text):
            found = text if is_words(text) else quoted(text)
        case Regex(pattern):
            found = f'/{_SLASH.sub(_escaped, pattern)}/'
        case HasValue(name, value):
            bare = name.lower() not in RESERVED and _BARE.fullmatch(value)
            found = f'{_named(name)}:{value if bare else quoted(value)}'
        case Compares(name, order, number):
            found = f'{_named(name)}:{order}{number}'
        case HasField(name):
            found = f'{_named(name)}:*'
        case HasLevel(order, level):
            found = f'level:{order}{level.name.lower()}'
        case OfStream(stream):
            found = f'stream:{stream.name.lower()}'
        case OfContainer(name):
            found = f'container:{name}'
        case OfService(name):
            found = f'service:{name}'
        case Everything():
            found = ''
    return found


def _named(name: str) -> str:
    return name if is_name(name) else quoted(name)


def quoted(text: str) -> str:
    """The text as a phrase."""
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"') + '"'


def is_words(text: str) -> bool:
    """Whether a text means itself without quotes wherever it stands."""
    return _WORDS.fullmatch(text) is not None and not _OPERATORS.search(text)


def is_name(text: str) -> bool:
    """Whether the name of a field needs no quotes."""
    return _NAME.fullmatch(text) is not None


def _escaped(match: re.Match[str]) -> str:
    return match[0] if len(match[0]) > 1 else '\\/'


RESERVED = frozenset({'level', 'stream', 'container', 'service'})  # a field of such a name is asked for with quotes
NAME = r'(?:[^\W\d][\w.@-]{0,199}|@\w[\w.@-]{0,198})'  # of a field, without quotes
_NAME = re.compile(NAME)
_WORDS = re.compile(r'[^\W_](?:[\w.,;!?@#%&=+*\'-]| (?=[^\W_]))*')
_OPERATORS = re.compile(r'(?:^| )(?:AND|OR|NOT)(?: |$)')
_BARE = re.compile(r'(?:/(?!/)|[^\W_])[\w.@/=+-]*')
_SLASH = re.compile(r'\\.|/', re.DOTALL)
