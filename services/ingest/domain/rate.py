"""How fast somebody may send: a bucket that fills at a steady rate and is emptied by what is sent."""

from dataclasses import dataclass
from typing import Final

_DEBT_SECONDS: Final = 60
"""Of the rate, and no more is ever owed: what is in one request does not shut its sender out for longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Items a second that a key and a workspace may send, 0 for any number; all at once over ``burst_seconds``."""

    key_items: int
    workspace_items: int
    burst_seconds: int


@dataclass(slots=True)
class Bucket:
    """Room for ``burst`` items, refilled by ``rate`` a second. Times are seconds of any clock that never goes back.

    What is sent is taken from ``left`` even beyond the bottom, so that a request larger than the burst passes once and
    is paid off before the next one: a request is let in while there is anything left. ``floor`` is all that is owed.
    """

    rate: float
    burst: float
    floor: float
    left: float
    at: float

    @classmethod
    def full(cls, rate: float, burst_seconds: float, now: float) -> "Bucket":
        """A new one."""
        burst = rate * burst_seconds
        return cls(rate, burst, -rate * _DEBT_SECONDS, burst, now)

    def is_low(self) -> bool:
        """Whether less than half is left, as far as is known without looking at the clock."""
        return self.left * 2 < self.burst

    def refill(self, now: float) -> None:
        """Add what has come in since."""
        self.left = min(self.burst, self.left + (now - self.at) * self.rate)
        self.at = now

    def take(self, items: int) -> None:
        """So many were sent."""
        left = self.left - items
        self.left = max(self.floor, left)

    def wait_seconds(self) -> float:
        """How long until a request is let in again; 0 when one is now."""
        return 0.0 if self.left > 0 else (1 - self.left) / self.rate

    def full_in_seconds(self) -> float:
        """How long until all of it is there again."""
        return (self.burst - self.left) / self.rate
