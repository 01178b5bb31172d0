"""Nothing lost, nothing twice, nothing out of order in the store, though the dashboard is killed all the time."""

from __future__ import annotations

import pytest

from tests.faults.recorded import killed
from tests.support.docker_engine import Containers

pytestmark = [pytest.mark.engine, pytest.mark.timeout(960)]


def test_every_line_is_kept_once_and_in_order_though_the_dashboard_is_killed(engine_client, tmp_path):
    containers = Containers(engine_client)
    try:
        accounts = killed(containers, tmp_path / 'data', times=4)
    finally:
        containers.remove_all()
    for name, account in accounts.items():
        assert account.seen > 1_000, name
        assert account.clean, (name, account)
    assert [account.gaps for account in accounts.values()] == [0, 0, 1]
