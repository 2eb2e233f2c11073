"""Sums of cells over shards, and what tells a reader whether the sums it holds still stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from services.metrics.domain.calendar import Calendar, Days, Hours
from services.metrics.domain.layout import Layout
from shared.database.connection import Connection
from shared.vocabulary import SHARD_COUNT

Matrix = npt.NDArray[np.int64]

_SHARDS: Final = list(range(SHARD_COUNT))
_NEVER: Final = 2**62
_SUMS: Final = """
    SELECT 0, value, measure, sum(count) FROM metrics.cell
    WHERE workspace_id = $1 AND shard = ANY ($2::smallint[]) AND calendar = $3 AND dimension = $4
        AND period >= $5 AND period < $6 AND $7::text::int4multirange @> measure
    GROUP BY value, measure
"""
_SUMS_BY_PERIOD: Final = """
    SELECT period, value, measure, sum(count) FROM metrics.cell
    WHERE workspace_id = $1 AND shard = ANY ($2::smallint[]) AND calendar = $3 AND dimension = $4
        AND period >= $5 AND period < $6 AND $7::text::int4multirange @> measure
    GROUP BY period, value, measure
"""
_STATE: Final = """
    SELECT s.shard, s.revision, s.late_count, s.model_version, d.revision AS delta, d.cells
    FROM metrics.shard s
    JOIN unnest($2::smallint[], $3::bigint[]) AS k (shard, revision) ON k.shard = s.shard
    LEFT JOIN metrics.delta d
        ON d.workspace_id = s.workspace_id AND d.shard = s.shard AND d.revision > k.revision
    WHERE s.workspace_id = $1
"""
_CALENDARS: Final = "SELECT id, zone FROM metrics.calendar WHERE workspace_id = $1 AND is_counted ORDER BY id"
_NUMBERS: Final = "SELECT dimension, value, number FROM metrics.attribute_value WHERE workspace_id = $1"


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard as it is now: its revision, and what the revisions since the one known have added."""

    revision: int
    late_count: int
    model_version: int
    deltas: tuple[bytes, ...]


async def sums(
    connection: Connection,
    workspace: UUID,
    layout: Layout,
    place: tuple[int, int],
    periods: tuple[int, int],
    *,
    by_period: bool = False,
) -> Matrix:
    """Rows of (period or 0, value, measure, count) of a calendar and dimension (``place``) over ``[first, end)``."""
    statement = _SUMS_BY_PERIOD if by_period else _SUMS
    rows = await connection.fetch(statement, workspace, _SHARDS, *place, *periods, layout.measures)
    return np.array([tuple(row) for row in rows], dtype=np.int64).reshape(-1, 4)


async def state(connection: Connection, workspace: UUID, known: Mapping[int, int] | None) -> dict[int, Shard]:
    """Every shard, with the deltas above the ``known`` revisions; without deltas when None is known."""
    above = [_NEVER if known is None else known.get(shard, 0) for shard in _SHARDS]
    found: dict[int, list[Any]] = {}
    for row in await connection.fetch(_STATE, workspace, _SHARDS, above):
        found.setdefault(row["shard"], []).append(row)
    return {shard: _shard(rows) for shard, rows in found.items()}


async def counted_calendars(connection: Connection, workspace: UUID) -> tuple[Calendar, ...]:
    """The calendars whose cells are complete."""
    rows = await connection.fetch(_CALENDARS, workspace)
    return (Hours(), *(Days(row["id"], ZoneInfo(row["zone"])) for row in rows))


async def value_numbers(connection: Connection, workspace: UUID) -> dict[tuple[int, str], int]:
    """The number of every attribute value ever counted."""
    rows = await connection.fetch(_NUMBERS, workspace)
    return {(row["dimension"], row["value"]): row["number"] for row in rows}


def _shard(rows: Sequence[Any]) -> Shard:
    one = rows[0]
    return Shard(
        revision=one["revision"],
        late_count=one["late_count"],
        model_version=one["model_version"],
        deltas=tuple(row["cells"] for row in rows if row["delta"] is not None),
    )
