"""What the selector offers, and in which order."""

from __future__ import annotations

import pytest

from dashboard.model import Container, Service, ServiceKey
from dashboard.pages.logs.choices import choices, state_of


def service(name='web', *statuses, project='shop', health='none', code=None):
    key = ServiceKey('local', project, name)
    found = [
        Container(f'{name}{number}', name, key, 'image', status, health, exit_code=code)
        for number, status in enumerate(statuses or ('running',))
    ]
    return Service(key, tuple(found))


def offered(*services, chosen=''):
    return choices(services, lambda key: key.name, chosen)


@pytest.mark.parametrize(
    ('one', 'state'),
    [
        (service(), ('running', 'good')),
        (service(health='healthy'), ('running', 'good')),
        (service(health='unhealthy'), ('unhealthy', 'bad')),
        (service(health='starting'), ('starting', 'busy')),
        (service('web', 'running', 'exited', 'running'), ('running, 2 of 3', 'good')),
        (service('web', 'paused'), ('paused', 'busy')),
        (service('web', 'restarting', code=1), ('restarting (1)', 'busy')),
        (service('web', 'exited', code=137), ('exited (137)', 'bad')),
        (service('web', 'exited', code=0), ('exited (0)', 'idle')),
        (service('web', 'created'), ('created', 'idle')),
    ],
)
def test_a_service_says_how_it_is(one, state):
    assert state_of(one) == state


def test_those_of_a_project_stand_together_and_stopped_ones_below():
    old = service('old', 'exited', project='archive')
    down, up, blog = service('api', 'exited'), service('web'), service('blog', project='blog')
    found = offered(old, down, up, blog, service('redis', project=''))
    names = ['All services', 'blog', 'blog', 'shop', 'web', 'api', 'Without a project', 'redis', 'archive', 'old']
    assert [choice.short for choice in found] == names
    assert [choice.short for choice in found if choice.heading] == ['blog', 'shop', 'Without a project', 'archive']
    assert found[2].name == 'blog · blog'
    assert [(choice.key, choice.words) for choice in found if choice.words.startswith('all')] == [
        ('*', 'all 5'),
        ('shop:*', 'all 2'),
    ]


def test_one_project_needs_no_heading():
    assert [(choice.short, choice.name) for choice in offered(service('web'), service('api'))] == [
        ('All services', 'All services'),
        ('api', 'api'),
        ('web', 'web'),
    ]


def test_a_service_and_the_heading_above_it_are_found_by_service_and_project():
    _, heading, web, *_ = offered(service('web'), service('db', project='zoo'))
    for typed in ('web', 'shop', 'shop:we'):
        assert typed in web.found_by
        assert typed in heading.found_by


def test_the_chosen_one_is_offered_while_it_is_away():
    assert [(choice.key, choice.words) for choice in offered(service('web'), chosen='db')][1:] == [('db', 'not found')]
    assert len(offered(service('web'), chosen='web')) == 1


@pytest.mark.parametrize(
    ('chosen', 'name'),
    [
        ('web,api', 'web, api'),
        ('shop:*', 'All of shop'),
        ('shop:*,web', 'all of shop, web'),
        ('*', 'All services'),
        ('web,nothing', 'web,nothing (not found)'),
    ],
)
def test_several_that_are_chosen_are_offered_by_their_names(chosen, name):
    found = {choice.key: choice.name for choice in offered(service('web'), service('api'), chosen=chosen)}
    assert found[chosen] == name


def test_services_of_which_only_kept_lines_are_left_stand_below_with_when():
    gone = {ServiceKey('local', 'shop', 'mail'): '14:02', ServiceKey('local', 'blog', 'web'): '2026-11-20 09:00'}
    names = {'mail': 'mail', 'web': 'blog:web'}
    found = choices([service()], lambda key: names[key.name] if key in gone else key.name, '', gone)
    assert [(choice.key, choice.short, choice.words) for choice in found] == [
        ('web', 'web', 'running'),
        ('\n\n', 'No longer running', ''),
        ('mail', 'mail · shop', 'last line 14:02'),
        ('blog:web', 'web · blog', 'last line 2026-11-20 09:00'),
    ]
    assert found[1].shown['disable']
