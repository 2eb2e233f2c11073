"""How the counts of one funnel lie side by side in a row of numbers."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from services.metrics.domain.cycle import ENDS, STEPS
from services.metrics.domain.duration import BUCKET_COUNT, WINDOWS, buckets_within
from services.metrics.domain.measure import MEASURE_LIMIT, Kind, measure
from services.metrics.domain.question import Basis

Row = npt.NDArray[np.int64]
"""Counts with the columns of a layout, or a table of such rows."""

_CLASSES: Final = len(WINDOWS) + 1
_LAST: Final = len(STEPS) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Columns of a funnel from step ``entry`` on: entered, by time from first and from previous, and how cycles ended.

    ``column`` maps a measure to its column, or -1 when the funnel does not need it. Blocks are (start, count): the
    counts of each step in ``entered``, buckets of each later step in ``first`` and, but for the second, ``previous``;
    window classes (or one) of each step and end in ``left``.
    """

    basis: Basis
    entry: int
    column: npt.NDArray[np.int32]
    first: int
    previous: int
    left: int
    classes: int
    width: int

    @property
    def steps(self) -> int:
        """How many steps the funnel has."""
        return len(STEPS) - self.entry

    @property
    def measures(self) -> str:
        """The measures it needs, as a multirange in text."""
        needed = np.flatnonzero(self.column >= 0)
        breaks = np.flatnonzero(np.diff(needed) > 1)
        lows = [needed[0], *needed[breaks + 1]]
        highs = [*needed[breaks], needed[-1]]
        return "{" + ",".join(f"[{low},{high}]" for low, high in zip(lows, highs, strict=True)) + "}"


@cache
def layout(basis: Basis, entry: int) -> Layout:
    """The layout of a basis and a first step."""
    column = np.full(MEASURE_LIMIT, -1, dtype=np.int32)
    later = range(entry + 1, _LAST + 1)
    first = _place_entered(column, basis, entry)
    previous = first + len(later) * BUCKET_COUNT
    left = previous + max(len(later) - 1, 0) * BUCKET_COUNT
    for place, last in enumerate(later):
        kind = Kind.REACHED if basis is Basis.COHORT else Kind.MOVED
        _place_buckets(column, measure(kind, entry, last), first + place * BUCKET_COUNT)
        if place:
            start = previous + (place - 1) * BUCKET_COUNT
            before = (
                measure(Kind.ADVANCED, entry, last) if basis is Basis.COHORT else measure(Kind.MOVED, last - 1, last)
            )
            _place_buckets(column, before, start)
    classes = _CLASSES if basis is Basis.COHORT else 1
    width = _place_ends(column, basis, entry, left, classes)
    return Layout(basis, entry, column, first, previous, left, classes, width)


def window_classes(window: int | None, classes: int) -> int:
    """How many leading window classes hold the endings within a window."""
    return classes if window is None else WINDOWS.index(window) + 1


def _place_entered(column: npt.NDArray[np.int32], basis: Basis, entry: int) -> int:
    steps = (entry,) if basis is Basis.COHORT else range(entry, _LAST + 1)
    for place, step in enumerate(steps):
        column[measure(Kind.ENTERED, step, step)] = place
    return len(steps)


def _place_buckets(column: npt.NDArray[np.int32], start: int, place: int) -> None:
    column[start : start + BUCKET_COUNT] = np.arange(place, place + BUCKET_COUNT)


def _place_ends(column: npt.NDArray[np.int32], basis: Basis, entry: int, place: int, classes: int) -> int:
    bounds = [buckets_within(window) for window in WINDOWS]
    class_of_bucket = np.searchsorted(bounds, np.arange(BUCKET_COUNT), side="right") if classes > 1 else 0
    for last in range(entry, _LAST + 1):
        for end in range(len(ENDS)):
            kind, first = (Kind.LEFT, entry) if basis is Basis.COHORT else (Kind.ENDED, last)
            start = measure(kind, first, last, 0, end)
            column[start : start + BUCKET_COUNT] = place + class_of_bucket
            place += classes
    return place
