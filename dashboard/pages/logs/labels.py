"""What stands before a line to tell whose it is, where a timeline has the lines of several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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
    :param hues: the colours of the services there are, where there are several; else none
    :param scaled: those of them that have several containers, whose number stands behind the name
    """

    needed: bool = False
    hues: Mapping[ServiceKey, int] = field(default_factory=dict)
    scaled: frozenset[ServiceKey] = frozenset()

    @classmethod
    def of(cls, service: Service) -> Labels:
        """Those that the lines of a timeline need."""
        counts = Counter(container.service for container in service.containers)
        scaled = frozenset(key for key, count in counts.items() if count > 1)
        return cls(len(service.containers) > 1, hues_of(counts) if len(counts) > 1 else {}, scaled)

    def html(self, container: Container) -> str:
        """The name of a line's container or service, in its colour."""
        if not self.hues:
            return _name(crc32(container.name.encode()), _short(container))
        key = container.service
        shown = key.qualified.lstrip(':')  # without a project its name alone finds it
        text = key.name if len({other.project for other in self.hues}) == 1 else shown
        number = f'-{container.replica}' if key in self.scaled and container.replica else ''
        # one that has left is not among them any more
        hue = self.hues[key] if key in self.hues else _hue(key)
        return _name(hue, text + number, f' data-service="{escape(shown)}" title="{_HINT}"')


def hues_of(services: Iterable[ServiceKey]) -> dict[ServiceKey, int]:
    """Each in the colour of its name, whatever else is chosen, or in the next one while another of them has that."""
    hues: dict[ServiceKey, int] = {}
    for key in sorted(services):
        wanted = [(_hue(key) + step) % HUES for step in range(HUES)]
        hues[key] = next((hue for hue in wanted if hue not in hues.values()), wanted[0])
    return hues


def _hue(key: ServiceKey) -> int:
    return crc32(key.qualified.encode()) % HUES


def _name(hue: int, text: str, attributes: str = '') -> str:
    return f'<b class="c{hue % HUES}"{attributes}>{escape(visible(text))}</b> '


def _short(container: Container) -> str:
    """The container's name without its project."""
    name, project = container.name, container.service.project
    return name.removeprefix(f'{project}-').removeprefix(f'{project}_') if project else name
