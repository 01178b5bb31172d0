"""What a secret looks like: the built-in rules and a site's own, all run by RE2 in linear time.  Knows no rows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from operator import itemgetter
from pathlib import Path
from typing import Any

from dashboard.errors import ConfigError
from dashboard.lines import RefusedPattern, compiled, fixed, reason_of
from dashboard.view import dress, kinds
from dashboard.view.cards import RUN, Span, cards
from dashboard.view.private_keys import BEGIN, END, HINT, KEY_LINE, key_lines

MEMORY = 64 << 20  # bytes that RE2 may use for all rules together
LONGEST_PATTERN = 4_096  # characters
MOST_FOUND = 500  # finds of one rule in one line, looked at in Python; what follows them is hidden


class Look(Enum):
    """What is looked for at once. RE2 makes a state of all that may be going on, and crawls when that is too much."""

    NAMES = 'names'
    SHAPES = 'shapes'
    COUNTS = 'counts'  # the signs of any word


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of secret.

    :param pattern: RE2 syntax, ``^`` and ``$`` are the line's; what its groups hold is the secret, without groups all
    :param secrets: the secrets among what a group has found, where a pattern alone cannot tell
    :param hint: a pattern that fits fewer lines, and every line with a secret
    :param look: with which others it is looked for
    :param parts: the pattern's alternatives, to be looked for one by one where the hint fits
    """

    name: str
    pattern: str
    secrets: Callable[[str, Span], Iterable[Span]] | None = None
    hint: str = ''
    look: Look = Look.NAMES
    parts: tuple[str, ...] = ()


class Rules:
    """Compiled rules.

    :raises ConfigError: when RE2 refuses them all together
    """

    def __init__(self, own: Sequence[Rule] = ()) -> None:
        rules = (*(replace(rule, hint=rule.hint or _first_look(rule)) for rule in BUILT_IN), *own)
        self._rules = [(rule, _anywhere(rule.hint or rule.pattern), _parts(rule)) for rule in rules]
        by_look = [[rule.hint or rule.pattern for rule in rules if rule.look is look] for look in Look]
        by_look[0].append('PRIVATE KEY')
        self._any = [_any_of(patterns) for patterns in by_look]
        self._any_or_unseen = [_any_of([*by_look[0], UNSEEN]), *self._any[1:]]
        self._lines_alone = any(_ANCHORS.search(rule.pattern) for rule in own)

    @property
    def names(self) -> list[str]:
        """Of all rules."""
        return [rule.name for rule, _, _ in self._rules]

    def suspects(self, lines: Sequence[bytes]) -> bool:
        """Whether there may be a secret in any of these lines, or characters that could hide one from the rules."""
        text = b'\n'.join(lines)
        try:
            text.isascii() or text.decode()
        except UnicodeDecodeError:
            return True
        if self._lines_alone and len(lines) > 1:
            return True
        return any(pattern.match(text) is not None for pattern in self._any_or_unseen)

    def may_find(self, text: bytes) -> bool:
        """Whether there may be a secret in one line, as it is; in UTF-8."""
        return any(pattern.match(text) is not None for pattern in self._any)

    def find(self, text: str) -> Iterator[tuple[Span, str]]:
        """Each secret in a line and its name. What lies inside a mark of an earlier redaction is none."""
        encoded = text.encode()
        marks = [match.span() for match in _MARK.finditer(text)] if '[redacted: ' in text else []
        # of RE2's Set one cannot tell a line that no pattern fits from one that is too much for it
        for rule, hint, parts in self._rules:
            if not hint.match(encoded):  # many times faster than to look for characters
                continue
            for first, pattern in parts:
                if first is None or first.match(encoded):
                    yield from ((span, rule.name) for span in _found(rule, pattern, text) if not _lies_in(marks, span))


def mark(name: str) -> str:
    """What stands in a line where a secret was."""
    return f'[redacted: {name}]'


def read_rules(path: Path) -> list[Rule]:
    """A site's own rules: a pattern a line; empty lines and those that begin with ``#`` mean nothing.

    :raises ConfigError: when the file cannot be read or a pattern does not do, naming its line
    """
    try:
        lines = path.read_text('utf-8').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f'The redaction rules in {path} cannot be read: {error}.') from None
    return [_own(path, number, line.strip()) for number, line in enumerate(lines, 1) if _means_something(line)]


def _first_look(rule: Rule) -> str:
    return rule.pattern if rule.look is Look.COUNTS else kinds.shortened(rule.pattern)


def _parts(rule: Rule) -> list[tuple[Any, Any]]:
    """What is looked for where a rule's hint fits, each after another first look."""
    if not rule.parts:
        return [(None, _compiled(rule.pattern))]
    return [(_anywhere(kinds.shortened(part)), _compiled(part)) for part in rule.parts]


