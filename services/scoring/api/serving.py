"""The API as a part of the process: reader engine, keys, application, server."""

import asyncio
from dataclasses import dataclass, field, fields
from importlib.metadata import version

from fastapi import APIRouter, FastAPI

from services.scoring.api import changes, facts, identities, journeys, leads, models
from services.scoring.api.documentation import keep_nulls
from services.scoring.bootstrap import Resources
from services.scoring.connectors.announcements import Announcements
from services.scoring.handlers.freshness import Freshness
from services.scoring.handlers.worlds import Worlds
from shared.clock import Clock
from shared.database.access_source import DatabaseAccess
from shared.database.connection import Engine, Pool
from shared.database.engine import create_engine
from shared.database.roles import Role
from shared.http.app import create_app
from shared.http.auth import AccessCache
from shared.http.guard import Guard, GuardLimits
from shared.http.health import Health
from shared.http.serve import Address, serve
from shared.streaming.ports import Producer
from shared.telemetry import Telemetry

ROUTERS: tuple[APIRouter, ...] = (
    leads.router,
    journeys.router,
    changes.router,
    identities.router,
    facts.router,
    models.router,
)
"""All routes of scoring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What the routes reach as ``request.state.<name>``. ``engine`` connects as the reader, ``pool`` as the worker."""

    access: AccessCache
    engine: Engine
    pool: Pool
    worlds: Worlds
    clock: Clock
    producer: Producer
    announcements: Announcements
    epoch: int
    freshness: Freshness = field(default_factory=Freshness)


def application(reach: Reach, health: Health, telemetry: Telemetry) -> FastAPI:
    """The application; whoever calls opens and closes what it reaches."""
    app = create_app(
        title="tragt scoring",
        version=version("tragt"),
        description="Leads: who they are, where they stand, how they got there, and every change of it.",
        routers=ROUTERS,
        resources={one.name: getattr(reach, one.name) for one in fields(reach)},
        checks=health,
        telemetry=telemetry,
    )
    keep_nulls(app, ROUTERS)
    return app


async def run(own: Resources, stop: asyncio.Event) -> None:
    """Serve until ``stop`` is set. Raises Misconfigured when the address cannot be listened on."""
    settings = own.settings
    dsn = settings.database.dsn.get_secret_value()
    source = DatabaseAccess(dsn, Role.SCORING_READER)
    access = AccessCache(source, own.clock)
    own.health.require("keys", access.check)
    engine = create_engine(dsn, Role.SCORING_READER, size=settings.database.pool_size)
    announcements = Announcements(dsn, Role.SCORING_READER)
    reach = Reach(
        access=access,
        engine=engine,
        pool=own.pool,
        worlds=own.worlds,
        clock=own.clock,
        producer=own.producer,
        announcements=announcements,
        epoch=settings.epoch,
    )
    app = application(reach, own.health, own.telemetry)
    admin = own.log.admin()
    try:
        async with asyncio.TaskGroup() as tasks:
            beside = [
                tasks.create_task(access.run()),
                tasks.create_task(reach.freshness.run(own.pool, admin, own.clock)),
            ]
            tasks.create_task(announcements.run(stop))
            await serve(app, Address(settings.host, settings.port), Guard(GuardLimits(), own.telemetry), stop)
            for task in beside:
                task.cancel()
    finally:
        await admin.close()
        await engine.dispose()
        await source.close()
