"""Facts and cells by key range, for counting again and comparing."""

from collections.abc import AsyncIterator, Iterable
from typing import Final
from uuid import UUID

from services.metrics.domain.contribution import Cell
from services.metrics.domain.cycle import Cycle
from services.metrics.tables import FACT_VALUES, cycle_of
from shared.database.connection import Connection

PAGE: Final = 1_000
"""Rows per statement."""

_FIRST: Final = UUID(int=0)
COLUMNS: Final = ", ".join(("lead_id", "fact_key", "version", "gone", *FACT_VALUES))
_PAGE_OF_SHARD: Final = f"""
    SELECT {COLUMNS} FROM metrics.fact
    WHERE workspace_id = $1 AND shard = $2 AND (lead_id, fact_key) > ($3, $4)
    ORDER BY lead_id, fact_key LIMIT $5
"""  # noqa: S608  (names of our own columns)
_BETWEEN: Final = f"""
    SELECT {COLUMNS} FROM metrics.fact
    WHERE workspace_id = $1 AND shard = ANY ($2::smallint[]) AND lead_id > $3 AND lead_id <= $4
"""  # noqa: S608
_CELLS: Final = """
    SELECT calendar, dimension, period, value, measure, count FROM metrics.cell WHERE workspace_id = $1 AND shard = $2
"""
_SHARDS: Final = "SELECT shard FROM metrics.shard WHERE workspace_id = $1 ORDER BY shard"


async def shards(connection: Connection, workspace: UUID) -> list[int]:
    """The shards that hold facts of the workspace."""
    return [row["shard"] for row in await connection.fetch(_SHARDS, workspace)]


async def cycles_of_shard(connection: Connection, workspace: UUID, shard: int) -> AsyncIterator[Cycle]:
    """Every living fact of a shard, read in pages inside the caller's transaction."""
    after: tuple[UUID, str] | None = (_FIRST, "")
    while after is not None:
        rows = await connection.fetch(_PAGE_OF_SHARD, workspace, shard, *after, PAGE)
        for row in rows:
            if not row["gone"]:
                yield cycle_of(row)
        after = (rows[-1]["lead_id"], rows[-1]["fact_key"]) if len(rows) == PAGE else None


async def facts_between(
    connection: Connection, workspace: UUID, shards: Iterable[int], above: UUID, upto: UUID
) -> dict[tuple[UUID, str], tuple[int, Cycle]]:
    """Version and cycle of the living facts of leads in a range of ids."""
    rows = await connection.fetch(_BETWEEN, workspace, list(shards), above, upto)
    return {(row["lead_id"], row["fact_key"]): (row["version"], cycle_of(row)) for row in rows if not row["gone"]}


async def cells_of_shard(connection: Connection, workspace: UUID, shard: int) -> dict[Cell, int]:
    """Every cell that is kept of a shard."""
    return {Cell(*row[:5]): row["count"] for row in await connection.fetch(_CELLS, workspace, shard)}
