"""Time as an argument: a port with two implementations, so that no test sleeps.

All instants inside the product are whole microseconds since 1970 in UTC (``int``); text and zones exist only at
the edges.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Clock(Protocol):
    """Tells the present instant in microseconds."""

    def now(self) -> int:
        """Microseconds since 1970 in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> int:
        """Microseconds since 1970 in UTC."""
        return time.time_ns() // 1_000


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self, instant: int) -> None:
        self._instant = instant

    def now(self) -> int:
        """The instant last set."""
        return self._instant

    def advance(self, microseconds: int) -> None:
        """Move forward (or back, when negative)."""
        self._instant += microseconds


def to_datetime(instant: int) -> datetime:
    """The aware UTC datetime of an instant in microseconds. Raises OverflowError outside of years 1 to 9999."""
    return _EPOCH + timedelta(microseconds=instant)


def from_datetime(moment: datetime) -> int:
    """Microseconds of an aware datetime, exactly (no float on the way)."""
    return (moment - _EPOCH) // _MICROSECOND


def to_text(instant: int) -> str:
    """RFC 3339 in UTC with ``Z``; microseconds only when they are not zero."""
    return to_datetime(instant).replace(tzinfo=None).isoformat() + "Z"
