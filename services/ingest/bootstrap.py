"""Builds what an ingest process needs, once, from its settings, and lets go of it in the end."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from services.ingest.domain.rate import Rates
from services.ingest.handlers.allowances import Allowances
from services.ingest.handlers.countries import opened_countries
from services.ingest.handlers.hook_cache import HookCache
from services.ingest.handlers.outbound import Outbound
from services.ingest.handlers.schema_cache import SchemaCache
from services.ingest.protocols.outcome import CountryAt
from services.ingest.settings import IngestSettings
from shared.clock import Clock, SystemClock
from shared.database.access_source import DatabaseAccess
from shared.database.connection import Engine, Pool
from shared.database.engine import create_engine, create_pool
from shared.database.roles import Role
from shared.http.auth import AccessCache
from shared.http.health import Health
from shared.streaming.connect import open_log, topics_ready
from shared.streaming.ports import Log, Producer
from shared.telemetry import Telemetry, tracing

_CLOSING_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Resources:
    """What the parts of an ingest process share. The producer is needed to accept; the database only to look back."""

    settings: IngestSettings
    clock: Clock
    telemetry: Telemetry
    health: Health
    access: AccessCache
    allowances: Allowances
    hooks: HookCache
    schemas: SchemaCache
    outbound: Outbound
    country_at: CountryAt | None
    log: Log
    producer: Producer
    reader: Engine
    writer: Engine
    pool: Pool
    topics: asyncio.Event
    """Set once the log's topics are known to exist."""


@asynccontextmanager
async def opened(settings: IngestSettings) -> AsyncIterator[Resources]:
    """The resources of one process; nothing is waited for, so the door opens with the database away.

    Raises Misconfigured.
    """
    async with AsyncExitStack() as stack:
        tracer = stack.enter_context(tracing("ingest", settings.traces_endpoint))
        dsn = settings.database.dsn.get_secret_value()
        clock = SystemClock()
        log = open_log(settings.log, Role.INGEST_WORKER)
        stack.push_async_callback(_bounded(log.close))
        producer = log.producer()
        stack.push_async_callback(producer.close)
        source = DatabaseAccess(dsn, Role.INGEST_READER)
        stack.push_async_callback(_bounded(source.close))
        reader = create_engine(dsn, Role.INGEST_READER)
        stack.push_async_callback(_bounded(reader.dispose))
        writer = create_engine(dsn, Role.INGEST_WORKER, size=2)
        stack.push_async_callback(_bounded(writer.dispose))
        schemas = SchemaCache(writer)
        stack.push_async_callback(_bounded(schemas.tally.close))
        pool = await create_pool(dsn, Role.INGEST_WORKER, size=settings.database.pool_size)
        stack.push_async_callback(_bounded(pool.close))
        country_at = None
        if settings.country_database:
            countries = opened_countries(settings.country_database)
            stack.callback(countries.close)
            country_at = countries.country_at
        outbound = Outbound()
        stack.push_async_callback(_bounded(outbound.close))
        yield Resources(
            settings=settings,
            clock=clock,
            telemetry=Telemetry(tracer),
            health=Health(clock),
            access=AccessCache(source, clock),
            allowances=Allowances(Rates(**settings.rate.model_dump()), settings.limit.held_bytes, time.monotonic),
            hooks=HookCache(writer),
            schemas=schemas,
            outbound=outbound,
            country_at=country_at,
            log=log,
            producer=producer,
            reader=reader,
            writer=writer,
            pool=pool,
            topics=asyncio.Event(),
        )


async def ensure_log(own: Resources, stop: asyncio.Event) -> None:
    """Make sure that the topics exist, however long the log takes to be there. Raises Misconfigured."""
    if await topics_ready(own.log, stop):
        own.topics.set()


def _bounded(close: Callable[[], Awaitable[Any]]) -> Callable[[], Coroutine[Any, Any, None]]:
    """Closing that never waits long for a peer that is gone."""

    async def closed() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING_SECONDS):
                await close()

    return closed
