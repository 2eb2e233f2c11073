"""Lead rows, checkpoints, and what was last told of a lead."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from services.scoring.domain.touchpoint import Place
from services.scoring.store.identity import WorkspaceKey

_COLUMNS: Final = (
    "l.workspace_id, l.key, l.lead_id, l.version, l.earliest_at, l.stale_at, l.stale_id, l.wake_at, l.state, "
    "l.model_version"
)
_ENSURE: Final = """
    INSERT INTO scoring.lead (workspace_id, key, lead_id)
    SELECT k.workspace_id, k.key, k.lead_id
    FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS k (workspace_id, key, lead_id)
    ORDER BY k.workspace_id, k.key COLLATE "C"
    ON CONFLICT (workspace_id, key) DO NOTHING
"""
_LOCK: Final = f"""
    SELECT {_COLUMNS} FROM scoring.lead AS l
    JOIN unnest($1::uuid[], $2::text[]) AS k (workspace_id, key) ON l.workspace_id = k.workspace_id AND l.key = k.key
    ORDER BY l.workspace_id, l.key
    FOR UPDATE OF l
"""  # noqa: S608 - constant columns
_TAKE_STALE: Final = f"""
    SELECT {_COLUMNS} FROM scoring.lead AS l
    WHERE l.stale_at IS NOT NULL AND (l.workspace_id, l.key) > ($2, $3 COLLATE "C")
    ORDER BY l.workspace_id, l.key LIMIT $1 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - constant columns
_TAKE_DUE: Final = f"""
    SELECT {_COLUMNS} FROM scoring.lead AS l WHERE l.wake_at <= $2 AND l.stale_at IS NULL
    ORDER BY l.wake_at LIMIT $1 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - constant columns
_TAKE_OUTDATED: Final = f"""
    SELECT {_COLUMNS} FROM (
        SELECT workspace_id, max(version) AS version FROM scoring.model
        GROUP BY workspace_id HAVING max(published_at) <= $2
    ) AS m
    CROSS JOIN LATERAL (
        SELECT * FROM scoring.lead AS o
        WHERE o.workspace_id = m.workspace_id AND o.model_version < m.version
        AND o.earliest_at IS NOT NULL AND o.stale_at IS NULL
        ORDER BY o.model_version LIMIT $1 FOR UPDATE SKIP LOCKED
    ) AS l LIMIT $1
"""  # noqa: S608 - constant columns
_SAVE: Final = """
    UPDATE scoring.lead AS l SET version = s.version, earliest_at = s.earliest_at, stale_at = s.stale_at,
        stale_id = s.stale_id, wake_at = s.wake_at, state = s.state, model_version = s.model_version
    FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[], $8::bytea[],
        $9::integer[])
    AS s (workspace_id, key, version, earliest_at, stale_at, stale_id, wake_at, state, model_version)
    WHERE l.workspace_id = s.workspace_id AND l.key = s.key
"""
_DROP_CHECKPOINTS: Final = """
    DELETE FROM scoring.checkpoint AS c
    USING unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[]) AS s (workspace_id, key, at, id)
    WHERE c.workspace_id = s.workspace_id AND c.key = s.key AND (c.at, c.id) >= (s.at, s.id)
"""
_ADD_CHECKPOINTS: Final = """
    INSERT INTO scoring.checkpoint (workspace_id, key, at, id, state)
    SELECT c.workspace_id, c.key, c.at, c.id, c.state
    FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::bytea[]) AS c (workspace_id, key, at, id, state)
    ORDER BY c.workspace_id, c.key COLLATE "C", c.at, c.id COLLATE "C"
    ON CONFLICT (workspace_id, key, at, id) DO UPDATE SET state = excluded.state
"""
_LAST_CHECKPOINTS: Final = """
    SELECT s.workspace_id, s.key, c.state
    FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[]) AS s (workspace_id, key, at, id)
    CROSS JOIN LATERAL (
        SELECT p.state FROM scoring.checkpoint AS p
        WHERE p.workspace_id = s.workspace_id AND p.key = s.key AND (p.at, p.id) < (s.at, s.id)
        ORDER BY p.at DESC, p.id DESC LIMIT 1
    ) AS c
