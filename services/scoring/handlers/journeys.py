"""How a lead got where it is: intervals, points, touchpoints."""

import asyncio
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from services.scoring.domain.identity import BEGINNING, END
from services.scoring.domain.interval import Interval, intervals
from services.scoring.domain.ledger import Ledger, ledger
from services.scoring.domain.state import decode_cycle
from services.scoring.domain.touchpoint import Place
from services.scoring.handlers import belongings
from services.scoring.handlers.belongings import Tree
from services.scoring.handlers.desk import Asker, Desk, opened
from services.scoring.handlers.recalling import history
from services.scoring.queries import leads
from services.scoring.queries.leads import StoredLead
from services.scoring.store import leads as leads_store
from shared.contracts import codec
from shared.contracts.touchpoint import Touchpoint
from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class Holder:
    """The lead that holds what was asked for now."""

    row: StoredLead
    tree: Tree


class History(NamedTuple):
    """Intervals of all cycles as they were last told."""

    lead_id: UUID
    is_stale: bool
    intervals: list[Interval]


class Points(NamedTuple):
    """The ledger of a lead at an instant."""

    lead_id: UUID
    at: int
    ledger: Ledger


class Step(NamedTuple):
    """A touchpoint of the journey as it came, and when it was recorded."""

    touchpoint: Touchpoint
    recorded_at: int


class Journey(NamedTuple):
    """A page of touchpoints, and the place to go on from when there may be more."""

    lead_id: UUID
    steps: list[Step]
    next: Place | None


async def history_of(asker: Asker, lead_id: UUID) -> History:
    """Status and stage intervals. Raises NotFound."""
    async with opened(asker) as desk:
        row = (await _holder(desk, lead_id)).row
        told = await leads_store.told_cycles(desk.connection, [(desk.workspace, row.key, 0)])
    cycles = sorted((decode_cycle(body) for bodies in told.values() for body in bodies), key=lambda cycle: cycle.number)
    return History(row.lead_id, row.is_stale, intervals(cycles))


async def points_of(asker: Asker, lead_id: UUID, as_of: int | None) -> Points:
    """Every point of the score at an instant, by default now. Raises NotFound."""
    async with opened(asker) as desk:
        holder = await _holder(desk, lead_id)
        until = END - 1 if as_of is None else as_of
        touchpoints = [one async for page in history(desk, holder.tree, until) for one in page]
        timeline = desk.world.timeline
    last = touchpoints[-1].occurred_at if touchpoints else BEGINNING
    at = max(asker.now, last) if as_of is None else as_of
    # A long life takes a while to fold, and others want answers meanwhile.
    return Points(holder.row.lead_id, at, await asyncio.to_thread(ledger, timeline.at(at).model, touchpoints, at))


async def journey_of(asker: Asker, lead_id: UUID, after: Place | None, limit: int, *, newest_first: bool) -> Journey:
    """The touchpoints of a lead, over all its pieces. Raises NotFound."""
    start = Place(END, "") if newest_first else Place(BEGINNING, "")
    async with opened(asker) as desk:
        holder = await _holder(desk, lead_id)
        stops = await belongings.touchpoints(desk, holder.tree, after or start, limit, newest_first=newest_first)
    steps = [Step(codec.decode_touchpoint(stop.body), stop.recorded_at) for stop in stops]
    return Journey(holder.row.lead_id, steps, stops[-1].place if len(stops) == limit else None)


async def _holder(desk: Desk, lead_id: UUID) -> Holder:
    key = await belongings.key_of(desk, lead_id)
    root = (await belongings.roots(desk, [key]))[key]
    found = await leads.by_keys(desk.session, desk.workspace, [root])
    if root not in found:
        raise NotFound(belongings.NEVER_SEEN)
    return Holder(found[root], await belongings.tree(desk, root))
