"""The loop and the processor on both logs: each record takes effect exactly once per group, and nothing is skipped."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import asyncpg
import pytest

from shared.database.engine import create_pool
from shared.database.pool import borrowed
from shared.database.roles import Role
from shared.errors import PositionLost, RefusalLimit, Transient
from shared.streaming import positions
from shared.streaming.loop import StreamLoop
from shared.streaming.observer import Silent
from shared.streaming.ports import Consumer, Log, LogAdmin, Producer
from shared.streaming.processor import BatchProcessor, Handled
from shared.streaming.types import Append, Batch, Partition
from tests.contract.conftest import Parts
from tests.contract.consuming import FAST, a_loop, append_numbers, running
from tests.contract.effects import CountingHandler, Effects
from tests.contract.logs import LogUnderTest
from tests.waiting import eventually


async def _wait_for(effects: Effects, group: str, count: int, within_seconds: float = 20) -> None:
    async def there() -> bool:
        return await effects.count(group) >= count

    await eventually(there, within_seconds=within_seconds, what=f"{count} effects of {group}")


async def test_every_record_takes_effect_once_and_the_next_loop_goes_on_where_the_last_ended(
    log: LogUnderTest, parts: Parts, effects: Effects
) -> None:
    topic, group = await log.topic(partitions=3), log.name()
    producer = parts.producer(log.open())

    await append_numbers(producer, topic, range(300), 3)
    async with running(a_loop(log.open(), effects, group, topic)):
        await _wait_for(effects, group, 300)
    await append_numbers(producer, topic, range(300, 400), 3)
    async with running(a_loop(log.open(), effects, group, topic, member_id="next")):
        await _wait_for(effects, group, 400)

    written = [int(value) for _, _, value in await effects.of(group)]
    async with borrowed(effects.pool) as connection:
        known = await positions.load(connection, group, topic)
    assert sorted(written) == list(range(400))
    assert known == await parts.admin(log.open()).ends(topic)


async def test_a_group_that_comes_late_begins_at_the_beginning(
    log: LogUnderTest, parts: Parts, effects: Effects
) -> None:
    topic, group = await log.topic(partitions=2), log.name()
    await append_numbers(parts.producer(log.open()), topic, range(50), 2)

    async with running(a_loop(log.open(), effects, group, topic)):
        await _wait_for(effects, group, 50)

    assert [int(value) for partition, _, value in await effects.of(group) if partition == 0] == list(range(0, 50, 2))


async def test_seeding_never_moves_a_position(effects: Effects) -> None:
    partition = Partition("seeded", 0)
    async with borrowed(effects.pool) as connection:
        await positions.seed(connection, "g", "seeded", {partition: 5})
        await positions.seed(connection, "g", "seeded", {partition: 0, Partition("seeded", 1): 2})

        known = await positions.load(connection, "g", "seeded")

    assert known == {partition: 5, Partition("seeded", 1): 2}


class _LosesItsConnection:
    """Handles, and the first time its database connection dies after the work and before the commit."""

    def __init__(self, group: str) -> None:
        self._counting = CountingHandler(group)
        self._lost = False

    async def handle(self, connection: asyncpg.Connection, batch: Batch) -> Handled:
        handled = await self._counting.handle(connection, batch)
        if not self._lost:
            self._lost = True
            connection.terminate()
        return handled


async def test_a_connection_lost_inside_the_transaction_leaves_one_effect(
    log: LogUnderTest, parts: Parts, effects: Effects
) -> None:
    topic, group = await log.topic(partitions=1), log.name()
    await append_numbers(parts.producer(log.open()), topic, range(20), 1)

    async with running(a_loop(log.open(), effects, group, topic, handler=_LosesItsConnection(group))):
        await _wait_for(effects, group, 20)

    assert [int(value) for _, _, value in await effects.of(group)] == list(range(20))


class _Breaks:
    async def handle(self, connection: asyncpg.Connection, batch: Batch) -> Handled:
        await CountingHandler("broken").handle(connection, batch)
        raise ZeroDivisionError("a bug of ours")


async def test_a_bug_ends_the_loop_names_the_batch_and_writes_nothing(
    log: LogUnderTest, parts: Parts, effects: Effects
) -> None:
    topic, group = await log.topic(partitions=1), log.name()
    await append_numbers(parts.producer(log.open()), topic, range(5), 1)

    loop = a_loop(log.open(), effects, group, topic, handler=_Breaks())
    with pytest.raises(ZeroDivisionError) as raised:
        async with asyncio.timeout(20):
            await loop.run(asyncio.Event())

    assert topic in raised.value.__notes__[0]
    assert "from 0 to" in raised.value.__notes__[0]
    assert await effects.count("broken") == 0


class _RefusesAll:
    async def handle(self, connection: asyncpg.Connection, batch: Batch) -> Handled:
        await CountingHandler("refused").handle(connection, batch)
        return Handled(records=len(batch.records), refused=len(batch.records))


async def test_refusing_everything_stops_the_loop_before_anything_is_quarantined(
    log: LogUnderTest, parts: Parts, effects: Effects
) -> None:
    topic, group = await log.topic(partitions=1), log.name()
    await parts.producer(log.open()).append(topic, [Append(0, b"%d" % n) for n in range(40)])

    loop = a_loop(log.open(), effects, group, topic, handler=_RefusesAll())
    with pytest.raises(RefusalLimit):
        async with asyncio.timeout(20):
            await loop.run(asyncio.Event())

    assert await effects.count("refused") == 0


async def test_a_position_that_retention_has_passed_ends_the_loop(
    log: LogUnderTest, parts: Parts, effects: Effects
) -> None:
    topic, group = await log.topic(partitions=1), log.name()
    await append_numbers(parts.producer(log.open()), topic, range(5), 1)
    async with borrowed(effects.pool) as connection:
        await positions.seed(connection, group, topic, {Partition(topic, 0): 77})

    loop = a_loop(log.open(), effects, group, topic)
    with pytest.raises(PositionLost, match="77"):
        async with asyncio.timeout(20):
            await loop.run(asyncio.Event())

    assert await effects.count(group) == 0


async def test_without_a_database_nothing_is_read_and_the_loop_gives_up_in_time(
    log: LogUnderTest, parts: Parts, effects: Effects
) -> None:
    topic, group = await log.topic(partitions=1), log.name()
    await append_numbers(parts.producer(log.open()), topic, range(5), 1)
    nowhere = await create_pool("postgresql://nobody@/nothing?host=/nonexistent", Role.SCORING_WORKER)
    processor = BatchProcessor(nowhere, group, CountingHandler(group))
    loop = StreamLoop(
        group=group,
        topic=topic,
        member_id="one",
        log=log.open(),
        pool=nowhere,
        processor=processor,
        observer=Silent(),
        settings=replace(FAST, transient_budget_seconds=1),
    )

    with pytest.raises(Transient):
        async with asyncio.timeout(20):
            await loop.run(asyncio.Event())

    assert loop.health.failing
    assert await effects.count(group) == 0


class _DeafOnce:
    """A log whose first consumer is given partitions and never anything in them."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.consumers = 0

    def producer(self) -> Producer:
        return self._log.producer()

    def consumer(self, group: str, topic: str, member_id: str) -> Consumer:
        self.consumers += 1
        consumer = self._log.consumer(group, topic, f"{member_id}.{self.consumers}")
        return _Deaf(consumer) if self.consumers == 1 else consumer

    def admin(self) -> LogAdmin:
        return self._log.admin()

    async def retain(self) -> None:
        await self._log.retain()

    async def close(self) -> None:
        await self._log.close()


