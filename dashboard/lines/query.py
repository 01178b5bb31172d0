"""One question of lines, asked everywhere: of the live view, a download, the address of a page, a button.

A question finds a line by its visible text, level, fields, stream and container. A *message* of several lines is asked
as one: a text or expression may be in any of its lines (``^`` and ``$`` are those of each), and what is denied must be
in none; the level is the message's; fields are those of its first line, or of all its lines when they are one object.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import Any

from dashboard.errors import BadRequest
from dashboard.lines.ansi import visible
from dashboard.lines.asking import Expression, Literal, Subject, expressions_of, hint_of, is_said, test_of
from dashboard.lines.grammar import LONGEST, MOST_TERMS, read
from dashboard.lines.levels import Level
from dashboard.lines.messages import Message
from dashboard.lines.patterns import Pattern, steps
from dashboard.lines.tree import (
    And,
    Everything,
    HasLevel,
    HasValue,
    Order,
    Regex,
    Text,
    Tree,
    all_of,
    any_of,
    leaves,
    none_of,
    quoted,
    written,
)
from dashboard.model import LogLine


class Question:
    """What a reader asks; made by :func:`parse`, or by a change of another.

    :param tree: what is asked
    :param problem: in words for the box, what of the typed text could not be read; '' mostly
    :raises BadRequest: when RE2 refuses an expression
    """

    __slots__ = ('_ask', '_patterns', '_wants', 'hint', 'problem', 'text', 'tree')

    def __init__(self, tree: Tree, problem: str = '') -> None:
        self.tree = tree
        self.problem = problem
        self.text = _text(tree)
        expressions = expressions_of([leaf.pattern for leaf, _ in leaves(tree) if isinstance(leaf, Regex)])
        self._ask = test_of(tree, expressions)
        self._wants = Literal(tree.text).wants if isinstance(tree, Text) else None
        self.hint = hint_of(tree)  # a line of each message that it finds passes that; see there
        self._patterns = list(_patterns(tree, expressions))

    def __bool__(self) -> bool:
        """Whether it asks for less than everything."""
        return not isinstance(self.tree, Everything)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Question) and self.tree == other.tree

    def __hash__(self) -> int:
        return hash(self.tree)

    def __repr__(self) -> str:
        return f'<Question {self.text!r}>'

    # what it finds

    def matches(self, line: LogLine | Message) -> bool:
        """Whether it finds a line, or a message as one."""
        if self._wants is not None and isinstance(line, LogLine):
            return self._wants(line.record)
        return self._ask(_subject(line))

    def matches_text(self, text: str) -> bool:
        """Whether it finds a line of this text, of which nothing else is known."""
        return self._ask(Subject(text.encode('utf-8', 'surrogatepass')))

    def select(self, lines: Sequence[LogLine]) -> list[LogLine]:
        """The lines that it finds, in their order."""
        if not self:
            return list(lines)
        if (wants := self._wants) is not None:
            return [line for line in lines if wants(line.record)]
        ask = self._ask
        return [line for line in lines if ask(Subject(line.content, line.container, line.stream))]

    # what to mark

    @property
    def pattern(self) -> Pattern:
        """Finds in visible text what the question says is in it, for marks; has ``finditer`` and ``search``.

        None when there is nothing that could be marked, as in a question of a level.
        """
        if not self._patterns:
            return None
        return self._patterns[0] if len(self._patterns) == 1 else _Several(self._patterns)

    def places(self, text: str, most: int) -> Iterator[tuple[int, int]]:
        """Where in visible text something is to be marked, in characters; in order, never empty, at most so many."""
        return places(self.pattern, text, most) if self._patterns else iter(())

    # how it is changed

    def with_term(self, term: Tree) -> Question:
        """The question that asks for this as well; where it asked for the contrary, that is dropped.

        :raises BadRequest: when it becomes too long
        """
        denied = none_of(term)
        return _changed(all_of([*(part for part in self._parts() if part not in (term, denied)), term]))

    def without_term(self, term: Tree) -> Question:
        """The question that does not ask for this."""
        return _changed(all_of(part for part in self._parts() if part != term))

    def among(self, levels: Iterable[Level]) -> Question:
        """The question that finds messages of these levels only; with none or all of them, of any."""
        wanted = sorted(set(levels))
        if not wanted or len(wanted) == len(Level):
            return self
        return Question(all_of([self.tree, any_of(HasLevel(Order.IS, level) for level in wanted)]), self.problem)

    def _parts(self) -> tuple[Tree, ...]:
        return self.tree.parts if isinstance(self.tree, And) else (self.tree,)


def parse(typed: str) -> Question:
    """The question that a person typed; what cannot be read is asked as text, and ``problem`` says so.

    :raises BadRequest: when it is longer than 1,000 characters, or RE2 refuses an expression
    """
    return Question(*read(visible(typed)))


def askable(terms: Iterable[HasValue], message: Message) -> set[HasValue]:
    """Those of these that can be typed, and find the message by its fields."""
    subject = _subject(message)
    return {term for term in terms if can_be_typed(term) and is_said(term, subject)}


def can_be_typed(tree: Tree) -> bool:
    """Whether its text is read as just that."""
    typed = written(tree)
    return len(typed) <= LONGEST and visible(typed) == typed and read(typed)[0] == tree


def _changed(tree: Tree) -> Question:
    """A question that a button makes, which must be one that can be typed."""
    question = Question(tree)
    if len(question.text) > LONGEST or sum(1 for _ in leaves(tree)) > MOST_TERMS:
        raise BadRequest(f'The filter takes at most {LONGEST:,} characters and {MOST_TERMS} terms: take one out first.')
    return question


def places(pattern: Any, text: str, most: int) -> Iterator[tuple[int, int]]:
    """Where a pattern fits, in characters; empty places, which nothing can mark, count but are left out."""
    spans = (match.span() for match in islice(pattern.finditer(text), most))
    return (span for span in spans if span[0] < span[1])


class _Several:
    """Several patterns as one, for marks: places do not overlap."""

    def __init__(self, patterns: list[Pattern]) -> None:
        self._patterns = patterns

    @property
    def programsize(self) -> int:
        """See :func:`dashboard.lines.patterns.steps`."""
        return sum(map(steps, self._patterns))

    def search(self, text: str) -> Any:
        """The first match of any of them."""
        return next((match for pattern in self._patterns if (match := pattern.search(text))), None)

    def finditer(self, text: str) -> Iterator[Any]:
        """The matches of all, by their place; of two that overlap the one that begins first, or the longer."""
        end = -1
        found = (pattern.finditer(text) for pattern in self._patterns)
        for match in merge(*found, key=lambda match: (match.start(), -match.end())):
            if match.start() >= end and match.end() > match.start():
                end = match.end()
                yield match


def _subject(line: LogLine | Message) -> Subject:
    if isinstance(line, LogLine):
        return Subject(line.content, line.container, line.stream)
    first = line.lines[0]
    return Subject(line.content, first.container, first.stream, line.level, len(line.lines))


def _patterns(tree: Tree, expressions: dict[str, Expression]) -> Iterator[Pattern]:
    """What marks each text and expression that is asked for and not denied."""
    for leaf in dict.fromkeys(leaf for leaf, denied in leaves(tree) if not denied):
        if isinstance(leaf, Regex):
            yield expressions[leaf.pattern].pattern
        elif isinstance(leaf, Text):
            yield re.compile(re.escape(leaf.text), re.IGNORECASE)
        elif isinstance(leaf, HasValue) and leaf.value:
            yield re.compile(
                f'{re.escape(leaf.name)}[:=]"?{re.escape(leaf.value)}', re.IGNORECASE
            )  # or as logfmt has it


def _text(tree: Tree) -> str:
    """The question as it can be typed: as plainly as it reads the same."""
    if isinstance(tree, Text | Regex):
        plain = tree.text if isinstance(tree, Text) else f'/{tree.pattern}/'
        if len(plain) <= LONGEST and read(plain)[0] == tree:
            return plain
        return quoted(tree.text) if isinstance(tree, Text) else written(tree)
    return written(tree)
