"""Running loops in tests: started, waited for, and always ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.streaming.loop import LoopSettings, StreamLoop
from shared.streaming.observer import Observer, Silent
from shared.streaming.ports import Consumer, Log, Producer
from shared.streaming.processor import BatchProcessor, Handler
from shared.streaming.types import Append, Batch, Partition
from tests.contract.effects import CountingHandler, Effects

FAST = LoopSettings(max_records=50, poll_timeout_seconds=0.2, transient_budget_seconds=40)


def a_loop(
    log: Log,
    effects: Effects,
    group: str,
    topic: str,
    *,
    member_id: str = "one",
    handler: Handler | None = None,
    settings: LoopSettings = FAST,
    observer: Observer | None = None,
) -> StreamLoop:
    """A loop that counts effects, unless given another handler."""
    processor = BatchProcessor(effects.pool, group, handler or CountingHandler(group))
    return StreamLoop(
        group=group,
        topic=topic,
        member_id=member_id,
        log=log,
        pool=effects.pool,
        processor=processor,
        observer=observer or Silent(),
        settings=settings,
    )


@asynccontextmanager
async def running(loop: StreamLoop) -> AsyncIterator[asyncio.Task[None]]:
    """The loop as a task; told to stop at the end, and what it raised is raised."""
    stop = asyncio.Event()
    task = asyncio.create_task(loop.run(stop))
    try:
        yield task
    finally:
        stop.set()
        async with asyncio.timeout(20):
            await task


async def position_all(consumer: Consumer, partitions: int, position: int = 0) -> None:
    """Poll until all partitions are ours, then seek them."""
    async with asyncio.timeout(20):
        while len(consumer.unpositioned()) < partitions:
            assert await consumer.poll(100, 0.1) == [] or consumer.assigned() != consumer.unpositioned()
    for partition in consumer.unpositioned():
        consumer.seek(partition, position)


async def read(consumer: Consumer, count: int, *, max_records: int = 100) -> dict[Partition, list[Batch]]:
    """Poll until ``count`` records came."""
    batches: dict[Partition, list[Batch]] = {}
    got = 0
    async with asyncio.timeout(20):
        while got < count:
            for batch in await consumer.poll(max_records, 0.5):
                batches.setdefault(batch.partition, []).append(batch)
                got += len(batch.records)
    assert got == count
    return batches


async def append_numbers(
    producer: Producer, topic: str, numbers: range, partitions: int, *, per_call: int = 10
) -> None:
    """Each number once, spread over the partitions, a few per call, one call after the other."""
    for start in range(numbers.start, numbers.stop, per_call):
        chunk = range(start, min(start + per_call, numbers.stop))
        await producer.append(topic, [Append(number % partitions, b"%d" % number) for number in chunk])
