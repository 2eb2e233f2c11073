"""The leads behind a number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.metrics.domain.cycle import Cycle
from services.metrics.handlers.cubes import Cubes, Known
from services.metrics.queries import leads as queries
from services.metrics.queries.leads import Behind as Behind  # noqa: PLC0414  (routes take it from here)
from services.metrics.queries.leads import Position as Position  # noqa: PLC0414
from services.metrics.queries.snapshot import looking
from services.metrics.tables import cycle_of
from shared.database.connection import Pool


class Portraits(Protocol):
    """Knows of leads what is not counted: score, stage, last touch."""

    async def portraits(self, leads: Sequence[UUID]) -> Mapping[str, object]:
        """What is known of these leads, by id; nothing when it cannot be asked."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """One cycle behind the number: the instant that put it there, and its furthest step."""

    lead_id: UUID
    cycle: Cycle
    anchor_at: int
    furthest: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the leads, what else is known of them, where to go on, and how many there are in all."""

    found: Sequence[Found]
    details: Mapping[str, object]
    after: Position | None
    count: int
    known: Known


@dataclass(frozen=True, slots=True)
class Desk:
    """Where leads are looked up."""

    cubes: Cubes
    pool: Pool
    portraits: Portraits


async def leads_behind(desk: Desk, workspace: UUID, behind: Behind, after: Position | None, limit: int) -> Page:
    """A page of the leads that a cell counts, latest first. Raises Transient."""
    known = await desk.cubes.known(workspace)
    async with looking(desk.pool, workspace) as connection:
        rows = await queries.leads(connection, workspace, behind, after, limit + 1)
        count = await queries.count(connection, workspace, behind)
    shown = rows[:limit]
    last = shown[-1] if len(rows) > limit else None
    return Page(
        found=[Found(row["lead_id"], cycle_of(row), row["anchor_at"], row["furthest"]) for row in shown],
        details=await desk.portraits.portraits([row["lead_id"] for row in shown]),
        after=None if last is None else (last["anchor_at"], str(last["lead_id"]), last["fact_key"]),
        count=count,
        known=known,
    )
