"""What a secret looks like: the built-in rules and a site's own, all run by RE2 in linear time.  Knows no rows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeAlias

from dashboard.errors import ConfigError
from dashboard.lines import RefusedPattern, compiled, fixed, reason_of
from dashboard.view.private_keys import BEGIN, END, HINT

Span: TypeAlias = tuple[int, int]  # from, up to and not including, in characters
MEMORY = 64 << 20  # bytes that RE2 may use for all rules together
LONGEST_PATTERN = 4_096  # characters
MOST_GROUPS = 5  # of digits in a card number: 4-4-4-4-3


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of secret.

    :param pattern: RE2 syntax, ``^`` and ``$`` are the line's; what its groups hold is the secret, without groups all
    :param secrets: the secrets among what a group has found, where a pattern alone cannot tell
    :param hint: a pattern that fits fewer lines, and every line with a secret
    """

    name: str
    pattern: str
    secrets: Callable[[str, Span], Iterable[Span]] | None = None
    hint: str = ''


class Rules:
    """Compiled rules.

    :raises ConfigError: when RE2 refuses them all together
    """

    def __init__(self, own: Sequence[Rule] = ()) -> None:
        rules = (*BUILT_IN, *own)
        self._rules = [(rule, _compiled(rule.pattern)) for rule in rules]
        hints = '|'.join([*(f'(?:{rule.hint or rule.pattern})' for rule in rules), HINT])
        self._any = _compiled(f'(?:{hints})', never_capture=True)
        self._any_or_unseen = _compiled(f'(?:{hints}|{UNSEEN})', never_capture=True)
        self._lines_alone = any(_ANCHORS.search(rule.pattern) for rule in own)

    def suspects(self, lines: Sequence[bytes]) -> bool:
        """Whether there may be a secret in any of these lines, or characters that could hide one from the rules."""
        text = b'\n'.join(lines)
        try:
            text.isascii() or text.decode()
        except UnicodeDecodeError:
            return True
        return (self._lines_alone and len(lines) > 1) or self._any_or_unseen.search(text) is not None

    def may_find(self, text: bytes) -> bool:
        """Whether there may be a secret in one line, as it is; in UTF-8."""
        return self._any.search(text) is not None

    def find(self, text: str) -> Iterator[tuple[Span, str]]:
        """Each secret in a line and its name. What lies inside a mark of an earlier redaction is none."""
        encoded = text.encode()
        marks = [match.span() for match in _MARK.finditer(text)] if '[redacted: ' in text else []
        for rule, pattern in self._rules:
            if pattern.search(encoded):  # many times faster than to look for characters
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


def _compiled(pattern: str, *, never_capture: bool = False) -> Any:
    """A pattern as the rules mean it.

    :raises RefusedPattern: when RE2 refuses it
    """
    return compiled(f'(?m){pattern}', memory=MEMORY, capture=not never_capture)


# -- which of what a pattern has found are secrets


def cards(text: str, run: Span) -> Iterator[Span]:
    """Payment card numbers in a run of digit groups: 13 to 19 digits, grouped as on a card, with a good check digit."""
    groups = [(run[0] + match.start(), run[0] + match.end()) for match in _DIGITS.finditer(text[slice(*run)])]
    first = 0
    while first < len(groups):
        lasts = range(min(first + MOST_GROUPS, len(groups)) - 1, first - 1, -1)
        last = next((last for last in lasts if _is_card(text, groups[first : last + 1])), None)
        if last is not None:
            yield groups[first][0], groups[last][1]
        first = (first if last is None else last) + 1


def _is_card(text: str, groups: Sequence[Span]) -> bool:
    sizes = [end - start for start, end in groups]
    if not 13 <= sum(sizes) <= 19:
        return False
    if len(sizes) > 1 and (sizes[0] != 4 or min(sizes[1:-1], default=4) < 4 or max(sizes) > 7):
        return False
    digits = ''.join(text[start:end] for start, end in groups)
    if not ('3' <= digits[0] <= '6' or '22' <= digits[:2] <= '27') or len({text[end] for _, end in groups[:-1]}) > 1:
        return False
    return _check_digit_fits(digits) and not _is_part_of_an_id(text, groups[0][0], groups[-1][1])


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


