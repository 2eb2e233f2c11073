"""What a cell counts, as one integer: a kind, the steps it is about, and a bucket of durations.

The numbers stand in the database; a change of them asks for a recount. For one kind and one first step the measures
are one contiguous range, so that a funnel reads only its own.
"""

from enum import IntEnum
from typing import Final

from services.metrics.domain.cycle import ENDS, STEPS

ENTRY: Final = STEPS.index("known")
"""The first step of the funnel that sums are kept for; funnels from another step are counted from the facts."""

_BUCKETS: Final = 256
_ENDS: Final = len(ENDS)
_STEPS: Final = len(STEPS)


class Kind(IntEnum):
    """What is counted, by the steps ``first`` and ``last``; the anchor is the instant whose hour or day counts."""

    ENTERED = 0
    """Cycles that entered ``first``; anchored there. The same number in both bases."""
    REACHED = 1
    """Cycles that entered ``first`` and later ``last``, by time between; anchored at ``first``."""
    ADVANCED = 2
    """The same, by time from the step before ``last``, where that step is not ``first``."""
    LEFT = 3
    """Cycles that entered ``first`` and ended in ``end`` from ``last``, by time from ``first``; anchored there."""
    MOVED = 4
    """Moves into ``last`` of cycles that had entered ``first``, by time between; anchored at the move."""
    ENDED = 5
    """Endings in ``end`` from ``last`` (= ``first``), by time from it; anchored at the ending."""


def measure(kind: Kind, first: int, last: int, bucket: int = 0, end: int = 0) -> int:
    """The number of a measure."""
    return (((kind * _STEPS + first) * _STEPS + last) * _ENDS + end) * _BUCKETS + bucket


MEASURE_LIMIT: Final = measure(Kind(len(Kind) - 1), _STEPS, 0)
"""All measures are below this number."""
