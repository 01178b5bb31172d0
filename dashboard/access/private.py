"""Directories and files that only their owner can read and change, from their first moment and under any umask.

Whoever can write to the data directory can put accounts and keys of their own there, and whoever can put a link there
chooses which file is read and which mode is changed. So neither is gone along with.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dashboard.errors import ConfigError

OWN_FILES = ('dashboard.db', 'secret.key', 'audit.jsonl')
ADVICE = 'Choose another data directory with --data-dir or DASHBOARD_DATA_DIR.'
OPEN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # neither through a link nor waiting for the end of a pipe


def make_private_directory(path: Path) -> None:
    """Make the data directory 0700. One that exists keeps its mode, and is refused when others can change it.

    :raises ConfigError: when it cannot be made, or it or a file in it does not do
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700)
        path.chmod(0o700)
    except FileExistsError:
        if not path.is_dir():
            raise ConfigError(f'{path} is not a directory. {ADVICE}') from None
    except OSError as error:
        raise ConfigError(f'{path} cannot be made: {error.strerror}. {ADVICE}') from error
    if faults := look_at_directory(path).faults:
        raise ConfigError(faults[0])


def make_private_file(path: Path, content: bytes = b'') -> None:
    """Make a file 0600 with this content. One that exists keeps its content and only has its mode mended.

    :raises ConfigError: when the directory or the file does not allow it
    """
    try:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | OPEN, 0o600)
        except FileExistsError:
            descriptor, content = os.open(path, os.O_RDONLY | OPEN), b''
        with open(descriptor, 'wb') as file:
            os.fchmod(descriptor, 0o600)
            file.write(content)
    except OSError as error:
        raise ConfigError(f'{path} cannot be used: {reason(error)}. {ADVICE}') from error


def read_private_file(path: Path) -> bytes:
    """What is in a file of the data directory.

    :raises ConfigError: when it cannot be read
    """
    try:
        with open(os.open(path, os.O_RDONLY | OPEN), 'rb') as file:
            return file.read()
    except OSError as error:
        raise ConfigError(f'{path} cannot be read: {reason(error)}. {ADVICE}') from error


def reason(error: OSError) -> str:
    """Why a file cannot be used, in words."""
    if error.errno == errno.ELOOP:
        return 'it is a symbolic link'
    return 'it is a directory' if error.errno == errno.EISDIR else error.strerror or str(error)


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory as it is found; before it is made, the last of those above it that there is."""

    exists: bool
    private: bool  # nobody else may look inside
    writable: bool
    faults: tuple[str, ...]  # why it would be refused, each with what to do
    free: int  # bytes


def look_at_directory(path: Path) -> Directory:
    """How a data directory is. Changes nothing.

    :raises ConfigError: when it is no directory, or cannot be looked at
    """
    path = path.expanduser().absolute()
    found = next(above for above in (path, *path.parents) if os.path.exists(above))
    try:
        if not found.is_dir():
            raise ConfigError(f'{found} is not a directory. {ADVICE}')
        faults = tuple(_faults(found)) if found == path else ()
        private = not found.stat().st_mode & 0o077
        return Directory(
            found == path, private, os.access(found, os.W_OK | os.X_OK), faults, shutil.disk_usage(found).free
        )
    except OSError as error:
        raise ConfigError(f'{found} cannot be looked at: {error.strerror}. {ADVICE}') from error


def _faults(path: Path) -> Iterator[str]:
    """Why others could change what is kept in a directory, or it is theirs; each with what to do."""
    place = path.resolve()
    found = place.stat()
    if found.st_uid and _is_foreign(found):  # one of root's may have been made for this user's group
        yield f'{path} belongs to {_name(found.st_uid)}. Run the dashboard as that user, or: chown it. {ADVICE}'
    if found.st_mode & stat.S_IWOTH or (found.st_mode & stat.S_IWGRP and _others_of(found.st_gid)):
        yield (
            f'Others can write to {path}, and so replace the accounts and keys in it. '
            f'If it is only for the dashboard: chmod go-w {path}. Or: {ADVICE}'
        )
    for above in place.parents:
        mode = above.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            yield f'Others can write to {above}, and so replace {path}: chmod o-w {above}. Or: {ADVICE}'
    for name in OWN_FILES:
        yield from _faults_of_file(path / name)


def _faults_of_file(path: Path) -> Iterator[str]:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISLNK(found.st_mode):
        yield f'{path} is a symbolic link, and those are not followed. Move the file itself there, or: {ADVICE}'
    elif not stat.S_ISREG(found.st_mode):
        yield f'{path} is not a file. Move it away, and start again.'
    elif _is_foreign(found):
        owner = _name(found.st_uid)
        yield f'{path} belongs to {owner}. Run the dashboard as that user, or: chown it. {ADVICE}'


def _is_foreign(found: os.stat_result) -> bool:
    """Whether another user owns it: only its owner may change a file's mode; root may in any case."""
    return os.geteuid() not in (0, found.st_uid)


def _others_of(group: int) -> set[str]:
    """Users of a group besides this one: many systems give each user a group of their own, which harms nobody."""
    members = {user.pw_name for user in pwd.getpwall() if user.pw_gid == group}
    with suppress(KeyError):  # a number that is given to a container, of which nobody has heard there
        members |= set(grp.getgrgid(group).gr_mem)
    return members - {'root', _name(os.geteuid())}


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f'user {user}'
