"""Facts and cells of a batch. Locks are taken in the order shards, facts, values, cells, each sorted by key."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from services.metrics.domain import delta
from services.metrics.domain.contribution import Cell
from services.metrics.domain.cycle import ATTRIBUTES, STEPS, Cycle
from services.metrics.tables import FACT_VALUES, STEP_COLUMNS, cycle_of
from shared.database.connection import Connection

CHANGED: Final = "tragt_metrics"
"""The channel on which a commit that changed cells tells the workspace."""


class FactKey(NamedTuple):
    """Where a fact is kept; sorts in the order of locks."""

    workspace_id: UUID
    shard: int
    lead_id: UUID
    fact_key: str


@dataclass(frozen=True, slots=True)
class Version:
    """A fact as of a version; ``cycle`` is None when the fact is gone."""

    version: int
    cycle: Cycle | None


@dataclass(slots=True)
class ShardChange:
    """What a batch did to one shard."""

    cells: dict[Cell, int]
    late_count: int
    model_version: int


_LOCK_SHARDS: Final = """
    INSERT INTO metrics.shard AS s (workspace_id, shard)
    SELECT k.workspace_id, k.shard FROM unnest($1::uuid[], $2::smallint[]) AS k (workspace_id, shard)
    ORDER BY k.workspace_id, k.shard
    ON CONFLICT (workspace_id, shard) DO UPDATE SET revision = s.revision
"""
_STORED: Final = f"""
    SELECT f.workspace_id, f.shard, f.lead_id, f.fact_key, f.version, f.gone,
        {", ".join(f"f.{c}" for c in FACT_VALUES)}
    FROM unnest($1::uuid[], $2::smallint[], $3::uuid[], $4::text[]) AS k (workspace_id, shard, lead_id, fact_key)
    JOIN metrics.fact f
        ON f.workspace_id = k.workspace_id AND f.shard = k.shard AND f.lead_id = k.lead_id AND f.fact_key = k.fact_key
    ORDER BY f.workspace_id, f.shard, f.lead_id, f.fact_key
    FOR UPDATE OF f
"""  # noqa: S608  (names of our own columns)
_KEEP: Final = f"""
    INSERT INTO metrics.fact AS f
        (workspace_id, shard, lead_id, fact_key, version, gone, {", ".join(FACT_VALUES)})
    SELECT * FROM unnest(
        $1::uuid[], $2::smallint[], $3::uuid[], $4::text[], $5::bigint[], $6::boolean[], $7::integer[],
        {", ".join(f"${n}::bigint[]" for n in range(8, 8 + len(STEP_COLUMNS)))},
        $15::text[], $16::bigint[], {", ".join(f"${n}::text[]" for n in range(17, 17 + len(ATTRIBUTES)))}
    )
    ON CONFLICT (workspace_id, shard, lead_id, fact_key) DO UPDATE SET
        version = excluded.version, gone = excluded.gone,
        {", ".join(f"{c} = excluded.{c}" for c in FACT_VALUES)}
    WHERE f.version < excluded.version
"""  # noqa: S608  (names of our own columns)
_INCREMENT: Final = """
    INSERT INTO metrics.cell AS c (workspace_id, shard, calendar, dimension, period, value, measure, count)
    SELECT * FROM unnest(
        $1::uuid[], $2::smallint[], $3::smallint[], $4::smallint[], $5::integer[], $6::integer[], $7::integer[],
        $8::integer[]
    )
    ON CONFLICT (workspace_id, shard, calendar, dimension, period, value, measure)
        DO UPDATE SET count = c.count + excluded.count
"""
_REVISE: Final = """
    WITH revised AS (
        UPDATE metrics.shard s SET
            revision = s.revision + 1,
            late_count = s.late_count + k.late_count,
            model_version = greatest(s.model_version, k.model_version)
        FROM unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::integer[], $5::bytea[])
            AS k (workspace_id, shard, late_count, model_version, cells)
        WHERE s.workspace_id = k.workspace_id AND s.shard = k.shard
        RETURNING s.workspace_id, s.shard, s.revision, k.cells
    )
    INSERT INTO metrics.delta (workspace_id, shard, revision, recorded_at, cells)
    SELECT r.workspace_id, r.shard, r.revision, $6, r.cells FROM revised r
"""
_TELL: Final = "SELECT pg_notify($1, w.workspace_id::text) FROM unnest($2::uuid[]) AS w (workspace_id)"
_FORGET: Final = "DELETE FROM metrics.delta WHERE workspace_id IS NOT NULL AND recorded_at < $1"


async def lock_shards(connection: Connection, shards: Sequence[tuple[UUID, int]]) -> None:
    """Hold these shards until the transaction ends; whoever else counts in them waits."""
    await connection.execute(_LOCK_SHARDS, [w for w, _ in shards], [s for _, s in shards])


async def stored_facts(connection: Connection, keys: Sequence[FactKey]) -> dict[FactKey, Version]:
    """The facts last counted under these keys, their rows locked."""
    rows = await connection.fetch(_STORED, *_columns(keys, 4))
    return {FactKey(*row[:4]): Version(row["version"], None if row["gone"] else cycle_of(row)) for row in rows}


async def keep_facts(connection: Connection, facts: Mapping[FactKey, Version]) -> None:
    """Store facts as the last counted; one whose stored version is not lower stays as it is."""
    await connection.execute(_KEEP, *_columns((_fact_row(key, facts[key]) for key in sorted(facts)), _WIDTH))


async def increment(connection: Connection, by_shard: Mapping[tuple[UUID, int], Mapping[Cell, int]]) -> None:
    """Add to the cells."""
    rows = (
        (*place, *cell, count) for place, cells in sorted(by_shard.items()) for cell, count in sorted(cells.items())
    )
    await connection.execute(_INCREMENT, *_columns(rows, 8))


async def revise(connection: Connection, changes: Mapping[tuple[UUID, int], ShardChange], now: int) -> None:
    """Give each changed shard its next revision, keep what it added, and tell the readers at commit."""
    rows = (
        (*key, change.late_count, change.model_version, delta.encode(change.cells))
        for key, change in sorted(changes.items())
    )
    await connection.execute(_REVISE, *_columns(rows, 5), now)
    await connection.execute(_TELL, CHANGED, sorted({workspace for workspace, _ in changes}))


async def forget_deltas(connection: Connection, before: int) -> None:
    """Drop what revisions before an instant had added; readers that far behind read the cells again."""
    await connection.execute(_FORGET, before)


_WIDTH: Final = 6 + len(FACT_VALUES)
_NOTHING: Final = Cycle(number=0, entered=(None,) * len(STEPS), attributes=(None,) * len(ATTRIBUTES))


def _fact_row(key: FactKey, fact: Version) -> tuple[Any, ...]:
    cycle = fact.cycle or _NOTHING
    head = (*key, fact.version, fact.cycle is None, cycle.number)
    return (*head, *cycle.entered, cycle.ended, cycle.ended_at, *cycle.attributes)


def _columns(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows as the columns that ``unnest`` takes."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]
