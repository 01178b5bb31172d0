"""The wire format: what a row, a service and a status look like in JSON. The keys of the specification never change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from dashboard.model import Gap, LogLine, Row, Service, ServiceKey, Stream, format_timestamp
from dashboard.timeline import Marks, Selection, Target
from dashboard.view import View


@dataclass(frozen=True, slots=True)
class Naming:
    """What a message calls the service of a line.

    :param asked: the name that was asked for
    :param of: tells the name of each, where that stands for several
    """

    asked: str
    of: Callable[[ServiceKey], str] | None = field(default=None, compare=False)

    @classmethod
    def for_(cls, asked: str, hub: View, target: Target) -> Naming:
        """As somebody asked for a target who sees that much."""
        return cls(asked, hub.name_of if isinstance(target, Selection) else None)

    def __call__(self, key: ServiceKey) -> str:
        return self.of(key) if self.of else self.asked


def log_message(line: LogLine, service: str, cursor: object) -> dict[str, Any]:
    """A line; ``type``, ``service`` and ``content`` are the specification's. The cursor resumes after it."""
    return {
        'type': 'log',
        'service': service,
        'content': line.text,
        'timestamp': line.stamp,
        'stream': 'stderr' if line.stream == Stream.STDERR else 'stdout',
        'container': line.container.name,
        'cursor': str(cursor),
    }


def row_messages(rows: Iterable[Row], names: Naming, marks: Marks) -> list[dict[str, Any]]:
    """Lines and gaps, where ``marks`` says what came before; it goes on over them."""
    return judged_messages(((row, True) for row in rows), names, marks)


def judged_messages(rows: Iterable[tuple[Row, bool]], names: Naming, marks: Marks) -> list[dict[str, Any]]:
    """The same of those rows that are wanted; ``marks`` goes on over the others too."""
    messages, called = [], cache(names)
    for row, wanted in rows:
        marks.read_row(row)
        if not wanted:
            continue
        if isinstance(row, LogLine):
            messages.append(log_message(row, called(row.container.service), marks))
        elif isinstance(row, Gap):
            cursor = str(marks)  # none where nothing is known that came before
            whose = {'service': called(row.service)} if row.service else {}
            messages.append(gap_message(row) | whose | ({'cursor': cursor} if cursor else {}))
    return messages


def gap_message(gap: Gap) -> dict[str, Any]:
    """Lines that this client does not get: how many (null: unknown), between which timestamps, and why."""
    return {
        'type': 'gap',
        'missed': gap.missed,
        'from': format_timestamp(gap.start),
        'to': format_timestamp(gap.end),
        'reason': gap.reason,
    }


def error_message(error: object) -> dict[str, Any]:
    """Something the user must know."""
    return {'type': 'error', 'message': str(error)}


def status_message(changes: Iterable[dict[str, str]]) -> dict[str, Any]:
    """Services whose status or health has changed."""
    return {'type': 'status_update', 'changes': list(changes)}


def service_status(service: Service, name: str) -> dict[str, str]:
    """A service's status, as the specification tells it."""
    return {'service': name, 'status': service.status, 'health': service.health}


def service_details(service: Service, name: str) -> dict[str, Any]:
    """A service with its containers."""
    return {
        'name': name,
        'project': service.key.project,
        'status': service.status,
        'health': service.health,
        'containers': [
            {
                'id': container.short_id,
                'name': container.name,
                'image': container.image,
                'status': container.status,
                'health': container.health,
            }
            for container in service.containers
        ],
    }
