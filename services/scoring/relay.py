"""The sequencer: stamps lead changes and refusals with gap-free numbers, publishes them, and drops what is old."""

import asyncio

from services.scoring.bootstrap import Resources
from services.scoring.handlers.touchpoints import SERVICE
from shared.database.roles import Role
from shared.streaming.relay import Relay
from shared.streaming.reporting import Reporter
from shared.streaming.retention import keep_retaining
from shared.vocabulary import TopicName


async def run(own: Resources, stop: asyncio.Event) -> None:
    """Relay until ``stop`` is set; see Relay for what is raised."""
    relay = Relay(
        dsn=own.settings.database.dsn.get_secret_value(),
        role=Role.SCORING_WORKER,
        service=SERVICE,
        producer=own.producer,
        numbered=(TopicName.CHANGES,),
        clock=own.clock,
        observer=Reporter(SERVICE, own.telemetry),
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(relay.run(stop))
        tasks.create_task(keep_retaining(own.log, own.pool, SERVICE, own.clock, stop))
