from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain.calendar import Days, Hours, aligned, day_number
from shared.clock import DAY, HOUR, from_datetime

_ZONES = ["UTC", "Europe/Copenhagen", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia", "America/Havana"]
_INSTANTS = st.integers(0, from_datetime(datetime(2035, 1, 1, tzinfo=UTC)))


def _length(zone: str, day: date) -> int:
    days = Days(2, ZoneInfo(zone))
    number = day_number(day)
    return days.start(number + 1) - days.start(number)


@given(st.sampled_from(_ZONES), _INSTANTS)
def test_every_instant_lies_in_exactly_one_day(zone: str, at: int) -> None:
    days = Days(2, ZoneInfo(zone))

    period = days.period(at)

    assert days.start(period) <= at < days.start(period + 1)


@given(st.sampled_from(["UTC", "Europe/Copenhagen", "Asia/Kathmandu"]), _INSTANTS)
def test_the_day_is_the_date_on_the_wall(zone: str, at: int) -> None:
    wall = datetime.fromtimestamp(at // 1_000_000, ZoneInfo(zone)).date()

    assert Days(2, ZoneInfo(zone)).period(at) == day_number(wall)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Copenhagen", date(2026, 3, 29), 23),
        ("Europe/Copenhagen", date(2026, 10, 25), 25),
        ("Europe/Copenhagen", date(2026, 6, 1), 24),
        ("America/Havana", date(2026, 3, 8), 23),
        ("Pacific/Apia", date(2011, 12, 30), 0),
    ],
)
def test_days_are_as_long_as_the_zone_makes_them(zone: str, day: date, hours: int) -> None:
    assert _length(zone, day) == hours * HOUR


def test_hours_are_those_of_utc() -> None:
    assert Hours().period(5 * HOUR + 1) == 5
    assert Hours().start(5) == 5 * HOUR


def test_only_the_start_of_a_period_is_aligned() -> None:
    days = Days(1, ZoneInfo("UTC"))

    assert aligned(days, 3 * DAY) == 3
    assert aligned(days, 3 * DAY + 1) is None
