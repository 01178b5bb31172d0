"""A question as SQL: what it finds, and perhaps more, which is asked again in Python; the definitions are there.

Of a line that is a message of its own two conditions are known: one that holds wherever the question finds it (over),
and one that holds nowhere else (under): what is denied is asked by the second. A message of several lines is looked for
by a condition that at least one of its lines fulfils. People's words are always bound and never part of the SQL.

Where secrets are hidden the question is asked of text that is not the stored one. A term is then sought only where no
mark could hold it, wholly or in part; nothing is left out because of what the stored text has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from dashboard.lines import (
    ACCESS_NAMES,
    And,
    Compares,
    Everything,
    HasField,
    HasLevel,
    HasValue,
    Level,
    Not,
    OfContainer,
    OfService,
    OfStream,
    Or,
    Order,
    Regex,
    Text,
    Tree,
    folded_text,
    levels_that,
    number_of,
)


class Said(NamedTuple):
    """A condition and the values bound in it, in their order."""

    text: str
    values: tuple[Any, ...] = ()


ALWAYS, NEVER = Said('true'), Said('false')


@dataclass(frozen=True, slots=True)
class Bounds:
    """What holds wherever something is found, and what holds nowhere else."""

    over: Said
    under: Said = NEVER


def condition(tree: Tree, hidden: Sequence[str] | None) -> Said:
    """That a line may be of a message that the question finds.

    :param hidden: the marks that stand in place of secrets for who asks; None: nothing is hidden
    """
    single, several = _single(tree, hidden).over, _several(tree, hidden)
    if single == several:
        return single
    return either([both([Said('NOT multi'), single]), both([Said('multi'), several])])


def both(parts: Iterable[Said]) -> Said:
    """That all of them hold."""
    return _joined([part for part in parts if part != ALWAYS], ' AND ', NEVER, ALWAYS)


def either(parts: Iterable[Said]) -> Said:
    """That one of them holds."""
    return _joined([part for part in parts if part != NEVER], ' OR ', ALWAYS, NEVER)


def no(part: Said) -> Said:
    """That it does not hold; no column that is asked is ever NULL."""
    if part in (ALWAYS, NEVER):
        return NEVER if part == ALWAYS else ALWAYS
    return Said(f'NOT ({part.text})', part.values)


def _joined(parts: list[Said], word: str, strongest: Said, none: Said) -> Said:
    if strongest in parts:
        return strongest
    if len(parts) < 2:
        return parts[0] if parts else none
    return Said(f'({word.join(part.text for part in parts)})', tuple(value for part in parts for value in part.values))


def _single(tree: Tree, hidden: Sequence[str] | None) -> Bounds:
    """Of a line that is a message of its own."""
    match tree:
        case And(parts) | Or(parts):
            join = both if isinstance(tree, And) else either
            each = [_single(part, hidden) for part in parts]
            return Bounds(join(bound.over for bound in each), join(bound.under for bound in each))
        case Not(part):
            inner = _single(part, hidden)
            return Bounds(no(inner.under), no(inner.over) if hidden is None else NEVER)
        case Everything():
            return Bounds(ALWAYS, ALWAYS)
        case HasLevel() | OfStream():
            exact = _leaf(tree)
            return Bounds(exact, exact)
        case Text(text):
            bounds = Bounds(_text(text), _surely(text))
        case Regex(pattern):
            bounds = Bounds(_matches(pattern), both([Said('plain'), _matches(pattern)]))
        case _:
            bounds = Bounds(_leaf(tree))
    return bounds if hidden is None else Bounds(_despite(tree, bounds.over, hidden))


def _several(tree: Tree, hidden: Sequence[str] | None) -> Said:
    """Of at least one line of a message that is found, of those that have several."""
    match tree:
        case And(parts):
            ranked = sorted((_RANK.get(type(part), len(_RANK)), index) for index, part in enumerate(parts))
            each = [_several(parts[index], hidden) for _, index in ranked]
            return next((part for part in each if part != ALWAYS), ALWAYS)
        case Or(parts):
            return either(_several(part, hidden) for part in parts)
        case Regex(pattern) if hidden is None and not _ENDS_OF_LINES.search(pattern):
            return _matches(pattern)
        case Not() | Regex() | Everything():
            return ALWAYS  # an expression may fit over the end of a line
    over = _leaf(tree)
    return over if hidden is None else _despite(tree, over, hidden)


def _leaf(tree: Tree) -> Said:
    """Of a line in which what is asked for may be found."""
    over = ALWAYS
    match tree:
        case HasLevel(order, level):
            over = _levels(order, level)
        case OfStream(stream):
            over = Said('stream = ?', (int(stream),))
        case Text(text) if '\n' not in text:
            over = _text(text)
        case HasValue(name, value) if '\n' not in value:
            over = either([both([_names(name), _value(value)]), _text(f'{name}:{value}')])
        case Compares():
            over = _number(tree)
        case HasField(name):
            over = _names(name)
        case OfContainer(name):
            over = either([Said('starts_with(container, ?)', (name.lower(),)), _holds('name', name)])
        case OfService(name):
            over = _service(name)
    return over


def _despite(tree: Tree, over: Said, hidden: Sequence[str]) -> Said:
    """The same where the text is not the stored one but has marks in place of parts of it."""
    match tree:
        case OfContainer() | OfService() | OfStream() | HasLevel():
            return over
        case Text(text):
            return ALWAYS if _may_touch(text, hidden) else over
        case HasValue(name, value):
            touched = _may_touch(name, hidden) or _may_touch(f'{name}:{value}', hidden)
            return ALWAYS if touched else either([_names(name), _text(f'{name}:{value}')])
        case Compares(name) | HasField(name):
            return ALWAYS if _may_touch(name.rpartition('.')[2], hidden) else _names(name)
    return ALWAYS


def _may_touch(text: str, marks: Sequence[str]) -> bool:
    """Whether a text may be found in a place where a mark stands, or where one begins or ends."""
    wanted = text.lower()
    for mark in (mark.lower() for mark in marks):
        if wanted in mark or mark in wanted or not wanted.isascii():
            return True
        if any(mark.startswith(wanted[-size:]) or mark.endswith(wanted[:size]) for size in range(1, len(wanted))):
            return True
    return False


def _matches(pattern: str) -> Said:
    return Said("regexp_matches(text, ?, 'i')", (pattern,))


def _text(text: str) -> Said:
    """That the text may be found, in upper or lower case."""
    return _holds('text', text)


def _holds(column: str, text: str) -> Said:
    folded = folded_text(text)
    if not folded.isascii():  # what is beyond ASCII has other cases here and there
        loose = ''.join(re.escape(sign) if sign.isascii() else '.' for sign in folded)
        return Said(f'(NOT plain AND regexp_matches({column}, ?))', (f'(?is){_twinned(loose)}',))
    if not re.search('[a-z]', folded):
        return Said(f'contains({column}, ?)', (folded,))
    found = Said(f'regexp_matches({column}, ?)', (f'(?i){re.escape(folded)}',))
    twins = Said(f'(NOT plain AND regexp_matches({column}, ?))', (f'(?i){_twinned(re.escape(folded))}',))
    return either([found, twins]) if 'i' in folded else found


def _surely(text: str) -> Said:
    """That the text is found."""
    folded = folded_text(text)
    return (
        both([Said('plain'), Said('regexp_matches(text, ?)', (f'(?i){re.escape(folded)}',))])
        if folded.isascii()
        else NEVER
    )


def _levels(order: Order, level: Level) -> Said:
    wanted = sorted(map(int, levels_that(order, level)))
    return Said(f'level IN ({", ".join(map(str, wanted))})') if wanted else NEVER


def _service(name: str) -> Said:
    folded = name.casefold()
    if not folded.isascii():
        return ALWAYS
    return Said("(lower(service) = ? OR lower(project || ':' || service) = ?)", (folded, folded))


def _names(name: str) -> Said:
    """That a line may give a value to a name; see :func:`dashboard.lines.fields.may_name`."""
    last = name.lower().rpartition('.')[2]
    if not last.isascii():
        return ALWAYS
    access = [Said("contains(text, '\"')")] if last.encode() in ACCESS_NAMES else []
    return either([_odd(), _text(last), *access])


def _value(value: str) -> Said:
    """That a line may hold the value of a field, which JSON may write in other ways."""
    number = number_of(value)
    if number is not None:
        digits = (str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)).lstrip('+-0')
        if 'e' in digits or not digits:
            return ALWAYS
        return either([_odd(), _text(digits), Said("regexp_matches(text, '[0-9.][eE]')")])
    if not re.fullmatch(r'[A-Za-z_][A-Za-z_-]*', value) or value.lower() == 'null':
        return ALWAYS
    return either([_odd(), _text(value)])


def _number(leaf: Compares) -> Said:
    """That a line may give a name a number that compares so."""
    last = leaf.name.lower().rpartition('.')[2]
    if not last.isascii():
        return ALWAYS
    number = _digits(leaf)
    named = Said('regexp_matches(text, ?)', (rf'(?i){re.escape(last)}\\*["\x27]?\s*[:=]\s*"?{number}',))
    access = {'status': rf'(?i)" {number}', 'bytes': rf'(?i)" [0-9]{{3}} {number}'}
    if last in access:
        extra = [Said('regexp_matches(text, ?)', (access[last],))]
    else:
        extra = [Said("contains(text, '\" ')")] if last.encode() in ACCESS_NAMES else []
    return either([_odd(), named, *extra])


def _digits(leaf: Compares) -> str:
    """An expression for how numbers are written that compare so, and perhaps others."""
    bound, anything = leaf.bound, r'[+.0-9-]'
    if leaf.order not in (Order.MORE, Order.AT_LEAST) or not 1 <= bound < 1e15:
        return anything
    whole = str(int(bound))
    lead, rest = whole[0], len(whole) - 1
    return rf'\+?(?:[0-9]*[{lead}-9][0-9]{{{rest}}}|[0-9]{{{rest + 2},}}|[0-9.]+e)'


def _odd() -> Said:
    """That a line may write names and values in other ways than they are read."""
    return Said("(NOT plain OR contains(text, '\\'))")


def _twinned(expression: str) -> str:
    """The expression with all that Python takes for an ``i``: RE2 knows only two of them."""
    return expression.replace('i', '[iıİ]')


# what may stand for the end of a line in an expression: classes of all but some signs, spaces, signs by their number
_ENDS_OF_LINES = re.compile(r'\\[sSWDCPpxQnvHN0-7traf]|\[\^|\[\[:\^?|\(\?[a-zA-Z]*s|[\n\t]')
_RANK: dict[type, int] = {
    OfService: 0, OfContainer: 1, OfStream: 2, Text: 3, HasValue: 4, Compares: 5, HasField: 6, HasLevel: 7,
}  # fmt: skip
