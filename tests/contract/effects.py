"""Effects that can be counted: a handler that writes each record it is given, without refusing a second time."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from shared.database.engine import create_pool
from shared.database.pool import borrowed
from shared.database.roles import Role
from shared.streaming.processor import Handled
from shared.streaming.types import Batch

_TABLE = """
    CREATE TABLE IF NOT EXISTS streaming.effect (
        consumer_group text, partition integer, record_offset bigint, value text
    );
    GRANT SELECT, INSERT ON streaming.effect TO scoring_worker;
"""
_INSERT = "INSERT INTO streaming.effect SELECT $1, $2, * FROM unnest($3::bigint[], $4::text[])"

_OF = """
    SELECT partition, record_offset, value FROM streaming.effect WHERE consumer_group = $1
    ORDER BY partition, record_offset
"""
_HIGHEST = """
    SELECT partition, max(value::bigint) FROM streaming.effect WHERE consumer_group = $1 GROUP BY partition
"""
_COUNT = "SELECT count(*) FROM streaming.effect WHERE consumer_group = $1"


class CountingHandler:
    """Writes what it is given. A record handled twice is there twice."""

    def __init__(self, group: str) -> None:
        self._group = group

    async def handle(self, connection: asyncpg.Connection, batch: Batch) -> Handled:
        offsets = [record.offset for record in batch.records]
        values = [record.value.decode() for record in batch.records]
        await connection.execute(_INSERT, self._group, batch.partition.index, offsets, values)
        return Handled(records=len(batch.records), fresh=len(batch.records))


class Effects:
    """A database with positions and the table of effects."""

    def __init__(self, pool: asyncpg.Pool, dsn: str) -> None:
        self.pool = pool
        self.dsn = dsn

    @classmethod
    @asynccontextmanager
    async def open(cls, dsn: str, admin_dsn: str) -> AsyncIterator["Effects"]:
        administrator = await asyncpg.connect(admin_dsn)
        try:
            await administrator.execute(_TABLE)
        finally:
            await administrator.close()
        async with cls.connect(dsn) as opened:
            yield opened

    @classmethod
    @asynccontextmanager
    async def connect(cls, dsn: str) -> AsyncIterator["Effects"]:
        """The same when the table is there."""
        pool = await create_pool(dsn, Role.SCORING_WORKER, size=8)
        try:
            yield cls(pool, dsn)
        finally:
            pool.terminate()

    async def of(self, group: str) -> list[tuple[int, int, str]]:
        """What a group wrote: partition, offset, value. Raises Transient."""
        async with borrowed(self.pool) as connection:
            rows = await connection.fetch(_OF, group)
        return [(row[0], row[1], row[2]) for row in rows]

    async def count(self, group: str) -> int:
        """How many rows a group wrote. Raises Transient."""
        async with borrowed(self.pool) as connection:
            counted: int = await connection.fetchval(_COUNT, group)
        return counted

    async def highest(self, group: str) -> dict[int, int]:
        """The highest number that a group wrote, per partition. Raises Transient."""
        async with borrowed(self.pool) as connection:
            rows = await connection.fetch(_HIGHEST, group)
        return {row[0]: row[1] for row in rows}

    async def twice(self, group: str) -> dict[tuple[int, int], int]:
        """Records whose effect is there more than once. Copies of a record have offsets of their own."""
        counted = Counter((partition, offset) for partition, offset, _ in await self.of(group))
        return {place: times for place, times in counted.items() if times > 1}
