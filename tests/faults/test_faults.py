"""Nothing lost, nothing twice, nothing out of order, whatever goes wrong, on engines that the tests stop and kill."""

from __future__ import annotations

import pytest

from tests.faults.faults import FAULTS, run
from tests.support.docker_engine import PrivateEngine

pytestmark = [pytest.mark.engine, pytest.mark.browser, pytest.mark.timeout(960)]


@pytest.fixture(scope='module')
def lasting_engine(tmp_path_factory):
    """One for all the faults that it outlives."""
    engine = PrivateEngine(tmp_path_factory.mktemp('engine'))
    yield engine.start()
    engine.close()


@pytest.fixture
def engine(request, fault):
    if fault.missing:
        pytest.skip(fault.missing)
    if fault.ends_engine:
        return request.getfixturevalue('private_engine')(*fault.options, kind=fault.kind)
    return request.getfixturevalue('lasting_engine')


@pytest.mark.parametrize('fault', FAULTS, ids=lambda fault: fault.name)
def test_every_line_is_shown_once_and_in_order_though(fault, engine, tmp_path_factory, browser):
    # not tmp_path: with the name of this test the paths of the engine's sockets would be too long
    accounts, badge, resumed = run(fault, tmp_path_factory.mktemp('fault'), browser, engine)
    assert resumed
    assert accounts['download'].clean
    for viewer, account in accounts.items():
        assert account.clean, (viewer, account)
    assert any(fault.badge in words for words in badge), badge
    assert accounts['WebSocket'].in_gaps >= fault.lost
    uncertain = fault.rotates or fault.crowded  # of a killed container that is removed nobody may have seen the end
    assert uncertain or accounts['WebSocket'].in_gaps or not accounts['WebSocket'].gaps, 'nothing is missing there'
