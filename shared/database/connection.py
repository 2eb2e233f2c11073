"""Names for what is handed from shell to store, so that whoever only passes it on needs no driver."""

from typing import TypeAlias

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

Connection: TypeAlias = asyncpg.Connection
"""One session with the database; inside a transaction when a handler gets it."""

Pool: TypeAlias = asyncpg.Pool
"""Sessions to borrow, see ``shared.database.pool.borrowed``."""

Engine: TypeAlias = AsyncEngine
"""Where sessions come from, see ``shared.database.session.reading``."""
