"""What one cycle adds to the cells.

``contribution(new) - contribution(stored)`` keeps the cells right whatever happens to a fact, so nothing here may
depend on anything but the fact, the calendars and the numbers given to attribute values (which never change).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from services.metrics.domain.calendar import HOURS, Calendar
from services.metrics.domain.cycle import ATTRIBUTES, ENDS, Cycle, reached
from services.metrics.domain.duration import bucket
from services.metrics.domain.measure import ENTRY, Kind, measure

TOTAL: Final = 0
"""The dimension that does not break down."""

DIMENSIONS: Final = {name: number for number, name in enumerate(ATTRIBUTES, start=1)}
"""Numbers of the dimensions that are attributes."""

CHANNEL_CAMPAIGN: Final = 20
"""The declared pair; its values are made by ``pair``."""

REST: Final = 0
"""The value that stands for all values above the cap of a dimension."""

_PAIR_BASE: Final = 1 << 15
_HOURLY: Final = frozenset({TOTAL, DIMENSIONS["channel"]})
_CHANNEL: Final = ATTRIBUTES.index("channel")
_CAMPAIGN: Final = ATTRIBUTES.index("campaign")

ValueNumbers = Mapping[tuple[int, str], int]
"""(dimension, value) -> number; REST for a value above the cap."""


class Cell(NamedTuple):
    """One count, without the workspace and the shard it is kept under."""

    calendar: int
    dimension: int
    period: int
    value: int
    measure: int


def pair(channel: int, campaign: int) -> int:
    """The value of CHANNEL_CAMPAIGN for two value numbers."""
    return channel * _PAIR_BASE + campaign


def unpair(value: int) -> tuple[int, int]:
    """The numbers of channel and campaign in a value of CHANNEL_CAMPAIGN."""
    return divmod(value, _PAIR_BASE)


def marks(cycle: Cycle) -> Iterator[tuple[int, int]]:
    """What the cycle counts in, as (anchor, measure): its moves, and its part in the cohort of ENTRY."""
    path = reached(cycle)
    for place, (step, at) in enumerate(path):
        yield at, measure(Kind.ENTERED, step, step)
        if place:
            before, since = path[place - 1]
            yield at, measure(Kind.MOVED, before, step, bucket(at - since))
    cohort = [(step, at) for step, at in path if step >= ENTRY]
    is_counted = bool(cohort) and cohort[0][0] == ENTRY
    if is_counted:
        yield from _of_cohort(cohort)
    if path and cycle.ended is not None and cycle.ended_at is not None:
        end, (last, since) = ENDS.index(cycle.ended), path[-1]
        yield cycle.ended_at, measure(Kind.ENDED, last, last, bucket(cycle.ended_at - since), end)
        if is_counted:
            start = cohort[0][1]
            yield start, measure(Kind.LEFT, ENTRY, last, bucket(cycle.ended_at - start), end)


def _of_cohort(path: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Steps after ENTRY by time from there and, where that is another step, from the step before."""
    start = path[0][1]
    for place, (step, at) in enumerate(path[1:], start=1):
        taken = bucket(at - start)
        yield start, measure(Kind.REACHED, ENTRY, step, taken)
        if place > 1:
            yield start, measure(Kind.ADVANCED, ENTRY, step, bucket(at - path[place - 1][1]))
            yield at, measure(Kind.MOVED, ENTRY, step, taken)


def values(cycle: Cycle, numbers: ValueNumbers) -> tuple[tuple[int, int], ...]:
    """The (dimension, value) pairs a cycle is counted under; no value, no cell (the reader takes the difference)."""
    found = [(TOTAL, 0)]
    for dimension, value in enumerate(cycle.attributes, start=1):
        if value is not None:
            found.append((dimension, numbers[dimension, value]))
    channel, campaign = cycle.attributes[_CHANNEL], cycle.attributes[_CAMPAIGN]
    if channel is not None and campaign is not None:
        both = pair(numbers[DIMENSIONS["channel"], channel], numbers[DIMENSIONS["campaign"], campaign])
        found.append((CHANNEL_CAMPAIGN, both))
    return tuple(found)


def add(cells: Counter[Cell], cycle: Cycle, sign: int, calendars: Sequence[Calendar], numbers: ValueNumbers) -> None:
    """Add a cycle's contribution to ``cells`` ``sign`` times; minus one takes it away exactly."""
    counted = list(marks(cycle))
    under = values(cycle, numbers)
    for calendar in calendars:
        hourly = calendar.id == HOURS
        dated = [(calendar.period(at), number) for at, number in counted]
        for dimension, value in under:
            if hourly and dimension not in _HOURLY:
                continue
            for period, number in dated:
                cells[Cell(calendar.id, dimension, period, value, number)] += sign
