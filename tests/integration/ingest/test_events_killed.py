"""``kill -9`` between the append of a batch of CloudEvents and the commit of its position: each event counts once."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from cloudevents.core.bindings import kafka
from cloudevents.core.v1.event import CloudEvent

from services.ingest.bootstrap import ensure_log, opened
from services.ingest.handlers.events import GROUP
from services.ingest.settings import IngestSettings
from shared.clock import SystemClock
from shared.contracts.codec import decode_touchpoint
from shared.database.engine import connect
from shared.settings import read_settings
from shared.vocabulary import TopicName
from tests.ingest_door import make_keys, settings_for
from tests.ingest_process import environment_with, running_ingest
from tests.kafka_broker import KafkaBroker
from tests.kafka_records import values_on
from tests.scoring_driver import open_scoring
from tests.served import free_port
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(180)

_TOPIC = "others.killed"
_EVENTS = 40


async def _send(broker: KafkaBroker) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.servers)
    await producer.start()
    try:
        for number in range(_EVENTS):
            attributes = {
                "specversion": "1.0",
                "id": str(number),
                "source": "/shop",
                "type": "com.acme.order_completed",
            }
            event = CloudEvent({**attributes, "datacontenttype": "application/json"}, {"user_id": f"u-{number % 7}"})
            message = kafka.to_binary_event(event)
            await producer.send_and_wait(_TOPIC, message.value, headers=list(message.headers.items()))
    finally:
        await producer.stop()


async def _position(admin_dsn: str) -> int:
    connection = await connect(admin_dsn)
    try:
        found = await connection.fetchval(
            "SELECT sum(next_offset) FROM streaming.position WHERE consumer_group = $1 AND topic = $2", GROUP, _TOPIC
        )
    finally:
        await connection.close()
    return int(found or 0)


async def test_every_event_counts_once(
    database: str, admin_dsn: str, kafka_broker: KafkaBroker, tmp_path: Path
) -> None:
    async with opened(settings_for(database)) as before:
        keys = await make_keys(before)
    log = {
        "INGEST_DATABASE_DSN": database,
        "INGEST_LOG_KIND": "kafka",
        "INGEST_LOG_KAFKA_SERVERS": kafka_broker.servers,
    }
    reading = {"INGEST_RUN": "api,events", "INGEST_EVENTS_TOPIC": _TOPIC, "INGEST_EVENTS_KEY": keys.secret}
    async with opened(read_settings(IngestSettings, {**log, **reading})) as own:
        await ensure_log(own, asyncio.Event())
        admin = own.log.admin()
        await admin.ensure(_TOPIC, 1, 3_600)
        await admin.close()
    await _send(kafka_broker)

    async def appended() -> list[bytes]:
        values = await values_on(kafka_broker, TopicName.TOUCHPOINTS)
        return [one for one in values if decode_touchpoint(one).workspace == str(keys.workspace.id)]

    doomed = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.ingest.killed_events",
        env=environment_with({**log, **reading, "INGEST_PORT": str(free_port())}),
    )
    async with asyncio.timeout(60):
        ended = await doomed.wait()
    before_the_restart = (len(await appended()), await _position(admin_dsn))
    with running_ingest(tmp_path, {**log, **reading}):

        async def is_through() -> bool:
            return await _position(admin_dsn) == _EVENTS

        await eventually(is_through, within_seconds=60, what="the whole topic is read")
    values = await appended()

    assert ended == -signal.SIGKILL
    assert before_the_restart[0] > 0
    assert before_the_restart[1] == 0
    assert len(values) == _EVENTS + before_the_restart[0]
    assert len({decode_touchpoint(value).id for value in values}) == _EVENTS
    scoring = await open_scoring(database, SystemClock())
    try:
        assert (await scoring.deliver_bytes(values)).fresh == _EVENTS
    finally:
        await scoring.pool.close()
