"""The catch-up worker: refolds leads that are behind, and fires timers that the watermark has passed."""

import asyncio
import random
from contextlib import suppress

import structlog

from services.scoring.bootstrap import Resources
from services.scoring.handlers.refolding import CaughtUp, Refolder
from shared import instruments
from shared.database.pool import borrowed
from shared.errors import Transient
from shared.streaming.backoff import Backoff
from shared.streaming.ports import LogAdmin
from shared.streaming.watermark import watermark
from shared.vocabulary import Group, TopicName

_IDLE_SECONDS = 0.2
_WATERMARK_EVERY_SECONDS = 1.0
_STUCK_AFTER_SECONDS = 60.0


class CatchUp:
    """Steps of the refolder in their own short transactions, for as long as there is something to catch up."""

    def __init__(self, own: Resources) -> None:
        self._own = own
        self._refolder = Refolder(own.worlds, own.clock, own.settings.epoch)
        self._log = structlog.get_logger("catch_up")
        self._watermark = 0
        self._read_at = float("-inf")

    async def run(self, stop: asyncio.Event) -> None:
        """Catch up until ``stop`` is set. Outages are waited out; anything else is raised."""
        heartbeat = self._own.health.heartbeat("catch_up", _STUCK_AFTER_SECONDS)
        backoff = Backoff(random.random, asyncio.get_running_loop().time, float("inf"))
        admin = self._own.log.admin()
        try:
            while not stop.is_set():
                heartbeat.beat()
                try:
                    done = await self._step(admin)
                except Transient as error:
                    self._log.warning("catch_up.retried", reason=str(error))
                    await _pause(stop, backoff.failed() or 0.0)
                else:
                    backoff.succeeded()
                    await self._tell(done, stop)
        finally:
            await admin.close()

    async def _step(self, admin: LogAdmin) -> CaughtUp:
        async with borrowed(self._own.pool) as connection:
            now = asyncio.get_running_loop().time()
            if now - self._read_at >= _WATERMARK_EVERY_SECONDS:
                self._watermark = await watermark(
                    connection,
                    admin,
                    Group.SCORING_TOUCHPOINTS,
                    TopicName.TOUCHPOINTS,
                    now=self._own.clock.now(),
                    deadline_seconds=self._own.producer.delivery_deadline_seconds,
                )
                self._read_at = now
            async with connection.transaction():
                return await self._refolder.step(connection, self._watermark)

    async def _tell(self, done: CaughtUp, stop: asyncio.Event) -> None:
        if not done.taken:
            await _pause(stop, _IDLE_SECONDS)
            return
        self._own.telemetry.count(instruments.CATCH_UP_FOLDED, done.touchpoints)
        self._log.info("caught_up", leads=done.taken, touchpoints=done.touchpoints, finished=done.finished)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def run(own: Resources, stop: asyncio.Event) -> None:
    """Catch up until ``stop`` is set."""
    await CatchUp(own).run(stop)
