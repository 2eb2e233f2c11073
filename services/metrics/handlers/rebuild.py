"""Counting a workspace again from its facts, shard by shard beside live traffic."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from services.metrics.domain.calendar import Calendar
from services.metrics.domain.contribution import Cell, ValueNumbers, add
from services.metrics.queries import cells as kept
from services.metrics.queries import facts
from services.metrics.store import recount as store
from services.metrics.store.dictionary import calendars, zone_numbers
from shared.database.connection import Connection, Pool
from shared.database.pool import borrowed


async def recount(pool: Pool, workspace: UUID, zones: Sequence[str]) -> int:
    """Replace all cells of a workspace by what its facts say, in UTC and ``zones``; returns how many shards there were.

    Each shard is one transaction that holds its writers back; readers see old cells until it ends. Raises Transient.
    """
    async with borrowed(pool) as connection:
        await store.take_longer(connection)
        async with connection.transaction():
            await store.declare_zones(connection, workspace, zone_numbers(zones))
        counted_in = (await calendars(connection, [workspace], zones))[workspace]
        found = await facts.shards(connection, workspace)
        for shard in found:
            async with connection.transaction():
                await store.hold_shard(connection, workspace, shard)
                cells = await count_shard(connection, workspace, shard, counted_in)
                await store.replace_cells(connection, workspace, shard, cells)
        await store.zones_are_counted(connection, workspace)
        return len(found)


async def count_shard(
    connection: Connection, workspace: UUID, shard: int, counted_in: Sequence[Calendar]
) -> Counter[Cell]:
    """What the facts of a shard sum to, read inside the caller's transaction."""
    numbers: ValueNumbers = await kept.value_numbers(connection, workspace)
    cells: Counter[Cell] = Counter()
    async for cycle in facts.cycles_of_shard(connection, workspace, shard):
        add(cells, cycle, 1, counted_in, numbers)
    return cells
