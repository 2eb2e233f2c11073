"""Borrowing a connection from a pool."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import asyncpg

from shared.database.transient import translated


@asynccontextmanager
async def borrowed(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """A connection for the length of the block. Raises Transient for every error that passes by itself.

    The pool lends a proxy that answers like a connection without being declared one.
    """
    with translated():
        async with pool.acquire() as proxy:
            yield cast("asyncpg.Connection", proxy)
