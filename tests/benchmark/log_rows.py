"""What the log costs: the embedded one against a plain COPY, the producer on Kafka against the C client."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

import asyncpg
from confluent_kafka import Producer as ConfluentProducer
from pydantic import SecretStr

from shared.database.roles import Role
from shared.settings import LogSettings
from shared.streaming.connect import open_log
from shared.streaming.ports import Producer
from shared.streaming.types import Append
from tests.benchmark.bench_database import Server, bench_server
from tests.benchmark.measure import REPORT, Bound, Row, own_cpu, paired
from tests.kafka_broker import KafkaBroker, running_broker

_CALL: Final = 100
_CALLERS: Final = 16
_PARTITIONS: Final = 8
_VALUE: Final = (
    b'{"kind":"page_viewed","page":{"path":"/pricing"},"traits":{},"keys":["anonymous_id:0123456789"]}' * 8
)[:700]
_PLAIN: Final = """
    CREATE TABLE public.plain (
        topic_id integer, partition integer, record_offset bigint, appended_at bigint, value bytea
    )
"""


async def rows(*, quick: bool) -> list[Row]:
    """All rows of the log. ``quick`` uses a fifth of the data."""
    size = 20_000 if quick else 100_000
    async with bench_server() as server:
        embedded = await embedded_log(server, size)
    with running_broker() as broker:
        return [embedded, await kafka_producer(broker, size)]


async def embedded_log(server: Server, size: int) -> Row:
    """Durable records per second in calls of 100 from 16 callers / one plain COPY of the same rows, without a key.

    By the clock: the database works for both. Commits are on disk; the COPY is one transaction.
    """
    dsn = await server.fresh()
    log = open_log(LogSettings(dsn=SecretStr(dsn)), Role.INGEST_WORKER)
    admin, producer = log.admin(), log.producer()
    await admin.ensure("bench", _PARTITIONS, 7 * 24 * 3600)
    administrator = await asyncpg.connect(server.cluster.administrator_dsn(dsn.rpartition("/")[2].partition("?")[0]))
    await administrator.execute(_PLAIN)
    records = [(1, number % _PARTITIONS, number, number, _VALUE) for number in range(size)]

    async def ours(_: int) -> float:
        began = time.perf_counter()
        await _append_all(producer, size)
        return time.perf_counter() - began

    async def copy(_: int) -> float:
        await administrator.execute("TRUNCATE public.plain")
        began = time.perf_counter()
        await administrator.copy_records_to_table("plain", records=records)
        return time.perf_counter() - began

    await ours(0)
    pairs = await paired(ours, copy, 5)
    await producer.close()
    await admin.close()
    await administrator.close()
    rate = size / sorted(own for own, _ in pairs)[len(pairs) // 2]
    what = "embedded log, appender alone, durable batches of 100 / one plain COPY of the same rows"
    beside = f"{rate:,.0f} records/s of {len(_VALUE)} bytes"
    return Row("log", what, Bound("at least", 0.3, REPORT), [control / own for own, control in pairs], beside)


async def kafka_producer(broker: KafkaBroker, size: int) -> Row:
    """CPU per record of confluent's producer (acks=all, idempotent, linger 5 ms) / ours, one real broker."""
    log = open_log(LogSettings(kind="kafka", kafka_servers=(broker.servers,)), Role.INGEST_WORKER)
    admin, producer = log.admin(), log.producer()
    for topic in ("ours", "theirs"):
        await admin.ensure(topic, _PARTITIONS, 7 * 24 * 3600)
    theirs = ConfluentProducer(
        {"bootstrap.servers": broker.servers, "acks": "all", "enable.idempotence": True, "linger.ms": 5}
    )

    async def own(_: int) -> float:
        began = own_cpu()
        await _append_all(producer, size, "ours")
        return own_cpu() - began

    async def confluent(_: int) -> float:
        return await asyncio.to_thread(produce_all, theirs, size)

    await own(0)
    await confluent(0)
    pairs = await paired(own, confluent, 5)
    await producer.close()
    await admin.close()
    cost = sorted(mine for mine, _ in pairs)[len(pairs) // 2] / size * 1e6
    what = "producer on Kafka alone, batches of 100: records per CPU second / confluent's producer"
    beside = f"{cost:.2f} µs CPU per record"
    return Row("R3, producer alone", what, Bound("at least", 0.4, REPORT), [c / o for o, c in pairs], beside)


async def _append_all(producer: Producer, size: int, topic: str = "bench") -> None:
    calls = iter(range(0, size, _CALL))

    async def caller() -> None:
        for start in calls:
            await producer.append(topic, _call(start))

    await asyncio.gather(*(caller() for _ in range(_CALLERS)))


def _call(start: int) -> Sequence[Append]:
    return [Append(number % _PARTITIONS, _VALUE) for number in range(start, start + _CALL)]


def produce_all(producer: ConfluentProducer, size: int) -> float:
    """CPU seconds of this process for that many records to the topic ``theirs``, all acknowledged."""
    delivered = 0

    def count(error: object, _message: object) -> None:
        nonlocal delivered
        delivered += error is None

    began = own_cpu()
    for number in range(size):
        while True:
            try:
                producer.produce("theirs", _VALUE, partition=number % _PARTITIONS, on_delivery=count)
                break
            except BufferError:
                producer.poll(0.01)
        if number % 1_000 == 0:
            producer.poll(0)
    producer.flush(30)
    if delivered != size:
        raise AssertionError(f"{delivered} of {size} delivered")
    return own_cpu() - began
