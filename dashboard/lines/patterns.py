"""RE2, which runs other people's patterns in linear time: how they are compiled, and why one is refused."""

from __future__ import annotations

from typing import Any, TypeAlias

import re2

Pattern: TypeAlias = Any  # RE2 ships no types; it has the methods of re.Pattern

RefusedPattern: type[Exception] = re2.error


def compiled(pattern: str, *, memory: int, case: bool = True, capture: bool = True) -> Pattern:
    """A compiled pattern.

    :param memory: bytes that RE2 may use for it
    :param case: whether upper and lower case differ
    :param capture: whether its groups are wanted; without them it is faster
    :raises RefusedPattern: when RE2 refuses it
    """
    options = re2.Options()
    options.max_mem = memory
    options.case_sensitive = case
    options.never_capture = not capture
    options.log_errors = False  # its words may hold what was typed, and go to standard error as they are
    made = re2.compile(pattern, options)
    re2.purge()  # else it keeps the last 128 of what people typed, with all the memory that each has ever used
    return made


def steps(pattern: Pattern) -> int:
    """How long RE2's program is: where its fast way needs too much memory, a byte of text costs a share of it."""
    return int(getattr(pattern, 'programsize', 1))  # 1 of Python's, which find nothing but a text


def fixed(pattern: str) -> Pattern:
    """A pattern of the program's own, which RE2 takes."""
    return re2.compile(pattern)


def reason_of(error: Exception) -> str:
    """Why RE2 refused a pattern, in its words."""
    first = error.args[0] if error.args else ''
    return first.decode('utf-8', 'replace') if isinstance(first, bytes) else str(first)
