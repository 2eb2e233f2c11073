"""Engagement: points that decay with a half-life, clamped when read, and when a decaying score next passes a threshold.

A group's points are one pair ``(at, value)``: the exponential is the one decay for which a sum needs no more (forward
decay, Cormode, Shkapenyuk, Srivastava and Xu, ICDE 2009). Clamps apply when read, so the pair stays exact.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

SECOND: Final = 1_000_000
_DECIMALS: Final = 6
_NEGLIGIBLE: Final = 1e-9
"""A decayed value below this cannot change a score quantised to 1e-6."""

_PRECISION: Final = 0.125
"""How exactly a turn is found, in seconds: all whole seconds that it may lie next to are breakpoints."""

_ROUNDING: Final = 1e-6
"""A score is quantised, so a bound must leave this much room."""

Pair = tuple[int, float]


@dataclass(frozen=True, slots=True)
class Group:
    """Points that decay together: half-life in microseconds, and the limits of their sum."""

    name: str
    half_life: int
    low: float
    high: float


def added(pair: Pair, at: int, points: float, half_life: int) -> Pair:
    """The pair after ``points`` at an instant not before the pair's own."""
    return at, value_at(pair, at, half_life) + points


def value_at(pair: Pair, at: int, half_life: int) -> float:
    """A group's unclamped value at an instant not before the pair's own."""
    return float(pair[1] * 2.0 ** (-(at - pair[0]) / half_life))


def score(groups: Sequence[Group], pairs: Sequence[Pair], low: float, high: float, at: int) -> float:
    """Engagement at an instant: clamped groups summed, clamped, quantised to 1e-6."""
    total = 0.0
    for group, pair in zip(groups, pairs, strict=True):
        if pair[1]:
            total += min(group.high, max(group.low, value_at(pair, at, group.half_life)))
    return quantise(min(high, max(low, total)))


def quantise(value: float) -> float:
    """To 1e-6, half to even, so that replays meet thresholds alike."""
    return round(value, _DECIMALS) + 0.0


def next_flip(
    groups: Sequence[Group],
    pairs: Sequence[Pair],
    low: float,
    high: float,
    threshold: float,
    after: int,
    *,
    rising: bool,
) -> int | None:
    """The first whole second after ``after`` at which the score comes to be at or above the threshold (or below it).

    None when that never happens without a touchpoint. Between two breakpoints (a group leaves its limit, or the sum
    turns) the score is monotone, so each piece is bisected on whole seconds with the very comparison that rules use.
    """
    if rising and not _may_rise_to(groups, pairs, threshold, after):
        return None

    def reached(second: int) -> bool:
        return (score(groups, pairs, low, high, second * SECOND) >= threshold) == rising

    first = after // SECOND + 1
    before = (score(groups, pairs, low, high, after) >= threshold) == rising
    if reached(first) and not before:
        return first * SECOND
    start, before = first, reached(first)
    for end in _breakpoints(groups, pairs, first)[1:]:
        now = reached(end)
        if now and not before:
            return _bisect(reached, start, end) * SECOND
        start, before = end, now
    return None


def _may_rise_to(groups: Sequence[Group], pairs: Sequence[Pair], threshold: float, after: int) -> bool:
    """Without negative points nothing rises; with all of them gone the rest is an upper bound."""
    bound, is_held_down = 0.0, False
    for group, pair in zip(groups, pairs, strict=True):
        if pair[1] > 0:
            bound += min(group.high, value_at(pair, after, group.half_life))
        elif pair[1] < 0:
            is_held_down = True
    return is_held_down and bound >= threshold - _ROUNDING


def _bisect(reached: Callable[[int], bool], no: int, yes: int) -> int:
    while yes - no > 1:
        middle = (no + yes) // 2
        if reached(middle):
            yes = middle
        else:
            no = middle
    return yes


def _breakpoints(groups: Sequence[Group], pairs: Sequence[Pair], first: int) -> list[int]:
    """Whole seconds, in order, between which the score is monotone; all neighbours of a turn are in, the last is the
    horizon.
    """
    live = [(group, pair) for group, pair in zip(groups, pairs, strict=True) if abs(pair[1]) > _NEGLIGIBLE]
    cuts = {first, first + 1}
    for group, (at, value) in live:
        cuts.update(_around(_falls_to(at, value, group.half_life, _NEGLIGIBLE)))
        limit = group.high if value > 0 else group.low
        if math.isfinite(limit) and 0 < abs(limit) < abs(value):
            cuts.update(_around(_falls_to(at, value, group.half_life, abs(limit))))
    edges = sorted(cut for cut in cuts if cut >= first)
    for start, end in pairwise(edges):
        if end - start == 1:
            continue
        terms = _terms(live, start)
        for turn in _roots([(-rate * amount, rate) for amount, rate in terms], 0.0, float(end - start)):
            cuts.update(_around(start + turn))
    return sorted(cut for cut in cuts if cut >= first)


def _around(second: float) -> range:
    """All whole seconds next to one that is known to within an eighth."""
    return range(math.floor(second - _PRECISION), math.ceil(second + _PRECISION) + 1)


def _falls_to(at: int, value: float, half_life: int, size: float) -> float:
    """The second at which the size of a decaying value reaches ``size``."""
    return at / SECOND + half_life / SECOND * math.log2(abs(value) / size)


def _terms(live: Sequence[tuple[Group, Pair]], start: int) -> list[tuple[float, float]]:
    """(value at ``start``, decay rate per second) of the groups that are inside of their limits in the piece from
    ``start``.
    """
    terms = []
    for group, pair in live:
        value = value_at(pair, start * SECOND, group.half_life)
        if group.low < value < group.high and abs(value) > _NEGLIGIBLE:
            terms.append((value, math.log(2) * SECOND / group.half_life))
    return terms


def _roots(terms: list[tuple[float, float]], low: float, high: float) -> list[float]:
    """Zeros in (low, high) of a sum of exponentials ``amount * exp(-rate * t)``.

    With the slowest term divided out it is a constant plus a sum with one term less in its derivative: its turns are
    found first, and between them it is monotone.
    """
    if high <= low or not any(a > 0 for a, _ in terms) or not any(a < 0 for a, _ in terms):
        return []
    slowest = min(rate for _, rate in terms)
    rest = [(amount, rate - slowest) for amount, rate in terms]
    turns = _roots([(-rate * amount, rate) for amount, rate in rest if rate > 0], low, high)

    def value(t: float) -> float:
        return sum(amount * math.exp(-rate * t) for amount, rate in rest)

    edges = [low, *turns, high]
    zeros = []
    for a, b in pairwise(edges):
        if value(a) * value(b) < 0:
            zeros.append(_zero(value, a, b))
    return zeros


def _zero(value: Callable[[float], float], a: float, b: float) -> float:
    sign = value(a)
    while b - a > 2 * _PRECISION:
        middle = (a + b) / 2
        if value(middle) * sign > 0:
            a = middle
        else:
            b = middle
    return (a + b) / 2
