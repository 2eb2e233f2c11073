"""The Wilson score interval of shares."""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

_Z: Final = 1.959963984540054
"""97.5 % point of the normal distribution: the interval covers 95 %."""


def intervals(successes: Counts, trials: Counts) -> tuple[Floats, Floats]:
    """Low and high ends of the 95 % intervals of ``successes / trials``, within [0, 1]; 0 and 1 without trials."""
    n = np.maximum(trials, 1).astype(np.float64)
    share = successes / n
    square = _Z * _Z / n
    middle = share + square / 2
    reach = np.sqrt(np.maximum(share * (1 - share), 0) * square + square * square / 4)
    low, high = (middle - reach) / (1 + square), (middle + reach) / (1 + square)
    return (
        np.where((successes <= 0) | (trials <= 0), 0.0, np.minimum(np.maximum(low, 0.0), 1.0)),
        np.where((successes >= trials) | (trials <= 0), 1.0, np.minimum(np.maximum(high, 0.0), 1.0)),
    )
