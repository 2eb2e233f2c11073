"""Chance that repeats: the same seed text gives the same draws on every machine."""

import math
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """Draws made from a seed text. Only the generator's ``random()`` is used: its sequence never changes."""

    def __init__(self, seed: str) -> None:
        self._next = random.Random(seed).random  # noqa: S311 (invented people, not secrets)

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self._next() < probability

    def between(self, low: float, high: float) -> float:
        """Uniform in [low, high)."""
        return low + (high - low) * self._next()

    def whole(self, low: int, high: int) -> int:
        """A whole number in [low, high], both included."""
        return low + int(self._next() * (high - low + 1))

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices, all alike."""
        return choices[int(self._next() * len(choices))]

    def weighted(self, choices: Sequence[tuple[T, float]]) -> T:
        """One of the choices by its weight."""
        place = self._next() * sum(weight for _, weight in choices)
        for choice, weight in choices:
            place -= weight
            if place < 0:
                return choice
        return choices[-1][0]

    def around(self, middle: float, spread: float = 0.5) -> float:
        """A positive number with median ``middle``; ``spread`` is the standard deviation of its logarithm."""
        radius = math.sqrt(-2 * math.log(1 - self._next()))
        return middle * math.exp(spread * radius * math.cos(math.tau * self._next()))
