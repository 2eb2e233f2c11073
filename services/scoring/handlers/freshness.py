"""Up to where touchpoints are processed, for whoever must say how fresh numbers are."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from shared.clock import Clock
from shared.database.connection import Pool
from shared.database.pool import borrowed
from shared.errors import Transient
from shared.streaming.ports import LogAdmin
from shared.streaming.watermark import watermark
from shared.vocabulary import Group, TopicName

_EVERY_SECONDS: Final = 1.0


@dataclass(slots=True)
class Freshness:
    """Touchpoints appended to the log before ``watermark`` (microseconds) are processed; None while unknown."""

    watermark: int | None = None

    async def run(self, pool: Pool, admin: LogAdmin, clock: Clock) -> None:
        """Look every second until cancelled. While the log or the database is away the last answer stands."""
        group, topic = Group.SCORING_TOUCHPOINTS, TopicName.TOUCHPOINTS
        while True:
            with suppress(Transient):
                async with borrowed(pool) as connection:
                    now = clock.now()
                    self.watermark = await watermark(connection, admin, group, topic, now=now, deadline_seconds=0)
            await asyncio.sleep(_EVERY_SECONDS)
