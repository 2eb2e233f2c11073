"""The scoring watermark, asked of a real log."""

from pydantic import SecretStr

from shared.clock import SECOND, SystemClock
from shared.database.engine import connect
from shared.database.roles import Role
from shared.settings import LogSettings
from shared.streaming import positions
from shared.streaming.connect import open_log
from shared.streaming.types import Append, Batch, Partition
from shared.streaming.watermark import watermark


async def test_watermark_waits_at_the_last_processed_record_of_a_backlog_and_follows_the_clock_without_one(
    database: str,
) -> None:
    log = open_log(LogSettings(dsn=SecretStr(database)), Role.SCORING_WORKER)
    admin, producer, consumer = log.admin(), log.producer(), log.consumer("g", "t", "m")
    connection = await connect(database, Role.SCORING_WORKER)
    await admin.ensure("t", 1, 1_000)
    partition = Partition("t", 0)
    now = SystemClock().now()

    async def at() -> int:
        return await watermark(connection, admin, "g", "t", now=now, deadline_seconds=2)

    assert await at() == now - 2 * SECOND
    await producer.append("t", [Append(0, b"first")])
    await producer.append("t", [Append(0, b"second")])
    assert await at() == -2 * SECOND
    await positions.seed(connection, "g", "t", {partition: 0})
    await consumer.poll(1, 1)
    consumer.seek(partition, 0)
    batch = next(iter(await consumer.poll(1, 1)))
    await positions.claim(connection, "g", batch)
    assert await at() == min(now, batch.records[0].appended_at) - 2 * SECOND
    await positions.claim(connection, "g", Batch(partition, 1, 2, ()))
    assert await at() == now - 2 * SECOND

    await consumer.close()
    await producer.close()
    await admin.close()
    await connection.close()
