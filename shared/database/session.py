"""Sessions: one transaction each. Reading and writing are different types, so a query cannot be handed a writer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, NewType
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.database.transient import translated

ReadSession = NewType("ReadSession", AsyncConnection)
"""A read-only transaction that sees the rows of one workspace."""

WriteSession = NewType("WriteSession", AsyncConnection)
"""A transaction of a worker role; committed when the block ends without an error."""

_BIND: Final = text(
    "SELECT set_config('app.workspace', :workspace, true), set_config('transaction_read_only', 'on', true)"
)


@asynccontextmanager
async def reading(engine: AsyncEngine, workspace: UUID) -> AsyncIterator[ReadSession]:
    """Read as one workspace. Raises Transient when the database is away; writing inside is an error."""
    with translated(read_only=True):
        async with engine.begin() as connection:
            await connection.execute(_BIND, {"workspace": str(workspace)})
            yield ReadSession(connection)


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[WriteSession]:
    """Write in one transaction. Raises Transient when the database is away; then nothing is known to be written."""
    with translated():
        async with engine.begin() as connection:
            yield WriteSession(connection)
