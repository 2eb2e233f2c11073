"""What the loop and the relay tell about themselves; telemetry and logs listen."""

from typing import Protocol

from shared.errors import Transient
from shared.streaming.processor import Handled
from shared.streaming.types import Batch, Partition


class Observer(Protocol):
    """Hears what happened. Must neither raise nor wait."""

    def processed(self, batch: Batch, handled: Handled, seconds: float) -> None:
        """A batch was committed, after so many seconds in its transaction."""
        ...

    def fenced(self, batch: Batch) -> None:
        """Another owner had advanced the position; nothing was done."""
        ...

    def retried(self, error: Transient) -> None:
        """The log or the database was away; the same work is tried again."""
        ...

    def rebuilt(self, stuck: frozenset[Partition]) -> None:
        """The consumer got nowhere in these partitions and was made anew."""
        ...

    def lagged(self, records: int) -> None:
        """So many records of the topic are not yet processed by the group."""
        ...

    def relayed(self, rows: int, oldest_seconds: float) -> None:
        """The relay published rows; the oldest had waited so long."""
        ...


class Silent:
    """Listens to nothing."""

    def processed(self, batch: Batch, handled: Handled, seconds: float) -> None:
        """Ignore it."""

    def fenced(self, batch: Batch) -> None:
        """Ignore it."""

    def retried(self, error: Transient) -> None:
        """Ignore it."""

    def rebuilt(self, stuck: frozenset[Partition]) -> None:
        """Ignore it."""

    def lagged(self, records: int) -> None:
        """Ignore it."""

    def relayed(self, rows: int, oldest_seconds: float) -> None:
        """Ignore it."""
