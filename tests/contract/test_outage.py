"""Servers killed, frozen and started again under load, on both logs: nothing lost or doubled, everybody in time."""

import asyncio
from contextlib import suppress

import pytest

from shared.errors import Transient, Unavailable
from shared.streaming.limits import Limits
from shared.streaming.ports import Log, Producer
from shared.streaming.types import Append, Partition
from tests.contract.conftest import Mortal, Parts
from tests.contract.consuming import a_loop, append_numbers, position_all, read, running
from tests.contract.effects import Effects
from tests.contract.sending import Sender
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(240)

_PARTITIONS = 4
_DEADLINE = Limits(delivery_deadline_seconds=1.5)


async def test_append_raises_in_time_while_the_server_is_dead_and_works_again_by_itself(
    mortal: Mortal, parts: Parts
) -> None:
    topic = await mortal.log.topic(partitions=1)
    producer = parts.producer(mortal.log.open(_DEADLINE))
    await producer.append(topic, [Append(0, b"before")])

    mortal.server.kill()
    try:
        took = await _seconds_until_unavailable(producer, topic)
    finally:
        await asyncio.to_thread(mortal.server.start)  # beside the loop, in which the producer gives its client up
    await _until_appended(producer, topic, b"after")

    assert took < 2.5
    assert await _values(mortal.log.open(), parts, topic) == [b"before", b"after"]


async def test_append_raises_in_time_while_the_server_hangs_and_works_again_by_itself(
    mortal: Mortal, parts: Parts
) -> None:
    topic = await mortal.log.topic(partitions=1)
    producer = parts.producer(mortal.log.open(_DEADLINE))
    await producer.append(topic, [Append(0, b"before")])

    mortal.server.freeze()
    try:
        took = await _seconds_until_unavailable(producer, topic)
    finally:
        mortal.server.thaw()
    await _until_appended(producer, topic, b"after")

    values = await _values(mortal.log.open(), parts, topic)
    assert took < 2.5
    assert [value for value in values if value != b"lost?"] == [b"before", b"after"]


async def test_closing_ends_in_time_while_the_server_hangs(mortal: Mortal) -> None:
    topic = await mortal.log.topic(partitions=1)
    opened = mortal.log.open(_DEADLINE)
    producer, consumer, admin = opened.producer(), opened.consumer("closing", topic, "one"), opened.admin()
    await producer.append(topic, [Append(0, b"before")])
    await position_all(consumer, 1)
    await admin.ping()

    mortal.server.freeze()
    try:
        under_way = asyncio.create_task(producer.append(topic, [Append(0, b"lost?")]))
        await asyncio.sleep(0)
        async with asyncio.timeout(15):
            await asyncio.gather(producer.close(), consumer.close(), admin.close())
        with pytest.raises(Unavailable):
            await under_way
    finally:
        mortal.server.thaw()


async def test_killed_server_under_load_loses_nothing_and_doubles_nothing(
    mortal: Mortal, parts: Parts, mortal_effects: Effects
) -> None:
    topic, group = await mortal.log.topic(partitions=_PARTITIONS), mortal.log.name()
    sender = Sender(parts.producer(mortal.log.open()), topic, _PARTITIONS)
    sending = asyncio.create_task(sender.run())

    async with running(a_loop(mortal.log.open(), mortal_effects, group, topic)):
        await _until_acknowledged(sender, 100)
        mortal.server.kill()
        mortal.server.launch()
        await _until_acknowledged(sender, len(sender.acknowledged) + 100)
        sender.stop()
        await sending
        await _until_all_there(mortal_effects, group, sender)

    assert await mortal_effects.twice(group) == {}


async def test_killed_database_of_positions_under_load_loses_nothing_and_doubles_nothing(
    mortal: Mortal, parts: Parts, mortal_effects: Effects
) -> None:
    topic, group = await mortal.log.topic(partitions=_PARTITIONS), mortal.log.name()
    sender = Sender(parts.producer(mortal.log.open()), topic, _PARTITIONS)
    sending = asyncio.create_task(sender.run())

    async with running(a_loop(mortal.log.open(), mortal_effects, group, topic)):
        await _until_acknowledged(sender, 100)
        mortal.database.kill()
        mortal.database.launch()
        await _until_acknowledged(sender, len(sender.acknowledged) + 100)
        sender.stop()
        await sending
        await _until_all_there(mortal_effects, group, sender)

    assert await mortal_effects.twice(group) == {}


async def test_a_consumer_and_an_admin_outlive_their_server(mortal: Mortal, parts: Parts) -> None:
    topic = await mortal.log.topic(partitions=1)
    opened = mortal.log.open()
    producer, admin, consumer = parts.producer(opened), parts.admin(opened), parts.consumer(opened, "lives", topic)
    await append_numbers(producer, topic, range(5), 1)
    await position_all(consumer, 1)
    await read(consumer, 5)

    mortal.server.kill()
    try:
        with pytest.raises(Unavailable):
            await admin.ping()
    finally:
        mortal.server.start()
    await _until_appended(producer, topic, b"after")

    async def answers() -> bool:
        with suppress(Unavailable):
            return (await admin.ends(topic))[Partition(topic, 0)] == 6
        return False

    await eventually(answers, within_seconds=20, what="the admin answers again")


async def _seconds_until_unavailable(producer: Producer, topic: str) -> float:
    clock = asyncio.get_running_loop().time
    began = clock()
    with pytest.raises(Unavailable):
        await producer.append(topic, [Append(0, b"lost?")])
    return clock() - began


async def _until_appended(producer: Producer, topic: str, value: bytes) -> None:
    async def appended() -> bool:
        with suppress(Unavailable):
            await producer.append(topic, [Append(0, value)])
            return True
        return False

    await eventually(appended, within_seconds=90, what="the producer works again")


async def _values(log: Log, parts: Parts, topic: str) -> list[bytes]:
    """Everything in the only partition."""
    end = (await parts.admin(log).ends(topic))[Partition(topic, 0)]
    consumer = parts.consumer(log, f"values of {topic}", topic)
    await position_all(consumer, 1)
    batches = await read(consumer, end)
    return [record.value for batch in batches[Partition(topic, 0)] for record in batch.records]


async def _until_acknowledged(sender: Sender, count: int) -> None:
    async def there() -> bool:
        return len(sender.acknowledged) >= count

    await eventually(there, within_seconds=90, what=f"{count} acknowledged")


async def _until_all_there(effects: Effects, group: str, sender: Sender) -> None:
    """Every acknowledged number has an effect. Copies of a resent one are records of their own."""

    async def all_there() -> bool:
        with suppress(Transient):
            return set(sender.acknowledged) <= {int(value) for _, _, value in await effects.of(group)}
        return False

    await eventually(all_there, within_seconds=90, what="every acknowledged record took effect")
