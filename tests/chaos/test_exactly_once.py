"""Why a claim compares: several owners of one partition at once, active to the end, the worst case of zombies.

Without ``AND next_offset = start`` in the claim (the recipe "store the offset with the result") two owners count nearly
everything twice. This test runs that recipe too, to show that it would be noticed.
"""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from typing import Final

import asyncpg
import pytest

from shared.database.pool import borrowed
from shared.errors import Fenced, Transient
from shared.streaming import positions
from shared.streaming.processor import BatchProcessor, Handled
from shared.streaming.types import Batch, Partition, Record
from tests.contract.effects import CountingHandler, Effects

_RECORDS: Final = 3_000
_PARTITION: Final = Partition("crowded", 0)


class _CrashesAtTimes:
    """Handles, and then loses its connection before the commit in 15 % of batches."""

    def __init__(self, group: str, chance: random.Random) -> None:
        self._counting = CountingHandler(group)
        self._chance = chance

    async def handle(self, connection: asyncpg.Connection, batch: Batch) -> Handled:
        handled = await self._counting.handle(connection, batch)
        if self._chance.random() < 0.15:
            connection.terminate()
        return handled


@dataclass(slots=True)
class _Owner:
    """Believes in its own position; forgets it after a crash and, at times, after a commit."""

    processor: BatchProcessor
    effects: Effects
    group: str
    chance: random.Random
    fenced: int = 0

    async def run(self) -> None:
        position = await self._read()
        while position < _RECORDS:
            end = min(_RECORDS, position + self.chance.randint(1, 60))
            records = tuple(Record(offset, b"%d" % offset, 0) for offset in range(position, end))
            try:
                await self.processor.process(Batch(_PARTITION, position, end, records))
            except Fenced:
                self.fenced += 1
                position = await self._read()
            except Transient:
                position = await self._read()
            else:
                position = end if self.chance.random() > 0.1 else await self._read()

    async def _read(self) -> int:
        async with borrowed(self.effects.pool) as connection:
            return (await positions.load(connection, self.group, _PARTITION.topic))[_PARTITION]


async def _counted(effects: Effects, owners: int, seed: int) -> tuple[Counter[int], int]:
    """How often each record took effect, and how often an owner was fenced."""
    group = f"owners{owners}.seed{seed}"
    async with borrowed(effects.pool) as connection:
        await positions.seed(connection, group, _PARTITION.topic, {_PARTITION: 0})
    crowd = []
    for number in range(owners):
        chance = random.Random(seed * 100 + number)
        processor = BatchProcessor(effects.pool, group, _CrashesAtTimes(group, chance))
        crowd.append(_Owner(processor, effects, group, chance))
    await asyncio.gather(*(owner.run() for owner in crowd))
    return Counter(offset for _, offset, _ in await effects.of(group)), sum(owner.fenced for owner in crowd)


@pytest.mark.parametrize("owners", [1, 2, 4])
async def test_each_record_takes_effect_exactly_once_whatever_the_number_of_owners(
    database: str, admin_dsn: str, owners: int
) -> None:
    async with Effects.open(database, admin_dsn) as effects:
        for seed in range(3):
            counted, fenced = await _counted(effects, owners, seed)

            assert counted == Counter(range(_RECORDS)), f"seed {seed}"
            assert (fenced > 0) == (owners > 1), f"seed {seed}: the owners never met"


async def test_the_same_crowd_without_the_comparison_counts_twice_so_the_test_bites(
    database: str, admin_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def store(connection: asyncpg.Connection, group: str, batch: Batch) -> None:
        await connection.execute(
            "UPDATE streaming.position SET next_offset = $3 WHERE consumer_group = $1 AND topic = $2",
            group,
            batch.partition.topic,
            batch.end,
        )

    monkeypatch.setattr("shared.streaming.processor.claim", store)
    async with Effects.open(database, admin_dsn) as effects:
        counted, fenced = await _counted(effects, 2, seed=1)

    assert counted.keys() == set(range(_RECORDS))
    assert counted.total() > 1.2 * _RECORDS
    assert fenced == 0
