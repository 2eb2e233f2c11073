"""The lifecycle funnel counted from facts, one cycle at a time (core 6)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.reference.message import DAY
from tests.reference.model import MAIN_PATH

Fact = Mapping[str, Any]
"""The JSON of a cycle's fact: cycle, steps, dimensions, and implied, exit, exited_at where set."""


@dataclass
class Step:
    """One step of a funnel. Durations are in microseconds; ``left`` counts by how the cycle ended after this step."""

    entered: int = 0
    converted: int = 0
    left: Counter[str] = field(default_factory=Counter)
    still_open: int = 0
    from_first: list[int] = field(default_factory=list)
    from_previous: list[int] = field(default_factory=list)


def cohort(facts: Iterable[Fact], start: int, end: int, *, entry: str = "known") -> dict[str, Step]:
    """The cycles that entered the first step in ``[start, end)``, followed to wherever they have come."""
    path = MAIN_PATH[MAIN_PATH.index(entry) :]
    steps = {name: Step() for name in path}
    for fact in facts:
        reached = [name for name in path if name in fact["steps"]]
        if entry in fact["steps"] and start <= fact["steps"][entry] < end:
            _follow(fact, reached, steps)
    return steps


def _follow(fact: Fact, reached: list[str], steps: dict[str, Step]) -> None:
    instants = fact["steps"]
    for before, name in zip([None, *reached], reached, strict=False):
        steps[name].entered += 1
        steps[name].converted += name != reached[-1]
        if before is not None:
            steps[name].from_first.append(instants[name] - instants[reached[0]])
            steps[name].from_previous.append(instants[name] - instants[before])
    if "exit" in fact:
        steps[reached[-1]].left[fact["exit"]] += 1
    else:
        steps[reached[-1]].still_open += 1


def period(facts: Iterable[Fact], start: int, end: int) -> Counter[str]:
    """The moves made in ``[start, end)``: into each step of the main path, and into each end of a cycle."""
    moves: Counter[str] = Counter()
    for fact in facts:
        moves.update(name for name, at in fact["steps"].items() if start <= at < end)
        if "exit" in fact and start <= fact["exited_at"] < end:
            moves[fact["exit"]] += 1
    return moves


def by(facts: Iterable[Fact], dimension: str) -> dict[Any, list[Fact]]:
    """The facts apart by a dimension; None holds those that have no value."""
    groups: dict[Any, list[Fact]] = {}
    for fact in facts:
        groups.setdefault(fact["dimensions"].get(dimension), []).append(fact)
    return groups


def per_day(facts: Iterable[Fact], dimension: str = "channel") -> Counter[tuple[int, Any, str]]:
    """How often each step was entered: by day in UTC (days since 1970), value of a dimension, and step."""
    return Counter(
        (at // DAY, fact["dimensions"].get(dimension), name) for fact in facts for name, at in fact["steps"].items()
    )
