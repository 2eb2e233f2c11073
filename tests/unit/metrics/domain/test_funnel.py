from math import ceil
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain.calendar import UTC_DAYS, Days
from services.metrics.domain.cycle import STEPS, Cycle
from services.metrics.domain.duration import WINDOWS
from services.metrics.domain.funnel import QUANTILES, Sums, read, remaining
from services.metrics.domain.layout import layout
from services.metrics.domain.measure import ENTRY
from services.metrics.domain.question import Basis
from services.metrics.domain.wilson import intervals
from shared.clock import DAY, SECOND
from tests.unit.metrics.builders import contribution, cycle

_DAYS = (Days(UTC_DAYS, ZoneInfo("UTC")),)


def _sums(cycles: list[Cycle], basis: Basis, window: int | None = None) -> Sums:
    shape = layout(basis, ENTRY)
    table = np.zeros((1, shape.width), dtype=np.int64)
    for one in cycles:
        for cell, count in contribution(one, _DAYS, {}).items():
            column = shape.column[cell.measure]
            if cell.calendar == UTC_DAYS and column >= 0:
                table[0, column] += count
    return read(shape, table, window)


_PATHS = st.lists(
    st.lists(st.integers(0, 400 * DAY), min_size=1, max_size=6).map(sorted),
    max_size=8,
)


def _cycles(paths: list[list[int]]) -> list[Cycle]:
    return [cycle(None, 1, None, **dict(zip(STEPS[ENTRY:], path, strict=False))) for path in paths]


@given(_PATHS, st.sampled_from([None, *WINDOWS]))
def test_counts_are_those_of_the_cycles_themselves(paths: list[list[int]], window: int | None) -> None:
    sums = _sums(_cycles(paths), Basis.COHORT, window)

    for place in range(6):
        within = [path for path in paths if len(path) > place and (window is None or path[place] - path[0] <= window)]
        assert sums.entered[0, place] == len(within)


@given(_PATHS)
def test_quantiles_are_as_near_as_promised(paths: list[list[int]]) -> None:
    sums = _sums(_cycles(paths), Basis.COHORT)

    for step in range(1, 6):
        for times, before in ((sums.from_first, 0), (sums.from_previous, step - 1)):
            taken = sorted(path[step] - path[before] for path in paths if len(path) > step)
            assert times.moves[0, step - 1] == len(taken)
            for place, share in enumerate(QUANTILES if taken else ()):
                exact = taken[ceil(share * len(taken)) - 1]
                found = times.seconds[0, step - 1, place] * SECOND
                assert abs(found - exact) <= max(0.05 * exact, 30 * SECOND)


@given(_PATHS)
def test_period_counts_are_moves(paths: list[list[int]]) -> None:
    sums = _sums(_cycles(paths), Basis.PERIOD)

    assert sums.entered[0].tolist() == [sum(len(path) > place for path in paths) for place in range(6)]


def test_who_neither_went_on_nor_left_remains() -> None:
    cycles = [cycle(known=0), cycle(known=0, mql=1), cycle(known=0, ended=("disqualified", 5))]

    sums = _sums(cycles, Basis.COHORT)

    assert remaining(sums)[0].tolist() == [1, 1, 0, 0, 0, 0]
    assert sums.left[0].sum(axis=1).tolist() == [1, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (0, 10, 0.0, 0.277533),
        (5, 10, 0.236593, 0.763407),
        (10, 10, 0.722467, 1.0),
        (35, 100, 0.263643, 0.447456),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson_intervals(successes: int, trials: int, low: float, high: float) -> None:
    found = intervals(np.array([successes]), np.array([trials]))

    assert [float(end[0]) for end in found] == pytest.approx([low, high], abs=1e-5)


def test_a_funnel_of_one_step_has_no_times() -> None:
    shape = layout(Basis.COHORT, len(STEPS) - 1)

    sums = read(shape, np.ones((2, shape.width), dtype=np.int64), None)

    assert (sums.entered.shape, sums.from_first.moves.shape, sums.from_previous.seconds.shape) == (
        (2, 1),
        (2, 0),
        (2, 0, 2),
    )