"""
_READ_CYCLES: Final = """
    SELECT c.workspace_id, c.key, c.number, c.body FROM scoring.cycle AS c
    JOIN unnest($1::uuid[], $2::text[], $3::integer[]) AS k (workspace_id, key, since)
    ON c.workspace_id = k.workspace_id AND c.key = k.key AND c.number >= k.since
"""
_TELL_CYCLES: Final = """
    INSERT INTO scoring.cycle (workspace_id, key, number, version, body)
    SELECT c.workspace_id, c.key, c.number, c.version, c.body
    FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::bigint[], $5::bytea[])
    AS c (workspace_id, key, number, version, body)
    ORDER BY c.workspace_id, c.key COLLATE "C", c.number
    ON CONFLICT (workspace_id, key, number) DO UPDATE SET version = excluded.version, body = excluded.body
"""
_FORGET_CYCLES: Final = """
    DELETE FROM scoring.cycle AS c USING unnest($1::uuid[], $2::text[], $3::integer[]) AS g (workspace_id, key, number)
    WHERE c.workspace_id = g.workspace_id AND c.key = g.key AND c.number = g.number
"""
_LIST: Final = """
    INSERT INTO scoring.listing
        (workspace_id, lead_id, key, status, stage, channel, cycle, shard, since, version, updated_at)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[],
        $8::smallint[], $9::bigint[], $10::bigint[], $11::bigint[])
    AS r (workspace_id, lead_id, key, status, stage, channel, cycle, shard, since, version, updated_at)
    ORDER BY r.workspace_id, r.lead_id
    ON CONFLICT (workspace_id, lead_id) DO UPDATE SET status = excluded.status, stage = excluded.stage,
        channel = excluded.channel, cycle = excluded.cycle, since = excluded.since, version = excluded.version,
        updated_at = excluded.updated_at
"""
_UNLIST: Final = """
    DELETE FROM scoring.listing AS r USING unnest($1::uuid[], $2::uuid[]) AS g (workspace_id, lead_id)
    WHERE r.workspace_id = g.workspace_id AND r.lead_id = g.lead_id
