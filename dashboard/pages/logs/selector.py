"""Where the reader chooses a service, and with how many of its last lines to begin."""

from __future__ import annotations

from nicegui import ui

from dashboard.model import Service
from dashboard.pages.logs.link import TAILS
from dashboard.pages.logs.tab import Part, Tab


class Selector(Part):
    """Two lists to choose from."""

    def __init__(self, tab: Tab) -> None:
        super().__init__(tab)
        self._box = (
            ui.select({}, with_input=True, label='Service', on_change=lambda event: tab.choose(event.value))
            .props('dense outlined options-dense hide-bottom-space popup-content-class=services')
            .classes('service')
        )
        tails = {tail: f'Last {tail}' for tail in TAILS}
        ui.select(tails, value=tab.link.tail, on_change=lambda event: tab.choose_tail(event.value)).props(
            'dense outlined options-dense aria-label="Lines to begin with"'
        ).classes('tail')

    def refresh(self) -> None:
        """Offer the services there are, and the chosen one even while it is away."""
        services, name = self.tab.hub.services, self.tab.link.service
        several = len({service.key.project for service in services if service.key.project}) > 1
        options = {self.tab.hub.name_of(service.key): _label(service, several) for service in services}
        if name:
            options.setdefault(name, f'{name} (not found)')
        if options != self._box.options or self._box.value != (name or None):
            self._box.set_options(options, value=name or None)


def _label(service: Service, several: bool) -> str:
    """What the selector calls a service; with its project where there are several."""
    name = f'{service.key.name} · {service.key.project}' if several and service.key.project else service.key.name
    return name if service.status == 'running' else f'{name} ({service.status})'
