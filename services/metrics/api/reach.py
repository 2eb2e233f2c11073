"""What the routes reach: one object per process."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request

from services.metrics.api.assets import Asset, assets
from services.metrics.bootstrap import Resources
from services.metrics.connectors.scoring import Scoring
from services.metrics.handlers.cubes import Cubes
from services.metrics.handlers.freshness import Freshness
from services.metrics.handlers.funnel import Funnels
from services.metrics.handlers.leads import Desk
from services.metrics.handlers.notices import Notices
from services.metrics.handlers.sessions import Sessions
from services.metrics.settings import MetricsSettings
from shared.clock import Clock
from shared.database.connection import Pool
from shared.http.auth import AccessCache


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What answers are made from. ``workers`` sees all workspaces and writes; ``stop`` ends the streams."""

    access: AccessCache
    settings: MetricsSettings
    clock: Clock
    readers: Pool
    workers: Pool
    scoring: Scoring
    cubes: Cubes
    funnels: Funnels
    desk: Desk
    notices: Notices
    freshness: Freshness
    sessions: Sessions
    assets: Mapping[str, Asset]
    stop: asyncio.Event


def reach_for(own: Resources, access: AccessCache, stop: asyncio.Event) -> Reach:
    """What the routes need, made from what the process has."""
    cubes = Cubes(own.readers, own.clock, own.settings.memory.bytes)
    return Reach(
        access=access,
        settings=own.settings,
        clock=own.clock,
        readers=own.readers,
        workers=own.pool,
        scoring=own.scoring,
        cubes=cubes,
        funnels=Funnels(cubes, own.readers),
        desk=Desk(cubes, own.readers, own.scoring),
        notices=Notices(own.dsn, cubes),
        freshness=Freshness(),
        sessions=Sessions(own.pool, own.clock),
        assets=assets(),
        stop=stop,
    )


def reach_of(request: Request) -> Reach:
    """The reach of the process that serves a request."""
    reach: Reach = request.state.reach
    return reach
