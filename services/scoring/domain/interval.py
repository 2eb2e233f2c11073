"""Where a lead stood, from when to when: entries of its cycles as intervals."""

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

from services.scoring.domain.state import Cycle, Entry


class Interval(NamedTuple):
    """A status or stage from its entry until ``until``, None while it lasts. Implied ones have no length."""

    cycle: int
    entry: Entry
    until: int | None


def intervals(cycles: Sequence[Cycle]) -> list[Interval]:
    """The intervals of consecutive cycles in the order of their entries.

    A status lasts until the next one, across cycles; a stage until the next of its cycle, at most to the cycle's end.
    """
    statuses = [(cycle.number, entry) for cycle in cycles for entry in cycle.entries if entry.axis == "status"]
    stages = chain.from_iterable(_stages(cycle) for cycle in cycles)
    found = [*_lasting(statuses, None), *stages]
    return sorted(found, key=lambda interval: interval.entry.at)


def _stages(cycle: Cycle) -> Iterator[Interval]:
    return _lasting([(cycle.number, entry) for entry in cycle.entries if entry.axis == "stage"], cycle.exited_at)


def _lasting(entries: Sequence[tuple[int, Entry]], end: int | None) -> Iterator[Interval]:
    for (number, entry), (_, following) in pairwise(entries):
        yield Interval(number, entry, following.at)
    if entries:
        yield Interval(*entries[-1], end)
