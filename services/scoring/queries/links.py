"""Links as they were known at an instant: only what was recorded by then."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from services.scoring.domain.identity import Link, Origin, Run, runs_from
from shared.database.connection import Connection

# A key may have been seen a million times with one owner: repetitions, which begin no run, stay in the database. Of a
# key that is nobody's, no more runs than tell so.
_LINKS: Final = """
    SELECT k.key, r.at, r.id, r.target, r.origin
    FROM unnest($2::text[]) AS k (key)
    CROSS JOIN LATERAL (
        SELECT o.* FROM (
            SELECT l.at, l.id, l.target, l.origin,
                lag(l.target) OVER in_time AS target_before, lag(l.origin) OVER in_time AS origin_before
            FROM scoring.link AS l
            WHERE l.workspace_id = $1 AND l.key = k.key AND l.recorded_at <= $3
            WINDOW in_time AS (ORDER BY l.at, l.id)
        ) AS o
        WHERE o.origin = 'split' OR (o.target, o.origin) IS DISTINCT FROM (o.target_before, o.origin_before)
        LIMIT $4
    ) AS r
"""
_BELOW: Final = """
    SELECT DISTINCT r.key FROM scoring.run AS r
    WHERE r.workspace_id = $1 AND r.target = ANY ($2::text[]) AND r.via = '' LIMIT $3
"""
_FIRST: Final = """
    SELECT EXISTS (
        SELECT FROM scoring.touchpoint AS t WHERE t.workspace_id = $1 AND t.strand = $2 AND t.recorded_at <= $3
    )
"""


async def runs_known(
    connection: Connection, workspace: UUID, keys: Collection[str], known_at: int, most: int
) -> dict[str, tuple[Run, ...]]:
    """The explicit runs of keys, from the links recorded by an instant; every key asked for is in the answer."""
    found: dict[str, list[Link]] = {key: [] for key in keys}
    for row in await connection.fetch(_LINKS, workspace, list(keys), known_at, most + 1):
        found[row[0]].append(Link(row[0], row[1], row[2], row[3], Origin(row[4])))
    return {key: runs_from(links, most) for key, links in found.items()}


async def keys_below(connection: Connection, workspace: UUID, keys: Collection[str], limit: int) -> set[str]:
    """Keys that ever had an explicit link to one of these, whenever that was recorded, at most ``limit`` of them."""
    return {row[0] for row in await connection.fetch(_BELOW, workspace, list(keys), limit)}


async def was_strand(connection: Connection, workspace: UUID, key: str, known_at: int) -> bool:
    """Whether a touchpoint recorded by an instant is stored under the key."""
    return bool(await connection.fetchval(_FIRST, workspace, key, known_at))
