"""Whether the cost of some work grows with the length of its input, or with its square."""

from __future__ import annotations

import time
from collections.abc import Callable


def assert_linear(work: Callable[[int], object], size: int) -> None:
    """Compare the processor time of an input with that of one 16 times as long; the square would be 256 times."""
    short, long = (min(_took(work, length) for _ in range(3)) for length in (size, 16 * size))
    assert long < 80 * max(short, 0.001), f'{long:.4f} s in place of {short:.4f} s'


def _took(work: Callable[[int], object], size: int) -> float:
    start = time.process_time()
    work(size)
    return time.process_time() - start
