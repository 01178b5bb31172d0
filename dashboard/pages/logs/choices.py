"""What the selector offers: each service with how it is, those of a project together, stopped ones below."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from dashboard.model import Service, ServiceKey
from dashboard.timeline import WHOLE

GONE = 'No longer running'
NOTHING: Mapping[ServiceKey, str] = MappingProxyType({})
NO_PROJECT = 'Without a project'
UP = {'unhealthy': ('unhealthy', 'bad'), 'starting': ('starting', 'busy')}  # health → words and kind


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of the list. ``kind`` colours its dot: good, busy, bad or idle."""

    key: str  # as in the URL
    name: str  # what the box shows when it is chosen
    short: str  # what its line shows
    words: str = ''
    kind: str = 'idle'
    found_by: str = ''  # everything that may be typed to find it
    heading: bool = False  # of the services below it; with words it can be chosen, for all of them

    @property
    def shown(self) -> dict[str, object]:
        """For the browser."""
        return {
            'name': self.name,
            'short': self.short,
            'words': self.words,
            'kind': self.kind,
            'heading': self.heading,
            'disable': self.heading and not self.words,
        }


def choices(
    services: Iterable[Service],
    name_of: Callable[[ServiceKey], str],
    chosen: str,
    gone: Mapping[ServiceKey, str] = NOTHING,
) -> tuple[Choice, ...]:
    """The list, with headings where there are several projects; ``chosen`` is offered even while it is away.

    :param gone: services that are there no longer, and when each wrote its last line, in words
    """
    projects: dict[str, list[Service]] = {}
    for service in services:
        projects.setdefault(service.key.project, []).append(service)
    several = len(projects) > 1
    found = [_all('*', 'All services', projects.values())] if sum(map(len, projects.values())) > 1 else []
    for project in sorted(projects, key=lambda project: (all(map(_is_down, projects[project])), not project, project)):
        members = [_choice(service, name_of(service.key), several) for service in sorted(projects[project], key=_rank)]
        if several:
            found.append(_heading(project, members, projects[project]))
        found += members
    found += _gone(gone, name_of)
    if chosen and chosen not in {choice.key for choice in found}:
        found.append(_chosen(chosen, {choice.key for choice in found}, projects))
    return tuple(found)


def _gone(gone: Mapping[ServiceKey, str], name_of: Callable[[ServiceKey], str]) -> list[Choice]:
    """Services of which only kept lines are left."""
    names = {key: name_of(key) for key in gone}
    several = len({key.project for key in gone}) > 1
    members = [
        Choice(
            name,
            f'{name} ({GONE.lower()})',
            f'{key.name} · {key.project}' if several and key.project else key.name,
            f'last line {gone[key]}',
            found_by=f'{key.qualified} {GONE}',
        )
        for key, name in names.items()
    ]
    found_by = '\n'.join([GONE, *(member.found_by for member in members)])
    return [Choice('\n\n', GONE, GONE, found_by=found_by, heading=True), *members] if members else []


def _chosen(name: str, keys: set[str], projects: Mapping[str, Sequence[Service]]) -> Choice:
    """What is chosen and no line of the list: several services, or one that is away."""
    several = name.split(',')
    if name.endswith(WHOLE) and len(several) == 1 and (project := name.removesuffix(WHOLE)) in projects:
        return _all(name, f'All of {project}', [projects[project]])
    missing = [one for one in several if one not in keys and one.removesuffix(WHOLE) not in projects]
    if missing:
        return Choice(name, f'{name} (not found)', name, 'not found', found_by=name)
    shown = words_of(name)
    return Choice(name, shown, shown, f'{len(several)} together', 'good', found_by=shown)


def _all(key: str, name: str, groups: Iterable[Sequence[Service]], short: str = '') -> Choice:
    """Several services as one line."""
    services = [service for group in groups for service in group]
    kinds = {state_of(service)[1] for service in services}
    kind = next((kind for kind in ('bad', 'busy', 'good') if kind in kinds), 'idle')
    return Choice(key, name, short or name, f'all {len(services)}', kind, found_by=name)


def words_of(name: str) -> str:
    """What is chosen, in words."""
    said = [f'all of {one.removesuffix(WHOLE)}' if one.endswith(WHOLE) else one for one in name.split(',')]
    return ', '.join('all services' if one == '*' else one for one in said)


def state_of(service: Service) -> tuple[str, str]:
    """How a service is, in words, and the kind of its dot."""
    if service.status == 'running':
        words, kind = UP.get(service.health, ('running', 'good'))
        running, all_ = sum(item.status == 'running' for item in service.containers), len(service.containers)
        return words if running == all_ else f'{words}, {running} of {all_}', kind
    code = service.containers[0].exit_code
    words = service.status if code is None else f'{service.status} ({code})'
    if service.status in ('restarting', 'paused'):
        return words, 'busy'
    return words, 'bad' if code or service.status == 'dead' else 'idle'


def _choice(service: Service, key: str, several: bool) -> Choice:
    words, kind = state_of(service)
    name, project = service.key.name, service.key.project
    shown = f'{name} · {project}' if several and project else name
    return Choice(key, shown, name, words, kind, found_by=f'{shown} {service.key.qualified}')


def _heading(project: str, members: Iterable[Choice], services: Sequence[Service]) -> Choice:
    """It stays in a filtered list as long as one of its members does; a project's stands for all of it."""
    words = project or NO_PROJECT
    found_by = '\n'.join([words, *(member.found_by for member in members)])
    if project and len(services) > 1:
        return replace(
            _all(f'{project}{WHOLE}', f'All of {project}', [services], project), found_by=found_by, heading=True
        )
    return Choice(f'\n{project}', words, words, found_by=found_by, heading=True)  # no service has such a name


def _is_down(service: Service) -> bool:
    return not any(container.running for container in service.containers)


def _rank(service: Service) -> tuple[bool, str]:
    return _is_down(service), service.key.name
