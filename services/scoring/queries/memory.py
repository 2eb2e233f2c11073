"""Whether an id was ever accepted."""

from typing import Final
from uuid import UUID

from shared.database.connection import Connection

_SEEN: Final = "SELECT EXISTS (SELECT FROM scoring.seen WHERE workspace_id = $1 AND digest = $2)"


async def was_seen(connection: Connection, workspace: UUID, digest: bytes) -> bool:
    """Whether a touchpoint with this digest of its id is, or ever was, in the history."""
    return bool(await connection.fetchval(_SEEN, workspace, digest))
