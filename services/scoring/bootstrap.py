"""Builds what a scoring process needs, once, from its settings, and lets go of it in the end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import resources

from services.scoring.handlers.worlds import Worlds
from services.scoring.settings import ScoringSettings
from shared.clock import Clock, SystemClock
from shared.database.connection import Pool
from shared.database.engine import create_pool
from shared.database.pool import let_go
from shared.database.roles import Role
from shared.errors import Misconfigured
from shared.http.health import Health
from shared.streaming.connect import open_log, topics_ready
from shared.streaming.ports import Log, Producer
from shared.telemetry import Telemetry, tracing

_OWN_CONNECTIONS = 3
"""Beside the batches: catching up, the watermark, retention."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What the parts of a scoring process share."""

    settings: ScoringSettings
    clock: Clock
    telemetry: Telemetry
    health: Health
    log: Log
    producer: Producer
    pool: Pool
    worlds: Worlds


@asynccontextmanager
async def opened(settings: ScoringSettings, stop: asyncio.Event) -> AsyncIterator[Resources]:
    """The resources of one process; waits for the log to be there. Raises Misconfigured."""
    async with AsyncExitStack() as stack:
        tracer = stack.enter_context(tracing("scoring", settings.traces_endpoint))
        clock = SystemClock()
        log = open_log(settings.log, Role.SCORING_WORKER)
        stack.push_async_callback(log.close)
        size = settings.worker.concurrent_batches + _OWN_CONNECTIONS
        pool = await create_pool(settings.database.dsn.get_secret_value(), Role.SCORING_WORKER, size=size)
        stack.push_async_callback(let_go, pool)
        producer = log.producer()
        stack.push_async_callback(producer.close)
        await topics_ready(log, stop)
        yield Resources(
            settings=settings,
            clock=clock,
            telemetry=Telemetry(tracer),
            health=Health(clock),
            log=log,
            producer=producer,
            pool=pool,
            worlds=Worlds(template(settings.template)),
        )


def template(name: str) -> str:
    """The YAML of a built-in model. Raises Misconfigured naming those there are."""
    folder = resources.files("services.scoring") / "templates"
    found = folder / f"{name}.yaml"
    if not found.is_file():
        names = sorted(one.name.removesuffix(".yaml") for one in folder.iterdir() if one.name.endswith(".yaml"))
        message = f"there is no template {name!r}; there are {', '.join(names)}"
        raise Misconfigured(message)
    return found.read_text(encoding="utf-8")
