"""Builds what a metrics process needs, once, from its settings, and lets go of it in the end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import httpx

from services.metrics.connectors.scoring import Scoring
from services.metrics.settings import MetricsSettings
from shared.clock import Clock, SystemClock
from shared.database.connection import Pool
from shared.database.engine import create_pool
from shared.database.pool import let_go
from shared.database.roles import Role
from shared.http.health import Health
from shared.streaming.connect import open_log, topics_ready
from shared.streaming.ports import Log
from shared.telemetry import Telemetry, tracing

_OWN_CONNECTIONS: Final = 3
"""Beside the batches: the watermark, sign-in, housekeeping."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What the parts of a metrics process share. ``pool`` works on all workspaces, ``readers`` sees one at a time."""

    settings: MetricsSettings
    clock: Clock
    telemetry: Telemetry
    health: Health
    log: Log
    pool: Pool
    readers: Pool
    scoring: Scoring

    @property
    def dsn(self) -> str:
        """The service's database."""
        return self.settings.database.dsn.get_secret_value()


@asynccontextmanager
async def opened(settings: MetricsSettings, stop: asyncio.Event) -> AsyncIterator[Resources]:
    """The resources of one process; waits for the log to be there. Raises Misconfigured."""
    async with AsyncExitStack() as stack:
        tracer = stack.enter_context(tracing("metrics", settings.traces_endpoint))
        clock = SystemClock()
        log = open_log(settings.log, Role.METRICS_WORKER)
        stack.push_async_callback(log.close)
        dsn = settings.database.dsn.get_secret_value()
        size = settings.worker.concurrent_batches + _OWN_CONNECTIONS
        pool = await create_pool(dsn, Role.METRICS_WORKER, size=size)
        stack.push_async_callback(let_go, pool)
        readers = await create_pool(dsn, Role.METRICS_READER, size=settings.database.pool_size)
        stack.push_async_callback(let_go, readers)
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        key = settings.scoring.key
        await topics_ready(log, stop)
        yield Resources(
            settings=settings,
            clock=clock,
            telemetry=Telemetry(tracer),
            health=Health(clock),
            log=log,
            pool=pool,
            readers=readers,
            scoring=Scoring(client, settings.scoring.url, key.get_secret_value() if key else None),
        )
