from collections import Counter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain.calendar import Days, Hours
from services.metrics.domain.contribution import (
    CHANNEL_CAMPAIGN,
    DIMENSIONS,
    TOTAL,
    Cell,
    add,
    marks,
    pair,
    unpair,
)
from services.metrics.domain.cycle import ATTRIBUTES, ENDS, STEPS, Cycle, attributes_of, reached
from services.metrics.domain.duration import bucket
from services.metrics.domain.measure import ENTRY, MEASURE_LIMIT, Kind, measure
from shared.clock import DAY, HOUR
from tests.unit.metrics.builders import MIDNIGHT, contribution, cycle

_CALENDARS = (Hours(), Days(1, ZoneInfo("UTC")), Days(2, ZoneInfo("Europe/Copenhagen")))
_NUMBERS = {(dimension, value): number for dimension in range(1, 9) for number, value in enumerate("abc", start=1)}
_KNOWN, _MQL, _CUSTOMER = STEPS.index("known"), STEPS.index("mql"), STEPS.index("customer")


class _Parts(NamedTuple):
    kind: Kind
    first: int
    last: int
    end: int
    bucket: int


def parts(number: int) -> _Parts:
    """A measure taken apart."""
    rest, place = divmod(number, 256)
    rest, end = divmod(rest, len(ENDS))
    rest, last = divmod(rest, len(STEPS))
    kind, first = divmod(rest, len(STEPS))
    return _Parts(Kind(kind), first, last, end, place)


_INSTANTS = st.one_of(st.none(), st.integers(MIDNIGHT - 40 * DAY, MIDNIGHT + 40 * DAY))
_CYCLES = st.builds(
    lambda entered, touched, ended: Cycle(
        number=1,
        entered=tuple(entered),
        attributes=tuple(touched),
        ended=ended and ended[0],
        ended_at=ended and ended[1],
    ),
    st.lists(_INSTANTS, min_size=len(STEPS), max_size=len(STEPS)),
    st.lists(st.sampled_from([None, "a", "b", "c"]), min_size=len(ATTRIBUTES), max_size=len(ATTRIBUTES)),
    st.one_of(st.none(), st.tuples(st.sampled_from(ENDS), st.integers(MIDNIGHT, MIDNIGHT + 90 * DAY))),
)


