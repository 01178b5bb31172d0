"""What rows of a timeline say of its containers: started, stopped, restarted, recreated, paused, removed."""

from __future__ import annotations

from dashboard.model import SECOND, Container, ContainerEvent, Notice, Service


class Notices:
    """Follows the containers of a service; a recreated one is another container in the place of the first."""

    def __init__(self, service: Service) -> None:
        self._images: dict[str, str] = {}  # by container id
        self._holders: dict[str, str] = {}  # place in the service → the container that has it
        self._ended: dict[str, str] = {}  # container id → how it ended last
        self._starved: set[str] = set()  # containers that have run out of memory since they started
        self._listed: set[str] = set()  # containers whose start was seen in a listing, before its event
        self._running = {container.id for container in service.containers if container.running}
        for container in reversed(service.containers):
            self._take_place(container.id, container.image, container.replica)

    def of(self, event: ContainerEvent) -> Notice | None:
        """The row for an event; None for one that is no news to a reader of logs."""
        words = self._words(event)
        return Notice(event.timestamp, f'{event.name} {words}') if words else None

    def missed(self, service: Service) -> list[Notice]:
        """The rows for what a listing shows and no event has told."""
        self._running = {container.id for container in service.containers if container.running}
        return [notice for container in service.containers if (notice := self._unheard(container))]

    def _words(self, event: ContainerEvent) -> str:
        match event.action:
            case 'start':
                return self._start(event)
            case 'die':
                self._running.discard(event.container_id)
                self._ended[event.container_id] = how = self._how(event)
                return f'stopped{how}'
            case 'oom':
                self._starved.add(event.container_id)
                return 'ran out of memory'
            case 'destroy':
                self._running.discard(event.container_id)
                self._ended.pop(event.container_id, None)
                return 'was removed'
            case _:
                return _PLAIN.get(event.action, '')

    def _how(self, event: ContainerEvent) -> str:
        code = event.attributes.get('exitCode', '')
        starved = event.container_id in self._starved
        self._starved.discard(event.container_id)
        return (f', exit code {code}' if code else '') + (', out of memory' if starved else '')

    def _start(self, event: ContainerEvent) -> str:
        identity = event.container_id
        if identity in self._listed:
            self._listed.discard(identity)
            return ''
        recreated = self._take_place(identity, event.image, event.replica)
        self._running.add(identity)
        ended = self._ended.pop(identity, None)
        return recreated or ('started' if ended is None else f'restarted{ended}')

    def _unheard(self, container: Container) -> Notice | None:
        if container.id in self._images or not container.running:
            return None
        words = self._take_place(container.id, container.image, container.replica)
        self._listed.add(container.id)
        return Notice(container.created * SECOND, f'{container.name} {words or "started"}')

    def _take_place(self, identity: str, image: str, replica: str) -> str:
        """Note who has a place now; words when it was another container's, which runs no more."""
        before = self._holders.get(replica)
        self._holders[replica], self._images[identity] = identity, image
        if before is None or before == identity or before in self._running:
            return ''
        old = self._images.pop(before, '')
        return f'recreated: image {old} → {image}' if old != image else f'recreated: image {image}'


_PLAIN = {'pause': 'paused', 'unpause': 'goes on after a pause'}
