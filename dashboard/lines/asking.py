"""How a question is asked of a line: each part of its tree becomes a function of what is known of the line.

Everything dear is found at most once a line, and only when a part asks for it: its visible text, its level, its fields.
Each part has one plain definition; what is faster gives the same answer, which a test holds against hostile lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import ge, gt, le, lt
from typing import Any, TypeAlias

from dashboard.errors import BadRequest
from dashboard.lines.ansi import visible
from dashboard.lines.fields import Named, may_name, named_of, number_of, text_of, values_in
from dashboard.lines.levels import Level, level_of
from dashboard.lines.messages import level_in_message
from dashboard.lines.objects import object_of
from dashboard.lines.patterns import Pattern, RefusedPattern, compiled, reason_of
from dashboard.lines.tree import (
    And,
    Compares,
    HasField,
    HasLevel,
    HasValue,
    Not,
    OfContainer,
    OfService,
    OfStream,
    Or,
    Order,
    Regex,
    Text,
    Tree,
)
from dashboard.model import PREFIX, Container

MEMORY = 2 << 20  # bytes that RE2 may use for all expressions of a question together


class Subject:
    """A line, or a message of several, while it is asked."""

    __slots__ = ('_folded', '_level', '_named', '_shown', 'container', 'content', 'lines', 'stream')

    def __init__(
        self,
        content: bytes,
        container: Container | None = None,
        stream: int = 0,
        level: Level | None = None,
        lines: int = 1,
    ) -> None:
        self.content = content
        self.container = container
        self.stream = stream
        self.lines = lines
        self._level = level
        self._shown: str | None = None
        self._folded: bytes | None = None
        self._named: Named | None = None

    @property
    def shown(self) -> str:
        """The text that a reader sees."""
        if self._shown is None:
            lines = self.content.split(b'\n') if self.lines > 1 else (self.content,)
            self._shown = '\n'.join(visible(line.decode('utf-8', 'replace')) for line in lines)
        return self._shown

    @property
    def plain(self) -> bool:
        """Whether it is ASCII without controls, so that a reader sees it as it is."""
        content = self.content
        return content.isascii() and len(content.translate(None, _CONTROLS)) == len(content)

    @property
    def folded(self) -> bytes:
        """The visible text in UTF-8 and with small ASCII letters."""
        if self._folded is None:
            self._folded = self.content.lower() if self.plain else self.shown.encode().lower()
        return self._folded

    @property
    def level(self) -> Level:
        """Its level, or that of the message."""
        if self._level is None:
            self._level = level_of(self.content)
        return self._level

    def values(self, name: str) -> Sequence[Any]:
        """What it gives to a name; of several lines the first is asked, or all when they are one object."""
        if self._named is None:
            content = self.content
            if self.lines > 1 and object_of(content) is None:
                content = content.partition(b'\n')[0]
            self._named = named_of(content)
        return list(values_in(self._named, name))

    def may_name(self, last: bytes) -> bool:
        """See :func:`dashboard.lines.fields.may_name`."""
        return may_name(self.content, last)


Test: TypeAlias = Callable[[Subject], bool]
Hint: TypeAlias = Callable[[bytes], bool]


def test_of(tree: Tree, expressions: dict[str, Expression]) -> Test:
    """The function that tells whether a line is found.

    :param expressions: of all :class:`Regex` in the tree, by their pattern
    """
    match tree:
        case And(parts):
            return _all([test_of(part, expressions) for part in parts])
        case Or(parts):
            return _any([test_of(part, expressions) for part in parts])
        case Not(part):
            inner = test_of(part, expressions)
            return lambda subject: not inner(subject)
        case Regex(pattern):
            return expressions[pattern].asked
        case HasValue() | HasField() | Compares():
            return _field(tree)
    return _of_line(tree)


def hint_of(tree: Tree) -> Hint | None:
    """A fast test of a line's record, which at least one line of every message that is found passes; or None.

    Of parts that must all fit one is enough: the one that is the fastest.
    """
    match tree:
        case And(parts):
            hints = [(_RANK.get(type(part), len(_RANK)), index) for index, part in enumerate(parts)]
            return next((hint for _, index in sorted(hints) if (hint := hint_of(parts[index]))), None)
        case Or(parts):
            each = [hint_of(part) for part in parts]
            some = [hint for hint in each if hint is not None]
            return (lambda record: any(hint(record) for hint in some)) if len(some) == len(each) else None
        case Text(text):
            return Literal(text).wants if '\n' not in text else None
        case HasValue() | HasField() | Compares():
            return _field_hint(tree)
        case HasLevel(order, level):
            levels = levels_that(order, level)
            return lambda record: level_in_message(content_of(record)) in levels
    return None  # an expression may fit over the end of a line, and what is denied must be in no line


def _field_hint(leaf: HasValue | HasField | Compares) -> Hint | None:
    last = leaf.name.lower().rpartition('.')[2].encode()
    if not isinstance(leaf, HasValue):
        return lambda record: may_name(content_of(record), last)
    if '\n' in leaf.value:
        return None
    wants = Literal(f'{leaf.name}:{leaf.value}').wants
    return lambda record: may_name(content_of(record), last) or wants(record)


def _of_line(leaf: Tree) -> Test:
    """A question of what every line has."""
    match leaf:
        case Text(text):
            return Literal(text).asked
        case HasLevel(order, level):
            return _level(order, level)
        case OfStream(stream):
            return lambda subject: subject.stream == stream
        case OfContainer(name):
            return _container(name)
        case OfService(name):
            return _service(name)
    return lambda subject: True


def expressions_of(patterns: Sequence[str]) -> dict[str, Expression]:
    """The compiled expressions of a question; they share the memory that it may take.

    :raises BadRequest: when RE2 refuses one
    """
    different = dict.fromkeys(patterns)
    return {pattern: Expression(pattern, MEMORY // len(different)) for pattern in different}


def folded_text(text: str) -> str:
    """A text in small letters, in ASCII where ASCII can find it in any case."""
    return text.translate(_ASCII_TWINS).lower()


def levels_that(order: Order, level: Level) -> frozenset[Level]:
    """Those that compare so to a level."""
    ask = _level(order, level)
    return frozenset(level for level in Level if ask(Subject(b'', level=level)))


class Literal:
    """Finds a text in the visible text, in upper or lower case.

    ``pattern`` *is* the definition; everything else only gives the same answer faster.
    """

    __slots__ = ('_ascii', 'pattern')

    def __init__(self, text: str) -> None:
        self.pattern = re.compile(re.escape(text), re.IGNORECASE)
        folded = folded_text(text)
        self._ascii = folded.encode() if folded.isascii() else None

    def asked(self, subject: Subject) -> bool:
        """Whether it is found in a line."""
        if self._ascii is None:
            return not subject.plain and self.pattern.search(subject.shown) is not None
        return self._ascii in subject.folded or self._by_a_twin(subject)

    def wants(self, record: bytes) -> bool:
        """The same of an undecoded record: most questions are one text, which in plain ASCII is a search in bytes."""
        content = content_of(record)
        if self._ascii is None or not content.isascii() or b'\x1b' in content or b'\r' in content or b'\b' in content:
            return self.asked(Subject(content))
        return self._ascii in content.lower()

    def _by_a_twin(self, subject: Subject) -> bool:
        if subject.content.isascii():
            return False
        shown = subject.shown
        return any(twin in shown for twin in _TWINS) and self.pattern.search(shown) is not None


class Expression:
    """A regular expression of RE2: it takes time in proportion to the length of a line, whatever it is.

    :raises BadRequest: when RE2 refuses it
    """

    __slots__ = ('_many', '_memory', 'pattern', 'text')

    def __init__(self, text: str, memory: int) -> None:
        self.text = text
        self._memory = memory
        self._many: Pattern = None  # in which ^ and $ are each line's of a message
        try:
            self.pattern = compiled(text, memory=memory, case=False, capture=False)
        except (RefusedPattern, UnicodeEncodeError) as error:
            raise BadRequest(
                f'/{text}/ is no regular expression: {reason_of(error)}. Without the slashes it is text.'
            ) from None

    def asked(self, subject: Subject) -> bool:
        """Whether it is found in a line."""
        pattern = self.pattern if subject.lines == 1 else self._of_each_line()
        return pattern.search(subject.content if subject.plain else subject.shown.encode()) is not None

    def _of_each_line(self) -> Pattern:
        if self._many is None:
            self._many = compiled(f'(?m){self.text}', memory=self._memory, case=False, capture=False)
        return self._many


def _all(tests: list[Test]) -> Test:
    return lambda subject: all(test(subject) for test in tests)


def _any(tests: list[Test]) -> Test:
    return lambda subject: any(test(subject) for test in tests)


def _level(order: Order, level: Level) -> Test:
    if order is Order.IS:
        return lambda subject: subject.level is level
    compare = _ORDERS[order]
    return lambda subject: subject.level is not Level.UNKNOWN and compare(subject.level, level)


def _container(name: str) -> Test:
    words = whole_words(name)

    def test(subject: Subject) -> bool:
        container = subject.container
        return container is not None and (
            container.id.startswith(name.lower()) or words.search(container.name) is not None
        )

    return test


def _service(name: str) -> Test:
    folded = name.casefold()

    def test(subject: Subject) -> bool:
        if subject.container is None:
            return False
        key = subject.container.service
        return folded in (key.name.casefold(), key.qualified.casefold())

    return test


def _field(leaf: HasValue | HasField | Compares) -> Test:
    """A question of a field: the line is not taken apart where it cannot have it."""
    name = leaf.name.lower()
    last = name.rpartition('.')[2].encode()
    fits = _fitting(leaf)
    literal = Literal(f'{leaf.name}:{leaf.value}').asked if isinstance(leaf, HasValue) and leaf.value else None

    def test(subject: Subject) -> bool:
        if literal is not None and literal(subject):
            return True
        return subject.may_name(last) and any(fits(value) for value in subject.values(name))

    return test


def is_said(leaf: HasValue, subject: Subject) -> bool:
    """Whether a field says so; not only the text."""
    return any(map(_fitting(leaf), subject.values(leaf.name.lower())))


def _fitting(leaf: HasValue | HasField | Compares) -> Callable[[Any], bool]:
    """Whether a value of a field is one that is asked for."""
    if isinstance(leaf, HasField):
        return lambda value: value is not None and value != ''
    if isinstance(leaf, Compares):
        compare, bound = _ORDERS[leaf.order], leaf.bound
        return lambda value: (number := _number(value)) is not None and compare(number, bound)
    wanted, number = leaf.value, number_of(leaf.value)
    words = whole_words(wanted)

    def fits(value: Any) -> bool:
        have = _number(value)
        if have is not None and number is not None and have == number:
            return True
        if have is not None and not isinstance(value, str):
            return False  # 1.10 and 1.1 are one number; how it was written is no part of it
        text = visible(text_of(value))
        return words.search(text) is not None if wanted else text in ('', 'null')

    return fits


def whole_words(text: str) -> re.Pattern[str]:
    """Finds a text in any case where it neither begins nor ends inside a word."""
    before, after = r'(?<!\w)' if re.match(r'\w', text) else '', r'(?!\w)' if re.search(r'\w\Z', text) else ''
    return re.compile(f'{before}{re.escape(text)}{after}', re.IGNORECASE)


def content_of(record: bytes) -> bytes:
    """See :attr:`LogLine.content`."""
    return record[PREFIX:].rstrip(b'\r\n')


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        return number_of(value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


_CONTROLS = bytes(code for code in (*range(0x20), 0x7F) if code not in b'\t\n')
_RANK: dict[type, int] = {Text: 0, HasValue: 1, Compares: 1, HasField: 1, HasLevel: 2}
_ORDERS: dict[Order, Callable[[Any, Any], bool]] = {
    Order.MORE: gt, Order.LESS: lt, Order.AT_LEAST: ge, Order.AT_MOST: le,
}  # fmt: skip
# The only characters beyond ASCII that case-insensitive matching equates with an ASCII letter (a test goes through
# all of Unicode): dotless ı, dotted İ, long ſ, and the Kelvin sign.
_ASCII_TWINS = {0x131: 'i', 0x130: 'i', 0x17F: 's', 0x212A: 'k'}
_TWINS = ''.join(map(chr, _ASCII_TWINS))
