"""The transaction of a batch: what it costs and what it leaves behind."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from shared.database.engine import connect, create_pool
from shared.database.pool import borrowed
from shared.database.roles import Role
from shared.errors import Fenced
from shared.streaming import outbox, positions
from shared.streaming.outbox import OutboxRow
from shared.streaming.processor import BatchProcessor, Handled
from shared.streaming.types import Batch, Partition, Record
from tests.integration.streaming.rows import WORKSPACE, outbox_rows
from tests.statements import counted

_PARTITION = Partition("t", 0)


def _batch(start: int, size: int) -> Batch:
    records = tuple(Record(offset, b"{}", 1_000 + offset) for offset in range(start, start + size))
    return Batch(_PARTITION, start, start + size, records)


class _Appends:
    """Says one thing per record, through the outbox."""

    async def handle(self, connection: asyncpg.Connection, batch: Batch) -> Handled:
        rows = [OutboxRow(WORKSPACE, "out", 0, record.value, 7) for record in batch.records]
        await outbox.append(connection, "scoring", rows)
        return Handled(records=len(rows), fresh=len(rows))


@pytest.fixture
async def connection(database: str) -> AsyncIterator[asyncpg.Connection]:
    """With the position seeded."""
    opened = await connect(database, Role.SCORING_WORKER)
    await positions.seed(opened, "g", "t", {_PARTITION: 0})
    yield opened
    await opened.close()


@pytest.mark.parametrize("size", [1, 10, 1_000])
async def test_claim_and_outbox_take_two_statements_whatever_the_size(
    connection: asyncpg.Connection, size: int
) -> None:
    async with counted(connection) as statements:
        await positions.claim(connection, "g", _batch(0, size))
        await _Appends().handle(connection, _batch(0, size))

    assert len(statements) == 2


async def test_position_and_outbox_are_committed_together(database: str, connection: asyncpg.Connection) -> None:
    pool = await create_pool(database, Role.SCORING_WORKER)

    handled = await BatchProcessor(pool, "g", _Appends()).process(_batch(0, 3))

    assert handled == Handled(records=3, fresh=3)
    assert await positions.load(connection, "g", "t") == {_PARTITION: 3}
    assert len(await outbox_rows(connection)) == 3
    pool.terminate()


async def test_a_fenced_batch_leaves_nothing(database: str, connection: asyncpg.Connection) -> None:
    pool = await create_pool(database, Role.SCORING_WORKER)
    processor = BatchProcessor(pool, "g", _Appends())
    await processor.process(_batch(0, 3))

    with pytest.raises(Fenced, match="0"):
        await processor.process(_batch(0, 5))

    assert await positions.load(connection, "g", "t") == {_PARTITION: 3}
    assert len(await outbox_rows(connection)) == 3
    pool.terminate()


async def test_claim_keeps_the_append_time_of_the_last_record_and_never_takes_it_back(
    connection: asyncpg.Connection,
) -> None:
    await positions.claim(connection, "g", _batch(0, 3))
    await positions.claim(connection, "g", Batch(_PARTITION, 3, 4, (Record(3, b"{}", 5),)))
    await positions.claim(connection, "g", Batch(_PARTITION, 4, 9, ()))

    row = await connection.fetchrow("SELECT next_offset, appended_at FROM streaming.position")
    assert row is not None
    assert tuple(row) == (9, 1_002)


async def test_borrowing_gives_the_connection_back(database: str) -> None:
    pool = await create_pool(database, Role.SCORING_WORKER, size=1)

    for _ in range(3):
        async with borrowed(pool) as connection:
            assert await connection.fetchval("SELECT 1") == 1

    pool.terminate()