def keys(text: str, run: Span) -> Iterator[Span]:
    """An AWS secret key that nothing names: 40 characters in all, of upper and lower case and with digits."""
    found = text[slice(*run)]
    kinds = (str.islower, str.isupper, str.isdigit)
    if len(found) == 40 and text[run[1] : run[1] + 1] != '=' and all(any(map(kind, found)) for kind in kinds):
        yield run


def tokens(text: str, run: Span) -> Iterator[Span]:
    """A bearer token; ordinary words follow "bearer" too."""
    found = text[slice(*run)]
    if len(found) >= 20 or not _WORDS.fullmatch(found):
        yield run


_DOUBLED = str.maketrans('0123456789', '0246813579')  # the digits of twice as much, added
_HEX = frozenset('0123456789abcdefABCDEF-')
_DIGITS = fixed(r'[0-9]+')
_WORDS = fixed(r'[A-Za-z]?[a-z._=-]*')
_ANCHORS = fixed(r'\\[Az]|\(\?[a-zA-Z]*-')  # these do not mean the same in many lines at once
# What :func:`dashboard.ansi.unseen` finds begins with one of these.
UNSEEN = (
    r'[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\x{ad}\x{34f}\x{61c}\x{180e}\x{200b}-\x{200f}\x{2028}-\x{202e}'
    r'\x{2060}-\x{206f}\x{fe00}-\x{fe0f}\x{feff}]'
)
_MARK = fixed(r'\[redacted: [A-Za-z0-9 ]+\]')

_QUOTED = r'\\{0,3}["\x27]'  # JSON in JSON escapes its quotes
_NAMES = rf'(?:{_QUOTED})?\s*(?:=>|[:=])\s*(?:{_QUOTED}|\[)*'  # between a name and its value
_WORD = r'[^\s"\x27\\,;\]]+'
_SLASH = r'\\{0,3}/'  # JSON may escape slashes as well
_USER = r'[^\s/?#"\x27<>@:\[]*'

BUILT_IN = (
    Rule('private key', rf'(?s:{BEGIN}(?:.*?{END}|.*))'),
    # the value of several schemes is a list of parameters up to the line's end; else a scheme and a word, or a word
    Rule(
        'authorization header',
        rf'(?i:authorization{_NAMES}((?:digest|aws4-[a-z0-9-]+|hawk|oauth|signature)\s.+|{_WORD}(?:[ \t]+{_WORD})?))',
    ),
    Rule('bearer token', r'(?i:(?:bearer(?:[\s:="\x27\\]|%20)+)+([a-z0-9._~+/=%-]{6,}))', tokens),
    Rule('web token', r'eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*'),
    # a password may hold / and @; then its part before the first / must not be a port
    Rule(
        'URL credentials',
        rf':{_SLASH}{_SLASH}({_USER}:(?:[0-9]*[^0-9\s/?#"\x27<>@]|[0-9]{{6}})[^\s"\x27<>]*'
        rf'|{_USER}:[^\s/?#"\x27<>]*|[^\s/?#"\x27<>@:]{{16,}})@',
    ),
    Rule('URL credentials', r'(?i:%3a%2f%2f([^\s"\x27<>&/?]*%3a[^\s"\x27<>&/?]*)%40)'),  # a URL in another one
    Rule('AWS key', rf'(?i:(?:session|security)[_-]?token{_NAMES}([a-z0-9/+=%]{{100,}}))'),
    Rule('AWS key', r'(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA|ANVA|AIPA|ABIA|ACCA)[A-Z0-9]{16}'),
    Rule('AWS key', rf'(?i:secret_?(?:access_?)?key(?:{_NAMES}|\s+)([a-z0-9/+]{{40}}))'),
    Rule('AWS key', r'[A-Za-z0-9/+]{40,}', keys, hint=r'(?:^|[^A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?:$|[^A-Za-z0-9/+=])'),
    Rule('card number', r'(?:^|[^0-9])((?:[3-6][0-9]|2[2-7])(?:[ \x{a0}\x{2009}\x{202f}-]?[0-9]){11,})', cards),
)


def _lies_in(marks: Sequence[Span], span: Span) -> bool:
    index = bisect_right(marks, span[0], key=itemgetter(0)) - 1
    return index >= 0 and span[1] <= marks[index][1]


def _found(rule: Rule, pattern: Any, text: str) -> Iterator[Span]:
    for match in pattern.finditer(text):
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
