"""The metrics API on a real database, asked through httpx; lead changes are applied as the worker applies them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.metrics.api.reach import Reach, reach_for
from services.metrics.api.serving import application
from services.metrics.bootstrap import Resources, opened
from services.metrics.settings import MetricsSettings
from shared.access import KeyKind, Scope
from shared.contracts.lead_change import LeadChange
from shared.database.access import create_key, create_workspace
from shared.database.access_source import DatabaseAccess
from shared.database.engine import create_engine
from shared.database.roles import Role
from shared.database.session import writing
from shared.http.auth import AccessCache
from shared.settings import read_settings
from tests.integration.metrics.support import ZONES, apply, worker
from tests.unit.metrics.builders import NOW


@dataclass(frozen=True, slots=True)
class Desk:
    """A running API and one workspace."""

    client: httpx.AsyncClient
    workspace: UUID
    key: str
    own: Resources
    reach: Reach
    dsn: str
    app: Any = field(repr=False)

    async def tell(self, *changes: LeadChange) -> None:
        """One batch of lead changes."""
        async with worker(self.dsn) as connection:
            await apply(connection, changes)

    async def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """A good answer."""
        response = await self.client.get(path, params=parameters, headers=self.bearer)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    @property
    def bearer(self) -> dict[str, str]:
        """The header of a caller with every scope."""
        return {"authorization": f"Bearer {self.key}"}


async def make_key(dsn: str, workspace: str, scopes: Sequence[str]) -> tuple[UUID, str]:
    """A secret key of a workspace, made if need be."""
    engine = create_engine(dsn, Role.INGEST_WORKER)
    async with writing(engine) as session:
        found = await create_workspace(session, workspace, NOW)
        key = await create_key(session, found.id, KeyKind.SECRET, NOW, scopes=frozenset(scopes))
    await engine.dispose()
    return found.id, key.text


@pytest.fixture
async def desk(database: str) -> AsyncIterator[Desk]:
    workspace, key = await make_key(database, "first", list(Scope))
    settings = read_settings(
        MetricsSettings,
        {
            "METRICS_DATABASE_DSN": database,
            "METRICS_LOG_DSN": database,
            "METRICS_TIME_ZONES": f"UTC,{','.join(ZONES)}",
        },
    )
    stop = asyncio.Event()
    async with opened(settings, stop) as own:
        source = DatabaseAccess(database, Role.METRICS_READER)
        access = AccessCache(source, own.clock)
        await access.load()
        reach = reach_for(own, access, stop)
        app = application(reach, own.health, own.telemetry)
        async with (
            app.router.lifespan_context(app) as state,
            httpx.AsyncClient(
                transport=httpx.ASGITransport(with_state(app, state)), base_url="http://metrics"
            ) as client,
        ):
            yield Desk(client, workspace, key, own, reach, database, app)
        await source.close()


def with_state(app: Any, state: Any) -> Any:
    """httpx's transport runs no lifespan, so its state is given to each request here."""

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "state": dict(state)}, receive, send)

    return asgi
