"""CloudEvents out of a topic of others, on a real Kafka."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer
from cloudevents.core.bindings import kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from services.ingest import events
from services.ingest.bootstrap import Resources, ensure_log, opened
from services.ingest.settings import IngestSettings
from shared.contracts.codec import decode_rejection, decode_touchpoint
from shared.contracts.rejection import Rejection
from shared.contracts.touchpoint import Touchpoint
from shared.errors import Misconfigured
from shared.settings import read_settings
from shared.vocabulary import TopicName
from tests.ingest_door import make_keys, settings_for
from tests.kafka_broker import KafkaBroker
from tests.kafka_records import values_on
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(180)

_TOPIC = "others.events"


def _event(own: str, data: dict[str, str]) -> CloudEvent:
    attributes = {"specversion": "1.0", "id": own, "source": "/orders", "type": "com.acme.order_completed"}
    return CloudEvent({**attributes, "datacontenttype": "application/json"}, data)


async def _send(broker: KafkaBroker) -> None:
    """One binary, one structured, one of them twice, one without a person, one tombstone."""
    binary = kafka.to_binary_event(_event("1", {"user_id": "u-1"}))
    structured = kafka.to_structured(_event("2", {"user_id": "u-2"}), JSONFormat())
    refused = kafka.to_binary_event(_event("3", {}))
    producer = AIOKafkaProducer(bootstrap_servers=broker.servers)
    await producer.start()
    try:
        for message in (binary, structured, binary, refused):
            await producer.send_and_wait(_TOPIC, message.value, headers=list(message.headers.items()))
        await producer.send_and_wait(_TOPIC, None, key=b"gone")
    finally:
        await producer.stop()


@asynccontextmanager
async def _running(own: Resources) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(events.run(own, stop))
        try:
            yield
        finally:
            stop.set()


async def test_every_event_is_taken_once_and_what_is_refused_is_kept(database: str, kafka_broker: KafkaBroker) -> None:
    async with opened(settings_for(database)) as before:
        keys = await make_keys(before)
    settings = read_settings(
        IngestSettings,
        {
            "INGEST_DATABASE_DSN": database,
            "INGEST_LOG_KIND": "kafka",
            "INGEST_LOG_KAFKA_SERVERS": kafka_broker.servers,
            "INGEST_RUN": "events",
            "INGEST_EVENTS_TOPIC": _TOPIC,
            "INGEST_EVENTS_KEY": keys.secret,
        },
    )
    async with opened(settings) as own:
        await ensure_log(own, asyncio.Event())
        admin = own.log.admin()
        await admin.ensure(_TOPIC, 1, 3_600)
        await admin.close()
        await _send(kafka_broker)

        async def found() -> tuple[list[Touchpoint], list[Rejection]]:
            mine = keys.workspace.id
            touchpoints = [decode_touchpoint(one) for one in await values_on(kafka_broker, TopicName.TOUCHPOINTS)]
            kept = [decode_rejection(one) for one in await values_on(kafka_broker, TopicName.REJECTIONS)]
            return (
                [one for one in touchpoints if one.workspace == str(mine)],
                [one for one in kept if one.workspace == str(mine)],
            )

        async def are_there() -> bool:
            touchpoints, kept = await found()
            return len(touchpoints) >= 3 and len(kept) >= 1

        async with _running(own):
            await eventually(are_there, within_seconds=60, what="the events")
        async with _running(own):
            await asyncio.sleep(3)

        touchpoints, kept = await found()

    assert sorted(one.keys[0] for one in touchpoints) == ["5user_id:u-1", "5user_id:u-1", "5user_id:u-2"]
    assert len({one.id for one in touchpoints}) == 2
    assert {(one.kind, one.protocol) for one in touchpoints} == {("order_completed", "cloudevents")}
    assert [(one.code, one.protocol) for one in kept] == [("no_identity", "cloudevents")]


async def test_without_a_topic_it_says_what_is_missing(database: str) -> None:
    async with opened(settings_for(database)) as own:
        with pytest.raises(Misconfigured, match="INGEST_EVENTS_TOPIC"):
            await events.run(own, asyncio.Event())
