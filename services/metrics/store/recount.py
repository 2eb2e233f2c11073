"""Replacing the cells of one shard, and the zones that are counted."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from services.metrics.domain.contribution import Cell
from services.metrics.store.changes import CHANGED, increment
from shared.database.connection import Connection

_INSERTED_AT_ONCE: Final = 20_000

_HOLD: Final = "SELECT revision FROM metrics.shard WHERE workspace_id = $1 AND shard = $2 FOR UPDATE"
_CLEAR: Final = "DELETE FROM metrics.cell WHERE workspace_id = $1 AND shard = $2"
_ADVANCE: Final = "UPDATE metrics.shard SET revision = revision + 1 WHERE workspace_id = $1 AND shard = $2"
_TELL: Final = "SELECT pg_notify($1, $2::text)"
_DECLARE: Final = """
    INSERT INTO metrics.calendar AS c (workspace_id, id, zone, is_counted)
    SELECT $1, z.id, z.zone, false FROM unnest($2::smallint[], $3::text[]) AS z (id, zone) ORDER BY z.id
    ON CONFLICT (workspace_id, id) DO UPDATE SET zone = excluded.zone, is_counted = c.zone = excluded.zone
"""
_WITHDRAW: Final = "DELETE FROM metrics.calendar WHERE workspace_id = $1 AND id <> ALL ($2::smallint[])"
_COUNTED: Final = "UPDATE metrics.calendar SET is_counted = true WHERE workspace_id = $1"
_LONGER: Final = "SET transaction_timeout = '25s'"


async def take_longer(connection: Connection) -> None:
    """Let the transactions that begin after this last 25 s, so that no snapshot is held longer than that.

    It ends when the connection goes back to its pool; inside a transaction it would come too late.
    """
    await connection.execute(_LONGER)


async def hold_shard(connection: Connection, workspace: UUID, shard: int) -> None:
    """Lock a shard for as long as its facts are counted."""
    await connection.execute(_HOLD, workspace, shard)


async def replace_cells(connection: Connection, workspace: UUID, shard: int, cells: Mapping[Cell, int]) -> None:
    """Put ``cells`` in the place of all cells of a shard that is held. Readers see either the old or the new ones."""
    await connection.execute(_CLEAR, workspace, shard)
    ordered = sorted(cells.items())
    for start in range(0, len(ordered), _INSERTED_AT_ONCE):
        await increment(connection, {(workspace, shard): dict(ordered[start : start + _INSERTED_AT_ONCE])})
    await connection.execute(_ADVANCE, workspace, shard)
    await connection.execute(_TELL, CHANGED, str(workspace))


async def declare_zones(connection: Connection, workspace: UUID, numbers: Mapping[str, int]) -> None:
    """Count in exactly these zones from now on; readers leave the new ones alone until ``zones_are_counted``."""
    await connection.execute(_WITHDRAW, workspace, list(numbers.values()))
    await connection.execute(_DECLARE, workspace, list(numbers.values()), list(numbers))


async def zones_are_counted(connection: Connection, workspace: UUID) -> None:
    """Every shard has been counted again: readers may use all zones."""
    await connection.execute(_COUNTED, workspace)
    await connection.execute(_TELL, CHANGED, str(workspace))
