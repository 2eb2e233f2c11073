"""Beginning all over: every lead marked as behind from its first touchpoint; the catch-up worker does the rest."""

from typing import Final
from uuid import UUID

from shared.database.connection import Connection

_MARK: Final = """
    WITH page AS (
        SELECT workspace_id, key FROM scoring.lead
        WHERE workspace_id = $1 AND key > $2 AND earliest_at IS NOT NULL
        ORDER BY key LIMIT $3 FOR UPDATE
    ), dropped AS (
        DELETE FROM scoring.checkpoint AS c USING page WHERE c.workspace_id = page.workspace_id AND c.key = page.key
    ), marked AS (
        UPDATE scoring.lead AS l SET stale_at = l.earliest_at, stale_id = ''
        FROM page WHERE l.workspace_id = page.workspace_id AND l.key = page.key
        RETURNING l.key
    )
    SELECT count(*), max(key COLLATE "C") FROM marked
"""
_BEHIND: Final = "SELECT count(*) FROM scoring.lead WHERE workspace_id = $1 AND stale_at IS NOT NULL"


async def mark(connection: Connection, workspace: UUID, after: str, limit: int) -> tuple[int, str]:
    """Mark the next ``limit`` leads in key order as behind from their beginning. Returns how many, and the last key."""
    (row,) = await connection.fetch(_MARK, workspace, after, limit)
    return row[0], row[1] or after


async def behind(connection: Connection, workspace: UUID) -> int:
    """How many leads still wait to be caught up."""
    return int(await connection.fetchval(_BEHIND, workspace))