"""


@dataclass(slots=True, kw_only=True)
class LeadRow:
    """A locked row of a key, changed in place by the one transaction that holds it and then saved."""

    workspace: UUID
    key: str
    lead_id: UUID
    version: int
    earliest_at: int | None
    stale: Place | None
    wake_at: int | None
    state: bytes | None
    model_version: int = 0

    def lower(self, place: Place) -> None:
        """Say that the fold is good only before ``place``."""
        if self.stale is None or place < self.stale:
            self.stale = place


class Checkpoint(NamedTuple):
    """A lead right after the touchpoint at ``place``."""

    workspace: UUID
    key: str
    place: Place
    state: bytes


class ToldCycle(NamedTuple):
    """A cycle as it is told from now on; without a body it is gone."""

    workspace: UUID
    key: str
    number: int
    version: int
    body: bytes | None


class Listed(NamedTuple):
    """A lead as work lists show it."""

    workspace: UUID
    lead_id: UUID
    key: str
    status: str
    stage: str | None
    channel: str
    cycle: int
    shard: int
    since: int
    version: int
    updated_at: int


async def ensure(connection: asyncpg.Connection, keys: Sequence[tuple[UUID, str, UUID]]) -> None:
    """Give each key a row, in key order; waits for another transaction that is doing so."""
    if keys:
        await connection.execute(_ENSURE, *_columns(keys))


async def lock(connection: asyncpg.Connection, keys: Collection[WorkspaceKey]) -> dict[WorkspaceKey, LeadRow]:
    """Lock these rows in key order, and read them as they are once locked."""
    return _rows(await connection.fetch(_LOCK, *_split(keys)))


async def take_stale(connection: asyncpg.Connection, limit: int, after: WorkspaceKey) -> dict[WorkspaceKey, LeadRow]:
    """Lock the next leads after a key whose fold is behind, in key order, passing over those that others hold."""
    return _rows(await connection.fetch(_TAKE_STALE, limit, *after))


async def take_due(connection: asyncpg.Connection, limit: int, watermark: int) -> dict[WorkspaceKey, LeadRow]:
    """Lock some clean leads whose next implied instant the watermark has passed."""
    return _rows(await connection.fetch(_TAKE_DUE, limit, watermark))


async def take_outdated(connection: asyncpg.Connection, limit: int, watermark: int) -> dict[WorkspaceKey, LeadRow]:
    """Lock some clean leads that were folded before their workspace's newest model version was published, when the
    watermark has passed that.
    """
    return _rows(await connection.fetch(_TAKE_OUTDATED, limit, watermark))


async def save(connection: asyncpg.Connection, rows: Iterable[LeadRow]) -> None:
    """Write locked rows back."""
    values = [
        (
            row.workspace,
            row.key,
            row.version,
            row.earliest_at,
            row.stale.at if row.stale else None,
            row.stale.id if row.stale else None,
            row.wake_at,
            row.state,
            row.model_version,
        )
        for row in rows
    ]
    if values:
        await connection.execute(_SAVE, *_columns(values))


async def drop_checkpoints(connection: asyncpg.Connection, since: Sequence[tuple[UUID, str, Place]]) -> None:
    """Delete the checkpoints of leads at and after a place."""
    if since:
        await connection.execute(_DROP_CHECKPOINTS, *_columns([(w, k, place.at, place.id) for w, k, place in since]))


async def add_checkpoints(connection: asyncpg.Connection, checkpoints: Sequence[Checkpoint]) -> None:
    """Keep checkpoints."""
    if checkpoints:
        rows = [(c.workspace, c.key, c.place.at, c.place.id, c.state) for c in checkpoints]
        await connection.execute(_ADD_CHECKPOINTS, *_columns(rows))


async def last_checkpoints(
    connection: asyncpg.Connection, before: Sequence[tuple[UUID, str, Place]]
) -> dict[WorkspaceKey, bytes]:
    """The state of the last checkpoint before a place, for leads that have one."""
    if not before:
        return {}
    columns = _columns([(workspace, key, place.at, place.id) for workspace, key, place in before])
    return {(row[0], row[1]): row[2] for row in await connection.fetch(_LAST_CHECKPOINTS, *columns)}


async def told_cycles(
    connection: asyncpg.Connection, since: Sequence[tuple[UUID, str, int]]
) -> dict[WorkspaceKey, list[bytes]]:
    """The cycles that were told of leads, from a number on."""
    found: dict[WorkspaceKey, list[bytes]] = {}
    if since:
        for row in await connection.fetch(_READ_CYCLES, *_columns(since)):
            found.setdefault((row[0], row[1]), []).append(row[3])
    return found


async def tell(
    connection: asyncpg.Connection,
    cycles: Sequence[ToldCycle],
    listed: Sequence[Listed],
    unlisted: Sequence[tuple[UUID, UUID]],
) -> None:
    """Note what is told of leads from now on: their cycles, and how work lists show them."""
    kept = [cycle for cycle in cycles if cycle.body is not None]
    gone = [(cycle.workspace, cycle.key, cycle.number) for cycle in cycles if cycle.body is None]
    if kept:
        await connection.execute(_TELL_CYCLES, *_columns(kept))
    if gone:
        await connection.execute(_FORGET_CYCLES, *_columns(gone))
    if listed:
        await connection.execute(_LIST, *_columns(listed))
    if unlisted:
        await connection.execute(_UNLIST, *_columns(unlisted))


def _split(keys: Collection[WorkspaceKey]) -> tuple[list[UUID], list[str]]:
    return [workspace for workspace, _ in keys], [key for _, key in keys]


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _rows(rows: Iterable[asyncpg.Record]) -> dict[WorkspaceKey, LeadRow]:
    return {
        (row[0], row[1]): LeadRow(
            workspace=row[0],
            key=row[1],
            lead_id=row[2],
            version=row[3],
            earliest_at=row[4],
            stale=Place(row[5], row[6]) if row[5] is not None else None,
            wake_at=row[7],
            state=row[8],
            model_version=row[9],
        )
        for row in rows
    }
