"""What services there are, made of the containers that the engine lists, and how they are found by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from dashboard.errors import BadRequest, EngineUnavailable, ServiceNotFound
from dashboard.model import Container, Service, ServiceKey

MOST_NAMES = 100  # services that may be asked for by their names at once
WHOLE = ':*'  # stands behind the name of a project of which all services are asked for


def find_service(services: Iterable[Service], name: str, away: EngineUnavailable | None) -> Service:
    """The service of that name, or of that ``project:name``.

    :param away: why the engine cannot tell, when it does not answer
    :raises EngineUnavailable: when there is no such service and the engine is away
    :raises ServiceNotFound: when there is none, or the plain name fits several
    """
    named = [service for service in services if name in (service.key.name, service.key.qualified)]
    found = [service for service in named if service.key.qualified == name] or named
    if len(found) == 1:
        return found[0]
    if found:
        names = ' or '.join(sorted(service.key.qualified for service in found))
        raise ServiceNotFound(f'Several projects have a service {name}: ask for {names}.')
    if away:
        raise away
    raise ServiceNotFound(f'Service {name} not found')


def shortest_name(services: Iterable[Service], key: ServiceKey) -> str:
    """The shortest name that finds this service and no other."""
    namesakes = any(service.key.name == key.name and service.key != key for service in services)
    return key.qualified if namesakes else key.name


def services_of(containers: Iterable[Container]) -> tuple[Service, ...]:
    """The containers by service: running ones first, then by project and name."""
    found: dict[ServiceKey, list[Container]] = {}
    for container in containers:
        found.setdefault(container.service, []).append(container)
    services = [
        Service(key, tuple(sorted(items, key=lambda item: (-item.created, item.name)))) for key, items in found.items()
    ]
    return tuple(sorted(services, key=lambda service: (service.status != 'running', service.key)))


class Coverage(Protocol):
    """What somebody may see; equal ones cover the same."""

    def covers(self, key: ServiceKey) -> bool:
        """Whether it includes a service."""

    def __hash__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Selection:
    """Several services as one timeline: these, and all of these projects, now and as they come.

    :param text: as it was asked for: ``web,api``, ``shop:*`` or ``*``
    :param within: what the asker may see
    :param missing: in words, which of the names stand for nothing
    """

    text: str = field(compare=False)
    services: frozenset[ServiceKey]
    projects: frozenset[str]
    everything: bool = False
    within: Coverage | None = None
    missing: tuple[str, ...] = field(default=(), compare=False)

    def covers(self, key: ServiceKey) -> bool:
        """Whether a service belongs to it."""
        wanted = self.everything or key.project in self.projects or key in self.services
        return wanted and (self.within is None or self.within.covers(key))

    def of(self, services: Iterable[Service]) -> list[Service]:
        """Those that belong to it."""
        return [service for service in services if self.covers(service.key)]

    def as_service(self, services: Iterable[Service]) -> Service:
        """All their containers under one name, as a service that can be read."""
        containers = [container for service in self.of(services) for container in service.containers]
        return Service(ServiceKey('', '', self.text), tuple(containers))


Target: TypeAlias = ServiceKey | Selection  # what can be watched


def find_target(services: Sequence[Service], names: str, away: EngineUnavailable | None, some: bool = False) -> Target:
    """What a name stands for: a service, or several of them: ``web,api``, a whole project ``shop:*``, or all: ``*``.

    :param some: of several names those may be missing that stand for nothing, as long as one stands for something
    :raises BadRequest: when there are too many names
    :raises EngineUnavailable, ServiceNotFound: as :func:`find_service` does, for each name
    """
    asked = [name.strip() for name in names.split(',')]
    if len(asked) == 1 and not names.endswith('*'):
        return find_service(services, names, away).key
    if len(asked) > MOST_NAMES:
        raise BadRequest(f'{len(asked)} services are too many at once: ask for at most {MOST_NAMES}, or for a project.')
    projects = {name.removesuffix(WHOLE) for name in asked if name.endswith(WHOLE)}
    known = {service.key.project for service in services}
    errors = [ServiceNotFound(f'Project {name} not found') for name in sorted(projects - known)]
    if errors and away:
        raise away
    single = set[ServiceKey]()
    for name in asked:
        try:
            single |= set() if name.endswith('*') else {find_service(services, name, away).key}
        except ServiceNotFound as error:
            errors.append(error)
    if errors and not (some and (single or projects & known or '*' in asked)):
        raise errors[0]
    missing = tuple(map(str, errors))
    return Selection(names, frozenset(single), frozenset(projects), everything='*' in asked, missing=missing)
