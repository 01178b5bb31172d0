"""Directories and files that only their owner can read, from their first moment and under any umask."""

from __future__ import annotations

import os
from pathlib import Path

from dashboard.errors import ConfigError

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
