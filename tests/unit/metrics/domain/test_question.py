from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain.behind import Cell, Rest, head, of_text, tail
from services.metrics.domain.calendar import UTC_DAYS, Days, Hours
from services.metrics.domain.contribution import CHANNEL_CAMPAIGN, DIMENSIONS, TOTAL, pair
from services.metrics.domain.cycle import ATTRIBUTES, STEPS
from services.metrics.domain.definition import definition_of
from services.metrics.domain.grouping import grouped
from services.metrics.domain.question import Basis, Question, cells_for, dimensions_for, is_counted_apart
from shared.clock import DAY, HOUR
from tests.unit.metrics.builders import MIDNIGHT

_CALENDARS = (Hours(), Days(UTC_DAYS, ZoneInfo("UTC")), Days(2, ZoneInfo("Europe/Copenhagen")))
_CHANNEL, _CAMPAIGN = DIMENSIONS["channel"], DIMENSIONS["campaign"]


def _question(**given: Any) -> Question:
    defaults: dict[str, Any] = {
        "basis": Basis.COHORT,
        "entry": 1,
        "start": MIDNIGHT - 30 * DAY,
        "end": MIDNIGHT,
        "zone": "UTC",
        "where": {},
    }
    return Question(**{**defaults, **given})


@pytest.mark.parametrize(
    ("given", "calendar"),
    [
        ({}, UTC_DAYS),
        ({"zone": "Asia/Tokyo"}, UTC_DAYS),
        ({"by": ("country",)}, UTC_DAYS),
        ({"by": ("channel", "campaign")}, UTC_DAYS),
        ({"by": ("channel",), "where": {"campaign": "x"}}, UTC_DAYS),
        ({"start": MIDNIGHT - DAY - 2 * HOUR, "end": MIDNIGHT - 2 * HOUR, "by": ("country",)}, 2),
        ({"start": MIDNIGHT - HOUR, "by": ("channel",)}, 0),
        ({"start": MIDNIGHT - HOUR, "by": ("country",)}, None),
        ({"start": MIDNIGHT - HOUR - 1}, None),
        ({"by": ("channel", "country")}, None),
        ({"by": ("channel",), "where": {"country": "DK"}}, None),
        ({"window": 30 * DAY}, UTC_DAYS),
        ({"window": 31 * DAY}, None),
        ({"entry": 0}, None),
    ],
    ids=str,
)
def test_cells_answer_what_they_are_kept_for(given: dict[str, Any], calendar: int | None) -> None:
    found = cells_for(_question(**given), _CALENDARS, MIDNIGHT + DAY)

    assert (found and found.calendar.id) == calendar


def test_days_are_mature_when_their_last_entry_is_a_window_old() -> None:
    found = cells_for(_question(window=7 * DAY), _CALENDARS, MIDNIGHT + HOUR)

    assert found is not None
    assert (found.end - found.first, found.end - found.mature_end) == (30, 7)


def test_a_value_above_the_cap_is_not_counted_apart() -> None:
    numbers = {(_CAMPAIGN, "kept"): 1, (_CAMPAIGN, "rare"): 0}

    apart = [is_counted_apart(_question(where={"campaign": value}), numbers) for value in ("kept", "rare", "new", None)]

    assert apart == [True, False, True, True]


def test_pairs_are_completed_by_those_without_one_value_or_both() -> None:
    tables = {
        TOTAL: {0: np.array([10])},
        _CHANNEL: {1: np.array([6]), 2: np.array([3])},
        _CAMPAIGN: {1: np.array([5])},
        CHANNEL_CAMPAIGN: {pair(1, 1): np.array([4])},
    }
    question = _question(by=("channel", "campaign"))

    found = grouped(question, tables, {})

    assert dimensions_for(question) == (TOTAL, _CAMPAIGN, _CHANNEL, CHANNEL_CAMPAIGN)
    assert {key: int(row[0]) for key, row in found.groups.items()} == {
        (1, 1): 4,
        (1, None): 2,
        (2, None): 3,
        (None, 1): 1,
    }
    assert found.total.tolist() == [10]


def test_a_value_never_counted_has_nothing() -> None:
    tables = {TOTAL: {0: np.array([10])}, _CHANNEL: {1: np.array([6])}}

    found = grouped(_question(by=("channel",), where={"channel": "new"}), tables, {(_CHANNEL, "known"): 1})

    assert (found.total.tolist(), dict(found.groups)) == ([0], {})


_VALUES = st.one_of(
    st.none(), st.just(Rest.REST), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
)


@given(
    st.dictionaries(st.sampled_from(ATTRIBUTES), _VALUES, max_size=3),
    st.integers(0, len(STEPS) - 1),
    st.integers(0, 2**60),
    st.one_of(st.none(), st.integers(1, 2**50)),
)
def test_a_cell_survives_the_link_that_carries_it(
    where: dict[str, str | Rest | None], step: int, start: int, window: int | None
) -> None:
    cell = Cell(
        basis=Basis.PERIOD,
        entry=0,
        step=step,
        start=start,
        end=start + 1,
        window=window,
        cut=start,
        where=tuple(where.items()),
    )

    (carried,) = parse_qs(f"cell={head(cell, step)}{tail(cell)}", strict_parsing=True)["cell"]

    assert of_text(carried) == cell


def test_a_definition_says_what_is_counted_and_what_it_cost() -> None:
    cohort = definition_of(_question(window=30 * DAY), "cells")
    period = definition_of(_question(basis=Basis.PERIOD), "facts")

    assert "entered known in the period" in cohort
    assert "within 30 days" in cohort
    assert "throughput" in period
    assert "leads in range" in period
