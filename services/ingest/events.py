"""The stream worker that takes CloudEvents out of a topic of others, where ``INGEST_RUN`` names it."""

import asyncio
from uuid import uuid4

from services.ingest.bootstrap import Resources, ensure_log
from services.ingest.handlers.accepting import Door
from services.ingest.handlers.events import GROUP, EventHandler
from shared.errors import Misconfigured, Unavailable
from shared.process import member_id
from shared.streaming.loop import LoopSettings, StreamLoop
from shared.streaming.processor import BatchProcessor
from shared.streaming.reporting import Reporter

_MAX_RECORDS = 500
"""Of a batch, all of which waits for the log inside one transaction."""


async def run(own: Resources, stop: asyncio.Event) -> None:
    """Consume until ``stop`` is set; see StreamLoop for its errors. Raises Misconfigured."""
    said = own.settings.events
    if own.settings.log.kind != "kafka" or not said.topic or said.key is None:
        raise Misconfigured("the part events needs INGEST_LOG_KIND=kafka, INGEST_EVENTS_TOPIC and INGEST_EVENTS_KEY")
    door = Door(own.producer, own.clock, own.telemetry, lambda: uuid4().hex, schemas=own.schemas)
    loop = StreamLoop(
        group=GROUP,
        topic=said.topic,
        member_id=member_id(),
        log=own.log,
        pool=own.pool,
        processor=BatchProcessor(own.pool, GROUP, EventHandler(door, own.access, said.key.get_secret_value())),
        observer=Reporter(GROUP, own.telemetry),
        settings=LoopSettings(max_records=_MAX_RECORDS),
    )

    async def check() -> None:
        if loop.health.failing is not None:
            raise Unavailable(loop.health.failing)

    own.health.require("events", check)
    await ensure_log(own, stop)
    async with asyncio.TaskGroup() as tasks:
        keeping = [own.access.run(), own.schemas.run()] if "api" not in own.settings.run else []
        running = [tasks.create_task(one) for one in keeping]
        await loop.run(stop)
        for task in running:
            task.cancel()
