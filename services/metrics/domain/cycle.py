"""One trip of a lead along the main path, as metrics counts it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from shared.vocabulary import CYCLE_ENDS, MAIN_PATH

STEPS: Final = tuple(status.value for status in MAIN_PATH)
"""The steps of the lifecycle funnel in order; a step's index is its number in measures."""

ENDS: Final = tuple(status.value for status in CYCLE_ENDS)
"""How a cycle may end; an end's index is its number in measures."""

ATTRIBUTES: Final = ("channel", "source", "campaign", "country", "device", "segment", "persona", "model_version")
"""What cycles are broken down by. The order is that of ``Cycle.attributes``."""

LONGEST_VALUE: Final = 200
"""Attribute values are cut to this many characters before they are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """A fact: when each step was entered, how the cycle ended, and the attributes of its first touch.

    ``entered`` is aligned with STEPS and ``attributes`` with ATTRIBUTES; instants are microseconds.
    ``ended`` is one of ENDS together with ``ended_at``, or both are None while the cycle is open.
    """

    number: int
    entered: tuple[int | None, ...]
    attributes: tuple[str | None, ...]
    ended: str | None = None
    ended_at: int | None = None


def reached(cycle: Cycle) -> tuple[tuple[int, int], ...]:
    """The steps reached, as (step, instant), from the first entered to the furthest without a gap.

    A step that was passed over was reached when the next one was entered.
    """
    found: list[tuple[int, int]] = []
    later: int | None = None
    for step in range(len(STEPS) - 1, -1, -1):
        at = cycle.entered[step]
        later = at if at is not None else later
        if later is not None:
            found.append((step, later))
    first = next((step for step, at in enumerate(cycle.entered) if at is not None), len(STEPS))
    return tuple((step, at) for step, at in reversed(found) if step >= first)


def without_gaps(cycle: Cycle) -> Cycle:
    """The cycle with every step reached entered, so that a question to the facts need not know of steps passed over."""
    path = dict(reached(cycle))
    return replace(cycle, entered=tuple(path.get(step) for step in range(len(STEPS))))


def attributes_of(values: Mapping[str, str | int | None]) -> tuple[str | None, ...]:
    """Attribute values in the order of ATTRIBUTES, as text, cut to LONGEST_VALUE; empty text is no value."""
    texts = ("" if value is None else str(value)[:LONGEST_VALUE] for value in map(values.get, ATTRIBUTES))
    return tuple(text or None for text in texts)
