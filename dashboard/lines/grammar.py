"""How a question is read: from what a person types to a tree.  Knows nothing of lines.

What a person types is text, until something in it is clearly an operator: ``"a phrase"``, ``-word``, ``/regex/``,
``field:value`` or ``"a field":value``, ``( )``, and ``AND``, ``OR``, ``NOT`` in capitals. Words between two operators
are one text, as typed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dashboard.errors import BadRequest
from dashboard.lines.fields import number_of
from dashboard.lines.levels import Level, level_named
from dashboard.lines.tree import (
    NAME,
    Compares,
    Everything,
    HasField,
    HasLevel,
    HasValue,
    Leaf,
    OfContainer,
    OfService,
    OfStream,
    Order,
    Regex,
    Text,
    Tree,
    all_of,
    any_of,
    none_of,
)
from dashboard.model import Stream

LONGEST = 1_000  # characters of a question
MOST_TERMS = 50
DEEPEST = 20  # brackets and denials within each other


class Unread(Exception):
    """What was typed is no question; says why."""


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of what was typed: a word as it stands there, or what it means."""

    kind: str  # word, term, (, ), -, AND, OR, NOT
    start: int
    end: int
    leaf: Leaf | None = None


def read(typed: str) -> tuple[Tree, str]:
    """The tree of what was typed, and in words what is odd about it ('' when nothing is).

    What is no question is searched as text.

    :raises BadRequest: when it is longer than 1,000 characters
    """
    if len(typed) > LONGEST:
        raise BadRequest(f'The filter takes at most {LONGEST:,} characters, not {len(typed):,}: shorten it.')
    if _WHOLE_REGEX(typed):
        return Regex(_unescaped(typed[1:-1])), ''
    try:
        tokens = _Scanner(typed).tokens()
        if all(token.kind == 'word' for token in tokens):
            return (Text(typed) if typed else Everything()), ''
        return _Reader(typed, tokens).tree(), _oddity(typed, tokens)
    except Unread as reason:
        return Text(typed), f'{reason} It is searched as text.'


def _oddity(typed: str, tokens: list[Token]) -> str:
    """What is odd about a question that can be read; what stands in quotes is meant."""
    for token in tokens:
        leaf = token.leaf
        if not isinstance(leaf, HasValue) or typed[token.end - 1] == '"':
            continue
        if expected := _EXPECTED.get(leaf.name.lower()):
            return f'{leaf.name}: takes {expected}; {leaf.value} is searched as a field and as text.'
        if leaf.value.startswith(('>', '<')):
            return f'{leaf.value[:20]} compares with no number, so it is searched as a field and as text.'
    return ''


class _Scanner:
    """Cuts what was typed into tokens."""

    def __init__(self, typed: str) -> None:
        self._typed = typed
        self._depth = 0

    def tokens(self) -> list[Token]:
        found: list[Token] = []
        place = 0
        while match := _NEXT(self._typed, place):
            found.append(self._token(match.start()))
            place = found[-1].end
        if self._depth:
            raise Unread('A bracket is not closed.')
        return found

    def _token(self, place: int) -> Token:
        character = self._typed[place]
        if character == '(' and not self._typed.startswith('()', place):
            self._depth += 1
            return Token('(', place, place + 1)
        if character == ')' and self._depth:
            self._depth -= 1
            return Token(')', place, place + 1)
        if character == '-' and _DENIABLE(self._typed, place + 1):
            return Token('-', place, place + 1)
        return self._phrase(place) or self._regex(place) or self._field(place) or self._word(place)

    def _phrase(self, place: int) -> Token | None:
        if self._typed[place] != '"':
            return None
        match = _PHRASE(self._typed, place)
        if not match:
            raise Unread('A quotation mark is not closed.')
        if not match[1] or not self._ends(match.end()):
            return None
        return Token('term', place, match.end(), Text(_unquoted(match[1])))

    def _regex(self, place: int) -> Token | None:
        if self._typed[place] != '/':
            return None
        for match in _SLASHES(self._typed, place + 1):
            if match[0] == '/' and match.start() > place + 1 and self._ends(match.end()):
                return Token('term', place, match.end(), Regex(_unescaped(self._typed[place + 1 : match.start()])))
        return None

    def _field(self, place: int) -> Token | None:
        match = _FIELD(self._typed, place)
        if not match:
            return None
        name, order = match[1] or _unquoted(match[2]), match[3]
        if (phrase := _PHRASE(self._typed, match.end())) and not order and self._ends(phrase.end()):
            return Token('term', place, phrase.end(), _named(name, '', _unquoted(phrase[1]), True))
        end = self._word_end(match.end())
        odd = ('//', ':', '"') if match[1] is None else ('//', ':')  # http://x, std::x, "a b":"c","d":1
        if end == match.end() or self._typed.startswith(odd, match.end()):
            return None
        return Token('term', place, end, _named(name, order, self._typed[match.end() : end], False))

    def _word(self, place: int) -> Token:
        end = self._word_end(place)
        word = self._typed[place:end]
        return Token(word if word in ('AND', 'OR', 'NOT') else 'word', place, end)

    def _word_end(self, place: int) -> int:
        """Where a word ends: at a space, or at the bracket that closes what was opened before it."""
        opened = 0
        for end in range(place, len(self._typed)):
            character = self._typed[end]
            if character.isspace() or (character == ')' and self._depth and not opened):
                return end
            opened += {'(': 1, ')': -1}.get(character, 0)
        return len(self._typed)

    def _ends(self, place: int) -> bool:
        """Whether a token may end here."""
        rest = self._typed[place : place + 1]
        return not rest or rest.isspace() or (rest == ')' and self._depth > 0)


