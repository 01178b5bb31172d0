"""What of a line is read first: the message of JSON and logfmt, and behind it, dim, its other fields.

A line is taken apart when it is shown and not before. What of it is shown is bounded; all of it is in the download.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dashboard.lines import PLAIN, Field, Fields, Kind, Style, fields_of, visible

MOST_FIELDS = 60  # shown of a line
LONGEST_VALUE = 300  # characters shown of a value
DIM = Style(dim=True)


@dataclass(frozen=True, slots=True)
class Told:
    """A line taken apart.

    :param message: may be empty, may hold control sequences, and may be as long as the line
    :param behind: the other fields, as visible text with a space before it, in its style
    :param more: how many fields are left out
    """

    message: str
    behind: tuple[Style, str]
    more: int


def told(content: bytes) -> Told | None:
    """How a line is told by its fields; None when it has none, or is told best as it is.

    What a program coloured itself stays as it is.
    """
    if b'\x1b' in content or not (content[:1] in _OBJECT or b'=' in content):
        return None
    fields = fields_of(content)
    if fields.kind is Kind.JSON and (fields.items or fields.message):
        return _told(fields)
    return _told(fields) if fields.kind is Kind.LOGFMT and fields.message else None


def _told(fields: Fields) -> Told:
    others = list(fields.items)
    message = next((field for field in others if fields.message_name and field.name == fields.message_name), None)
    if message is not None:
        others.remove(message)
    more = fields.more + max(0, len(others) - MOST_FIELDS)
    pairs = ' '.join(map(_written, others[:MOST_FIELDS]))
    gap = ' ' if fields.message and pairs else ''
    return Told(fields.message, (DIM if fields.message else PLAIN, gap + pairs), more)


def _written(field: Field) -> str:
    text = visible(field.text if len(field.text) <= LONGEST_VALUE else f'{field.text[:LONGEST_VALUE]}…')
    if not _BARE(text):
        text = '"' + text.replace('"', '\\"') + '"'
    return f'{visible(field.name)}={text}'


_OBJECT = (b'{', b' ')
_BARE = re.compile(r'[^\s"]+|[{\[].*[}\]]', re.DOTALL).fullmatch
