"""``tragt rebuild``: refold every lead of a workspace from its history, beside live traffic."""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from services.scoring.store import rebuilding
from shared.database.connection import Pool
from shared.database.pool import borrowed

_PAGE: Final = 1_000


async def mark_all(pool: Pool, workspace: UUID) -> AsyncIterator[int]:
    """Mark all leads as behind, a page per transaction; yields how many so far. The catch-up worker does the rest.

    A lead that comes out as it was publishes nothing, so a rebuild of a sound workspace is silent.
    """
    marked, after = 0, ""
    while True:
        async with borrowed(pool) as connection, connection.transaction():
            count, after = await rebuilding.mark(connection, workspace, after, _PAGE)
        if not count:
            return
        marked += count
        yield marked


async def behind(pool: Pool, workspace: UUID) -> int:
    """How many leads still wait to be caught up."""
    async with borrowed(pool) as connection:
        return await rebuilding.behind(connection, workspace)