def _named(name: str, order: str, value: str, phrase: bool) -> Leaf:
    """What ``name:value`` asks; a phrase is always the value of a field."""
    lowered = name.lower()
    level = level_named(value) if lowered == 'level' and not phrase else None
    if level is not None and (not order or level is not Level.UNKNOWN):
        return HasLevel(Order(order), level)
    if order:
        return Compares(name, Order(order), value) if number_of(value) is not None else HasValue(name, order + value)
    if phrase:
        return HasValue(name, value)
    if lowered == 'stream' and value.lower() in _STREAMS:
        return OfStream(_STREAMS[value.lower()])
    if lowered in ('container', 'service') and _NAME(value):
        return OfContainer(value) if lowered == 'container' else OfService(value)
    return HasField(name) if value == '*' else HasValue(name, value)


class _Reader:
    """Puts tokens together: ``OR`` binds least, then ``AND`` and standing side by side, then ``-`` and ``NOT``."""

    def __init__(self, typed: str, tokens: list[Token]) -> None:
        self._typed = typed
        self._tokens = tokens
        self._place = 0
        self._terms = 0

    def tree(self) -> Tree:
        found = self._any(0)
        if self._place < len(self._tokens):
            raise Unread(f'{self._tokens[self._place].kind} stands where a term is expected.')
        return found

    @property
    def _kind(self) -> str:
        return self._tokens[self._place].kind if self._place < len(self._tokens) else ''

    def _any(self, depth: int) -> Tree:
        if depth > DEEPEST:
            raise Unread(f'Brackets nest more than {DEEPEST} deep.')
        parts = [self._all(depth)]
        while self._kind == 'OR':
            self._place += 1
            parts.append(self._all(depth))
        return any_of(parts)

    def _all(self, depth: int) -> Tree:
        parts = [self._one(depth)]
        while self._kind not in ('', ')', 'OR'):
            self._place += self._kind == 'AND'
            parts.append(self._one(depth))
        return all_of(parts)

    def _one(self, depth: int, single: bool = False) -> Tree:
        """A term; ``single`` when of words side by side only the first belongs to it."""
        kind = self._kind
        if depth > DEEPEST:
            raise Unread(f'Brackets nest more than {DEEPEST} deep.')
        if kind in ('', ')', 'AND', 'OR'):
            raise Unread(f'A term is missing {f"before {kind}" if kind else "at the end"}.')
        self._place += 1
        if kind in ('-', 'NOT'):
            return none_of(self._one(depth + 1, single=kind == '-'))
        if kind == '(':
            inner = self._any(depth + 1)
            self._place += 1  # the scanner has seen that it is closed
            return inner
        self._terms += 1
        if self._terms > MOST_TERMS:
            raise Unread(f'There are more than {MOST_TERMS} terms.')
        leaf = self._tokens[self._place - 1].leaf
        return leaf if leaf is not None else self._words(single)

    def _words(self, single: bool) -> Text:
        start = self._tokens[self._place - 1].start
        while not single and self._kind == 'word':
            self._place += 1
        return Text(self._typed[start : self._tokens[self._place - 1].end])


def _unquoted(text: str) -> str:
    return _ESCAPED.sub(r'\1', text)


def _unescaped(pattern: str) -> str:
    """An expression in which ``\\/`` stands for a slash."""
    return _ESCAPE.sub(lambda match: '/' if match[0] == '\\/' else match[0], pattern)


_STREAMS = {'stdout': Stream.STDOUT, 'out': Stream.STDOUT, 'stderr': Stream.STDERR, 'err': Stream.STDERR}
_EXPECTED = {'level': 'trace, debug, info, warn, error, fatal or unknown', 'stream': 'stdout or stderr'}
_NEXT = re.compile(r'\S').search
_NAME = re.compile(r'[\w.@/:+-]+').fullmatch
_DENIABLE = re.compile(r'[\w"(/@]').match
_PHRASE = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL).match
_SLASHES = re.compile(r'\\.|/', re.DOTALL).finditer
# a name in quotes is one where it needs them: "level":"error" is text
_FIELD = re.compile(rf'(?:({NAME})|(?!"{NAME}")"((?:[^"\\]|\\.)*+)"):(>=|<=|>|<|)', re.DOTALL).match
_ESCAPED = re.compile(r'\\(["\\])')
_ESCAPE = re.compile(r'\\.', re.DOTALL)
# one expression, as it was before there were other forms: it may hold slashes and spaces, but not what reads as more
_WHOLE_REGEX = re.compile(
    r'/(?!.*/\s+(?:AND|OR|NOT|-?[/"(]|-[\w@]|(?:[^\W\d]|@\w)[\w.@-]*:\S)).+/', re.DOTALL
).fullmatch
