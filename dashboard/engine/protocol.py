"""What the rest of the product asks of a container engine."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from dashboard.model import Container, ContainerEvent, LogLine


@dataclass(frozen=True, slots=True)
class About:
    """An engine in a line."""

    name: str  # as 'Engine 28.2.2 (API 1.50)'
    ahead: float  # seconds its clock is ahead of ours, as far as an answer tells; 0 within a second


class Engine(Protocol):
    """What the rest of the product asks of a container engine; every method is safe to call from the event loop."""

    name: str  # addresses the engine in a ServiceKey
    address: str  # for people: where it is, or was sought
    joins: bool  # whether what a followed log gives of the past and what is new have no hole between them

    async def ping(self) -> None:
        """Ask for a sign of life.

        :raises EngineUnavailable: when none comes in time
        """

    async def about(self) -> About:
        """What it is, and what its clock says.

        :raises EngineUnavailable: when it does not answer
        """

    async def containers(self) -> list[Container]:
        """All containers, stopped ones too.

        :raises EngineUnavailable: when it does not answer
        """

    def events(self, since: int | None = None) -> AsyncGenerator[ContainerEvent | None, None]:
        """Container events from now on; ``None`` first, when the watch has begun. Never ends by itself.

        ``since`` (nanoseconds since the epoch) brings those after that moment which the engine remembers.

        :raises EngineUnavailable: when the watch breaks
        """

    def logs(
        self,
        container: Container,
        *,
        tail: int | None = None,
        since: int | None = None,
        until: int | None = None,
        follow: bool = False,
    ) -> AsyncGenerator[list[LogLine], None]:
        """The container's log in batches, in the engine's order.

        ``tail`` is the number of last lines (None: all), ``since`` and ``until`` (both inclusive) are nanoseconds
        since the epoch. With ``follow`` an empty batch comes once, when all that was already logged has been given,
        and the generator ends when the container stops. Closing the generator (``aclose``) closes the stream.

        :raises EngineUnavailable: when the engine cannot be reached or the stream breaks
        :raises ContainerGone: when the container does not exist
        :raises LogsUnreadable: when its log driver cannot be read
        """

    def log_file(self, container: Container) -> float | None:
        """After how many bytes of a container's log another file of it may begin.

        None where that is not known; it may be once :meth:`logs` has begun.
        """

    def rotates(self, container: Container) -> bool:
        """Whether the engine may have let go of a container's oldest lines, as far as it is known.

        It may be known once :meth:`logs` has begun.
        """

    async def close(self) -> None:
        """Close every stream."""
