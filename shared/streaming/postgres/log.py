"""The embedded log as a whole, and questions about it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from shared.database.engine import connect
from shared.database.roles import Role
from shared.database.transient import is_transient
from shared.errors import Misconfigured, Unavailable
from shared.streaming.limits import Limits
from shared.streaming.postgres import topic as topics
from shared.streaming.postgres.consumer import PostgresConsumer
from shared.streaming.postgres.producer import PostgresProducer
from shared.streaming.types import Partition

_COMMAND_SECONDS: Final = 5.0
_SEGMENTS: Final = 7
"""A topic's retention is kept in so many parts, so a record is kept for at most a seventh longer than promised."""

_CREATE: Final = "SELECT streaming.create_topic($1, $2, $3, $4)"
_ENDS: Final = "SELECT partition, next_offset FROM streaming.head WHERE topic_id = $1"
_BEGINNINGS: Final = """
    SELECT h.partition, coalesce(
        (SELECT r.record_offset FROM {table} AS r WHERE r.topic_id = {id} AND r.partition = h.partition
            ORDER BY r.record_offset LIMIT 1),
        h.next_offset) AS beginning
    FROM streaming.head AS h WHERE h.topic_id = {id}
"""
_RETAIN: Final = """
    SELECT streaming.drop_segments(
        $1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint - retention_seconds * 1000000)
    FROM streaming.topic WHERE id = $1
"""


class PostgresLog:
    """The log in the tables of one database."""

    def __init__(self, dsn: str, role: Role, limits: Limits) -> None:
        self._dsn = dsn
        self._role = role
        self._limits = limits

    def producer(self) -> PostgresProducer:
        """A new producer."""
        return PostgresProducer(self._dsn, self._role, self._limits)

    def consumer(self, group: str, topic: str, member_id: str) -> PostgresConsumer:
        """A new member of a group."""
        return PostgresConsumer(self._dsn, self._role, group, topic, member_id)

    def admin(self) -> "PostgresAdmin":
        """Questions and topics."""
        return PostgresAdmin(self._dsn, self._role)

    async def retain(self) -> None:
        """Drop every segment whose last possible record is older than its topic keeps. Raises Unavailable.

        Positions are not asked: a reader that is passed stops and says so.
        """
        admin = self.admin()
        try:
            await admin.retain()
        finally:
            await admin.close()

    async def close(self) -> None:
        """Nothing is held."""


class PostgresAdmin:
    """Answers through one connection that is made when needed, and again after it was lost."""

    def __init__(self, dsn: str, role: Role) -> None:
        self._dsn = dsn
        self._role = role
        self._connection: asyncpg.Connection | None = None
        self._one_at_a_time = asyncio.Lock()

    async def ensure(self, topic: str, partitions: int, retention_seconds: int) -> None:
        """Create the topic if it does not exist. Raises Misconfigured, Unavailable."""
        async with self._asking() as connection:
            segment_seconds = max(1, retention_seconds // _SEGMENTS)
            await connection.execute(_CREATE, topic, partitions, retention_seconds, segment_seconds)
            stored = await topics.find(connection, topic)
        if stored.partitions != partitions:
            raise Misconfigured(f"{topic} has {stored.partitions} partitions, not {partitions}")

    async def beginnings(self, topic: str) -> Mapping[Partition, int]:
        """The first position still kept, per partition. Raises Misconfigured, Unavailable."""
        async with self._asking() as connection:
            stored = await topics.find(connection, topic)
            rows = await connection.fetch(_BEGINNINGS.format(id=stored.id, table=stored.table))
        return {Partition(topic, row["partition"]): row["beginning"] for row in rows}

    async def ends(self, topic: str) -> Mapping[Partition, int]:
        """The position after the last committed record, per partition. Raises Misconfigured, Unavailable."""
        async with self._asking() as connection:
            stored = await topics.find(connection, topic)
            rows = await connection.fetch(_ENDS, stored.id)
        return {Partition(topic, row["partition"]): row["next_offset"] for row in rows}

    async def ping(self) -> None:
        """Raises Unavailable when the database does not answer."""
        async with self._asking() as connection:
            await connection.execute("SELECT 1")

    async def retain(self) -> None:
        """Drop old segments of every topic, each topic in its own transaction."""
        async with self._asking() as connection:
            for row in await connection.fetch("SELECT id FROM streaming.topic ORDER BY id"):
                await connection.execute(_RETAIN, row["id"])

    async def close(self) -> None:
        """Let go of the connection."""
        self._disconnect()

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[asyncpg.Connection]:
        """The connection, one question at a time; whatever passes by itself is Unavailable, and it is made anew."""
        async with self._one_at_a_time:
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await connect(self._dsn, self._role, command_seconds=_COMMAND_SECONDS)
                yield self._connection
            except Exception as error:
                if not is_transient(error):
                    raise
                self._disconnect()
                raise Unavailable(f"the log's database does not answer: {type(error).__name__}: {error}") from error

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
