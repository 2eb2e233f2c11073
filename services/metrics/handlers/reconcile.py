"""Two recounts: cells against the facts they sum, facts against the leads that scoring holds."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.metrics.domain.cycle import Cycle
from services.metrics.domain.recount import Difference, differences
from services.metrics.handlers.adoption import Pages, ToldFact, cycle_told
from services.metrics.handlers.rebuild import count_shard
from services.metrics.queries import cells, facts
from services.metrics.queries.snapshot import looking
from shared.database.connection import Pool
from shared.errors import Unavailable
from shared.vocabulary import SHARD_COUNT

EXAMPLES: Final = 20
"""So many differences are named; the others are counted."""

PASSES: Final = 3
"""A change may be on its way: what differs is looked at again, and only what differs every time counts."""

_BETWEEN_PASSES_SECONDS: Final = 1.0
_HIGHEST: Final = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class FactDifference:
    """A fact that is ``missing`` here, ``surplus`` here or ``different``, with both versions."""

    lead_id: UUID
    fact_key: str
    kind: str
    counted_version: int | None
    scoring_version: int | None


@dataclass(frozen=True, slots=True)
class FactsCompared:
    """How many facts scoring has told, and where ours differ; ``reason`` says why it could not be asked."""

    compared: int
    differing: Sequence[FactDifference]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class CellsCompared:
    """How many cells there are, and those that differ with their shard."""

    compared: int
    differing: Sequence[tuple[int, Difference]]


async def compare_cells(pool: Pool, workspace: UUID, shards: Sequence[int]) -> CellsCompared:
    """Recount shards, each in a snapshot of its own that lasts while its facts are read. Raises Transient."""
    compared, found = 0, list[tuple[int, Difference]]()
    for shard in shards:
        async with looking(pool, workspace) as connection:
            calendars = await cells.counted_calendars(connection, workspace)
            counted = await count_shard(connection, workspace, shard, calendars)
            complete = {calendar.id for calendar in calendars}
            stored = await facts.cells_of_shard(connection, workspace, shard)
        kept = {cell: number for cell, number in stored.items() if cell.calendar in complete}
        compared += len(kept.keys() | counted.keys())
        found.extend((shard, difference) for difference in differences(kept, counted))
    return CellsCompared(compared, found)


async def compare_facts(pool: Pool, workspace: UUID, told: Callable[[], Pages]) -> FactsCompared:
    """Compare the facts with what scoring tells, again while some differ. Raises Transient for our database."""
    try:
        found = await _compare(pool, workspace, told())
        for _ in range(PASSES - 1):
            if found.differing:
                await asyncio.sleep(_BETWEEN_PASSES_SECONDS)
                before = {(one.lead_id, one.fact_key) for one in found.differing}
                again = await _compare(pool, workspace, told())
                still = [one for one in again.differing if (one.lead_id, one.fact_key) in before]
                found = FactsCompared(again.compared, still)
    except Unavailable as error:
        return FactsCompared(0, [], str(error))
    return found


async def _compare(pool: Pool, workspace: UUID, pages: Pages) -> FactsCompared:
    compared, found = 0, list[FactDifference]()
    above, held = UUID(int=0), list[ToldFact]()
    async for page in pages:
        compared += len(page)
        told = [*held, *page]
        # The last lead of a page may go on in the next.
        last = told[-1].lead_id if told else None
        whole, held = [one for one in told if one.lead_id != last], [one for one in told if one.lead_id == last]
        if whole:
            found += await _differing(pool, workspace, whole, above, whole[-1].lead_id)
            above = whole[-1].lead_id
    found += await _differing(pool, workspace, held, above, _HIGHEST)
    return FactsCompared(compared, found)


async def _differing(
    pool: Pool, workspace: UUID, told: Sequence[ToldFact], above: UUID, upto: UUID
) -> list[FactDifference]:
    async with looking(pool, workspace) as connection:
        ours = await facts.facts_between(connection, workspace, range(SHARD_COUNT), above, upto)
    theirs = {(one.lead_id, one.fact_key): one for one in told}
    return [
        difference
        for key in sorted(ours.keys() | theirs.keys())
        if (difference := _difference(key, ours.get(key), theirs.get(key))) is not None
    ]


def _difference(
    key: tuple[UUID, str], ours: tuple[int, Cycle] | None, theirs: ToldFact | None
) -> FactDifference | None:
    if theirs is None:
        return None if ours is None else FactDifference(*key, "surplus", ours[0], None)
    if ours is None:
        return FactDifference(*key, "missing", None, theirs.version)
    if ours[1] == cycle_told(theirs):
        return None
    return FactDifference(*key, "different", ours[0], theirs.version)
