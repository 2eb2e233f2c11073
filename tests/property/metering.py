"""The real metrics worker and API on a real database, told lead changes in any order and asked for funnels."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Self
from uuid import uuid4

import httpx

from services.metrics.api.reach import reach_for
from services.metrics.api.serving import application
from services.metrics.bootstrap import opened
from services.metrics.settings import MetricsSettings
from shared.access import Scope
from shared.contracts.lead_change import LeadChange
from shared.database.access_source import DatabaseAccess
from shared.database.roles import Role
from shared.http.auth import AccessCache
from shared.settings import read_settings
from tests.integration.metrics.conftest import make_key
from tests.integration.metrics.support import apply, kept_cells, recounted_cells, worker


@dataclass(frozen=True)
class Metering:
    """One metrics process used by many examples, each of which is a workspace of its own."""

    runner: asyncio.Runner
    dsn: str
    client: httpx.AsyncClient
    access: AccessCache
    stack: AsyncExitStack

    @classmethod
    def open(cls, runner: asyncio.Runner, dsn: str) -> Self:
        """Start the API within the runner's loop."""
        stack = AsyncExitStack()

        async def start() -> tuple[httpx.AsyncClient, AccessCache]:
            given = {"METRICS_DATABASE_DSN": dsn, "METRICS_LOG_DSN": dsn, "METRICS_TIME_ZONES": "UTC"}
            own = await stack.enter_async_context(opened(read_settings(MetricsSettings, given), asyncio.Event()))
            source = DatabaseAccess(dsn, Role.METRICS_READER)
            stack.push_async_callback(source.close)
            access = AccessCache(source, own.clock)
            app = application(reach_for(own, access, asyncio.Event()), own.health, own.telemetry)
            state = await stack.enter_async_context(app.router.lifespan_context(app))

            async def asgi(scope: Any, receive: Any, send: Any) -> None:
                await app({**scope, "state": dict(state or {})}, receive, send)

            transport = httpx.ASGITransport(asgi)
            client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://metrics"))
            return client, access

        return cls(runner, dsn, *runner.run(start()), stack)

    def close(self) -> None:
        """Let go of everything."""
        self.runner.run(self.stack.aclose())

    def after(
        self, batches: Sequence[Sequence[LeadChange]], questions: Sequence[dict[str, str]]
    ) -> list[dict[str, Any]]:
        """The answers to these questions once the batches are counted; the sums kept equal their recount."""
        return self.runner.run(self._after(batches, questions))

    async def _after(
        self, batches: Sequence[Sequence[LeadChange]], questions: Sequence[dict[str, str]]
    ) -> list[dict[str, Any]]:
        workspace, key = await make_key(self.dsn, uuid4().hex, list(Scope))
        await self.access.load()
        async with worker(self.dsn) as connection:
            for batch in batches:
                await apply(connection, [_moved_to(change, str(workspace)) for change in batch], ("UTC",))
            assert await kept_cells(connection, workspace) == await recounted_cells(connection, workspace)
        answers = []
        for question in questions:
            response = await self.client.get("/v1/funnel", params=question, headers={"authorization": f"Bearer {key}"})
            assert response.status_code == httpx.codes.OK, response.text
            answers.append(response.json())
        return answers


def _moved_to(change: LeadChange, workspace: str) -> LeadChange:
    return LeadChange(**{name: getattr(change, name) for name in change.__struct_fields__} | {"workspace": workspace})
