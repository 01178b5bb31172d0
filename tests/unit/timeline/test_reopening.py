"""How long to wait before a stream is opened anew."""

from __future__ import annotations

import pytest

from dashboard.timeline.reopening import backoff


@pytest.mark.parametrize(('attempt', 'seconds'), [(1, 0.5), (2, 1), (4, 4), (5, 5), (1_100, 5), (10**6, 5)])
def test_waits_double_up_to_a_limit_however_long_the_engine_is_away(attempt, seconds):
    waits = [backoff(attempt, 0.5, 5.0) for _ in range(20)]
    assert all(0.75 * seconds <= wait <= 1.25 * seconds for wait in waits)
    assert len(set(waits)) > 1, 'those who wait for the same engine must not come back all at once'