def _any_of(patterns: Iterable[str]) -> Any:
    return _anywhere('|'.join(f'(?:{pattern})' for pattern in patterns))


def _anywhere(pattern: str) -> Any:
    """Tells with ``match`` whether a pattern fits anywhere; ``search`` would also seek where, from the back, slowly."""
    return _compiled(f'(?s:.*?)(?:{pattern})', never_capture=True)


def _compiled(pattern: str, *, never_capture: bool = False) -> Any:
    """A pattern as the rules mean it.

    :raises RefusedPattern: when RE2 refuses it
    """
    return compiled(f'(?m)(?:{pattern})', memory=MEMORY, capture=not never_capture)


_ANCHORS = fixed(r'\\[Az]|\(\?[a-zA-Z]*-')  # these do not mean the same in many lines at once
# What :func:`dashboard.ansi.unseen` finds begins with one of these.
UNSEEN = (
    r'[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\x{ad}\x{34f}\x{61c}\x{180e}\x{200b}-\x{200f}\x{2028}-\x{202e}'
    r'\x{2060}-\x{206f}\x{fe00}-\x{fe0f}\x{feff}]'
)
_MARK = fixed(r'\[redacted: [A-Za-z0-9 ]+\]')

BUILT_IN = (
    Rule('private key', rf'(?s:{BEGIN}(?:.*?{END}|.*))'),
    Rule('private key', kinds.KEY, look=Look.SHAPES),
    Rule('private key', KEY_LINE, key_lines, hint=HINT, look=Look.COUNTS),
    Rule('authorization header', dress.AUTHORIZATION),
    Rule('bearer token', dress.BEARER, dress.tokens),
    Rule('web token', kinds.JWT, look=Look.SHAPES),
    Rule('access token', '|'.join(kinds.TOKENS), hint=kinds.TOKEN_HINT, look=Look.SHAPES, parts=kinds.TOKENS),
    Rule('access token', kinds.LEGACY_VAULT, dress.old_vault, look=Look.SHAPES),
    Rule('access token', kinds.PLACE, look=Look.SHAPES),
    Rule('cookie', dress.OWN_COOKIE),
    Rule('cookie', dress.COOKIE),
    Rule('URL credentials', dress.URL),
    Rule('URL credentials', dress.URL_TOKEN, dress.with_digit),
    Rule('URL credentials', dress.URL_IN_URL),
    Rule('URL credentials', dress.DSN),
    Rule('password', dress.PASSWORD, dress.passwords),
    Rule('password', dress.SPOKEN, dress.passwords),
    Rule('password hash', kinds.HASH, look=Look.SHAPES),
    Rule('AWS key', dress.AWS_SESSION),
    Rule('AWS key', dress.AWS_ID, look=Look.SHAPES),
    Rule('AWS key', dress.AWS_NAMED),
    Rule('AWS key', dress.AWS_ALONE, dress.keys, hint=dress.AWS_ALONE_HINT, look=Look.COUNTS),
    Rule('secret', dress.SECRET, dress.named),
    Rule('secret', dress.TOKEN_BY_NAME, dress.long_named, hint=dress.TOKEN_BY_NAME_HINT),
    Rule('card number', RUN, cards, look=Look.COUNTS),
)


def _lies_in(marks: Sequence[Span], span: Span) -> bool:
    index = bisect_right(marks, span[0], key=itemgetter(0)) - 1
    return index >= 0 and span[1] <= marks[index][1]


def _found(rule: Rule, pattern: Any, text: str) -> Iterator[Span]:
    for count, match in enumerate(pattern.finditer(text)):
        if count == MOST_FOUND:
            yield match.start(), len(text)
            return
        groups = [match.span(group) for group in range(1, pattern.groups + 1) if match.group(group)]
        for span in groups or [match.span()]:
            yield from rule.secrets(text, span) if rule.secrets else (span,) if span[0] < span[1] else ()


def _means_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith('#')


def _own(path: Path, number: int, pattern: str) -> Rule:
    where = f'{path}, line {number}'
    if len(pattern) > LONGEST_PATTERN:
        raise ConfigError(f'{where}: a redaction pattern takes at most {LONGEST_PATTERN:,} characters.')
    try:
        matches_nothing = _compiled(pattern).search('') is not None
    except RefusedPattern as error:
        raise ConfigError(f'{where}: {pattern!r} is no regular expression of RE2: {reason_of(error)}.') from None
    if matches_nothing:
        raise ConfigError(
            f'{where}: {pattern!r} also fits where there is nothing, and so every line. Let it need a sign.'
        )
    return Rule(f'pattern {number}', pattern)
