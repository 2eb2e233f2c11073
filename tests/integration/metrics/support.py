"""A worker's connection to a migrated database, and what the cells of a workspace are against a plain recount."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from services.metrics.domain.contribution import Cell
from services.metrics.handlers.changes import Incoming, count, facts_of, newest
from services.metrics.handlers.rebuild import count_shard
from services.metrics.queries.facts import cells_of_shard, shards
from services.metrics.store.changes import FactKey
from services.metrics.store.dictionary import calendars
from shared.contracts.lead_change import LeadChange
from shared.database.engine import Connection, connect
from shared.database.roles import Role
from tests.unit.metrics.builders import NOW, WORKSPACE

ZONES = ("Europe/Copenhagen",)


@asynccontextmanager
async def worker(dsn: str) -> AsyncIterator[Connection]:
    connection = await connect(dsn, Role.METRICS_WORKER)
    try:
        yield connection
    finally:
        await connection.close()


async def apply(connection: Connection, changes: Sequence[LeadChange], zones: Iterable[str] = ZONES) -> int:
    """One batch, in its own transaction."""
    incoming = dict[FactKey, Incoming]()
    for change in changes:
        newest(incoming, facts_of(change))
    async with connection.transaction():
        return await count(connection, incoming, tuple(zones), NOW)


async def kept_cells(connection: Connection, workspace: UUID = WORKSPACE) -> dict[Cell, int]:
    """All cells that are not zero, shards summed."""
    cells: Counter[Cell] = Counter()
    for shard in await shards(connection, workspace):
        cells.update(await cells_of_shard(connection, workspace, shard))
    return {cell: number for cell, number in cells.items() if number}


async def recounted_cells(connection: Connection, workspace: UUID = WORKSPACE) -> dict[Cell, int]:
    """The same, counted from the facts."""
    counted_in = (await calendars(connection, [workspace], ZONES))[workspace]
    cells: Counter[Cell] = Counter()
    for shard in await shards(connection, workspace):
        cells.update(await count_shard(connection, workspace, shard, counted_in))
    return dict(cells)
