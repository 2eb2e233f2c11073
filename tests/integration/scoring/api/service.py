"""The scoring API over a real database, called in process; leads are made by the real handlers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from fastapi import FastAPI

from services.scoring.api.serving import Reach, application
from services.scoring.connectors.announcements import Announcements
from services.scoring.handlers.worlds import Worlds
from shared import identity_key
from shared.access import KeyKind, Scope
from shared.clock import DAY, ManualClock
from shared.database.access import create_key
from shared.database.access_source import DatabaseAccess
from shared.database.connection import Engine
from shared.database.engine import connect, create_engine
from shared.database.roles import Role
from shared.database.session import writing
from shared.http.auth import AccessCache
from shared.http.health import Health
from shared.streaming.connect import ensure_topics
from shared.streaming.limits import Limits
from shared.streaming.observer import Silent
from shared.streaming.postgres.log import PostgresLog
from shared.streaming.postgres.producer import PostgresProducer
from shared.streaming.relay import Relay
from shared.telemetry import Telemetry
from shared.vocabulary import Group, TopicName
from tests.scoring_driver import SECRET, WORKSPACE, Scoring, b2b, open_scoring
from tests.waiting import eventually

OTHER_WORKSPACE = UUID(int=0x78)
READS = frozenset({Scope.LEADS_READ})
T0 = 20_000 * DAY
"""2024-10-04T00:00:00Z."""


def id_of(key: str) -> str:
    """The lead id of a key in the test's workspace."""
    return str(identity_key.lead_id(SECRET, key))


@dataclass(slots=True)
class Service:
    """One workspace's leads, and a client that may read them."""

    scoring: Scoring
    clock: ManualClock
    client: httpx.AsyncClient
    dsn: str
    log: PostgresLog
    producer: PostgresProducer
    access: AccessCache
    engine: Engine
    app: FastAPI
    stop: asyncio.Event

    async def get(self, path: str, expected: int = 200, **parameters: Any) -> Any:
        """The JSON of an answer that has this status."""
        answer = await self.client.get(path, params=parameters)
        assert answer.status_code == expected, answer.text
        return answer.json()

    async def relay(self) -> int:
        """Number and publish what is in the outbox, as the relay does. Returns how many rows."""
        relay = Relay(
            dsn=self.dsn,
            role=Role.SCORING_WORKER,
            service="scoring",
            producer=self.producer,
            numbered=(TopicName.CHANGES,),
            clock=self.clock,
            observer=Silent(),
        )
        connection = await connect(self.dsn, Role.SCORING_WORKER)
        try:
            return await relay.relay(connection)
        finally:
            await connection.close()

    async def deliver_log(self) -> int:
        """Process what was appended to the log from here. Returns how many records."""
        consumer = self.log.consumer(Group.SCORING_TOUCHPOINTS, TopicName.TOUCHPOINTS, "test")
        found: list[bytes] = []

        async def read() -> bool:
            for partition in consumer.unpositioned():
                consumer.seek(partition, 0)
            found.extend(record.value for batch in await consumer.poll(100, 0.2) for record in batch.records)
            return bool(found)

        try:
            await eventually(read, within_seconds=10, what="a record is on the log")
        finally:
            await consumer.close()
        await self.scoring.deliver_bytes(found)
        return len(found)

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
async def opened(dsn: str, now: int, readers_dsn: str = "") -> AsyncIterator[Service]:
    """The service at an instant, on a migrated database; its readers may be sent elsewhere."""
    clock = ManualClock(now)
    scoring = await open_scoring(dsn, clock)
    key, _ = await new_key(dsn, WORKSPACE), await new_key(dsn, OTHER_WORKSPACE)
    source = DatabaseAccess(dsn, Role.INGEST_READER)  # so that scoring's readers can be told apart
    engine = create_engine(readers_dsn or dsn, Role.SCORING_READER)
    access = AccessCache(source, clock)
    await access.load()
    log = PostgresLog(dsn, Role.SCORING_WORKER, Limits())
    admin = log.admin()
    await ensure_topics(admin)
    await admin.close()
    producer = log.producer()
    announcements = Announcements(dsn, Role.SCORING_READER)
    stop = asyncio.Event()
    app = application(
        Reach(
            access=access,
            engine=engine,
            pool=scoring.pool,
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
        yield Service(scoring, clock, client, dsn, log, producer, access, engine, app, stop)
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
