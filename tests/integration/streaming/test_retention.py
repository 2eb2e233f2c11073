"""Keeping the log and the outbox no longer than promised."""

import asyncio

from pydantic import SecretStr

from shared.clock import DAY, ManualClock
from shared.database.engine import create_pool
from shared.database.pool import borrowed
from shared.database.roles import Role
from shared.settings import LogSettings
from shared.streaming import outbox
from shared.streaming.connect import open_log
from shared.streaming.outbox import OutboxRow
from shared.streaming.retention import FEED_DAYS, keep_retaining, retain
from shared.streaming.types import Append, Partition
from tests.integration.streaming.rows import WORKSPACE
from tests.waiting import eventually

_TOPIC = "short"


async def test_old_segments_and_old_published_rows_are_dropped_and_the_rest_stays(database: str) -> None:
    log = open_log(LogSettings(dsn=SecretStr(database)), Role.SCORING_WORKER)
    pool = await create_pool(database, Role.SCORING_WORKER)
    admin, producer = log.admin(), log.producer()
    await admin.ensure(_TOPIC, 1, 1)
    await producer.append(_TOPIC, [Append(0, b"old")])
    async with borrowed(pool) as connection:
        rows = [OutboxRow(WORKSPACE, "t", 0, b"{}", recorded_at) for recorded_at in (0, 2 * DAY)]
        await outbox.append(connection, "scoring", rows)
        await connection.execute("UPDATE streaming.outbox SET published = true")
    clock = ManualClock((FEED_DAYS + 1) * DAY)

    async def dropped() -> bool:
        await retain(log, pool, "scoring", clock)
        return (await admin.beginnings(_TOPIC))[Partition(_TOPIC, 0)] == 1

    await eventually(dropped, within_seconds=10, what="the old segment is dropped")
    async with borrowed(pool) as connection:
        kept = await connection.fetch("SELECT recorded_at FROM streaming.outbox")

    assert [row["recorded_at"] for row in kept] == [2 * DAY]
    await producer.close()
    await admin.close()
    await log.close()
    pool.terminate()


async def test_the_task_outlives_an_outage_and_ends_when_told(database: str) -> None:
    nowhere = "postgresql://nobody@/nothing?host=/nonexistent"
    log = open_log(LogSettings(dsn=SecretStr(nowhere)), Role.SCORING_WORKER)
    pool = await create_pool(database, Role.SCORING_WORKER)
    stop = asyncio.Event()

    task = asyncio.create_task(keep_retaining(log, pool, "scoring", ManualClock(0), stop))
    await asyncio.sleep(0)
    stop.set()
    async with asyncio.timeout(10):
        await task

    pool.terminate()
