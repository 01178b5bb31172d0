"""How rows look in a file: as they were written, or as a JSON object a line."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import cache
from typing import Any

from dashboard.api.wire import Naming, row_messages
from dashboard.lines import Grouper
from dashboard.model import PREFIX, Gap, LogLine, Notice, Row, ServiceKey, format_timestamp
from dashboard.timeline import Marks


class Format(StrEnum):
    """The format of the file."""

    TEXT = 'text'
    JSONL = 'jsonl'


class AsText:
    """Lines as they were written, byte for byte; other rows as remarks on lines of their own.

    What a container wrote last may have no ending. Another one's line, or a remark, does not run into it; nor does its
    own next line where names stand before lines, unless that is the rest of a very long one.
    """

    def __init__(self, names: Naming, timestamps: bool) -> None:
        self._called = cache(lambda key: f'{names(key)} | '.encode()) if names.of else None
        self._start = 0 if timestamps else PREFIX
        self._unended: LogLine | None = None

    def __call__(self, rows: Iterable[Row]) -> bytes:
        parts: list[bytes] = []
        for row in rows:
            line, before = row if isinstance(row, LogLine) else None, self._unended
            same = before and line and line.container.id == before.container.id
            rest = before and same and (self._called is None or before.is_cut)
            if before and not rest:
                parts.append(b'\n')
            if self._called and not rest:
                parts.append(_whose(row, self._called))
            start = PREFIX if self._called and rest else self._start
            parts.append(line.record[start:] if line else _remark(row))
            self._unended = None if line is None or line.record.endswith(b'\n') else line
        return b''.join(parts)


class AsJsonLines:
    """Messages of the WebSocket, and beside what these have the ``level`` of a line's message, as far as it has come.

    What is not UTF-8 shows as U+FFFD in ``content``; then ``bytes`` has the line's own bytes, in base64.

    :param marks: what came before the first row
    """

    def __init__(self, names: Naming, marks: Marks) -> None:
        self._names = names
        self._marks = marks
        self._grouper = Grouper()

    def __call__(self, rows: Iterable[Row]) -> bytes:
        told = [row for row in rows if not isinstance(row, Notice)]
        messages = row_messages(told, self._names, self._marks)
        for row, message, part in zip(told, messages, self._grouper.feed(told), strict=True):
            if isinstance(row, LogLine) and part:
                message.update({'level': part.level.name.lower()} | _exact(row, message['content']))
        return ''.join(json.dumps(message, ensure_ascii=False) + '\n' for message in messages).encode()


def file_name(service: str, format: Format, times: Iterable[int | None] = ()) -> str:
    """What a browser calls the file; the times between which its lines are, if any, stand in it."""
    safe = re.sub(r'[^A-Za-z0-9._-]', '_', service).lstrip('.') or 'service'
    stamps = ''.join(f'-{_compact(moment)}' for moment in times if moment is not None)
    return f'{safe}-logs{stamps}.{"jsonl" if format is Format.JSONL else "txt"}'


def _exact(line: LogLine, content: str) -> dict[str, Any]:
    """The bytes of a line without its ending, where the content does not tell them."""
    written = line.record[PREFIX:].removesuffix(b'\n').removesuffix(b'\r')
    return {} if content.encode() == written else {'bytes': b64encode(written).decode()}


def _compact(moment: int) -> str:
    """``20260102T030405Z``"""
    return re.sub(r'[-:]|\..*', '', format_timestamp(moment)) + 'Z'


def _whose(row: Row, called: Callable[[ServiceKey], bytes]) -> bytes:
    """The name of a line's service, as it stands before it in ``docker compose logs``."""
    key = row.container.service if isinstance(row, LogLine) else row.service if isinstance(row, Gap) else None
    return called(key) if key else b''


def _remark(row: Row) -> bytes:
    """A row that is no line, in words."""
    if isinstance(row, Gap):
        missed = 'an unknown number of' if row.missed is None else f'{row.missed:,}'
        between = f'between {format_timestamp(row.start)} and {format_timestamp(row.end)}'
        return f'--- {missed} lines missed {between}: {row.reason} ---\n'.encode()
    return f'--- {format_timestamp(row.timestamp)} {row.text} ---\n'.encode()
