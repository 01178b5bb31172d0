"""What the engine lists and announces, in our model: containers with their services and health, and events."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dashboard.model import SECOND, SHORT_ID, Container, ContainerEvent, ServiceKey

EXIT_CODE = re.compile(r'(?:Exited|Restarting) \((-?\d{1,10})\)')
REPLICA = 'com.docker.compose.container-number'
RECORD = 'docker-log-dashboard.record'  # a label of ours: false keeps a container's lines out of the store


def container_of(host: str, fields: Mapping[str, Any]) -> Container:
    """A container from an entry of ``/containers/json`` of the engine called ``host``."""
    labels: Mapping[str, str] = fields.get('Labels') or {}
    name = fields['Names'][0].lstrip('/') if fields.get('Names') else fields['Id'][:SHORT_ID]
    return Container(
        id=fields['Id'],
        name=name,
        service=ServiceKey(host, *_service(labels, name)),
        image=fields.get('Image', ''),
        status=fields.get('State', ''),
        health=_health(fields.get('Status', '')),
        created=int(fields.get('Created', 0)),
        replica=labels.get(REPLICA, ''),
        exit_code=_exit_code(fields.get('Status', '')),
        recorded=is_recorded(labels),
    )


def is_recorded(labels: Mapping[str, str]) -> bool:
    """Whether a container's lines may be kept."""
    return labels.get(RECORD, '').strip().lower() not in ('false', '0', 'no', 'off')


def _service(labels: Mapping[str, str], name: str) -> tuple[str, str]:
    """Compose project and service; a container without compose, and a one-off of `compose run`, is its own service."""
    project = labels.get('com.docker.compose.project', '')
    service = labels.get('com.docker.compose.service', '')
    one_off = labels.get('com.docker.compose.oneoff', '').lower() == 'true'
    return (project, service) if service and not one_off else (project, name)


def _health(status: str) -> str:
    """The engine lists health only inside words such as ``Up 3 minutes (healthy)``."""
    for words, health in (('(healthy)', 'healthy'), ('(unhealthy)', 'unhealthy'), ('(health: starting)', 'starting')):
        if words in status:
            return health
    return 'none'


def _exit_code(status: str) -> int | None:
    """It too is listed only inside words: ``Exited (137) 3 minutes ago``, ``Restarting (1) 5 seconds ago``."""
    found = EXIT_CODE.match(status)
    return int(found[1]) if found else None


def event_of(host: str, fields: Mapping[str, Any]) -> ContainerEvent:
    """An event from a document of ``/events`` of the engine called ``host``; it carries the container's labels."""
    actor = fields.get('Actor') or {}
    attributes = dict(actor.get('Attributes') or {})
    identity = actor.get('ID') or fields.get('id') or ''
    name = attributes.get('name', identity[:SHORT_ID])
    return ContainerEvent(
        action=fields.get('Action') or fields.get('status') or '',
        container_id=identity,
        timestamp=int(fields.get('timeNano') or int(fields.get('time', 0)) * SECOND),
        service=ServiceKey(host, *_service(attributes, name)),
        name=name,
        image=attributes.get('image', ''),
        replica=attributes.get(REPLICA, ''),
        attributes=attributes,
    )
