"""Directories and files that only their owner can read, from their first moment and under any umask."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from dashboard.errors import ConfigError

OWN_FILES = ('dashboard.db', 'secret.key', 'audit.jsonl')
ADVICE = 'Choose another data directory with --data-dir or DASHBOARD_DATA_DIR.'


def make_private_directory(path: Path) -> None:
    """Make a directory 0700. One that exists keeps its mode: it may be somebody's ``/tmp``.

    :raises ConfigError: when it cannot be made
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


def make_private_file(path: Path, content: bytes = b'') -> None:
    """Make a file 0600 with this content. One that exists keeps its content and only has its mode mended.

    :raises ConfigError: when the directory or the file does not allow it
    """
    try:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            path.chmod(0o600)
            return
        with open(descriptor, 'wb') as file:
            os.fchmod(descriptor, 0o600)
            file.write(content)
    except OSError as error:
        raise ConfigError(f'{path} cannot be written: {error.strerror}. {ADVICE}') from error


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory as it is found; before it is made, the last of those above it that there is."""

    exists: bool
    private: bool  # nobody else may look inside
    writable: bool
    foreign: tuple[str, ...]  # files of the dashboard in it that another user owns
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
        foreign = tuple(name for name in OWN_FILES if _is_foreign(found / name)) if found == path else ()
        private = not found.stat().st_mode & 0o077
        return Directory(
            found == path, private, os.access(found, os.W_OK | os.X_OK), foreign, shutil.disk_usage(found).free
        )
    except OSError as error:
        raise ConfigError(f'{found} cannot be looked at: {error.strerror}. {ADVICE}') from error


def _is_foreign(path: Path) -> bool:
    """Only its owner may change a file's mode, which is done at each start; root may in any case."""
    return path.exists() and os.geteuid() not in (0, path.stat().st_uid)
