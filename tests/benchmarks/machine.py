"""What the benchmarks measure with: clocks, processes, containers that write stamped lines."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PAYLOAD = 'GET /orders/4711 200 12 ms user=ann agent=Mozilla/5.0 (X11; Linux)'  # 95 bytes with its stamps
FULL_SPEED = 0
TICKS = 10  # a second
STAMP = r'@(\d+\.\d\d)'  # seconds since boot


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used so far."""

    seconds: float
    cpu: float  # seconds
    memory: float  # MiB, now


def usage(pid: int) -> Usage:
    """Of one process, from /proc."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    ticks = int(fields[11]) + int(fields[12])
    status = Path(f'/proc/{pid}/status').read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith('VmRSS'))
    return Usage(time.monotonic(), ticks / os.sysconf('SC_CLK_TCK'), resident / 1024)


def cores(before: Usage, after: Usage) -> float:
    """Cores kept busy between two looks."""
    return (after.cpu - before.cpu) / (after.seconds - before.seconds)


def boot_time() -> float:
    """Seconds since the epoch at which the stamps begin."""
    return time.time() - float(Path('/proc/uptime').read_text().split()[0])


def writer(rate: int, fields: str = '') -> str:
    """A shell command that writes lines stamped with the moment of writing, to a hundredth of a second.

    :param fields: stand behind what every line says

    busybox has no clock below a second but this one, and it costs no process.
    """
    said = f'{PAYLOAD} {fields}'.rstrip()
    count = rate // TICKS if rate else 5_000
    pause = f'usleep {1_000_000 // TICKS - 8_000}' if rate else ':'
    return f'while read up idle < /proc/uptime; do yes "@$up {said}" | head -n {count}; {pause}; done'


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share lies; nan of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float('nan')


def spread(values: Sequence[float]) -> str:
    """p50 / p95 / max of seconds, in milliseconds."""
    return ' / '.join(f'{percentile(values, share) * 1_000:,.0f}' for share in (0.5, 0.95, 1.0)) + ' ms'


def engine_streams(pid: int) -> int:
    """Threads of the server: every stream it has open to an engine is read by one of its own."""
    lines = Path(f'/proc/{pid}/status').read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith('Threads'))