def _days(cells: Counter[Cell], dimension: int = TOTAL) -> Counter[tuple[int, int]]:
    """Measures by UTC day, relative to MIDNIGHT."""
    found = {
        (cell.period - MIDNIGHT // DAY, cell.measure): count
        for cell, count in cells.items()
        if cell.calendar == 1 and cell.dimension == dimension
    }
    return Counter(found)


def test_a_lead_that_became_mql_the_next_day_is_counted_on_both_days() -> None:
    late, soon = DAY + 2 * HOUR, HOUR

    cells = contribution(cycle(known=soon, mql=late), _CALENDARS, _NUMBERS)

    assert _days(cells) == {
        (0, measure(Kind.ENTERED, _KNOWN, _KNOWN)): 1,
        (1, measure(Kind.ENTERED, _MQL, _MQL)): 1,
        (0, measure(Kind.REACHED, _KNOWN, _MQL, bucket(late - soon))): 1,
        (1, measure(Kind.MOVED, _KNOWN, _MQL, bucket(late - soon))): 1,
    }


def test_time_from_the_previous_step_is_kept_beside_that_from_the_first() -> None:
    path = cycle(known=0, mql=HOUR, sal=3 * HOUR)

    found = {parts(number) for _, number in marks(path)}

    sal = STEPS.index("sal")
    assert {(part.first, part.last, part.bucket) for part in found if part.kind is Kind.ADVANCED} == {
        (_KNOWN, sal, bucket(2 * HOUR))
    }


def test_an_ended_cycle_says_from_where_it_left_and_how_long_that_took() -> None:
    path = cycle(known=0, mql=HOUR, ended=("recycled", 5 * HOUR))

    found = Counter(parts(number)[:4] for _, number in marks(path) if parts(number).kind in {Kind.LEFT, Kind.ENDED})

    recycled = ENDS.index("recycled")
    assert found == {
        (Kind.LEFT, _KNOWN, _MQL, recycled): 1,
        (Kind.ENDED, _MQL, _MQL, recycled): 1,
    }


def test_a_step_that_was_passed_over_was_reached_with_the_next() -> None:
    assert reached(cycle(known=0, customer=HOUR)) == (
        (_KNOWN, MIDNIGHT),
        *((step, MIDNIGHT + HOUR) for step in range(_MQL, _CUSTOMER + 1)),
    )


def test_a_cycle_is_counted_in_the_day_of_each_zone() -> None:
    cells = contribution(cycle(known=DAY - HOUR), _CALENDARS, _NUMBERS)

    assert {(cell.calendar, cell.period - MIDNIGHT // DAY) for cell in cells if cell.calendar} == {(1, 0), (2, 1)}


def test_hours_are_kept_for_the_total_and_the_channel_only() -> None:
    touched = {"channel": "a", "campaign": "b", "country": "c"}

    cells = contribution(cycle(known=0, touch=touched), _CALENDARS, _NUMBERS)

    assert {cell.dimension for cell in cells if cell.calendar == 0} == {TOTAL, DIMENSIONS["channel"]}
    assert {cell.dimension for cell in cells if cell.calendar == 1} == {
        TOTAL,
        DIMENSIONS["channel"],
        DIMENSIONS["campaign"],
        DIMENSIONS["country"],
        CHANNEL_CAMPAIGN,
    }


@given(_CYCLES, _CYCLES)
def test_taking_away_what_was_added_leaves_exactly_the_other(one: Cycle, other: Cycle) -> None:
    cells = contribution(one, _CALENDARS, _NUMBERS)

    add(cells, other, 1, _CALENDARS, _NUMBERS)
    add(cells, one, -1, _CALENDARS, _NUMBERS)

    assert {cell: count for cell, count in cells.items() if count} == contribution(other, _CALENDARS, _NUMBERS)


@given(_CYCLES)
def test_every_step_is_entered_once_and_reached_once_from_the_entry(path: Cycle) -> None:
    steps = [step for step, _ in reached(path)]
    later = len([step for step in steps if step > ENTRY]) if ENTRY in steps else 0

    kinds = Counter(parts(number).kind for _, number in marks(path))

    assert kinds[Kind.ENTERED] == len(steps)
    assert kinds[Kind.REACHED] == later
    assert kinds[Kind.ADVANCED] == max(later - 1, 0)
    assert kinds[Kind.MOVED] == max(len(steps) - 1, 0) + max(later - 1, 0)
    assert kinds[Kind.ENDED] == int(bool(path.ended and steps))
    assert kinds[Kind.LEFT] == int(bool(path.ended and ENTRY in steps))


@given(_CYCLES)
def test_a_dimension_sums_to_the_total_of_those_that_have_a_value(path: Cycle) -> None:
    cells = contribution(path, _CALENDARS, _NUMBERS)

    for name, dimension in DIMENSIONS.items():
        has_value = path.attributes[ATTRIBUTES.index(name)] is not None
        assert _days(cells, dimension) == (_days(cells) if has_value else Counter())


@given(_CYCLES)
def test_measures_come_apart_as_they_were_put_together(path: Cycle) -> None:
    for _, number in marks(path):
        kind, first, last, end, place = parts(number)
        assert measure(kind, first, last, place, end) == number < MEASURE_LIMIT


def test_a_pair_of_values_comes_apart_again() -> None:
    assert unpair(pair(14, 200)) == (14, 200)


def test_values_are_cut_and_emptiness_is_no_value() -> None:
    attributes = attributes_of({"channel": "", "campaign": "x" * 300, "model_version": 3})

    assert attributes[ATTRIBUTES.index("channel")] is None
    assert attributes[ATTRIBUTES.index("campaign")] == "x" * 200
    assert attributes[ATTRIBUTES.index("model_version")] == "3"
