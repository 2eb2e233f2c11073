"""The stream worker that keeps refused items."""

import asyncio

from services.ingest.bootstrap import Resources, ensure_log
from services.ingest.handlers.expiring import keep_expiring
from services.ingest.handlers.rejections import RejectionHandler
from shared.errors import Unavailable
from shared.process import member_id
from shared.streaming.loop import StreamLoop
from shared.streaming.processor import BatchProcessor
from shared.streaming.reporting import Reporter
from shared.streaming.retention import keep_retaining
from shared.vocabulary import Group, TopicName


async def run(own: Resources, stop: asyncio.Event) -> None:
    """Consume until ``stop`` is set, dropping meanwhile what is kept no longer; see StreamLoop for its errors."""
    loop = StreamLoop(
        group=Group.INGEST_REJECTIONS,
        topic=TopicName.REJECTIONS,
        member_id=member_id(),
        log=own.log,
        pool=own.pool,
        processor=BatchProcessor(own.pool, Group.INGEST_REJECTIONS, RejectionHandler()),
        observer=Reporter(Group.INGEST_REJECTIONS, own.telemetry),
    )

    async def check() -> None:
        if loop.health.failing is not None:
            raise Unavailable(loop.health.failing)

    own.health.require("rejections", check)
    await ensure_log(own, stop)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(keep_retaining(own.log, own.pool, "ingest", own.clock, stop))
        tasks.create_task(keep_expiring(own.pool, own.clock, own.settings.rejected_days, stop))
        await loop.run(stop)
