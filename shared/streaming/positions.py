"""Positions in the database: where each group is in each partition, advanced by nothing but a claim."""

from collections.abc import Iterable, Mapping
from typing import Final

import asyncpg

from shared.errors import Fenced
from shared.streaming.types import Batch, Partition

_LOAD: Final = "SELECT partition, next_offset FROM streaming.position WHERE consumer_group = $1 AND topic = $2"
_SEED: Final = """
    INSERT INTO streaming.position (consumer_group, topic, partition, next_offset)
    SELECT $1, $2, s.partition, s.next_offset FROM unnest($3::integer[], $4::bigint[]) AS s (partition, next_offset)
    ORDER BY s.partition
    ON CONFLICT (consumer_group, topic, partition) DO NOTHING
"""
_CLAIM: Final = """
    UPDATE streaming.position SET next_offset = $5, appended_at = greatest(appended_at, $6)
    WHERE consumer_group = $1 AND topic = $2 AND partition = $3 AND next_offset = $4
    RETURNING true
"""


async def load(connection: asyncpg.Connection, group: str, topic: str) -> dict[Partition, int]:
    """The next offset of every partition that the group has ever been seeded for."""
    rows = await connection.fetch(_LOAD, group, topic)
    return {Partition(topic, row["partition"]): row["next_offset"] for row in rows}


async def seed(connection: asyncpg.Connection, group: str, topic: str, beginnings: Mapping[Partition, int]) -> None:
    """Give partitions that have no position their beginning; whoever came first wins."""
    indexes = [partition.index for partition in beginnings]
    await connection.execute(_SEED, group, topic, indexes, list(beginnings.values()))


async def claim(connection: asyncpg.Connection, group: str, batch: Batch) -> None:
    """Advance the position over ``batch`` inside the caller's transaction, or raise Fenced.

    The row stays locked until that transaction ends, so a second owner of the same batch waits here, does no work
    twice, and then finds the position moved on. No clock and no assignment is trusted.
    """
    partition = batch.partition
    appended_at = max((record.appended_at for record in batch.records[-1:]), default=0)
    won = await connection.fetchval(
        _CLAIM, group, partition.topic, partition.index, batch.start, batch.end, appended_at
    )
    if won is None:
        raise Fenced(f"{group} no longer stands at {batch.start} in {partition.topic}[{partition.index}]")


def missing(wanted: Iterable[Partition], known: Mapping[Partition, int]) -> frozenset[Partition]:
    """Those of ``wanted`` that have no position yet."""
    return frozenset(partition for partition in wanted if partition not in known)
