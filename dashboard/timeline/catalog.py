"""What services there are, made of the containers that the engine lists, and how they are found by name."""

from __future__ import annotations

from collections.abc import Iterable

from dashboard.errors import EngineUnavailable, ServiceNotFound
from dashboard.model import Container, Service, ServiceKey


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
