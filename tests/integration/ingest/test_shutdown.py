"""SIGTERM under load: what was acknowledged is on the log, nobody is left hanging, and the end comes in time."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import httpx
import msgspec
import pytest

from services.ingest.bootstrap import opened
from shared.contracts.codec import decode_touchpoint
from shared.database.engine import connect
from shared.vocabulary import TopicName
from tests.durable_postgres import DurablePostgres, running_postgres
from tests.ingest_door import make_keys, read_log, settings_for
from tests.ingest_process import IngestProcess, running_ingest
from tests.kafka_broker import KafkaBroker, running_broker
from tests.kafka_records import values_on
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(180)

_CONNECTIONS = 16
_ENOUGH = 400
_PROMISE_SECONDS = 10


@dataclass(slots=True)
class Load:
    """Connections that post one touchpoint after the other until the door is gone; what became of each."""

    address: str
    key: str
    acknowledged: set[str] = field(default_factory=set)
    refused: list[httpx.Response] = field(default_factory=list)
    cut: int = 0
    is_over: bool = False

    async def run(self) -> None:
        """Until ``is_over``."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(_CONNECTIONS):
                tasks.create_task(self._connection(number))

    async def _connection(self, number: int) -> None:
        count = 0
        async with httpx.AsyncClient(base_url=self.address, timeout=_PROMISE_SECONDS) as client:
            while not self.is_over:
                count += 1
                await self._post(client, f"{number}-{count}")

    async def _post(self, client: httpx.AsyncClient, name: str) -> None:
        item = msgspec.json.encode({"id": name, "kind": "page_viewed", "identity": {"anonymous_id": name}})
        try:
            answer = await client.post("/v1/touchpoints", content=item, headers={"authorization": f"Bearer {self.key}"})
        except httpx.ReadTimeout:
            raise
        except httpx.TransportError:
            self.cut += 1
            await asyncio.sleep(0.01)
            return
        if answer.status_code == HTTPStatus.OK:
            self.acknowledged.add(name)
        else:
            self.refused.append(answer)


@dataclass(frozen=True, slots=True)
class Place:
    """An ingest, its log, and the workspace that is posted to."""

    ingest: IngestProcess
    log: DurablePostgres | KafkaBroker
    key: str
    admin_dsn: str
    workspace: str

    async def kept(self) -> set[str]:
        """The ids on the log."""
        if isinstance(self.log, KafkaBroker):
            values = await values_on(self.log, TopicName.TOUCHPOINTS)
        else:
            connection = await connect(self.admin_dsn)
            values = await read_log(connection, TopicName.TOUCHPOINTS)
            await connection.close()
        return {one.id for one in map(decode_touchpoint, values) if one.workspace == self.workspace}


@pytest.fixture(params=["postgres", "kafka"])
def log(request: pytest.FixtureRequest) -> Iterator[DurablePostgres | KafkaBroker]:
    with running_postgres() if request.param == "postgres" else running_broker() as running:
        yield running


@pytest.fixture
async def place(
    log: DurablePostgres | KafkaBroker, tmp_path: Path, database: str, admin_dsn: str
) -> AsyncIterator[Place]:
    if isinstance(log, DurablePostgres):
        database, admin_dsn = log.dsn, log.admin_dsn
        more = {"INGEST_LOG_DSN": database}
    else:
        more = {"INGEST_LOG_KIND": "kafka", "INGEST_LOG_KAFKA_SERVERS": log.servers}
    async with opened(settings_for(database)) as own:
        keys = await make_keys(own)
    with running_ingest(tmp_path, {"INGEST_DATABASE_DSN": database, **more}) as ingest:
        ingest.wait_for(ingest.is_ready)
        yield Place(ingest, log, keys.write, admin_dsn, str(keys.workspace.id))


@pytest.mark.parametrize("manner", ["at work", "hanging"])
async def test_nothing_acknowledged_is_lost(place: Place, manner: str) -> None:
    load = Load(place.ingest.address, place.key)

    async def is_underway() -> bool:
        return len(load.acknowledged) >= _ENOUGH

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load.run())
        await eventually(is_underway, within_seconds=30, what="the load is under way")
        if manner == "hanging":
            await asyncio.to_thread(place.log.freeze)
        begun = time.monotonic()
        place.ingest.process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(place.ingest.process.wait, 2 * _PROMISE_SECONDS)
        took = time.monotonic() - begun
        load.is_over = True
    if manner == "hanging":
        await asyncio.to_thread(place.log.thaw)

    assert (code, took < _PROMISE_SECONDS) == (0, True), took
    assert load.acknowledged <= await place.kept()
    assert load.cut >= _CONNECTIONS
    assert {answer.status_code for answer in load.refused} <= {503}
    assert all("retry-after" in answer.headers for answer in load.refused)
