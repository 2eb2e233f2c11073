"""What a log says about its topics, on both logs."""

import pytest

from shared.errors import Misconfigured
from shared.streaming.types import Append, Partition
from tests.contract.conftest import Parts
from tests.contract.logs import WEEK_SECONDS, LogUnderTest


async def test_ensuring_a_topic_twice_leaves_it_as_it_is(log: LogUnderTest, parts: Parts) -> None:
    topic = await log.topic(partitions=2)
    await parts.producer(log.open()).append(topic, [Append(1, b"kept")])
    admin = parts.admin(log.open())

    await admin.ensure(topic, 2, WEEK_SECONDS)

    assert await admin.ends(topic) == {Partition(topic, 0): 0, Partition(topic, 1): 1}


async def test_another_number_of_partitions_is_misconfiguration(log: LogUnderTest, parts: Parts) -> None:
    topic = await log.topic(partitions=2)

    with pytest.raises(Misconfigured, match="has 2 partitions, not 3"):
        await parts.admin(log.open()).ensure(topic, 3, WEEK_SECONDS)


async def test_fresh_topic_begins_and_ends_at_zero(log: LogUnderTest, parts: Parts) -> None:
    topic = await log.topic(partitions=2)
    admin = parts.admin(log.open())

    nothing = {Partition(topic, 0): 0, Partition(topic, 1): 0}
    assert await admin.beginnings(topic) == nothing
    assert await admin.ends(topic) == nothing


async def test_unknown_topic_is_misconfiguration(log: LogUnderTest, parts: Parts) -> None:
    with pytest.raises(Misconfigured, match="nowhere"):
        await parts.admin(log.open()).ends("nowhere")


async def test_a_log_that_answers_can_be_pinged(log: LogUnderTest, parts: Parts) -> None:
    await parts.admin(log.open()).ping()
