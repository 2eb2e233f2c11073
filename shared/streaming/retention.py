"""Drops what is kept no longer: old segments of the embedded log and published rows of the outbox."""

import asyncio
from contextlib import suppress
from typing import Final

import asyncpg

from shared.clock import DAY, Clock
from shared.database.pool import borrowed
from shared.errors import Transient
from shared.streaming import outbox
from shared.streaming.ports import Log

FEED_DAYS: Final = 30
"""How long the change feed can be read back."""

_EVERY_SECONDS: Final = 60.0
_CHUNK: Final = 5_000


async def retain(log: Log, pool: asyncpg.Pool, service: str, clock: Clock) -> None:
    """Once: old segments of every topic, and the service's outbox rows older than the feed. Raises Transient."""
    await log.retain()
    before = clock.now() - FEED_DAYS * DAY
    async with borrowed(pool) as connection:
        while await outbox.expire(connection, service, before, _CHUNK) == _CHUNK:
            pass


async def keep_retaining(log: Log, pool: asyncpg.Pool, service: str, clock: Clock, stop: asyncio.Event) -> None:
    """Every minute until ``stop`` is set; a minute missed in an outage is made up for by the next."""
    while not stop.is_set():
        with suppress(Transient):
            await retain(log, pool, service, clock)
        with suppress(TimeoutError):
            async with asyncio.timeout(_EVERY_SECONDS):
                await stop.wait()
