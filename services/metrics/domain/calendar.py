"""Hours and local days as whole numbers.

A local day is what lies between two local midnights: days neither overlap nor leave gaps and may last 23 or 25 hours.
A midnight that a clock change skips is the instant of the change.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from shared.clock import DAY, HOUR, from_datetime

HOURS: Final = 0
"""Id of the calendar of UTC hours."""

UTC_DAYS: Final = 1
"""Id of the calendar of UTC days; the days of other zones have higher ids, per workspace."""

_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Hours:
    """UTC hours; period 0 is the first hour of 1970."""

    id: int = HOURS

    def period(self, at: int) -> int:
        """The hour that holds an instant."""
        return at // HOUR

    def start(self, period: int) -> int:
        """The first instant of an hour."""
        return period * HOUR


@dataclass(frozen=True, slots=True)
class Days:
    """Local days of a zone; period 0 is 1 January 1970. Remembers the midnights it has looked up."""

    id: int
    zone: ZoneInfo
    _starts: dict[int, int] = field(default_factory=dict, compare=False, repr=False)

    def period(self, at: int) -> int:
        """The local day that holds an instant. Zones lie less than a day from UTC, so it is a neighbour at most."""
        day = at // DAY
        if at >= self.start(day + 1):
            return day + 1
        return day if at >= self.start(day) else day - 1

    def start(self, period: int) -> int:
        """The first instant of a local day."""
        known = self._starts.get(period)
        if known is None:
            moment = datetime.combine(_EPOCH + timedelta(days=period), datetime.min.time(), tzinfo=self.zone)
            known = self._starts[period] = from_datetime(moment.astimezone(UTC))
        return known


Calendar = Hours | Days


def day_number(day: date) -> int:
    """The period of a date in any calendar of days."""
    return (day - _EPOCH).days


def aligned(calendar: Calendar, at: int) -> int | None:
    """The period that begins exactly at an instant, or None when the instant lies inside one."""
    period = calendar.period(at)
    return period if calendar.start(period) == at else None
