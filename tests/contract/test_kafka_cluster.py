"""Three brokers of which one is killed: what was acknowledged is there, counted once, and work goes on meanwhile."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest

from shared.errors import Transient
from tests.contract.conftest import Parts
from tests.contract.consuming import a_loop, running
from tests.contract.effects import Effects
from tests.contract.logs import LogUnderTest
from tests.contract.sending import Sender
from tests.kafka_cluster import NODES, KafkaCluster, running_cluster
from tests.parts import require
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(180)

_PARTITIONS = 6
_GOES_ON_SECONDS = 15.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[KafkaCluster]:
    require("java", "default-jre-headless")
    require("mvn", "maven")
    with running_cluster() as started:
        yield started


@pytest.fixture
def cluster_log(cluster: KafkaCluster, request: pytest.FixtureRequest) -> LogUnderTest:
    return LogUnderTest("kafka", cluster.servers, f"c{abs(hash(request.node.nodeid))}")


async def test_a_leader_and_the_coordinator_are_killed_in_turn_and_nothing_is_lost_doubled_or_held_up(
    cluster: KafkaCluster, cluster_log: LogUnderTest, parts: Parts, effects: Effects
) -> None:
    topic, group = await cluster_log.topic(partitions=_PARTITIONS), cluster_log.name()
    sender = Sender(parts.producer(cluster_log.open()), topic, _PARTITIONS)
    sending = asyncio.create_task(sender.run())

    async with running(a_loop(cluster_log.open(), effects, group, topic)):
        await _until_past(effects, group, 100, within_seconds=60)
        await _kill_and_start_again(
            cluster, await _leader_beside_the_coordinator(cluster, topic, group), group, effects
        )
        await _until_in_sync(cluster, topic)
        await _kill_and_start_again(cluster, await cluster.coordinator(group), group, effects)
        sender.stop()
        await sending
        await _until_all_handled(parts, cluster_log, topic, group, effects)

    handled = await effects.of(group)
    assert set(sender.acknowledged) <= {int(value) for _, _, value in handled}
    assert await effects.twice(group) == {}


async def test_a_topic_made_while_a_broker_is_down_is_copied_to_all_of_them(
    cluster: KafkaCluster, cluster_log: LogUnderTest
) -> None:
    async def missed() -> bool:
        return NODES[-1] not in await cluster.alive()

    cluster.brokers[NODES[-1]].kill()
    try:
        await eventually(missed, within_seconds=15, what="the broker is missed")
        topic = await cluster_log.topic(partitions=_PARTITIONS)
        copies = await cluster.copies(topic)
    finally:
        cluster.brokers[NODES[-1]].start()

    assert {row.replicas for row in copies.values()} == {frozenset(NODES)}
    await _until_in_sync(cluster, topic)


async def _kill_and_start_again(cluster: KafkaCluster, node: int, group: str, effects: Effects) -> None:
    """In every partition something newer than the kill is handled in time, before the broker is back."""
    mark = max((await effects.highest(group)).values())
    cluster.brokers[node].kill()
    try:
        await _until_past(effects, group, mark + 100, within_seconds=_GOES_ON_SECONDS)
    finally:
        cluster.brokers[node].start()


async def _leader_beside_the_coordinator(cluster: KafkaCluster, topic: str, group: str) -> int:
    coordinator = await cluster.coordinator(group)
    return next(row.leader for row in (await cluster.copies(topic)).values() if row.leader not in (coordinator, -1))


async def _until_past(effects: Effects, group: str, number: int, *, within_seconds: float) -> None:
    async def past() -> bool:
        highest = await effects.highest(group)
        return len(highest) == _PARTITIONS and min(highest.values()) > number

    await eventually(past, within_seconds=within_seconds, what=f"every partition is past {number}")


async def _until_in_sync(cluster: KafkaCluster, topic: str) -> None:
    async def in_sync() -> bool:
        copies = await cluster.copies(topic)
        return all(row.in_sync == frozenset(NODES) for row in copies.values())

    await eventually(in_sync, within_seconds=40, what=f"all brokers hold all of {topic}")


async def _until_all_handled(parts: Parts, log: LogUnderTest, topic: str, group: str, effects: Effects) -> None:
    """As many effects as the log has records, copies of resent ones included."""
    admin = parts.admin(log.open())

    async def handled() -> bool:
        with suppress(Transient):
            return await effects.count(group) == sum((await admin.ends(topic)).values())
        return False

    await eventually(handled, within_seconds=30, what="every record of the log is handled")
