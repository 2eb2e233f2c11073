"""Drops refused items that were kept long enough, and tokens of hooks that are stale by now."""

import asyncio
from contextlib import suppress
from typing import Final

from services.ingest import store
from shared.clock import DAY, Clock
from shared.database.connection import Pool
from shared.database.pool import borrowed
from shared.errors import Transient

_EVERY_SECONDS: Final = 600.0
_CHUNK: Final = 1_000


async def keep_expiring(pool: Pool, clock: Clock, days: int, stop: asyncio.Event) -> None:
    """Every ten minutes until ``stop`` is set; what was missed in an outage is made up for by the next."""
    while not stop.is_set():
        with suppress(Transient):
            await expire(pool, clock.now() - days * DAY, stop)
            await expire_tokens(pool, clock.now(), stop)
        with suppress(TimeoutError):
            async with asyncio.timeout(_EVERY_SECONDS):
                await stop.wait()


async def expire(pool: Pool, before: int, stop: asyncio.Event, chunk: int = _CHUNK) -> None:
    """Once: all received before that instant, a chunk a transaction, or until ``stop`` is set. Raises Transient."""
    async with borrowed(pool) as connection:
        while not stop.is_set() and await store.expire(connection, before, chunk) == chunk:
            pass


async def expire_tokens(pool: Pool, now: int, stop: asyncio.Event, chunk: int = _CHUNK) -> None:
    """Once: all whose time is over, likewise. Raises Transient."""
    async with borrowed(pool) as connection:
        while not stop.is_set() and await store.expire_tokens(connection, now, chunk) == chunk:
            pass
