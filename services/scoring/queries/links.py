"""Links as they were known at an instant: only what was recorded by then."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from services.scoring.domain.identity import Link, Origin, Run, runs_from
from shared.database.connection import Connection

# A key may have been seen a million times with one owner: repetitions, which begin no run, stay in the database.
_LINKS: Final = """
    WITH ordered AS (
        SELECT l.workspace_id, l.key, l.at, l.id, l.target, l.origin,
            lag(l.target) OVER same_key AS target_before, lag(l.origin) OVER same_key AS origin_before
        FROM scoring.link AS l
        WHERE l.workspace_id = $1 AND l.key = ANY ($2::text[]) AND l.recorded_at <= $3
        WINDOW same_key AS (PARTITION BY l.key ORDER BY l.at, l.id)
    )
    SELECT key, at, id, target, origin FROM ordered
    WHERE origin = 'split' OR (target, origin) IS DISTINCT FROM (target_before, origin_before)
    ORDER BY key, at, id
"""
_BELOW: Final = """
    SELECT DISTINCT r.key FROM scoring.run AS r
    WHERE r.workspace_id = $1 AND r.target = ANY ($2::text[]) AND r.origin <> 'inferred'
"""
_FIRST: Final = """
    SELECT EXISTS (
        SELECT FROM scoring.touchpoint AS t WHERE t.workspace_id = $1 AND t.strand = $2 AND t.recorded_at <= $3
    )
"""


async def runs_known(
    connection: Connection, workspace: UUID, keys: Collection[str], known_at: int
) -> dict[str, tuple[Run, ...]]:
    """The explicit runs of keys, from the links recorded by an instant; every key asked for is in the answer."""
    found: dict[str, list[Link]] = {key: [] for key in keys}
    for row in await connection.fetch(_LINKS, workspace, list(keys), known_at):
        found[row[0]].append(Link(row[0], row[1], row[2], row[3], Origin(row[4])))
    return {key: runs_from(links) for key, links in found.items()}


async def keys_below(connection: Connection, workspace: UUID, keys: Collection[str]) -> set[str]:
    """Keys that ever had an explicit link to one of these, whenever that was recorded."""
    return {row[0] for row in await connection.fetch(_BELOW, workspace, list(keys))}


async def was_strand(connection: Connection, workspace: UUID, key: str, known_at: int) -> bool:
    """Whether a touchpoint recorded by an instant is stored under the key."""
    return bool(await connection.fetchval(_FIRST, workspace, key, known_at))
