"""What only the embedded log has: segments of time, and processes that append at once."""

import asyncio

import asyncpg
from pydantic import SecretStr

from shared.contracts.topics import TOPICS
from shared.database.roles import Role
from shared.settings import LogSettings
from shared.streaming.connect import ensure_topics, open_log
from shared.streaming.ports import Log
from shared.streaming.postgres.leases import NOTIFY_GROUP
from shared.streaming.types import Append, Partition


def _open(dsn: str) -> Log:
    return open_log(LogSettings(dsn=SecretStr(dsn)), Role.INGEST_WORKER)


async def test_producers_of_several_processes_never_give_an_offset_twice_nor_leave_a_gap(database: str) -> None:
    log = _open(database)
    admin = log.admin()
    await admin.ensure("t", 4, 1_000)
    producers = [log.producer() for _ in range(4)]

    async def append(number: int) -> None:
        records = [Append((number + place) % 4, b"%d" % place) for place in range(number % 7 + 1)]
        await producers[number % 4].append("t", records)

    await asyncio.gather(*(append(number) for number in range(400)))
    ends = await admin.ends("t")
    connection = await asyncpg.connect(database, server_settings={"role": "ingest_worker"})
    rows = await connection.fetch("SELECT partition, record_offset FROM streaming.record_1 ORDER BY 1, 2")

    assert sum(ends.values()) == sum(number % 7 + 1 for number in range(400))
    for index in range(4):
        offsets = [row["record_offset"] for row in rows if row["partition"] == index]
        assert offsets == list(range(ends[Partition("t", index)]))
    await connection.close()
    await admin.close()
    for producer in producers:
        await producer.close()


async def test_a_record_appended_in_an_open_transaction_holds_back_those_after_it(database: str) -> None:
    """With numbers from a sequence a reader would go past it, and it would be lost when it commits."""
    log = _open(database)
    admin, producer, consumer = log.admin(), log.producer(), log.consumer("g", "t", "m")
    await admin.ensure("t", 1, 1_000)
    await producer.append("t", [Append(0, b"first")])
    other = await asyncpg.connect(database, server_settings={"role": "ingest_worker"})
    transaction = other.transaction()
    await transaction.start()
    await other.execute("UPDATE streaming.head SET next_offset = 2")
    await other.execute("INSERT INTO streaming.record SELECT 1, 0, 1, appended_at, 'slow' FROM streaming.head")

    behind = asyncio.create_task(producer.append("t", [Append(0, b"third")]))
    await consumer.poll(10, 0.1)
    consumer.seek(Partition("t", 0), 0)
    seen = [record.value for batch in await consumer.poll(10, 0.2) for record in batch.records]
    seen += [record.value for batch in await consumer.poll(10, 0.2) for record in batch.records]
    await transaction.commit()
    await behind
    while len(seen) < 3:
        seen += [record.value for batch in await consumer.poll(10, 5) for record in batch.records]

    assert seen == [b"first", b"slow", b"third"]
    await other.close()
    await consumer.close()
    await producer.close()
    await admin.close()


async def test_the_registry_can_be_ensured_by_every_service_at_every_start(database: str) -> None:
    admin = _open(database).admin()

    await ensure_topics(admin)
    await ensure_topics(admin)

    for topic in TOPICS.values():
        assert len(await admin.ends(topic.name)) == topic.partitions
    await admin.close()


async def test_a_batch_of_large_records_ends_before_it_fills_the_memory(database: str) -> None:
    log = _open(database)
    admin, producer, consumer = log.admin(), log.producer(), log.consumer("g", "t", "m")
    await admin.ensure("t", 1, 1_000)
    await producer.append("t", [Append(0, bytes(1_000_000)) for _ in range(12)])
    await consumer.poll(100, 0.1)
    consumer.seek(Partition("t", 0), 0)

    sizes = [len(batch.records) for _ in range(3) for batch in await consumer.poll(100, 1)]

    assert sizes == [5, 5, 2]
    await consumer.close()
    await producer.close()
    await admin.close()


async def test_a_member_leaves_in_the_middle_of_a_renewal_and_gives_its_partitions_back(database: str) -> None:
    """A renewal that was cut short once left its transaction open, and leaving failed."""
    log = _open(database)
    admin, stays = log.admin(), log.consumer("g", "t", "stays")
    await admin.ensure("t", 4, 1_000)
    other = await asyncpg.connect(database, server_settings={"role": "ingest_worker"})

    for number in range(60):
        leaves = log.consumer("g", "t", f"leaves{number}")
        await leaves.poll(10, 0.01)
        await other.execute("SELECT pg_notify($1, 'g')", NOTIFY_GROUP)  # whoever hears it renews at once
        await asyncio.sleep(number % 20 / 10_000)
        await leaves.close()

    await stays.poll(10, 0.1)
    assert len(stays.assigned()) == 4
    assert await other.fetchval("SELECT array_agg(member) FROM streaming.member") == ["stays"]
    await other.close()
    await stays.close()
    await admin.close()
