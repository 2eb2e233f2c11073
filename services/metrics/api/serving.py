"""The API as a part of the process: memory, notices, keys, application, server."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final
from uuid import UUID

from fastapi import APIRouter, FastAPI

from services.metrics.api import costs, funnels, leads, page, reconcile, session, stream
from services.metrics.api.hot import HotFunnel
from services.metrics.api.reach import Reach, reach_for
from services.metrics.bootstrap import Resources
from services.metrics.connectors.scoring import Scoring
from shared.database.access_source import DatabaseAccess
from shared.database.roles import Role
from shared.errors import TragtError
from shared.http.app import create_app
from shared.http.auth import AccessCache
from shared.http.guard import Guard, GuardLimits
from shared.http.health import Health
from shared.http.serve import Address, serve
from shared.telemetry import Telemetry

ROUTERS: Final[tuple[APIRouter, ...]] = (
    funnels.router,
    leads.router,
    costs.router,
    stream.router,
    reconcile.router,
    session.router,
    page.router,
)
"""All routes of metrics."""


def application(reach: Reach, health: Health, telemetry: Telemetry) -> FastAPI:
    """The application; whoever calls runs what keeps the reach fresh."""
    return create_app(
        title="tragt metrics",
        version=version("tragt"),
        description="The funnel: how many, how fast, where they stop; every number with its leads and how fresh it is.",
        routers=ROUTERS,
        resources={"access": reach.access, "reach": reach},
        checks=health,
        telemetry=telemetry,
    )


async def run(own: Resources, stop: asyncio.Event) -> None:
    """Serve until ``stop`` is set. Raises Misconfigured when the address cannot be listened on."""
    source = DatabaseAccess(own.dsn, Role.METRICS_READER)
    access = AccessCache(source, own.clock)
    own.health.require("keys", access.check)
    reach = reach_for(own, access, stop)
    app = HotFunnel(application(reach, own.health, own.telemetry), own.telemetry)
    admin = own.log.admin()
    stale = _Upstream(own.scoring, access)
    address = Address(own.settings.host, own.settings.port)
    try:
        async with asyncio.TaskGroup() as tasks:
            beside = [
                tasks.create_task(access.run()),
                tasks.create_task(reach.notices.run()),
                tasks.create_task(reach.freshness.run(own.pool, admin, stale, own.clock)),
            ]
            await serve(app, address, Guard(GuardLimits(), own.telemetry), stop)
            for task in beside:
                task.cancel()
    finally:
        await admin.close()
        await source.close()


@dataclass(slots=True)
class _Upstream:
    """Asks scoring with the key it was given, which is one workspace's."""

    scoring: Scoring
    access: AccessCache
    watermark: int | None = None

    async def stale_leads(self) -> Mapping[UUID, int]:
        """How many leads of that workspace wait to be caught up; empty when it cannot be asked."""
        if self.scoring.key is None:
            return {}
        with suppress(TragtError):
            workspace = self.access.authenticate([self.scoring.key]).workspace
            progress = await self.scoring.progress()
            self.watermark = progress.watermark if progress else None
            if progress is not None and progress.stale_leads is not None:
                return {workspace: progress.stale_leads}
        return {}
