"""The stream worker: batches of touchpoints from the log through the handler."""

import asyncio

from services.scoring.bootstrap import Resources
from services.scoring.handlers.touchpoints import TouchpointHandler
from shared.errors import Unavailable
from shared.process import member_id
from shared.streaming.loop import LoopSettings, StreamLoop
from shared.streaming.processor import BatchProcessor
from shared.streaming.reporting import Reporter
from shared.vocabulary import Group, TopicName


async def run(own: Resources, stop: asyncio.Event) -> None:
    """Consume until ``stop`` is set; see StreamLoop for what is raised."""
    handler = TouchpointHandler(own.worlds, own.clock, own.settings.epoch)
    loop = StreamLoop(
        group=Group.SCORING_TOUCHPOINTS,
        topic=TopicName.TOUCHPOINTS,
        member_id=member_id(),
        log=own.log,
        pool=own.pool,
        processor=BatchProcessor(own.pool, Group.SCORING_TOUCHPOINTS, handler),
        observer=Reporter(Group.SCORING_TOUCHPOINTS, own.telemetry),
        settings=LoopSettings(
            max_records=own.settings.worker.batch_records,
            concurrent_batches=own.settings.worker.concurrent_batches,
        ),
    )

    async def check() -> None:
        if not loop.health.ready or loop.health.failing is not None:
            raise Unavailable(loop.health.failing or "not yet consuming")

    own.health.require("worker", check)
    await loop.run(stop)
