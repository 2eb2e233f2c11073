"""The log on Kafka as a whole, and questions about it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.errors import Misconfigured, Unavailable
from shared.streaming.kafka.brokers import Brokers
from shared.streaming.kafka.client import (
    REQUEST_MILLISECONDS,
    administering,
    answering,
    ended,
    partition_count,
    started,
)
from shared.streaming.kafka.consumer import POLL_PATIENCE_SECONDS, KafkaConsumer
from shared.streaming.kafka.producer import BATCH_OVERHEAD, RECORD_OVERHEAD, KafkaProducer
from shared.streaming.limits import Limits
from shared.streaming.types import Partition

_REPLICAS: Final = 3
"""As many as there are brokers, up to this; more if that is the brokers' own default."""

_DEFAULT_REPLICAS: Final = "default.replication.factor"


class KafkaLog:
    """The log of one Kafka cluster."""

    def __init__(self, brokers: Brokers, limits: Limits, poll_patience_seconds: float = POLL_PATIENCE_SECONDS) -> None:
        self._brokers = brokers
        self._limits = limits
        self._poll_patience_seconds = poll_patience_seconds

    def producer(self) -> KafkaProducer:
        """A new producer."""
        return KafkaProducer(self._brokers, self._limits)

    def consumer(self, group: str, topic: str, member_id: str) -> KafkaConsumer:
        """A new member of a group."""
        return KafkaConsumer(self._brokers, group, topic, member_id, self._poll_patience_seconds)

    def admin(self) -> "KafkaAdmin":
        """Questions and topics."""
        return KafkaAdmin(self._brokers, self._limits)

    async def retain(self) -> None:
        """The broker drops what it no longer keeps by itself."""

    async def close(self) -> None:
        """Nothing is held."""


class KafkaAdmin:
    """Answers through clients that are started when needed, and again after they failed."""

    def __init__(self, brokers: Brokers, limits: Limits) -> None:
        self._brokers = brokers
        self._limits = limits
        self._reader: AIOKafkaConsumer | None = None
        self._counts: dict[str, int] = {}
        self._one_at_a_time = asyncio.Lock()

    async def ensure(self, topic: str, partitions: int, retention_seconds: int) -> None:
        """Create the topic if it does not exist. Raises Misconfigured, also for settings that would lose records."""
        async with administering(self._brokers) as client:
            replicas = await _replicas(client)
            settings = self._settings(retention_seconds, replicas)
            wanted = NewTopic(topic, partitions, replicas, topic_configs=settings)
            answer = await client.create_topics([wanted])
            code = answer.topic_errors[0][1]
            if code not in (0, TopicAlreadyExistsError.errno):
                raise Misconfigured(f"Kafka refuses the topic {topic}: {for_code(code).__name__}")
            if code == TopicAlreadyExistsError.errno:
                await self._check(client, topic, partitions)

    async def beginnings(self, topic: str) -> Mapping[Partition, int]:
        """The first position still kept, per partition. Raises Misconfigured, Unavailable."""
        async with self._reading(topic) as (client, places):
            offsets = await client.beginning_offsets(places)
        return {Partition(place.topic, place.partition): offset for place, offset in offsets.items()}

    async def ends(self, topic: str) -> Mapping[Partition, int]:
        """The position after the last record, per partition. Raises Misconfigured, Unavailable."""
        async with self._reading(topic) as (client, places):
            offsets = await client.end_offsets(places)
        return {Partition(place.topic, place.partition): offset for place, offset in offsets.items()}

    async def ping(self) -> None:
        """Raises Unavailable when no broker answers now."""
        async with administering(self._brokers) as client:
            await client.describe_cluster()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._forget()

    def _settings(self, retention_seconds: int, replicas: int) -> dict[str, str]:
        return {
            "retention.ms": str(retention_seconds * 1_000),
            "segment.ms": str(max(1_000, retention_seconds * 1_000 // 7)),
            "message.timestamp.type": "LogAppendTime",
            "max.message.bytes": str(self._largest_batch()),
            "min.insync.replicas": str(max(1, replicas - 1)),
            "unclean.leader.election.enable": "false",
        }

    def _largest_batch(self) -> int:
        largest = max(self._limits.max_record_bytes + RECORD_OVERHEAD, self._limits.max_batch_bytes)
        return largest + BATCH_OVERHEAD

    async def _check(self, client: AIOKafkaAdminClient, topic: str, partitions: int) -> None:
        """A topic that somebody else made must be as ours would be, in what exactness needs."""
        found = len((await client.describe_topics([topic]))[0]["partitions"])
        if not found:
            raise Unavailable(f"{topic} is being made by somebody else")
        if found != partitions:
            raise Misconfigured(f"{topic} has {found} partitions, not {partitions}")
        answers = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        values = {row[0]: row[1] for row in answers[0].resources[0][4]}
        if values.get("message.timestamp.type") != "LogAppendTime":
            raise Misconfigured(f"{topic} needs message.timestamp.type=LogAppendTime")
        if int(values.get("max.message.bytes") or 0) < self._largest_batch():
            raise Misconfigured(f"{topic} needs max.message.bytes of at least {self._largest_batch()}")

    @asynccontextmanager
    async def _reading(self, topic: str) -> AsyncIterator[tuple[AIOKafkaConsumer, list[TopicPartition]]]:
        """A client without a group, kept between questions, and the topic's partitions."""
        async with self._one_at_a_time:
            try:
                count = self._counts.get(topic) or await self._count(topic)
                if self._reader is None:
                    self._reader = await started(_reader(self._brokers))
                async with answering():
                    yield self._reader, [TopicPartition(topic, index) for index in range(count)]
            except Unavailable:
                await self._forget()
                raise

    async def _count(self, topic: str) -> int:
        self._counts[topic] = await partition_count(self._brokers, topic)
        return self._counts[topic]

    async def _forget(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            await ended(reader)


async def _replicas(client: AIOKafkaAdminClient) -> int:
    """How many copies a new topic gets.

    Only brokers that live are listed, and a topic made while one is down would lack its copy for good: so never fewer
    than the brokers' default.
    """
    brokers = (await client.describe_cluster())["brokers"]
    asked = ConfigResource(ConfigResourceType.BROKER, str(brokers[0]["node_id"]), {_DEFAULT_REPLICAS: None})
    answers = await client.describe_configs([asked])
    values = {row[0]: row[1] for row in answers[0].resources[0][4]}
    return max(min(_REPLICAS, len(brokers)), int(values.get(_DEFAULT_REPLICAS) or 1))


def _reader(brokers: Brokers) -> Any:
    return AIOKafkaConsumer(
        **brokers,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_uncommitted",
        request_timeout_ms=REQUEST_MILLISECONDS,
    )