class _Deaf:
    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    async def poll(self, max_records: int, timeout_seconds: float) -> Sequence[Batch]:
        await self._consumer.poll(max_records, timeout_seconds)
        return ()

    def unpositioned(self) -> frozenset[Partition]:
        return self._consumer.unpositioned()

    def assigned(self) -> frozenset[Partition]:
        return self._consumer.assigned()

    def seek(self, partition: Partition, position: int) -> None:
        self._consumer.seek(partition, position)

    async def report(self, positions: Mapping[Partition, int]) -> None:
        await self._consumer.report(positions)

    async def close(self) -> None:
        await self._consumer.close()


async def test_a_consumer_that_gets_nowhere_is_made_anew(log: LogUnderTest, parts: Parts, effects: Effects) -> None:
    topic, group = await log.topic(partitions=2), log.name()
    await append_numbers(parts.producer(log.open()), topic, range(20), 2)
    deaf = _DeafOnce(log.open())
    settings = replace(FAST, stuck_after_seconds=1, check_every_seconds=0.2)

    async with running(a_loop(deaf, effects, group, topic, settings=settings)):
        await _wait_for(effects, group, 20)

    assert deaf.consumers == 2
    assert await effects.twice(group) == {}


async def test_members_that_come_and_go_every_two_seconds_lose_and_double_nothing(
    log: LogUnderTest, parts: Parts, effects: Effects
) -> None:
    topic, group = await log.topic(partitions=6), log.name()
    producer = parts.producer(log.open())
    appended = 0
    stop = asyncio.Event()

    async def keep_appending() -> None:
        nonlocal appended
        while not stop.is_set():
            await append_numbers(producer, topic, range(appended, appended + 30), 6)
            appended += 30

    async with running(a_loop(log.open(), effects, group, topic, member_id="stays")):
        appending = asyncio.create_task(keep_appending())
        for number in range(3):
            async with running(a_loop(log.open(), effects, group, topic, member_id=f"guest{number}")):
                await _progress_for(effects, group, seconds=2)
        stop.set()
        await appending
        await _wait_for(effects, group, appended)

    assert await effects.count(group) == appended
    assert await effects.twice(group) == {}


async def _progress_for(effects: Effects, group: str, *, seconds: float) -> None:
    """Two seconds of a member's life, in which the group must get on."""
    deadline = asyncio.get_running_loop().time() + seconds
    before = await effects.count(group)

    async def over() -> bool:
        return asyncio.get_running_loop().time() > deadline and await effects.count(group) > before

    await eventually(over, within_seconds=seconds + 15, what="the group gets on while a member joins")
