"""The reference's funnel on facts small enough to count by eye."""

from typing import Any

from tests.reference.funnel import by, cohort, per_day, period
from tests.reference.message import DAY

FACTS: list[dict[str, Any]] = [
    {"cycle": 1, "steps": {"anonymous": 0, "known": DAY, "mql": 3 * DAY}, "dimensions": {"channel": "web"}},
    {
        "cycle": 1,
        "steps": {"anonymous": DAY, "known": DAY},
        "dimensions": {"channel": "web"},
        "exit": "lost",
        "exited_at": 4 * DAY,
    },
    {"cycle": 1, "steps": {"anonymous": 0, "known": 9 * DAY}, "dimensions": {}},
    {"cycle": 1, "steps": {"anonymous": 0}, "dimensions": {"channel": "ads"}},
]


def test_cohort_follows_those_who_entered_in_the_range() -> None:
    steps = cohort(FACTS, DAY, 2 * DAY)

    known, mql = steps["known"], steps["mql"]
    assert (known.entered, known.converted, known.still_open, dict(known.left)) == (2, 1, 0, {"lost": 1})
    assert (mql.entered, mql.converted, mql.still_open) == (1, 0, 1)
    assert mql.from_first == mql.from_previous == [2 * DAY]


def test_period_counts_moves_made_in_the_range() -> None:
    assert period(FACTS, 3 * DAY, 10 * DAY) == {"mql": 1, "lost": 1, "known": 1}


def test_groups_by_a_dimension() -> None:
    assert {value: len(facts) for value, facts in by(FACTS, "channel").items()} == {"web": 2, None: 1, "ads": 1}


def test_entries_per_day_and_channel() -> None:
    assert per_day(FACTS)[1, "web", "known"] == 2
    assert sum(per_day(FACTS).values()) == 8
