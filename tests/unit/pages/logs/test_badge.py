"""The badge says what is so, the worst first."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from dashboard.errors import EngineUnavailable, RequestRefused
from dashboard.pages.logs.badge import Pace, state_of
from dashboard.timeline import EngineStatus

AWAY = EngineUnavailable('unix:///x', 'it is not there', 'Start it.')


@pytest.mark.parametrize(
    ('error', 'words'),
    [
        (AWAY, 'Engine unreachable'),
        (RequestRefused('x', 'GET /containers/json', '403 Forbidden', ''), 'Refused: GET /containers/json (403)'),
        (RequestRefused('x', 'GET /version', '500: no', ''), 'Refused: GET /version (500)'),
    ],
)
def test_an_engine_that_answers_but_refuses_is_told_from_one_that_does_not(error, words):
    status = EngineStatus(False, error, attempt=2)
    state = state_of(status, SimpleNamespace(feed=None), Pace(), chosen=True)
    assert state.words == f'{words}, try 2, next in 0 s'
    assert state.kind == 'down'
