"""Looking at the outbox."""

from uuid import UUID

import asyncpg

WORKSPACE = UUID(int=1)
OTHER = UUID(int=2)


async def outbox_rows(connection: asyncpg.Connection) -> list[tuple[UUID, str, bytes, int | None, bool]]:
    """Workspace, topic, value, sequence and whether it was published, in the order of appending."""
    rows = await connection.fetch(
        "SELECT workspace_id, topic, value, sequence, published FROM streaming.outbox ORDER BY id"
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]
