"""Published model versions; a version never changes and is never taken back."""

from typing import Final
from uuid import UUID

from services.scoring.domain.timeline import TEMPLATE_VERSION
from shared.database.connection import Connection

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('publishing ' || $1::uuid::text, 0))"
_ADD: Final = """
    INSERT INTO scoring.model (workspace_id, version, published_at, body)
    SELECT $1, coalesce(max(version), $4) + 1, greatest($2, max(published_at) + 1), $3
    FROM scoring.model WHERE workspace_id = $1
    RETURNING version
"""


async def lock(connection: Connection, workspace: UUID) -> None:
    """Be the only one who publishes in this workspace until the transaction ends."""
    await connection.execute(_LOCK, workspace)


async def add(connection: Connection, workspace: UUID, body: str, published_at: int) -> int:
    """Publish a version, later than those there are. Returns its number."""
    return int(await connection.fetchval(_ADD, workspace, published_at, body, TEMPLATE_VERSION))
