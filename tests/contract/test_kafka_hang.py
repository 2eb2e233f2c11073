"""A member that lives, beats its heart and does not poll: Kafka alone hands its partitions on for that."""

import asyncio

import asyncpg
import pytest

from shared.errors import Transient
from shared.streaming.kafka.log import KafkaLog
from shared.streaming.limits import Limits
from shared.streaming.loop import LoopSettings, StreamLoop
from shared.streaming.observer import Silent
from shared.streaming.processor import Handled
from shared.streaming.types import Batch
from tests.contract.conftest import Parts
from tests.contract.consuming import a_loop, append_numbers, position_all, running
from tests.contract.effects import CountingHandler, Effects
from tests.kafka_broker import KafkaBroker
from tests.waiting import eventually

_PARTITIONS = 4
_PATIENCE_SECONDS = 2.0
_ONE_BY_ONE = LoopSettings(max_records=50, poll_timeout_seconds=0.2, concurrent_batches=1, transient_budget_seconds=40)


class _HangsOnce:
    """Counts as others do, but the first batch hangs inside its transaction until it is told to go on."""

    def __init__(self, group: str) -> None:
        self._counting = CountingHandler(group)
        self.hangs = asyncio.Event()
        self.goes_on = asyncio.Event()

    async def handle(self, connection: asyncpg.Connection, batch: Batch) -> Handled:
        self.hangs.set()
        await self.goes_on.wait()
        return await self._counting.handle(connection, batch)


class _Diary(Silent):
    """What one member went through."""

    def __init__(self) -> None:
        self.fences: list[Batch] = []
        self.failures: list[Transient] = []
        self.batches: list[Batch] = []

    def fenced(self, batch: Batch) -> None:
        self.fences.append(batch)

    def retried(self, error: Transient) -> None:
        self.failures.append(error)

    def processed(self, batch: Batch, handled: Handled, seconds: float) -> None:  # noqa: ARG002  (the port's names)
        self.batches.append(batch)


async def test_a_member_that_hangs_is_replaced_and_when_it_goes_on_it_counts_nothing_twice(
    kafka_broker: KafkaBroker, parts: Parts, effects: Effects
) -> None:
    """One batch hangs inside its transaction; those of the other partitions, already polled, wait for it unclaimed."""
    topic = group = "hangs"
    log = KafkaLog({"bootstrap_servers": kafka_broker.servers}, Limits(), _PATIENCE_SECONDS)
    await parts.admin(log).ensure(topic, _PARTITIONS, 3_600)
    producer, handler, diary = parts.producer(log), _HangsOnce(group), _Diary()
    await append_numbers(producer, topic, range(200), _PARTITIONS)
    hanging = a_loop(
        log, effects, group, topic, member_id="hangs", handler=handler, settings=_ONE_BY_ONE, observer=diary
    )
    heir = a_loop(log, effects, group, topic, member_id="heir")

    async with running(hanging):
        await asyncio.wait_for(handler.hangs.wait(), 20)
        async with running(heir):
            await _until_handled(effects, group, 200)
            handler.goes_on.set()
            await _until_both_have_partitions(hanging, heir)
            await append_numbers(producer, topic, range(200, 400), _PARTITIONS)
            await _until_handled(effects, group, 400)

    assert sorted(int(value) for _, _, value in await effects.of(group)) == list(range(400))
    assert diary.failures, "its transaction was cut"
    assert diary.fences, "what it had polled belonged to others"
    assert diary.batches, "it took part again"


async def test_a_member_whose_poll_was_cut_short_is_noticed_all_the_same_when_it_hangs(
    kafka_broker: KafkaBroker, parts: Parts
) -> None:
    topic = group = "cut"
    log = KafkaLog({"bootstrap_servers": kafka_broker.servers}, Limits(), _PATIENCE_SECONDS)
    await parts.admin(log).ensure(topic, 1, 3_600)
    hanging, heir = (parts.consumer(log, group, topic, member) for member in ("a", "b"))
    await position_all(hanging, 1)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await hanging.poll(10, 5)
    await position_all(heir, 1)

    assert hanging.assigned() == frozenset()


async def _until_handled(effects: Effects, group: str, count: int) -> None:
    async def handled() -> bool:
        return await effects.count(group) >= count

    await eventually(handled, within_seconds=30, what=f"{count} effects of {group}")


async def _until_both_have_partitions(*members: StreamLoop) -> None:
    async def shared_out() -> bool:
        return sum(member.health.assigned for member in members) == _PARTITIONS and all(
            member.health.assigned for member in members
        )

    await eventually(shared_out, within_seconds=30, what="the partitions are shared out")
