"""The scoring watermark: an instant that no record still to come can be appended before."""

from collections.abc import Mapping
from typing import Final

import asyncpg

from shared.streaming.ports import LogAdmin
from shared.streaming.types import Partition

_PROCESSED: Final = """
    SELECT partition, next_offset, appended_at FROM streaming.position WHERE consumer_group = $1 AND topic = $2
"""


async def watermark(
    connection: asyncpg.Connection, admin: LogAdmin, group: str, topic: str, *, now: int, deadline_seconds: float
) -> int:
    """The oldest append time not yet processed over all partitions, else ``now``; minus the delivery deadline.

    ``now`` must have been read from the clock before this call: a record appended after it may be in no end we read.
    ``deadline_seconds`` is the producers' delivery deadline: what the door took earlier is in the log by then, or was
    refused. Raises Transient when the log or the database is away; then no timer fires.
    """
    ends = await admin.ends(topic)
    rows = await connection.fetch(_PROCESSED, group, topic)
    processed = {Partition(topic, row["partition"]): (row["next_offset"], row["appended_at"]) for row in rows}
    return oldest(processed, ends, now) - round(deadline_seconds * 1_000_000)


def oldest(processed: Mapping[Partition, tuple[int, int]], ends: Mapping[Partition, int], now: int) -> int:
    """``now`` when every partition is processed to its end, else the earliest append time still possible.

    Append times never decrease within a partition, so what follows the last processed record is not older than it.
    """
    instant = now
    for partition, end in ends.items():
        position, appended_at = processed.get(partition, (0, 0))
        if position < end:
            instant = min(instant, appended_at)
    return instant
