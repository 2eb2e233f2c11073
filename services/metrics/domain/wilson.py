"""The Wilson score interval of a share."""

from math import sqrt
from typing import Final

_Z: Final = 1.959963984540054
"""97.5 % point of the normal distribution: the interval covers 95 %."""


def interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of ``successes / trials``, both ends in [0, 1]. Raises ZeroDivisionError without trials."""
    share = successes / trials
    square = _Z * _Z / trials
    middle = share + square / 2
    reach = sqrt(share * (1 - share) * square + square * square / 4)
    low, high = (middle - reach) / (1 + square), (middle + reach) / (1 + square)
    return (0.0 if successes == 0 else max(0.0, low)), (1.0 if successes == trials else min(1.0, high))
