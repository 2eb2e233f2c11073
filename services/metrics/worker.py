"""The stream worker: batches of lead changes from the log through the handler, and tidying up beside it."""

import asyncio
from typing import Final

from services.metrics.bootstrap import Resources
from services.metrics.handlers.changes import ChangeHandler
from services.metrics.handlers.housekeeping import keep_house
from shared.errors import Unavailable
from shared.process import member_id
from shared.streaming.loop import LoopSettings, StreamLoop
from shared.streaming.processor import BatchProcessor
from shared.streaming.reporting import Reporter
from shared.vocabulary import Group, TopicName

_GROUP: Final = Group.METRICS_CHANGES


async def run(own: Resources, stop: asyncio.Event) -> None:
    """Consume until ``stop`` is set; see StreamLoop for what is raised."""
    pace = own.settings.worker
    handler = ChangeHandler(own.settings.time_zones, own.clock)
    loop = StreamLoop(
        group=_GROUP,
        topic=TopicName.CHANGES,
        member_id=member_id(),
        log=own.log,
        pool=own.pool,
        processor=BatchProcessor(own.pool, _GROUP, handler),
        observer=Reporter(_GROUP, own.telemetry),
        settings=LoopSettings(max_records=pace.batch_records, concurrent_batches=pace.concurrent_batches),
    )

    async def check() -> None:
        if not loop.health.ready or loop.health.failing is not None:
            raise Unavailable(loop.health.failing or "not yet consuming")

    own.health.require("worker", check)
    async with asyncio.TaskGroup() as tasks:
        tidying = tasks.create_task(keep_house(own.pool, own.clock))
        await loop.run(stop)
        tidying.cancel()
