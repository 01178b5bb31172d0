"""How an engine keeps a container's log, as its details tell: the driver, its files, and whether it is a terminal's."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

USUAL = 20e6  # bytes of a file of the driver local by default; a log that grows larger may be emptied by others
DRIVERS = ('json-file', 'local')  # whose option says how large a file may grow
UNITS = {'': 1.0, 'k': 1e3, 'm': 1e6, 'g': 1e9, 't': 1e12}  # a file is no smaller where it counts by 1,024


class LogForm(NamedTuple):
    """How a log is kept.

    :param file: bytes after which another file may begin, at the most 20 MB; None where that is not known
    :param rotates: whether its oldest lines may go
    """

    driver: str  # '' when it is not said
    terminal: bool
    file: float | None
    rotates: bool = False


def form_of(details: dict[str, Any]) -> LogForm:
    """What a container's details say of its log."""
    driver, options = driver_of(details), _config(details).get('Config') or {}
    limit = str(options.get('max-size', '-1')).strip()
    file = bytes_of(limit) if driver in DRIVERS else None
    rotates = driver in ('local', 'journald') or limit != '-1'
    return LogForm(driver, bool(details['Config']['Tty']), file, rotates)


def driver_of(details: dict[str, Any]) -> str:
    """The log driver in a container's details; '' when they do not say."""
    return str(_config(details).get('Type', ''))


def bytes_of(size: str) -> float | None:
    """What the option ``max-size`` means: ``10m``, ``1.5 kB``, -1 for no limit. None when it means nothing."""
    if size.strip() == '-1':
        return USUAL
    match = re.fullmatch(r'(\d+(?:\.\d+)?) ?([kmgt]?)i?b?', size.strip().lower())
    return min(USUAL, float(match[1]) * UNITS[match[2]]) if match else None


def _config(details: dict[str, Any]) -> dict[str, Any]:
    return details['HostConfig'].get('LogConfig') or {}
