"""Who did what: one JSON object a line in the data directory.

An event is one write to the end of the file, which the operating system has taken when :meth:`Audit.record` returns:
nothing waits in this process, so nothing is lost however it ends. It takes some ten microseconds.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboard.access.accounts import Accounts
from dashboard.access.failures import Failure, Failures
from dashboard.access.identity import Identity
from dashboard.access.private import make_private_directory, reason
from dashboard.config import MEBIBYTE, Settings
from dashboard.errors import AuthError, DashboardError
from dashboard.model import format_timestamp

LONGEST_VALUE = 300  # characters kept of a value that comes from outside
ADVICE = {  # by the number of the error
    errno.ENOSPC: 'make room',
    errno.EDQUOT: 'make room',
    errno.ELOOP: 'move the file itself there',
    errno.EISDIR: 'move it away',
}
UNKNOWN = '(unknown)'
Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Events, newest first; ``before`` asks for those that follow, None when there are no more."""

    events: list[Event]
    before: str | None


class Audit:
    """The log. Without a path it keeps nothing, for tests. Any thread may use it.

    :param path: of the file that is written; older ones are beside it, as ``audit.jsonl.1`` (the newest) and so on
    :param most_bytes: the size at which a file becomes an older one
    :param kept: how many older files are kept
    :param accounts: knows which names are users': people type passwords where names belong, so no other name is kept
    """

    def __init__(
        self,
        path: Path | None = None,
        most_bytes: int = 10 * MEBIBYTE,
        kept: int = 5,
        accounts: Accounts | None = None,
    ) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._kept = kept
        self._accounts = accounts
        self._lock = threading.Lock()
        self._last = 0  # nanoseconds since the epoch; no two events of a process have the same time
        self._lost = 0  # events since the file could last be written
        self._failures = Failures()

    @classmethod
    def of(cls, settings: Settings, accounts: Accounts | None = None) -> Audit:
        """In the data directory.

        :raises ConfigError: when that cannot be made
        """
        directory = settings.data_dir.expanduser()
        make_private_directory(directory)
        return cls(directory / 'audit.jsonl', settings.audit_bytes, settings.audit_files, accounts)

    # -- writing

    def record(self, event: str, who: Identity | str = '', address: str = '', **details: object) -> None:
        """Note an event. Never raises: what cannot be written is counted, and told on the console.

        :param details: numbers and short texts; never a token, a password or the text of a log
        """
        with self._lock:
            self._tell_failures()
            self._put(event, who.username if isinstance(who, Identity) else who, address, details)

    @contextmanager
    def attempt(self, event: str, who: Identity | str, address: str, **details: object) -> Iterator[None]:
        """Record ``event`` when the block succeeds, or ``event-failed`` with the reason when it is refused.

        Of failures that are alike, the first of a minute is recorded at once and the others in one line, as ``more``.

        :param who: the user, or the name that somebody who is not signed in has typed
        """
        try:
            yield
        except AuthError as error:
            details['reason'] = type(error).__name__
            user, of_stranger = (who.username, False) if isinstance(who, Identity) else (self._known(who), True)
            self._fail(Failure(f'{event}-failed', user, address, of_stranger, details))
            raise
        self.record(event, self._known(who) if self._accounts and isinstance(who, str) else who, address, **details)

    def close(self) -> None:
        """Write down what is still being counted."""
        with self._lock:
            self._tell_failures(at_once=True)

    def _fail(self, failure: Failure) -> None:
        with self._lock:
            self._tell_failures()
            if self._failures.add(failure):
                self._put(failure.event, failure.user, failure.address, failure.details)

    def _tell_failures(self, at_once: bool = False) -> None:
        for failure in self._failures.due(at_once):
            self._put(failure.event, failure.user, failure.address, failure.details)

    def _put(self, event: str, user: str, address: str, details: dict[str, object]) -> None:
        if self._path is None:
            return
        self._last = max(time.time_ns(), self._last + 1)
        line = _line(self._last, event, user, address, details)
        try:
            self._write(
                self._path, _line(self._last, 'audit-lost', '', '', {'lost': self._lost}) + line if self._lost else line
            )
        except OSError as error:
            self._lose(error)
        else:
            self._recover()

    @contextmanager
    def watching(self, who: Identity, address: str, service: str, **details: object) -> Iterator[None]:
        """Record that somebody begins to watch a service, and when they end."""
        began = time.monotonic()
        self.record('watch', who, address, service=service, **details)
        try:
            yield
        finally:
            seconds = round(time.monotonic() - began)
            self.record('watch-end', who, address, service=service, **details, seconds=seconds)

    def _known(self, username: str) -> str:
        """The name of the user, as it was made; ``UNKNOWN`` for what may be a password in the wrong field."""
        try:
            return self._accounts.users.known(username).username if self._accounts else UNKNOWN
        except DashboardError:
            return UNKNOWN

    def _write(self, path: Path, lines: bytes) -> None:
        descriptor = _open(path)
        try:
            size = os.fstat(descriptor).st_size
            if size and size + len(lines) > self._most_bytes:
                os.close(descriptor)
                descriptor = -1
                self._rotate(path)
                descriptor = _open(path)
                size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b'\n':  # the disk was full in the middle of a line
                lines = b'\n' + lines
            if os.write(descriptor, lines) < len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            if descriptor >= 0:
                os.close(descriptor)

    def _rotate(self, path: Path) -> None:
        for number in range(self._kept - 1, 0, -1):
            with suppress(FileNotFoundError):
                os.replace(_older(path, number), _older(path, number + 1))
        os.replace(path, _older(path, 1))

    def _lose(self, error: OSError) -> None:
        self._lost += 1
        if self._lost == 1:
            advice = ADVICE.get(error.errno or 0, 'let this user write it')
            _say(f'the audit log {self._path} cannot be written: {reason(error)}. Events are being lost: {advice}.')

    def _recover(self) -> None:
        if self._lost:
            _say(f'the audit log {self._path} is written again; {self._lost} events were lost.')
            self._lost = 0

    # -- reading

    def read(self, limit: int, before: str | None = None, wanted: Callable[[Event], bool] | None = None) -> Page:
        """The newest events, older than ``before`` (the time of an event), that are wanted. Blocks: it reads files."""
        with self._lock:
            self._tell_failures()
        events: list[Event] = []
        for event in self._newest_first():
            if (before is None or event['time'] < before) and (wanted is None or wanted(event)):
                if len(events) == limit:
                    return Page(events, events[-1]['time'])
                events.append(event)
        return Page(events, None)

    def _newest_first(self) -> Iterator[Event]:
        for number in range(self._kept + 1 if self._path else 0):
            try:
                content = (_older(self._path, number) if number else self._path).read_bytes()  # type: ignore[arg-type,union-attr]
            except OSError:  # there is none, or something else is in its place
                continue
            for line in reversed(content.split(b'\n')):
                with suppress(ValueError):  # half a line, of a full disk
                    event = json.loads(line)
                    if isinstance(event, dict) and isinstance(event.get('time'), str):
                        yield event


def selecting(user: str = '', event: str = '', text: str = '') -> Callable[[Event], bool]:
    """Which events to read: of a user and a kind, by their whole names, and with a text anywhere; case is ignored."""
    name, kind, words = user.casefold(), event.casefold(), text.casefold()

    def wanted(found: Event) -> bool:
        return (
            (not name or str(found.get('user', '')).casefold() == name)
            and (not kind or str(found.get('event', '')).casefold() == kind)
            and (not words or words in json.dumps(found, ensure_ascii=False).casefold())
        )

    return wanted


def _line(moment: int, event: str, user: str, address: str, details: dict[str, object]) -> bytes:
    entry = {'time': format_timestamp(moment), 'event': event, 'user': user, 'address': address, **details}
    kept = {name: _short(value) for name, value in entry.items() if value is not None}
    return json.dumps(kept, separators=(',', ':')).encode() + b'\n'  # ASCII: whatever came in, one line goes out


def _short(value: object) -> object:
    if isinstance(value, bool | int | float):
        return value
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else f'{text[:LONGEST_VALUE]}…'


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _older(path: Path, number: int) -> Path:
    return path.with_name(f'{path.name}.{number}')


def _say(words: str) -> None:
    sys.stderr.write(f'dashboard: {words}\n')
