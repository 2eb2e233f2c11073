"""How producers group what many callers append."""

import asyncio

from shared.streaming.kafka.producer import RECORD_OVERHEAD, _parts, _Waiting
from shared.streaming.postgres import producer as postgres
from shared.streaming.postgres.topic import StoredTopic
from shared.streaming.types import Append


def test_a_topic_names_its_table_and_its_channel() -> None:
    topic = StoredTopic(7, "lead.touchpoints.v1", 8)

    assert (topic.table, topic.channel) == ("streaming.record_7", "tragt_log_7")


async def test_places_count_within_a_partition_across_callers() -> None:
    topic = StoredTopic(1, "t", 3)
    first = [Append(2, b"a"), Append(0, b"b")]
    second = [Append(2, b"c"), Append(2, b"d")]
    future = asyncio.get_running_loop().create_future()
    group = [postgres._Waiting("t", records, 0, 0.0, future) for records in (first, second)]

    used, totals, partitions, places, values = postgres._arguments(group, topic)

    assert (used, totals) == ([0, 2], [1, 3])
    assert list(zip(partitions, places, values, strict=True)) == [
        (2, 0, b"a"),
        (0, 0, b"b"),
        (2, 1, b"c"),
        (2, 2, b"d"),
    ]


async def test_values_keep_their_order_over_as_few_batches_as_fit() -> None:
    waiting = _Waiting(0.0, asyncio.get_running_loop().create_future())
    values = [bytes([number]) * 100 for number in range(5)]

    parts = _parts(values, 2 * (100 + RECORD_OVERHEAD), waiting)

    assert [part.values for part in parts] == [values[:2], values[2:4], values[4:]]


async def test_a_value_larger_than_a_batch_gets_one_of_its_own() -> None:
    waiting = _Waiting(0.0, asyncio.get_running_loop().create_future())

    parts = _parts([b"a", bytes(500), b"b"], 300, waiting)

    assert [len(part.values) for part in parts] == [1, 1, 1]
