"""The scoring API over a real database, called in process; leads are made by the real handlers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from services.scoring.api.serving import Reach, application
from services.scoring.connectors.announcements import Announcements
from services.scoring.handlers.worlds import Worlds
from shared.access import KeyKind, Scope
from shared.clock import ManualClock
from shared.database.access import create_key
from shared.database.access_source import DatabaseAccess
from shared.database.engine import create_engine
from shared.database.roles import Role
from shared.database.session import writing
from shared.http.auth import AccessCache
from shared.http.health import Health
from shared.streaming.limits import Limits
from shared.streaming.postgres.log import PostgresLog
from shared.streaming.postgres.producer import PostgresProducer
from shared.telemetry import Telemetry
from tests.scoring_driver import WORKSPACE, Scoring, b2b, open_scoring

OTHER_WORKSPACE = UUID(int=0x78)
READS = frozenset({Scope.LEADS_READ})


@dataclass(slots=True)
class Service:
    """One workspace's leads, and a client that may read them."""

    scoring: Scoring
    clock: ManualClock
    client: httpx.AsyncClient
    dsn: str
    log: PostgresLog
    producer: PostgresProducer

    async def get(self, path: str, status: int = 200, **parameters: Any) -> Any:
        """The JSON of an answer that has this status."""
        answer = await self.client.get(path, params=parameters)
        assert answer.status_code == status, answer.text
        return answer.json()

    def with_key(self, key: str) -> httpx.AsyncClient:
        """The same application for the holder of another key."""
        return httpx.AsyncClient(
            transport=self.client._transport, base_url="http://scoring", headers={"authorization": f"Bearer {key}"}
        )


async def new_key(dsn: str, workspace: UUID, scopes: frozenset[str] = READS) -> str:
    """A secret key of a workspace, which is made if it does not exist."""
    engine = create_engine(dsn, Role.INGEST_WORKER, size=1)
    connection = await asyncpg.connect(dsn, server_settings={"role": Role.INGEST_WORKER.value})
    await connection.execute(
        "INSERT INTO access.workspace (id, name, secret, created_at) VALUES ($1, $2, $3, 0) ON CONFLICT DO NOTHING",
        workspace,
        f"workspace {workspace}",
        workspace.bytes * 2,
    )
    await connection.close()
    async with writing(engine) as session:
        made = await create_key(session, workspace, KeyKind.SECRET, 0, scopes=scopes)
    await engine.dispose()
    return made.text


@asynccontextmanager
async def opened(dsn: str, now: int) -> AsyncIterator[Service]:
    """The service at an instant, on a migrated database."""
    clock = ManualClock(now)
    scoring = await open_scoring(dsn, clock)
    key, _ = await new_key(dsn, WORKSPACE), await new_key(dsn, OTHER_WORKSPACE)
    source = DatabaseAccess(dsn, Role.SCORING_READER)
    engine = create_engine(dsn, Role.SCORING_READER)
    access = AccessCache(source, clock)
    await access.load()
    log = PostgresLog(dsn, Role.SCORING_WORKER, Limits())
    producer = log.producer()
    announcements = Announcements(dsn, Role.SCORING_READER)
    stop = asyncio.Event()
    app = application(
        Reach(
            access=access,
            engine=engine,
            worlds=Worlds(b2b()),
            clock=clock,
            producer=producer,
            announcements=announcements,
            epoch=1,
        ),
        Health(clock),
        Telemetry(),
    )
    async with (
        asyncio.TaskGroup() as tasks,
        app.router.lifespan_context(app) as state,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(_with_state(app, state)),
            base_url="http://scoring",
            headers={"authorization": f"Bearer {key}"},
        ) as client,
    ):
        tasks.create_task(announcements.run(stop))
        yield Service(scoring, clock, client, dsn, log, producer)
        stop.set()
    await producer.close()
    await log.close()
    await engine.dispose()
    await source.close()
    await scoring.pool.close()


def _with_state(app: Any, state: Any) -> Any:
    """A server puts what the lifespan yields into every request; this does what a server does."""

    async def call(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "state": dict(state)}, receive, send)

    return call
