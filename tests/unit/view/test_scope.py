"""Scopes: which services a pattern covers, and a view that has no others in it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from dashboard.access.identity import Identity
from dashboard.access.scope import EVERYTHING, Scope
from dashboard.access.visits import Visit
from dashboard.config import Settings
from dashboard.engine.demo import ScriptedEngine
from dashboard.errors import AccountError, EngineUnavailable, InvalidToken, ServiceNotFound
from dashboard.model import ServiceKey
from dashboard.timeline.hub import LogHub
from dashboard.view.lens import Redactor
from dashboard.view.view import View
from tests.support.until import PATIENCE


@pytest.mark.parametrize(
    ('pattern', 'covered', 'not_covered'),
    [
        ('shop/*', ['shop/web', 'shop/db'], ['blog/web', 'shops/web', 'Shop/web', '/shop']),
        ('*/web', ['shop/web', '/web'], ['shop/web2', 'shop/Web', 'web/db']),
        ('/*', ['/redis', '/web'], ['shop/web']),
        ('/redis', ['/redis'], ['shop/redis', '/redis2']),
        ('shop/web-[12]', ['shop/web-1'], ['shop/web-3']),
        ('shop/web?', ['shop/web1'], ['shop/web', 'shop/web12']),
        ('*/*', ['shop/web', '/redis'], []),
        ('s*/w*', ['shop/web'], ['shop/db', 'blog/web']),
    ],
)
def test_a_pattern_covers_project_and_service(pattern, covered, not_covered):
    scope = Scope.of([pattern])
    assert [name for name in covered + not_covered if scope.covers(key(name))] == covered


def test_one_of_several_patterns_is_enough_and_no_scope_is_everything():
    assert Scope.of(['shop/*', '*/web']).covers(key('blog/web'))
    assert Scope.of(None) is EVERYTHING
    assert EVERYTHING.covers(key('any/thing'))


def test_a_slash_in_a_label_does_not_reach_into_another_project():
    assert not Scope.of(['shop/*']).covers(ServiceKey('local', 'shop/x', 'web'))
    assert Scope.of(['shop?x/web']).covers(ServiceKey('local', 'shop/x', 'web'))


@pytest.mark.parametrize('patterns', [[], [''], ['shop'], ['shop/a\nb'], ['a/' + 'x' * 200], ['a/b'] * 101], ids=repr)
def test_what_is_no_pattern_is_refused_in_words(patterns):
    with pytest.raises(AccountError, match='pattern'):
        Scope.of(patterns)


def key(name: str) -> ServiceKey:
    project, _, service = name.partition('/')
    return ServiceKey('local', project, service)


# the view


def identity(*patterns: str) -> Identity:
    return Identity('bob', False, Scope(patterns), 'token', 'session', 1 << 40)


@pytest.fixture
async def engine():
    return ScriptedEngine()


@pytest.fixture
async def hub(engine):
    for project, service in (('shop', 'web'), ('shop', 'db'), ('blog', 'web'), ('', 'redis')):
        engine.write(engine.add(service, project=project), f'a line of {project}/{service}')
    async with LogHub(engine, Settings(linger=0)) as hub:
        await hub.asked()
        yield hub


@pytest.fixture
def visit():
    return Visit(identity('shop/*'))


@pytest.fixture
def view(hub, visit):
    return View(hub, visit, Redactor())


async def test_only_services_in_scope_are_there(view):
    assert sorted(service.key.name for service in view.services) == ['db', 'web']


async def test_a_name_is_not_ambiguous_because_of_services_out_of_scope(hub, view):
    with pytest.raises(ServiceNotFound, match='Several'):
        hub.find('web')
    assert view.find('web').key == key('shop/web')
    assert view.name_of(key('shop/web')) == 'web'
    assert hub.name_of(key('shop/web')) == 'shop:web'


@pytest.mark.parametrize('name', ['redis', ':redis', 'blog:web', 'no-such-service'])
async def test_a_service_out_of_scope_is_not_found_in_the_words_of_one_that_is_not_there(view, name):
    with pytest.raises(ServiceNotFound) as refusal:
        view.find(name)
    assert str(refusal.value) == f'Service {name} not found'


async def test_of_several_names_those_are_found_that_are_there_and_in_scope(view):
    some = view.select('web,redis,no-such:*', some=True)
    assert some.services == {key('shop/web')}
    assert some.missing == ('Project no-such not found', 'Service redis not found')
    with pytest.raises(ServiceNotFound, match='Service redis not found'):
        view.select('web,redis')
    with pytest.raises(ServiceNotFound, match='Service redis not found'):
        view.select('redis,no-such-service', some=True)


async def test_a_service_out_of_scope_fails_like_an_unknown_one_when_the_engine_is_away(engine, hub, view):
    engine.fail('gone fishing')
    async with hub.changes() as changes:
        async for _ in changes:
            if hub.status.error:
                break
    for name in ('redis', 'no-such-service'):
        with pytest.raises(EngineUnavailable, match='gone fishing'):
            view.find(name)


async def test_a_service_out_of_scope_cannot_be_had_by_its_key_either(hub, view):
    hidden = hub.find('redis')
    async with hub.subscribe(hidden.key, 1):
        with pytest.raises(ServiceNotFound):
            view.feed(hidden.key)
    with pytest.raises(ServiceNotFound):
        async with view.subscribe(hidden.key, 1):
            pass
    with pytest.raises(ServiceNotFound):
        await anext(view.read(hidden))


async def test_the_lines_of_a_service_in_scope_are_there(view):
    async with aclosing(view.read(view.find('web'))) as batches:
        assert [line.text async for batch in batches for line in batch] == ['a line of shop/web']


async def test_another_scope_is_a_change_and_ends_a_subscription_wherever_it_waits(view, visit):
    changes_seen = []

    async def list_services() -> None:
        async with view.changes() as changes:
            async for _ in changes:
                changes_seen.append(sorted(service.key.name for service in view.services))

    async def watch() -> None:
        async with view.subscribe(view.find('db').key, 1) as subscription:
            await anext(subscription)
            visit.change(identity('shop/web'))
            await asyncio.Event().wait()  # a client that reads nothing

    listing = asyncio.create_task(list_services())
    with pytest.raises(ServiceNotFound):
        await asyncio.wait_for(watch(), PATIENCE)
    assert changes_seen == [['db', 'web'], ['web']]
    listing.cancel()


async def test_another_scope_does_not_disturb_what_stays_in_it(engine, hub, view, visit):
    async with view.subscribe(view.find('web').key, 1) as subscription:
        await anext(subscription)
        visit.change(identity('*/web'))
        engine.write(view.find('shop:web').containers[0], 'another line')
        assert [row.text for row in await anext(subscription)] == ['another line']


async def test_the_end_of_a_visit_ends_a_subscription_and_a_download_half_way(engine, hub, view, visit):
    found = view.find('web')
    engine.write_many(found.containers[0], ['x'] * 2_500)
    reading = view.read(found)
    await anext(reading)

    async def watch() -> None:
        async with view.subscribe(found.key, 1):
            visit.change(None)
            await asyncio.Event().wait()

    with pytest.raises(InvalidToken):
        await asyncio.wait_for(watch(), PATIENCE)
    with pytest.raises(InvalidToken):
        await anext(reading)
    assert view.services == ()


async def test_a_download_ends_half_way_when_its_service_leaves_the_scope(engine, hub, view, visit):
    found = view.find('web')
    engine.write_many(found.containers[0], ['x'] * 2_500)
    async with aclosing(view.read(found)) as batches:
        await anext(batches)
        visit.change(identity('shop/db'))
        with pytest.raises(ServiceNotFound):
            await anext(batches)


async def test_a_time_limit_of_the_callers_own_stays_one(view):
    with pytest.raises(TimeoutError):
        async with view.subscribe(view.find('web').key, 1), asyncio.timeout(0):
            await asyncio.Event().wait()
