"""One consistent look at one workspace, as a reader: no row of another workspace can be seen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from shared.database.connection import Connection, Pool
from shared.database.pool import borrowed

_BIND: Final = "SELECT set_config('app.workspace', $1, true), set_config('transaction_timeout', '25s', true)"


@asynccontextmanager
async def looking(pool: Pool, workspace: UUID) -> AsyncIterator[Connection]:
    """A read-only transaction of one snapshot, for 25 s at most. Raises Transient when the database is away."""
    async with borrowed(pool) as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(_BIND, str(workspace))
        yield connection
