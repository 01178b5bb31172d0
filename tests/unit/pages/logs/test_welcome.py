"""Who has nothing to watch is told why, and what to do."""

from __future__ import annotations

from types import SimpleNamespace

from dashboard.access import EVERYTHING, Scope
from dashboard.errors import EngineUnavailable, RequestRefused
from dashboard.pages.logs.welcome import AWAY, NOTHING, REFUSED, advice_for
from dashboard.timeline import EngineStatus

AWAY_STATUS = EngineStatus(False, EngineUnavailable('unix:///x', 'it is not there', 'Start it.'))


def hub(status=EngineStatus(True), services=(), scope=EVERYTHING, project=None):  # noqa: B008 - frozen
    visitor = SimpleNamespace(scope=scope, username="o'neil")
    settings = SimpleNamespace(compose_project=project)
    return SimpleNamespace(status=status, services=services, gone={}, visitor=visitor, settings=settings)


def test_whoever_has_a_service_or_waits_for_the_first_answer_needs_no_advice():
    assert advice_for(hub(services=('web',))) is None
    assert advice_for(hub(status=EngineStatus())) is None


def test_an_engine_that_is_away_comes_before_all_else():
    assert advice_for(hub(status=AWAY_STATUS, scope=Scope(('shop/*',)), project='shop')) is AWAY


def test_a_list_that_is_refused_is_told_from_an_engine_that_is_away():
    refused = RequestRefused('unix:///x', 'GET /containers/json', '403 Forbidden', 'Let it pass.')
    assert advice_for(hub(status=EngineStatus(False, refused))) is REFUSED


def test_no_container_at_all_no_match_of_the_project_and_an_empty_scope_are_told_apart():
    assert advice_for(hub()) is NOTHING
    assert 'project shop' in advice_for(hub(project='shop')).title
    scoped = advice_for(hub(scope=Scope(('shop/web', 'shop/db')), project='shop'))
    assert 'shop/web shop/db' in scoped.words
    assert scoped.command == """python -m dashboard user scope 'o'"'"'neil' '*/*'"""
