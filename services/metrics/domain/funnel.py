"""A funnel read from the sums of its cells: counts, shares, and times that half and nine tenths of the moves took."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from services.metrics.domain.cycle import ENDS
from services.metrics.domain.duration import BUCKET_COUNT, buckets_within, typical_seconds
from services.metrics.domain.layout import Layout, Row, window_classes
from services.metrics.domain.question import Basis

Counts = npt.NDArray[np.int64]
Seconds = npt.NDArray[np.float64]

QUANTILES: Final = (0.5, 0.9)


@dataclass(frozen=True, slots=True)
class Times:
    """Per row and later step: how many moves, and the seconds that each of QUANTILES of them took at most."""

    moves: Counts
    seconds: Seconds


@dataclass(frozen=True, slots=True)
class Sums:
    """Counts per row and step: who entered, and per end who left from there; then the times of each later step."""

    entered: Counts
    left: Counts
    from_first: Times
    from_previous: Times


def read(layout: Layout, table: Row, window: int | None) -> Sums:
    """Take a table of rows apart. With ``window`` only what happened within it from the first step counts.

    Times from the previous step are those of all moves, but for the second step, where it is the first.
    """
    later = layout.steps - 1
    buckets = table[:, layout.first : layout.left].reshape(len(table), -1, BUCKET_COUNT)
    if window is not None:
        buckets = buckets.copy()
        buckets[:, :later, buckets_within(window) :] = 0
    moves, seconds = _times(buckets)
    second = np.s_[:, [0, *range(later, buckets.shape[1])]] if later else np.s_[:, :0]
    return Sums(
        entered=_entered(layout, table, moves[:, :later]),
        left=_left(layout, table, window),
        from_first=Times(moves[:, :later], seconds[:, :later]),
        from_previous=Times(moves[second], seconds[second]),
    )


def remaining(sums: Sums) -> Counts:
    """Per row and step of a cohort: who neither went on nor left."""
    onward = np.concatenate((sums.entered[:, 1:], np.zeros_like(sums.entered[:, :1])), axis=1)
    found: Counts = sums.entered - onward - sums.left.sum(axis=2)
    return found


def _entered(layout: Layout, table: Row, reached: Counts) -> Counts:
    if layout.basis is Basis.PERIOD:
        return table[:, : layout.steps]
    return np.concatenate((table[:, :1], reached), axis=1)


def _left(layout: Layout, table: Row, window: int | None) -> Counts:
    by_class = table[:, layout.left :].reshape(len(table), layout.steps, len(ENDS), layout.classes)
    left: Counts = by_class[..., : window_classes(window, layout.classes)].sum(axis=3)
    return left


def _times(counts: Row) -> tuple[Counts, Seconds]:
    """Nearest rank: the smallest bucket that has at least the asked share of the moves at or below it."""
    below = np.cumsum(counts, axis=2, dtype=np.int32)
    moves = below[:, :, -1].astype(np.int64)
    typical = _typical()
    seconds = np.empty((*moves.shape, len(QUANTILES)))
    for place, share in enumerate(QUANTILES):
        rank = np.maximum(np.ceil(share * moves), 1).astype(np.int32)
        seconds[:, :, place] = typical[(below >= rank[:, :, None]).argmax(axis=2)]
    return moves, seconds


@cache
def _typical() -> Seconds:
    return np.asarray(typical_seconds())
