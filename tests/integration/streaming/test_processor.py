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


class _Picky:
    """Says what each record says, which PostgreSQL must be able to read as text."""

    async def handle(self, connection: asyncpg.Connection, batch: Batch) -> Handled:
        await connection.fetch("SELECT convert_from(v, 'UTF8') FROM unnest($1::bytea[]) AS v", _values(batch))
        await outbox.append(connection, "scoring", [OutboxRow(WORKSPACE, "out", 0, v, 7) for v in _values(batch)])
        return Handled(records=len(batch.records), fresh=len(batch.records), oldest_received_at=batch.start)

    async def refuse(self, connection: asyncpg.Connection, batch: Batch, reason: str) -> Handled:
        assert "UTF8" in reason
        await outbox.append(connection, "scoring", [OutboxRow(WORKSPACE, "bad", 0, v, 7) for v in _values(batch)])
        return Handled(records=1, refused=1)


def _values(batch: Batch) -> list[bytes]:
    return [record.value for record in batch.records]


def _mixed(values: list[bytes]) -> Batch:
    records = tuple(Record(2 * place, value, place) for place, value in enumerate(values))
    return Batch(_PARTITION, 0, 2 * len(values), records)


async def test_what_the_database_does_not_take_is_refused_by_itself(
    database: str, connection: asyncpg.Connection
) -> None:
    values = [b"0", b"1", b"\xff", b"3", b"4", b"\xfe", b"6"]
    pool = await create_pool(database, Role.SCORING_WORKER)

    handled = await BatchProcessor(pool, "g", _Picky()).process(_mixed(values))

    assert handled == Handled(records=7, fresh=5, refused=2, oldest_received_at=0)
    kept = [(row["topic"], row["value"]) for row in await connection.fetch("SELECT topic, value FROM streaming.outbox")]
    assert sorted(kept) == [("bad", b"\xfe"), ("bad", b"\xff"), *(("out", v) for v in (b"0", b"1", b"3", b"4", b"6"))]
    assert await positions.load(connection, "g", "t") == {_PARTITION: 14}
    await pool.close()


async def test_a_handler_that_cannot_refuse_says_what_the_database_said(
    database: str, connection: asyncpg.Connection
) -> None:
    class Plain:
        handle = _Picky().handle

    pool = await create_pool(database, Role.SCORING_WORKER)

    with pytest.raises(asyncpg.DataError):
        await BatchProcessor(pool, "g", Plain()).process(_mixed([b"0", b"\xff"]))

    assert await positions.load(connection, "g", "t") == {_PARTITION: 0}
    await pool.close()


async def test_a_batch_that_is_too_long_for_one_transaction_is_halved(
    database: str, connection: asyncpg.Connection
) -> None:
    class Slow(_Appends):
        async def handle(self, connection: asyncpg.Connection, batch: Batch) -> Handled:
            await connection.execute("SELECT pg_sleep($1)", 0.1 * len(batch.records))
            return await super().handle(connection, batch)

    limited = await asyncpg.create_pool(
        database,
        server_settings={"role": Role.SCORING_WORKER.value, "transaction_timeout": "500ms"},
        min_size=0,
        max_size=2,
    )

    handled = await BatchProcessor(limited, "g", Slow()).process(_batch(0, 8))

    assert (handled.records, handled.fresh) == (8, 8)
    assert await positions.load(connection, "g", "t") == {_PARTITION: 8}
    await limited.close()
