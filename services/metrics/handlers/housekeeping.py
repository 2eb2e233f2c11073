"""Dropping what nobody needs any more: deltas that every reader has long applied, sign-ins that are over."""

import asyncio
from contextlib import suppress
from typing import Final

from services.metrics.store.changes import forget_deltas
from services.metrics.store.sign_in import forget_expired
from shared.clock import MINUTE, Clock
from shared.database.connection import Pool
from shared.database.pool import borrowed
from shared.errors import Transient

DELTAS_LAST: Final = 10 * MINUTE
_EVERY_SECONDS: Final = 60.0


async def keep_house(pool: Pool, clock: Clock) -> None:
    """Tidy up every minute until cancelled; an outage is waited out."""
    while True:
        with suppress(Transient):
            await tidy(pool, clock.now())
        await asyncio.sleep(_EVERY_SECONDS)


async def tidy(pool: Pool, now: int) -> None:
    """Tidy up once. Raises Transient."""
    async with borrowed(pool) as connection:
        await forget_deltas(connection, now - DELTAS_LAST)
        await forget_expired(connection, now)
