"""Up to where lead changes are counted, and what scoring still has to catch up."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

from shared.clock import Clock
from shared.database.connection import Pool
from shared.database.pool import borrowed
from shared.errors import Transient
from shared.streaming.ports import LogAdmin
from shared.streaming.watermark import watermark
from shared.vocabulary import Group, TopicName

_EVERY_SECONDS: Final = 1.0


class Upstream(Protocol):
    """Asks scoring."""

    async def stale_leads(self) -> Mapping[UUID, int]:
        """How many leads wait to be caught up, of the workspaces it may be asked about."""
        ...

    @property
    def watermark(self) -> int | None:
        """Up to when scoring had read the log when it was last asked; None when it could not be asked."""
        ...


@dataclass(slots=True)
class Freshness:
    """The present answers. ``watermark`` is None while unknown; ``stale_leads`` holds the workspaces known about.

    What came to the log before ``watermark`` is read by scoring, and its lead changes are counted here.
    """

    watermark: int | None = None
    stale_leads: Mapping[UUID, int] = field(default_factory=dict)

    async def run(self, pool: Pool, admin: LogAdmin, scoring: Upstream, clock: Clock) -> None:
        """Ask again every second until cancelled. While the log or the database is away the last watermark stands."""
        while True:
            await self.look(pool, admin, scoring, clock)
            await asyncio.sleep(_EVERY_SECONDS)

    async def look(self, pool: Pool, admin: LogAdmin, scoring: Upstream, clock: Clock) -> None:
        """Ask once."""
        group, topic = Group.METRICS_CHANGES, TopicName.CHANGES
        with suppress(Transient):
            async with borrowed(pool) as connection:
                now = clock.now()
                counted = await watermark(connection, admin, group, topic, now=now, deadline_seconds=0)
                # What scoring has not read yet cannot be counted: a number is no fresher than the slower of the two.
                self.watermark = counted if scoring.watermark is None else min(counted, scoring.watermark)
        self.stale_leads = await scoring.stale_leads()
