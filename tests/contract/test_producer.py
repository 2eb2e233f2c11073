"""What a producer promises, on both logs."""

import asyncio

import pytest

from shared.clock import SECOND, SystemClock
from shared.errors import Misconfigured, Oversized, Unavailable
from shared.streaming.limits import Limits
from shared.streaming.types import Append, Partition
from tests.contract.conftest import Parts
from tests.contract.consuming import position_all, read
from tests.contract.logs import LogUnderTest


async def test_records_of_a_partition_are_read_in_the_order_of_their_appends(log: LogUnderTest, parts: Parts) -> None:
    topic = await log.topic(partitions=2)
    producer = parts.producer(log.open())

    for start in range(0, 60, 20):
        await producer.append(topic, [Append(number % 2, b"%d" % number) for number in range(start, start + 20)])
    consumer = parts.consumer(log.open(), "order", topic)
    await position_all(consumer, 2)
    batches = await read(consumer, 60)

    for index in (0, 1):
        values = [int(r.value) for batch in batches[Partition(topic, index)] for r in batch.records]
        assert values == list(range(index, 60, 2))


async def test_append_times_are_the_logs_own_and_never_go_back(log: LogUnderTest, parts: Parts) -> None:
    topic = await log.topic(partitions=1)
    producer = parts.producer(log.open())
    before = SystemClock().now()

    for number in range(5):
        await producer.append(topic, [Append(0, b"%d" % number)])
    consumer = parts.consumer(log.open(), "times", topic)
    await position_all(consumer, 1)
    batches = await read(consumer, 5)

    times = [r.appended_at for batch in batches[Partition(topic, 0)] for r in batch.records]
    assert times == sorted(times)
    assert before - SECOND < times[0] <= times[-1] < SystemClock().now() + SECOND


async def test_concurrent_appends_are_grouped_into_few_writes(log: LogUnderTest, parts: Parts) -> None:
    topic = await log.topic(partitions=1)
    producer = parts.producer(log.open())

    await asyncio.gather(*(producer.append(topic, [Append(0, b"%d" % number)]) for number in range(300)))
    consumer = parts.consumer(log.open(), "grouped", topic)
    await position_all(consumer, 1)
    batches = await read(consumer, 300)

    instants = {r.appended_at for batch in batches[Partition(topic, 0)] for r in batch.records}
    assert len(instants) < 10


async def test_oversized_record_is_refused_before_anything_is_written_and_harms_nothing_later(
    log: LogUnderTest, parts: Parts
) -> None:
    topic = await log.topic(partitions=1)
    producer = parts.producer(log.open())
    too_large = bytes(producer.max_record_bytes + 1)

    await producer.append(topic, [Append(0, b"first")])
    with pytest.raises(Oversized):
        await producer.append(topic, [Append(0, b"beside"), Append(0, too_large)])
    await producer.append(topic, [Append(0, b"second")])
    consumer = parts.consumer(log.open(), "oversized", topic)
    await position_all(consumer, 1)
    batches = await read(consumer, 2)

    assert [r.value for batch in batches[Partition(topic, 0)] for r in batch.records] == [b"first", b"second"]


async def test_largest_record_passes_and_so_do_many_that_fill_several_batches(log: LogUnderTest, parts: Parts) -> None:
    topic = await log.topic(partitions=1)
    producer = parts.producer(log.open())
    largest = bytes(producer.max_record_bytes)

    await producer.append(topic, [Append(0, largest), Append(0, b"small"), Append(0, largest), Append(0, largest)])
    consumer = parts.consumer(log.open(), "largest", topic)
    await position_all(consumer, 1)
    batches = await read(consumer, 4)

    sizes = [len(r.value) for batch in batches[Partition(topic, 0)] for r in batch.records]
    assert sizes == [len(largest), 5, len(largest), len(largest)]


async def test_bytes_in_flight_are_bounded_and_freed_again(log: LogUnderTest, parts: Parts) -> None:
    topic = await log.topic(partitions=1)
    producer = parts.producer(log.open(Limits(max_in_flight_bytes=1_000)))
    first = asyncio.create_task(producer.append(topic, [Append(0, bytes(700))]))
    await asyncio.sleep(0)

    with pytest.raises(Unavailable):
        await producer.append(topic, [Append(0, bytes(700))])
    await first

    await producer.append(topic, [Append(0, bytes(700))])


async def test_append_of_nothing_returns_at_once(log: LogUnderTest, parts: Parts) -> None:
    topic = await log.topic(partitions=1)

    await parts.producer(log.open()).append(topic, [])

    ends = await parts.admin(log.open()).ends(topic)
    assert ends == {Partition(topic, 0): 0}


async def test_closing_delivers_what_was_taken_and_refuses_the_rest(log: LogUnderTest, parts: Parts) -> None:
    topic = await log.topic(partitions=1)
    producer = parts.producer(log.open())
    taken = asyncio.create_task(producer.append(topic, [Append(0, b"taken")]))
    await asyncio.sleep(0)

    await producer.close()
    await taken
    with pytest.raises(Unavailable):
        await producer.append(topic, [Append(0, b"late")])

    ends = await parts.admin(log.open()).ends(topic)
    assert ends == {Partition(topic, 0): 1}


async def test_a_caller_that_gives_up_does_not_take_others_with_it(log: LogUnderTest, parts: Parts) -> None:
    topic = await log.topic(partitions=1)
    producer = parts.producer(log.open())
    await producer.append(topic, [Append(0, b"warm")])

    gone = asyncio.create_task(producer.append(topic, [Append(0, b"gone")]))
    stays = asyncio.create_task(producer.append(topic, [Append(0, b"stays")]))
    await asyncio.sleep(0)
    gone.cancel()
    await stays
    consumer = parts.consumer(log.open(), "cancelled", topic)
    await position_all(consumer, 1, position=1)

    async with asyncio.timeout(10):
        values: list[bytes] = []
        while b"stays" not in values:
            values += [r.value for batch in await consumer.poll(10, 0.5) for r in batch.records]
    assert set(values) <= {b"gone", b"stays"}


async def test_topic_nobody_created_is_misconfiguration(log: LogUnderTest, parts: Parts) -> None:
    producer = parts.producer(log.open())

    with pytest.raises(Misconfigured, match="nowhere"):
        await producer.partition_count("nowhere")


async def test_partition_count_is_that_of_the_topic(log: LogUnderTest, parts: Parts) -> None:
    topic = await log.topic(partitions=3)

    assert await parts.producer(log.open()).partition_count(topic) == 3
