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
    _seen: dict[Partition, int] = field(default_factory=dict, init=False)
    _moved_at: dict[Partition, float] = field(default_factory=dict, init=False)

    def stuck(
        self, now: float, ends: Mapping[Partition, int], positions: Mapping[Partition, int], assigned: Set[Partition]
    ) -> frozenset[Partition]:
        """The partitions that got nowhere for too long. ``now`` is in monotonic seconds."""
        watched = assigned or ends.keys()
        waiting = {partition for partition in watched if ends.get(partition, 0) > positions.get(partition, 0)}
        for partition in ends:
            position = positions.get(partition, 0)
            if partition not in waiting or self._seen.get(partition) != position:
                self._seen[partition] = position
                self._moved_at[partition] = now
        return frozenset(p for p in waiting if now - self._moved_at.get(p, now) >= self.patience_seconds)

    def reset(self) -> None:
        """Give everything its full patience again, after something was done about it."""
        self._moved_at.clear()
        self._seen.clear()


def lag(ends: Mapping[Partition, int], positions: Mapping[Partition, int]) -> int:
    """Records not yet processed, over all partitions; offsets may have gaps, so it is an upper bound."""
    return sum(max(0, end - positions.get(partition, 0)) for partition, end in ends.items())
