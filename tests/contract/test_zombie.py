"""A member that is stopped while it holds partitions, replaced, and continued: it must never count anything twice."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.contract.conftest import Parts
from tests.contract.consuming import a_loop, append_numbers, running
from tests.contract.effects import Effects
from tests.contract.logs import LogUnderTest
from tests.waiting import eventually


@contextmanager
def _member(log: LogUnderTest, effects: Effects, group: str, topic: str) -> Iterator[subprocess.Popen[bytes]]:
    arguments = [log.kind, log.where, effects.dsn, group, topic, "zombie"]
    process = subprocess.Popen([sys.executable, "-m", "tests.contract.counting_member", *arguments])
    try:
        yield process
    finally:
        os.kill(process.pid, signal.SIGCONT)
        process.terminate()
        process.wait(20)


async def test_a_stopped_holder_is_replaced_and_counts_nothing_when_it_wakes(
    log: LogUnderTest, parts: Parts, effects: Effects
) -> None:
    topic, group = await log.topic(partitions=4), log.name()
    producer = parts.producer(log.open())

    async def reached(count: int) -> None:
        async def there() -> bool:
            return await effects.count(group) >= count

        await eventually(there, within_seconds=30, what=f"{count} effects of {group}")

    with _member(log, effects, group, topic) as zombie:
        await append_numbers(producer, topic, range(200), 4)
        await reached(200)
        os.kill(zombie.pid, signal.SIGSTOP)
        await append_numbers(producer, topic, range(200, 400), 4)
        async with running(a_loop(log.open(), effects, group, topic, member_id="heir")):
            await reached(400)
            os.kill(zombie.pid, signal.SIGCONT)
            for start in range(400, 800, 100):
                await append_numbers(producer, topic, range(start, start + 100), 4)
                await reached(start + 100)
        ended_well = zombie.poll() is None

    assert ended_well
    assert sorted(int(value) for _, _, value in await effects.of(group)) == list(range(800))


async def test_a_holder_stopped_inside_its_transaction_does_not_hold_up_its_heir_for_long(
    log: LogUnderTest, parts: Parts, effects: Effects
) -> None:
    topic, group = await log.topic(partitions=1), log.name()
    producer = parts.producer(log.open())
    numbers = range(20_000)

    async def past(count: int) -> bool:
        return await effects.count(group) > count

    with _member(log, effects, group, topic) as zombie:
        await append_numbers(producer, topic, numbers, 1, per_call=2_000)
        await eventually(lambda: past(0), within_seconds=30, what="the member works")
        os.kill(zombie.pid, signal.SIGSTOP)
        seen = await effects.count(group)
        async with running(a_loop(log.open(), effects, group, topic, member_id="heir")):
            await eventually(lambda: past(seen), within_seconds=20, what="the heir gets on")
            os.kill(zombie.pid, signal.SIGCONT)
            await eventually(lambda: past(len(numbers) - 1), within_seconds=30, what="everything is handled")

    assert sorted(int(value) for _, _, value in await effects.of(group)) == list(numbers)
