"""Notices a consumer that is alive and yet gets nowhere. Group membership cannot be trusted to notice by itself."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from shared.streaming.types import Partition


@dataclass(slots=True)
class Watchdog:
    """Stuck: a partition has records past its position, and the position has not moved for ``patience_seconds``.

    Watches the partitions handed to us; all of them when we have none, because then nobody may have them.
    """

    patience_seconds: float
    _waiting: dict[Partition, tuple[int, float]] = field(default_factory=dict, init=False)

    def stuck(
        self, now: float, ends: Mapping[Partition, int], positions: Mapping[Partition, int], assigned: Set[Partition]
    ) -> frozenset[Partition]:
        """The partitions that got nowhere for too long. ``now`` is in monotonic seconds."""
        waiting = {}
        for partition in assigned or ends.keys():
            position = positions.get(partition, 0)
            if ends.get(partition, 0) > position:
                seen, since = self._waiting.get(partition, (position, now))
                waiting[partition] = (position, since if seen == position else now)
        self._waiting = waiting
        return frozenset(p for p, (_, since) in waiting.items() if now - since >= self.patience_seconds)

    def reset(self) -> None:
        """Give everything its full patience again, after something was done about it."""
        self._waiting = {}


def lag(ends: Mapping[Partition, int], positions: Mapping[Partition, int]) -> int:
    """Records not yet processed, over all partitions; offsets may have gaps, so it is an upper bound."""
    return sum(max(0, end - positions.get(partition, 0)) for partition, end in ends.items())
