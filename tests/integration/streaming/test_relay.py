"""The relay: numbers without gaps, published at least once, one sequencer at a time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest

from shared.clock import SystemClock
from shared.database.engine import connect
from shared.database.roles import Role
from shared.errors import Unavailable
from shared.streaming import outbox
from shared.streaming.observer import Silent
from shared.streaming.outbox import OutboxRow
from shared.streaming.relay import NOTIFY_STAMPED, Relay
from shared.streaming.types import Append
from tests.integration.streaming.rows import OTHER, WORKSPACE, outbox_rows
from tests.waiting import eventually


class _Collects:
    """A producer that keeps what it is given, and fails as often as it is told."""

    def __init__(self) -> None:
        self.published: list[tuple[str, int, bytes]] = []
        self.failures = 0

    @property
    def max_record_bytes(self) -> int:
        return 1_000

    @property
    def delivery_deadline_seconds(self) -> float:
        return 1.0

    async def append(self, topic: str, records: Sequence[Append]) -> None:
        self.published += [(topic, record.partition, record.value) for record in records]
        if self.failures:
            self.failures -= 1
            raise Unavailable

    async def partition_count(self, topic: str) -> int:
        raise NotImplementedError(topic)

    async def close(self) -> None: ...


def _relay(dsn: str, producer: _Collects) -> Relay:
    return Relay(
        dsn=dsn,
        role=Role.SCORING_WORKER,
        service="scoring",
        producer=producer,
        numbered={"changes"},
        clock=SystemClock(),
        observer=Silent(),
    )


@asynccontextmanager
async def _running(relay: Relay) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(relay.run(stop))
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(10):
            await task


@pytest.fixture
async def connection(database: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(database, Role.SCORING_WORKER)
    yield opened
    await opened.close()


def _rows(workspace: UUID, topic: str, count: int, start: int = 0) -> list[OutboxRow]:
    return [OutboxRow(workspace, topic, number % 4, b'{"n":%d}' % number, 1) for number in range(start, start + count)]


async def _until_published(connection: asyncpg.Connection, count: int) -> None:
    async def published() -> bool:
        return sum(row[4] for row in await outbox_rows(connection)) == count

    await eventually(published, within_seconds=10, what=f"{count} rows published")


async def test_numbers_are_consecutive_per_workspace_and_topic_in_the_order_of_appending(
    database: str, connection: asyncpg.Connection
) -> None:
    producer = _Collects()
    await outbox.append(connection, "scoring", _rows(WORKSPACE, "changes", 3) + _rows(OTHER, "changes", 2))
    await outbox.append(connection, "scoring", _rows(WORKSPACE, "refusals", 1) + _rows(WORKSPACE, "changes", 2, 3))

    async with _running(_relay(database, producer)):
        await _until_published(connection, 8)

    stamped = [(row[0], row[1], row[3]) for row in await outbox_rows(connection)]
    assert [number for workspace, topic, number in stamped if (workspace, topic) == (WORKSPACE, "changes")] == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert [number for workspace, _, number in stamped if workspace == OTHER] == [1, 2]
    assert [number for _, topic, number in stamped if topic == "refusals"] == [1]


async def test_numbered_topics_carry_their_number_and_others_are_as_they_were(
    database: str, connection: asyncpg.Connection
) -> None:
    producer = _Collects()
    await outbox.append(connection, "scoring", _rows(WORKSPACE, "changes", 2) + _rows(WORKSPACE, "refusals", 1))

    async with _running(_relay(database, producer)):
        await _until_published(connection, 3)

    assert producer.published == [
        ("changes", 0, b'{"n":0,"sequence":1}'),
        ("changes", 1, b'{"n":1,"sequence":2}'),
        ("refusals", 0, b'{"n":0}'),
    ]


async def test_what_was_not_acknowledged_is_published_again_with_the_same_number(
    database: str, connection: asyncpg.Connection
) -> None:
    producer = _Collects()
    producer.failures = 2
    await outbox.append(connection, "scoring", _rows(WORKSPACE, "changes", 1))

    async with _running(_relay(database, producer)):
        await _until_published(connection, 1)

    assert producer.published == [("changes", 0, b'{"n":0,"sequence":1}')] * 3


async def test_rows_of_a_transaction_that_commits_late_get_their_number_then_and_leave_no_gap(
    database: str, connection: asyncpg.Connection
) -> None:
    producer = _Collects()
    late = await connect(database, Role.SCORING_WORKER)
    transaction = late.transaction()
    await transaction.start()
    await outbox.append(late, "scoring", _rows(WORKSPACE, "changes", 1))

    async with _running(_relay(database, producer)):
        await outbox.append(connection, "scoring", _rows(WORKSPACE, "changes", 1, 7))
        await _until_published(connection, 1)
        await transaction.commit()
        await _until_published(connection, 2)
    await late.close()

    assert [value for _, _, value in producer.published] == [b'{"n":7,"sequence":1}', b'{"n":0,"sequence":2}']


async def test_rows_of_a_transaction_that_never_commits_take_no_number(
    database: str, connection: asyncpg.Connection
) -> None:
    producer = _Collects()
    transaction = connection.transaction()
    await transaction.start()
    await outbox.append(connection, "scoring", _rows(WORKSPACE, "changes", 5))
    await transaction.rollback()
    await outbox.append(connection, "scoring", _rows(WORKSPACE, "changes", 1, 9))

    async with _running(_relay(database, producer)):
        await _until_published(connection, 1)

    assert [value for _, _, value in producer.published] == [b'{"n":9,"sequence":1}']


async def test_another_services_rows_are_left_alone(database: str, connection: asyncpg.Connection) -> None:
    producer = _Collects()
    await outbox.append(connection, "metrics", _rows(WORKSPACE, "refusals", 1))
    await outbox.append(connection, "scoring", _rows(WORKSPACE, "refusals", 1, 5))

    async with _running(_relay(database, producer)):
        await _until_published(connection, 1)

    assert [value for _, _, value in producer.published] == [b'{"n":5}']


async def test_one_relay_leads_and_the_next_takes_over_when_its_session_ends(
    database: str, admin_dsn: str, connection: asyncpg.Connection
) -> None:
    first, second = _Collects(), _Collects()
    leader, heir = _relay(database, first), _relay(database, second)

    async def leads(relay: Relay) -> bool:
        return relay.leading

    async def one_leads() -> bool:
        return leader.leading != heir.leading

    async with _running(leader):
        await eventually(lambda: leads(leader), within_seconds=10, what="the first leads")
        async with _running(heir):
            await outbox.append(connection, "scoring", _rows(WORKSPACE, "changes", 1))
            await _until_published(connection, 1)
            assert not heir.leading
            assert second.published == []
            await _end_session_that_holds_the_lock(admin_dsn)
            await outbox.append(connection, "scoring", _rows(WORKSPACE, "changes", 1, 1))
            await _until_published(connection, 2)
            await eventually(one_leads, within_seconds=10, what="one of them leads")

    numbers = [value for _, _, value in first.published + second.published]
    assert sorted(numbers) == [b'{"n":0,"sequence":1}', b'{"n":1,"sequence":2}']


async def test_stamping_is_announced_to_the_feed(database: str, connection: asyncpg.Connection) -> None:
    told = asyncio.Event()
    await connection.add_listener(NOTIFY_STAMPED, lambda *_: told.set())

    async with _running(_relay(database, _Collects())):
        await outbox.append(connection, "scoring", _rows(WORKSPACE, "changes", 1))
        async with asyncio.timeout(10):
            await told.wait()


async def test_published_rows_expire_and_others_stay(database: str, connection: asyncpg.Connection) -> None:
    await outbox.append(connection, "scoring", _rows(WORKSPACE, "changes", 3))
    async with _running(_relay(database, _Collects())):
        await _until_published(connection, 3)
    fresh = [OutboxRow(WORKSPACE, "changes", 0, b"{}", 1_000)]
    await outbox.append(connection, "scoring", [*_rows(WORKSPACE, "changes", 1, 8), *fresh])

    assert await outbox.expire(connection, "scoring", before=500, limit=2) == 2
    assert await outbox.expire(connection, "scoring", before=500, limit=2) == 1
    assert await outbox.expire(connection, "scoring", before=500, limit=2) == 0

    assert [row[2] for row in await outbox_rows(connection)] == [b'{"n":8}', b"{}"]


async def test_the_feed_sees_stamped_rows_of_its_workspace_only(database: str, connection: asyncpg.Connection) -> None:
    await outbox.append(connection, "scoring", _rows(WORKSPACE, "changes", 2) + _rows(OTHER, "changes", 1))
    reader = await connect(database, Role.SCORING_READER)

    async with reader.transaction():
        await reader.execute("SELECT set_config('app.workspace', $1, true)", str(OTHER))
        rows = await reader.fetch("SELECT workspace_id FROM streaming.outbox")
    unset = await reader.fetchval("SELECT count(*) FROM streaming.outbox")
    await reader.close()

    assert [row["workspace_id"] for row in rows] == [OTHER]
    assert unset == 0


async def _end_session_that_holds_the_lock(admin_dsn: str) -> None:
    administrator = await asyncpg.connect(admin_dsn)
    try:
        await administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            " WHERE locktype = 'advisory' AND granted AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
    finally:
        await administrator.close()


async def test_large_rows_are_published_a_few_at_a_time(database: str, connection: asyncpg.Connection) -> None:
    large = [OutboxRow(WORKSPACE, "refusals", 0, bytes(3_000_000), 1) for _ in range(5)]
    await outbox.append(connection, "scoring", large)
    relay = _relay(database, _Collects())

    assert await relay.relay(connection) == 3
    assert await relay.relay(connection) == 2
    assert await relay.relay(connection) == 0
