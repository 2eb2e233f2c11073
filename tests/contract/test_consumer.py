"""What a consumer promises, on both logs."""

import asyncio

import pytest

from shared.errors import PositionLost
from shared.streaming.ports import Consumer
from shared.streaming.types import Append, Partition
from tests.contract.conftest import Parts
from tests.contract.consuming import append_numbers, position_all, read
from tests.contract.logs import LogUnderTest
from tests.waiting import eventually


async def test_partitions_stay_silent_until_they_are_sought(log: LogUnderTest, parts: Parts) -> None:
    topic = await log.topic(partitions=2)
    await append_numbers(parts.producer(log.open()), topic, range(20), 2)
    consumer = parts.consumer(log.open(), "silent", topic)

    polls = []
    async with asyncio.timeout(20):
        while len(consumer.unpositioned()) < 2:
            polls.append(await consumer.poll(100, 0.1))
    polls += [await consumer.poll(100, 0.3) for _ in range(3)]
    consumer.seek(Partition(topic, 1), 4)
    batches = await read(consumer, 6)

    assert not any(polls)
    assert batches.keys() == {Partition(topic, 1)}
    assert batches[Partition(topic, 1)][0].start == 4
    assert consumer.unpositioned() == {Partition(topic, 0)}


async def test_batches_follow_each_other_and_keep_to_their_size(log: LogUnderTest, parts: Parts) -> None:
    topic = await log.topic(partitions=2)
    await append_numbers(parts.producer(log.open()), topic, range(100), 2)
    consumer = parts.consumer(log.open(), "sizes", topic)
    await position_all(consumer, 2)

    batches = await read(consumer, 100, max_records=7)

    for of_partition in batches.values():
        assert max(len(batch.records) for batch in of_partition) <= 7
        assert [batch.start for batch in of_partition] == [0, *(batch.end for batch in of_partition[:-1])]
        assert of_partition[-1].end == 50


async def test_seeking_back_reads_again_and_drops_what_was_fetched(log: LogUnderTest, parts: Parts) -> None:
    topic = await log.topic(partitions=1)
    partition = Partition(topic, 0)
    await append_numbers(parts.producer(log.open()), topic, range(30), 1)
    consumer = parts.consumer(log.open(), "again", topic)
    await position_all(consumer, 1)
    first = await read(consumer, 10, max_records=10)

    consumer.seek(partition, 3)
    again = await read(consumer, 27)

    assert first[partition][0].end == 10
    assert [r.offset for batch in again[partition] for r in batch.records] == list(range(3, 30))


async def test_seeking_a_partition_that_is_not_ours_is_ignored(log: LogUnderTest, parts: Parts) -> None:
    topic = await log.topic(partitions=1)
    consumer = parts.consumer(log.open(), "foreign", topic)
    await position_all(consumer, 1)

    consumer.seek(Partition(topic, 7), 0)

    assert consumer.assigned() == {Partition(topic, 0)}


async def test_an_append_wakes_a_waiting_poll(log: LogUnderTest, parts: Parts) -> None:
    topic = await log.topic(partitions=1)
    producer = parts.producer(log.open())
    consumer = parts.consumer(log.open(), "woken", topic)
    await position_all(consumer, 1)
    assert not await consumer.poll(10, 0.1)

    polling = asyncio.create_task(consumer.poll(10, 30))
    await producer.append(topic, [Append(0, b"hello")])
    async with asyncio.timeout(2):
        batches = await polling

    assert [r.value for r in batches[0].records] == [b"hello"]


async def test_position_before_what_retention_keeps_is_lost_and_named(log: LogUnderTest, parts: Parts) -> None:
    topic = await log.topic(partitions=1, retention_seconds=1)
    partition = Partition(topic, 0)
    opened = log.open()
    producer, admin = parts.producer(opened), parts.admin(opened)
    await append_numbers(producer, topic, range(20), 1)

    async def passed() -> bool:
        await producer.append(topic, [Append(0, b"later")])
        await opened.retain()
        return (await admin.beginnings(topic))[partition] >= 20

    await eventually(passed, within_seconds=25, what="retention drops the first segment")
    consumer = parts.consumer(opened, "late", topic)
    await position_all(consumer, 1, position=5)

    with pytest.raises(PositionLost, match=rf"(?s){topic}.*5"):
        await _poll_until_it_raises(consumer)


async def test_position_after_the_end_is_lost_and_named(log: LogUnderTest, parts: Parts) -> None:
    topic = await log.topic(partitions=1)
    await append_numbers(parts.producer(log.open()), topic, range(10), 1)
    consumer = parts.consumer(log.open(), "beyond", topic)
    await position_all(consumer, 1, position=11)

    with pytest.raises(PositionLost, match=topic):
        await _poll_until_it_raises(consumer)


async def test_everything_dropped_is_lost_too(log: LogUnderTest, parts: Parts) -> None:
    topic = await log.topic(partitions=1, retention_seconds=1)
    partition = Partition(topic, 0)
    opened = log.open()
    admin = parts.admin(opened)
    await append_numbers(parts.producer(opened), topic, range(20), 1)

    async def empty() -> bool:
        await opened.retain()
        return (await admin.beginnings(topic))[partition] == 20

    await eventually(empty, within_seconds=25, what="retention drops everything")
    assert (await admin.ends(topic))[partition] == 20
    consumer = parts.consumer(opened, "late", topic)
    await position_all(consumer, 1, position=5)

    with pytest.raises(PositionLost):
        await _poll_until_it_raises(consumer)


async def test_members_share_the_partitions_and_one_that_leaves_gives_its_own_back(
    log: LogUnderTest, parts: Parts
) -> None:
    topic = await log.topic(partitions=5)
    every = {Partition(topic, index) for index in range(5)}
    first = parts.consumer(log.open(), "shared", topic, "first")
    second = parts.consumer(log.open(), "shared", topic, "second")

    async def shared_fairly() -> bool:
        await asyncio.gather(first.poll(10, 0.2), second.poll(10, 0.2))
        shares = first.assigned(), second.assigned()
        return shares[0] | shares[1] == every and sorted(map(len, shares)) == [2, 3]

    async def all_ours() -> bool:
        await first.poll(10, 0.2)
        return first.assigned() == every

    await eventually(shared_fairly, within_seconds=20, what="two members share five partitions")
    assert not first.assigned() & second.assigned()
    await second.close()
    await eventually(all_ours, within_seconds=10, what="the one that stays has everything")


async def test_reporting_never_raises(log: LogUnderTest, parts: Parts) -> None:
    topic = await log.topic(partitions=1)
    consumer = parts.consumer(log.open(), "report", topic)

    await consumer.report({Partition(topic, 0): 1})
    await position_all(consumer, 1)
    await consumer.report({Partition(topic, 0): 1, Partition(topic, 9): 1})


async def test_a_consumer_can_be_closed_before_it_was_used(log: LogUnderTest) -> None:
    topic = await log.topic(partitions=1)

    await log.open().consumer("unused", topic, "one").close()


async def _poll_until_it_raises(consumer: Consumer) -> None:
    async with asyncio.timeout(20):
        while True:
            assert not await consumer.poll(10, 0.2)
