"""Traps that only Kafka has: topics that others made, and a broker that refuses a batch."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.database.roles import Role
from shared.errors import Misconfigured, Unavailable
from shared.streaming.connect import open_log
from shared.streaming.ports import Log
from shared.streaming.types import Append, Partition
from tests.contract.conftest import Parts
from tests.contract.consuming import position_all, read
from tests.contract.logs import WEEK_SECONDS, log_settings
from tests.kafka_broker import KafkaBroker


@pytest.fixture
def log(kafka_broker: KafkaBroker) -> Log:
    return open_log(log_settings("kafka", kafka_broker.servers), Role.SCORING_WORKER)


@asynccontextmanager
async def _client(broker: KafkaBroker) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=broker.servers)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def _topic_of_others(broker: KafkaBroker, name: str, settings: dict[str, str]) -> None:
    async with _client(broker) as client:
        await client.create_topics([NewTopic(name, 1, 1, topic_configs=settings)])


async def test_a_topic_that_keeps_the_senders_time_is_misconfiguration(
    log: Log, parts: Parts, kafka_broker: KafkaBroker
) -> None:
    await _topic_of_others(kafka_broker, "others.time", {})

    with pytest.raises(Misconfigured, match="LogAppendTime"):
        await parts.admin(log).ensure("others.time", 1, WEEK_SECONDS)


async def test_a_topic_that_takes_smaller_batches_than_we_send_is_misconfiguration(
    log: Log, parts: Parts, kafka_broker: KafkaBroker
) -> None:
    settings = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": "1000"}
    await _topic_of_others(kafka_broker, "others.size", settings)

    with pytest.raises(Misconfigured, match=r"max\.message\.bytes"):
        await parts.admin(log).ensure("others.size", 1, WEEK_SECONDS)


async def test_a_name_that_kafka_refuses_is_misconfiguration(log: Log, parts: Parts) -> None:
    with pytest.raises(Misconfigured, match="refuses"):
        await parts.admin(log).ensure("no spaces", 1, WEEK_SECONDS)


async def test_a_batch_the_broker_refuses_does_not_poison_the_partition(
    log: Log, parts: Parts, kafka_broker: KafkaBroker
) -> None:
    """The refused batch has used up sequence numbers: with the same client every later one would be out of order."""
    topic = "shrunk"
    await parts.admin(log).ensure(topic, 1, WEEK_SECONDS)
    producer = parts.producer(log)
    await producer.append(topic, [Append(0, b"before")])
    async with _client(kafka_broker) as client:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": "10000"})
        await client.alter_configs([resource])

    with pytest.raises(Misconfigured, match="smaller batches"):
        await producer.append(topic, [Append(0, bytes(50_000))])
    await producer.append(topic, [Append(0, b"after")])
    consumer = parts.consumer(log, "shrunk", topic)
    await position_all(consumer, 1)
    batches = await read(consumer, 2)

    assert [r.value for batch in batches[Partition(topic, 0)] for r in batch.records] == [b"before", b"after"]


async def test_a_partition_that_does_not_exist_fails_its_caller_alone(log: Log, parts: Parts) -> None:
    topic = "narrow"
    await parts.admin(log).ensure(topic, 1, WEEK_SECONDS)
    producer = parts.producer(log)

    with pytest.raises(AssertionError):
        await producer.append(topic, [Append(5, b"nowhere")])
    await producer.append(topic, [Append(0, b"here")])

    assert await parts.admin(log).ends(topic) == {Partition(topic, 0): 1}


async def test_starting_while_no_broker_is_there_is_unavailability_and_leaves_nothing(parts: Parts) -> None:
    nowhere = open_log(log_settings("kafka", "127.0.0.1:9"), Role.SCORING_WORKER)
    consumer = parts.consumer(nowhere, "g", "t")

    with pytest.raises(Unavailable):
        await consumer.poll(10, 0.1)
    with pytest.raises(Unavailable):
        await parts.admin(nowhere).ping()

    assert consumer.assigned() == frozenset()
