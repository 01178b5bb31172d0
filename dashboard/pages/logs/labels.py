"""What stands before a line to tell whose it is, where a timeline has the lines of several."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from html import escape
from zlib import crc32

from dashboard.lines import visible
from dashboard.model import Container, Service, ServiceKey

HUES = 8  # colours for the names
_HINT = 'Click: only this service. Shift and click: all but this.'


@dataclass(frozen=True, slots=True)
class Labels:
    """The form of the names: of containers, or of services.

    :param needed: whether there is more than one container
    :param services: those there are, in their order, where there are several; else none
    :param scaled: those of them that have several containers, whose number stands behind the name
    """

    needed: bool = False
    services: tuple[ServiceKey, ...] = ()
    scaled: frozenset[ServiceKey] = frozenset()

    @classmethod
    def of(cls, service: Service) -> Labels:
        """Those that the lines of a timeline need."""
        counts = Counter(container.service for container in service.containers)
        scaled = frozenset(key for key, count in counts.items() if count > 1)
        return cls(len(service.containers) > 1, tuple(sorted(counts)) if len(counts) > 1 else (), scaled)

    def html(self, container: Container) -> str:
        """The name of a line's container or service, in its colour."""
        if not self.services:
            return _name(crc32(container.name.encode()), _short(container))
        key = container.service
        text = key.name if len({other.project for other in self.services}) == 1 else key.qualified.lstrip(':')
        number = f'-{container.replica}' if key in self.scaled and container.replica else ''
        # one that has left is not among them any more
        hue = self.services.index(key) if key in self.services else crc32(key.qualified.encode())
        return _name(hue, text + number, f' data-service="{escape(key.qualified)}" title="{_HINT}"')


def _name(hue: int, text: str, attributes: str = '') -> str:
    return f'<b class="c{hue % HUES}"{attributes}>{escape(visible(text))}</b> '


def _short(container: Container) -> str:
    """The container's name without its project."""
    name, project = container.name, container.service.project
    return name.removeprefix(f'{project}-').removeprefix(f'{project}_') if project else name
