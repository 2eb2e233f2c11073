"""What a batch wants said, written in the transaction that decided it; the relay numbers and publishes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

NOTIFY_APPENDED: Final = "tragt_outbox"
"""Channel on which a commit with new rows wakes the relay; the payload is the service."""

_APPEND: Final = """
    WITH appended AS (
        INSERT INTO streaming.outbox (service, workspace_id, topic, partition, value, recorded_at)
        SELECT $1, r.workspace_id, r.topic, r.partition, r.value, r.recorded_at
        FROM unnest($2::uuid[], $3::text[], $4::integer[], $5::bytea[], $6::bigint[])
        WITH ORDINALITY AS r (workspace_id, topic, partition, value, recorded_at, place)
        ORDER BY r.place
    )
    SELECT pg_notify($7, $1)
"""
_EXPIRE: Final = """
    WITH oldest AS MATERIALIZED (
        SELECT id, service, published, recorded_at FROM streaming.outbox ORDER BY id LIMIT $3
    )
    DELETE FROM streaming.outbox AS o USING oldest
    WHERE o.id = oldest.id AND oldest.service = $1 AND oldest.published AND oldest.recorded_at < $2
"""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One message to publish. ``recorded_at`` is when it was decided, in microseconds."""

    workspace_id: UUID
    topic: str
    partition: int
    value: bytes
    recorded_at: int


async def append(connection: asyncpg.Connection, service: str, rows: Sequence[OutboxRow]) -> None:
    """Add rows in this order, in one statement, inside the caller's transaction; none when there are none.

    Numbers are taken here: append while holding the locks of what the rows are about, and their order is kept.
    """
    if not rows:
        return
    await connection.execute(
        _APPEND,
        service,
        [row.workspace_id for row in rows],
        [row.topic for row in rows],
        [row.partition for row in rows],
        [row.value for row in rows],
        [row.recorded_at for row in rows],
        NOTIFY_APPENDED,
    )


async def expire(connection: asyncpg.Connection, service: str, before: int, limit: int = 5_000) -> int:
    """Delete published rows recorded before that instant, among the ``limit`` oldest. Returns how many."""
    done = await connection.execute(_EXPIRE, service, before, limit)
    return int(done.rpartition(" ")[2])


def with_sequence(value: bytes, sequence: int) -> bytes:
    """The JSON object ``value`` with the relay's number as its last field, without decoding it."""
    return b'%b,"sequence":%d}' % (value[:-1], sequence)
