"""Who reads which partition: leases by the database's clock, spread evenly, moved as little as possible."""

from dataclasses import dataclass
from typing import Final

import asyncpg

from shared.streaming.postgres.topic import StoredTopic

NOTIFY_GROUP: Final = "tragt_group"
"""Channel on which members tell of coming and going; the payload is the group."""

RENEW_SECONDS: Final = 1.0
"""A lease lasts three seconds, so one renewal may be missed."""

_SEED: Final = """
    INSERT INTO streaming.lease (consumer_group, topic, partition, expires_at)
    SELECT $1, $2, generate_series(0, $3 - 1), '-infinity' ON CONFLICT DO NOTHING
"""
_ANNOUNCE: Final = "SELECT pg_notify($1, $2)"
_LIVE: Final = """
    WITH forgotten AS (
        DELETE FROM streaming.member WHERE (consumer_group, topic, member) IN (
            SELECT consumer_group, topic, member FROM streaming.member
            WHERE consumer_group = $1 AND topic = $2 AND member <> $3
            AND expires_at < clock_timestamp() - interval '1 minute' FOR UPDATE SKIP LOCKED)
    ), me AS (
        INSERT INTO streaming.member (consumer_group, topic, member, expires_at)
        VALUES ($1, $2, $3, clock_timestamp() + interval '3 seconds')
        ON CONFLICT (consumer_group, topic, member) DO UPDATE SET expires_at = excluded.expires_at
    )
    SELECT member FROM streaming.member
    WHERE consumer_group = $1 AND topic = $2 AND member <> $3 AND expires_at > clock_timestamp()
"""
_RENEW: Final = """
    UPDATE streaming.lease SET expires_at = clock_timestamp() + interval '3 seconds'
    WHERE consumer_group = $1 AND topic = $2 AND member = $3 RETURNING partition
"""
_RELEASE: Final = """
    UPDATE streaming.lease SET member = NULL, expires_at = '-infinity'
    WHERE consumer_group = $1 AND topic = $2 AND member = $3 AND partition = ANY($4)
"""
_TAKE: Final = """
    UPDATE streaming.lease SET member = $3, expires_at = clock_timestamp() + interval '3 seconds'
    WHERE consumer_group = $1 AND topic = $2 AND partition IN (
        SELECT partition FROM streaming.lease
        WHERE consumer_group = $1 AND topic = $2 AND expires_at < clock_timestamp()
        ORDER BY partition LIMIT $4 FOR UPDATE SKIP LOCKED)
    RETURNING partition
"""
_LEAVE: Final = "DELETE FROM streaming.member WHERE consumer_group = $1 AND topic = $2 AND member = $3"


@dataclass(frozen=True, slots=True)
class Leases:
    """One member's hold on the partitions of a topic. Every method is one short transaction."""

    group: str
    topic: StoredTopic
    member: str

    async def join(self, connection: asyncpg.Connection) -> None:
        """Make sure that there are leases to hold, and tell the others of us."""
        await connection.execute(_SEED, self.group, self.topic.name, self.topic.partitions)
        await connection.execute(_ANNOUNCE, NOTIFY_GROUP, self.group)

    async def renew(self, connection: asyncpg.Connection) -> frozenset[int]:
        """Keep what is ours, give back what is above our share, take what is free below it. Returns what we hold."""
        async with connection.transaction():
            mine = (self.group, self.topic.name, self.member)
            others = [row["member"] for row in await connection.fetch(_LIVE, *mine)]
            share = fair_share(self.topic.partitions, self.member, others)
            held = sorted(row["partition"] for row in await connection.fetch(_RENEW, *mine))
            if len(held) > share:
                await connection.execute(_RELEASE, *mine, held[share:])
                await connection.execute(_ANNOUNCE, NOTIFY_GROUP, self.group)
                held = held[:share]
            elif len(held) < share:
                held += [row["partition"] for row in await connection.fetch(_TAKE, *mine, share - len(held))]
        return frozenset(held)

    async def leave(self, connection: asyncpg.Connection) -> None:
        """Give everything back at once."""
        async with connection.transaction():
            mine = (self.group, self.topic.name, self.member)
            await connection.execute(_RELEASE, *mine, list(range(self.topic.partitions)))
            await connection.execute(_LEAVE, *mine)
            await connection.execute(_ANNOUNCE, NOTIFY_GROUP, self.group)


def fair_share(partitions: int, member: str, others: list[str]) -> int:
    """How many partitions a member may hold; the shares of all members sum to all partitions, and differ by one."""
    rank = sum(other < member for other in others)
    each, left = divmod(partitions, len(others) + 1)
    return each + (rank < left)
