"""How long to wait after a failure that passes by itself, and when to stop waiting."""

from collections.abc import Callable
from dataclasses import dataclass, field

FIRST_SECONDS = 0.05
LONGEST_SECONDS = 2.0


@dataclass(slots=True)
class Backoff:
    """Doubling pauses with full jitter, within a budget that starts with the first failure after a success.

    ``random`` gives numbers in [0, 1); ``monotonic`` gives seconds that never go back.
    """

    random: Callable[[], float]
    monotonic: Callable[[], float]
    budget_seconds: float
    _failures: int = field(default=0, init=False)
    _since: float = field(default=0.0, init=False)

    def succeeded(self) -> None:
        """Forget the failures."""
        self._failures = 0

    def failed(self) -> float | None:
        """Seconds to wait before the next try, or None when the budget is spent."""
        if self._failures == 0:
            self._since = self.monotonic()
        self._failures += 1
        if self.monotonic() - self._since > self.budget_seconds:
            return None
        longest: float = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(self._failures, 16))
        return longest * (0.5 + self.random() / 2)

    @property
    def failing(self) -> bool:
        """Whether the last try failed."""
        return self._failures > 0
