"""Durations in logarithmic buckets whose sums can be corrected exactly and still give quantiles.

Bucket 0 holds no time at all (implied steps), bucket 1 up to a minute; from there each edge is at most a tenth above
the one before, up to ten years. The exact windows are edges too, so a count within a window is a sum of whole buckets.
A bucket holds the durations above its lower edge up to and including its upper edge.
"""

from bisect import bisect_left
from itertools import pairwise
from math import sqrt
from typing import Final

from shared.clock import DAY, MINUTE, SECOND

WINDOWS: Final = tuple(days * DAY for days in (7, 14, 30, 60, 90, 180, 365))
"""Windows answered exactly from the cells (microseconds, measured from the first step, inclusive)."""

PRECISION: Final = "within 5 %, or 30 seconds when that is more"
"""How far a quantile read from the buckets may be from the exact one (nearest rank)."""

_LONGEST: Final = 3650 * DAY


def _edges() -> tuple[int, ...]:
    edges = [0]
    edge = MINUTE
    while edge < _LONGEST:
        edges.append(edge)
        edge = edge * 11 // 10
    return tuple(sorted({*edges, _LONGEST, *WINDOWS}))


EDGES: Final = _edges()
"""Upper edges in microseconds, inclusive and ascending; one more bucket holds what is longer than the last."""

BUCKET_COUNT: Final = len(EDGES) + 1


def bucket(duration: int) -> int:
    """The bucket of a duration in microseconds; negative ones (a back-dated fact) count as no time."""
    return bisect_left(EDGES, duration) if duration > 0 else 0


def buckets_within(window: int) -> int:
    """How many leading buckets hold the durations up to ``window``. Raises ValueError unless it is one of WINDOWS."""
    if window not in WINDOWS:
        raise ValueError("only the standard windows are edges of buckets")
    return EDGES.index(window) + 1


def typical_seconds() -> tuple[float, ...]:
    """Per bucket the one value that stands for it: the geometric middle, half a minute for the first."""
    middles = [0.0, MINUTE / 2 / SECOND]
    middles.extend(sqrt(low * high) / SECOND for low, high in pairwise(EDGES[1:]))
    middles.append(_LONGEST / SECOND)
    return tuple(middles)
