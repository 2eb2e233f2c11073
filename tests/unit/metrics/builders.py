"""Cycles and lead changes with readable defaults."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID, uuid5

from services.metrics.domain.calendar import Calendar
from services.metrics.domain.contribution import Cell, ValueNumbers, add
from services.metrics.domain.cycle import STEPS, Cycle, attributes_of
from shared.clock import DAY, HOUR
from shared.contracts.lead_change import Cause, CycleFact, Dimensions, LeadChange, Moves
from shared.vocabulary import SHARD_COUNT

WORKSPACE: Final = UUID("11111111-1111-4111-8111-111111111111")
NOW: Final = 1_790_000_000_000_000
"""An instant in September 2026."""

MIDNIGHT: Final = NOW // DAY * DAY


def lead_id(number: int) -> UUID:
    return uuid5(WORKSPACE, f"lead {number}")


def cycle(
    ended: tuple[str, int] | None = None, number: int = 1, touch: dict[str, str] | None = None, **steps: int
) -> Cycle:
    """``cycle(known=0, mql=HOUR, touch={"channel": "email"})``; instants are relative to MIDNIGHT."""
    return Cycle(
        number=number,
        entered=tuple(MIDNIGHT + steps[step] if step in steps else None for step in STEPS),
        attributes=attributes_of(touch or {}),
        ended=ended and ended[0],
        ended_at=ended and MIDNIGHT + ended[1],
    )


def fact(
    ended: tuple[str, int] | None = None, number: int = 1, touch: dict[str, Any] | None = None, **steps: int
) -> CycleFact:
    """The same as a fact on the log."""
    return CycleFact(
        cycle=number,
        steps={step: MIDNIGHT + at for step, at in steps.items()},
        dimensions=Dimensions(**(touch or {})),
        exit=ended and ended[0],
        exited_at=ended and MIDNIGHT + ended[1],
    )


def change(
    lead: int, version: int, facts: dict[str, CycleFact | None], workspace: UUID = WORKSPACE, at: int = NOW
) -> LeadChange:
    who = lead_id(lead)
    return LeadChange(
        change_id=str(uuid5(who, str(version))),
        workspace=str(workspace),
        lead_id=str(who),
        version=version,
        kind="changed",
        at=at,
        recorded_at=at + HOUR // 60,
        shard=who.int % SHARD_COUNT,
        facts=facts,
        transitions=Moves(),
        cause=Cause(touchpoint_id="t"),
        model_version=1,
    )


def contribution(cycle: Cycle, calendars: Sequence[Calendar], numbers: ValueNumbers) -> Counter[Cell]:
    """The cells a cycle adds to."""
    cells: Counter[Cell] = Counter()
    add(cells, cycle, 1, calendars, numbers)
    return cells
