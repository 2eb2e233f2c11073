"""The real process: it consumes the log, answers over HTTP, tells the page, and ends when told."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx

from shared.access import Scope
from shared.clock import DAY, HOUR, to_text
from shared.contracts.codec import encode
from shared.contracts.lead_change import LeadChange
from shared.contracts.topics import TOPICS, partition_of_shard
from shared.database.roles import Role
from shared.settings import LogSettings
from shared.streaming.connect import open_log
from shared.streaming.types import Append
from shared.vocabulary import TopicName
from tests.integration.metrics.conftest import make_key
from tests.served import free_port
from tests.unit.metrics.builders import MIDNIGHT, change, fact
from tests.waiting import eventually

_SPAN = {"from": to_text(MIDNIGHT - DAY), "to": to_text(MIDNIGHT + DAY), "by": "channel"}


@asynccontextmanager
async def _process(dsn: str, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {
        "METRICS_PORT": str(port),
        "METRICS_DATABASE_DSN": dsn,
        "METRICS_LOG_DSN": dsn,
        "METRICS_LOG_KIND": "postgres",
        "METRICS_TIME_ZONES": "Europe/Copenhagen",
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.metrics", env=environment)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _append(dsn: str, *changes: LeadChange) -> None:
    log = open_log(LogSettings(kind="postgres", dsn=dsn), Role.SCORING_WORKER)
    producer = log.producer()
    count = TOPICS[TopicName.CHANGES].partitions
    await producer.append(
        TopicName.CHANGES, [Append(partition_of_shard(told.shard, count), encode(told)) for told in changes]
    )
    await producer.close()
    await log.close()


async def test_lead_changes_on_the_log_become_numbers_and_events(database: str) -> None:
    workspace, key = await make_key(database, "first", list(Scope))
    port = free_port()
    async with (
        _process(database, port) as process,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"authorization": f"Bearer {key}"}) as client,
    ):
        await eventually(lambda: _is_ready(client), within_seconds=30, what="metrics is ready")
        events = _Events(client)
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(events.listen())
            await eventually(lambda: _has(events, 0), within_seconds=10, what="the first totals are told")

            await _append(database, *_changes(workspace))
            await eventually(lambda: _counts(client, 2), within_seconds=20, what="two leads are counted")
            await eventually(lambda: _has(events, 2), within_seconds=5, what="the new totals are told")
            listening.cancel()

        meta = (await client.get("/v1/funnel", params=_SPAN)).json()["meta"]
        process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(process.wait(), 10)

    assert code == 0
    assert meta["lag_seconds"] < 5
    assert (meta["time_zone"], meta["model_version"]) == ("Europe/Copenhagen", 1)


def _changes(workspace: UUID) -> list[LeadChange]:
    touch = {"channel": "email"}
    return [change(lead, 1, {"cycle:1": fact(known=0, mql=HOUR, touch=touch)}, workspace) for lead in (1, 2)]


class _Events:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.known: list[int] = []

    async def listen(self) -> None:
        async with self._client.stream("GET", "/v1/stream", params=_SPAN, timeout=30) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    self.known.append(httpx.Response(200, text=line.removeprefix("data: ")).json()["entered"]["known"])


async def _has(events: _Events, known: int) -> bool:
    return known in events.known


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/health/ready")).status_code == 200
    except httpx.TransportError:
        return False


async def _counts(client: httpx.AsyncClient, known: int) -> bool:
    answer: dict[str, Any] = (await client.get("/v1/funnel", params=_SPAN)).json()
    return bool(answer["steps"][0]["entered"] == known)
