"""Borrowing a connection from a pool, and letting go of the pool."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, cast

import asyncpg

from shared.database.transient import translated

_CLOSING_SECONDS: Final = 2.0


async def let_go(pool: asyncpg.Pool) -> None:
    """Close a pool without waiting long for a database that is gone."""
    try:
        async with asyncio.timeout(_CLOSING_SECONDS):
            await pool.close()
    except TimeoutError:
        pool.terminate()


@asynccontextmanager
async def borrowed(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """A connection for the length of the block. Raises Transient for every error that passes by itself.

    The pool lends a proxy that answers like a connection without being declared one.
    """
    with translated():
        async with pool.acquire() as proxy:
            yield cast("asyncpg.Connection", proxy)
