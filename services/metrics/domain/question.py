"""What is asked of a funnel, and whether cells can answer it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.metrics.domain.calendar import Calendar, Days, Hours, aligned
from services.metrics.domain.contribution import CHANNEL_CAMPAIGN, DIMENSIONS, REST, TOTAL, ValueNumbers
from services.metrics.domain.duration import WINDOWS
from services.metrics.domain.measure import ENTRY


class Basis(StrEnum):
    """Whom a funnel counts."""

    COHORT = "cohort"
    """Cycles that entered the first step in the period, and what became of them since."""
    PERIOD = "period"
    """Moves made in the period, whenever the cycle began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A funnel over ``[start, end)``: instants and ``window`` in microseconds, ``entry`` as a step's number.

    ``by`` holds at most two attributes; ``where`` maps attributes to the value asked for, None for those without one.
    """

    basis: Basis
    entry: int
    start: int
    end: int
    zone: str
    by: tuple[str, ...] = ()
    where: Mapping[str, str | None]
    window: int | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """Periods ``[first, end)`` of a calendar; those before ``mature_end`` began a whole window ago or longer."""

    calendar: Calendar
    first: int
    end: int
    mature_end: int


PAIR: Final = frozenset({"channel", "campaign"})
_HOURLY: Final = frozenset({"channel"})


def cells_for(question: Question, calendars: Sequence[Calendar], as_of: int) -> Range | None:
    """The periods of cells that answer a question exactly, or None when only the facts can."""
    if question.entry != ENTRY or (question.window is not None and question.window not in WINDOWS):
        return None
    asked = frozenset(question.by) | question.where.keys()
    if len(asked) > 1 and asked != PAIR:
        return None
    for calendar in sorted(calendars, key=lambda calendar: _preference(calendar, question.zone)):
        first, end = aligned(calendar, question.start), aligned(calendar, question.end)
        if first is not None and end is not None and (isinstance(calendar, Days) or asked <= _HOURLY):
            return Range(calendar, first, end, _mature_end(question, calendar, first, end, as_of))
    return None


def _preference(calendar: Calendar, zone: str) -> int:
    """Days of the zone asked for, then any days with the same bounds, then hours."""
    if isinstance(calendar, Hours):
        return 2
    return 0 if calendar.zone.key == zone else 1


def _mature_end(question: Question, calendar: Calendar, first: int, end: int, as_of: int) -> int:
    """The first period of which some entry is younger than the window at ``as_of``."""
    if question.window is None:
        return end
    return max(first, min(end, calendar.period(as_of - question.window)))


def dimensions_for(question: Question) -> tuple[int, ...]:
    """The dimensions whose cells are summed to answer."""
    asked = frozenset(question.by) | question.where.keys()
    single = tuple(DIMENSIONS[name] for name in sorted(asked))
    return (TOTAL, *single, CHANNEL_CAMPAIGN) if asked == PAIR else (TOTAL, *single)


def is_counted_apart(question: Question, numbers: ValueNumbers) -> bool:
    """Whether every value asked for has cells of its own; those of the rest are told apart by the facts only."""
    return all(
        value is None or numbers.get((DIMENSIONS[name], value), -1) != REST for name, value in question.where.items()
    )
