"""What is on a topic of a real Kafka."""

from aiokafka import AIOKafkaConsumer

from tests.kafka_broker import KafkaBroker


async def values_on(broker: KafkaBroker, topic: str) -> list[bytes]:
    """Every record's value, partition by partition, up to where the topic ends now."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=broker.servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        values: list[bytes] = []
        for partition, end in ends.items():
            while await consumer.position(partition) < end:
                fetched = await consumer.getmany(partition, timeout_ms=1_000)
                values += [record.value for records in fetched.values() for record in records if record.offset < end]
        return values
    finally:
        await consumer.stop()
