"""The facts last told, page by page, as metrics reads them to count again."""

from typing import NamedTuple

from services.scoring.domain.state import decode_cycle
from services.scoring.handlers.desk import Asker, opened
from services.scoring.handlers.publishing import fact_of
from services.scoring.queries import facts
from services.scoring.queries.facts import Place
from shared.contracts.lead_change import CycleFact


class LivingFact(NamedTuple):
    """A fact that holds, and the version that told it."""

    place: Place
    version: int
    fact: CycleFact


class Told(NamedTuple):
    """A page of facts, the place to go on from when there may be more, and how many leads are behind."""

    facts: list[LivingFact]
    next: Place | None
    stale_leads: int


async def facts_told(asker: Asker, after: Place | None, limit: int) -> Told:
    """Living facts by (lead, fact key)."""
    async with opened(asker) as desk:
        rows = await facts.page(desk.connection, desk.workspace, after or facts.BEGINNING, limit)
        stale = await facts.stale_leads(desk.connection, desk.workspace)
    living = [LivingFact(row.place, row.version, fact_of(decode_cycle(row.body))) for row in rows]
    return Told(living, rows[-1].place if len(rows) == limit else None, stale)
