"""Reads the partitions leased to this member; woken by the commit that appended to them."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import asyncpg

from shared.database.engine import connect
from shared.database.roles import Role
from shared.database.transient import is_transient, translated
from shared.errors import PositionLost
from shared.streaming.postgres import topic as topics
from shared.streaming.postgres.leases import NOTIFY_GROUP, RENEW_SECONDS, Leases
from shared.streaming.types import Batch, Partition, Record

if TYPE_CHECKING:
    from shared.streaming.postgres.topic import StoredTopic

_COMMAND_SECONDS: Final = 5.0
_BATCH_BYTES: Final = 4 * 1_048_576
"""A batch ends with the record that reaches this, so that large records cannot fill the memory."""

_HEADS: Final = "SELECT partition, next_offset FROM streaming.head WHERE topic_id = $1"
_READ: Final = """
    SELECT record_offset, appended_at, value FROM (
        SELECT record_offset, appended_at, value,
            sum(octet_length(value)) OVER (ORDER BY record_offset ROWS UNBOUNDED PRECEDING) AS total
        FROM (
            SELECT record_offset, appended_at, value FROM {table}
            WHERE topic_id = {id} AND partition = $1 AND record_offset >= $2 AND appended_at >= $3
            ORDER BY record_offset LIMIT $4
        ) AS first
    ) AS next
    WHERE total - octet_length(value) < $5 ORDER BY record_offset
"""


class PostgresConsumer:
    """A member of a group on the embedded log. One connection serves its reads, its leases and its notifications."""

    def __init__(self, dsn: str, role: Role, group: str, topic: str, member_id: str) -> None:
        self._dsn = dsn
        self._role = role
        self._group = group
        self._topic = topic
        self._member_id = member_id
        self._connection: asyncpg.Connection | None = None
        self._stored: StoredTopic | None = None
        self._leases: Leases | None = None
        self._positions: dict[Partition, int | None] = {}
        self._appended_at: dict[Partition, int] = {}
        self._one_at_a_time = asyncio.Lock()
        self._wake = asyncio.Event()
        self._rebalance = asyncio.Event()
        self._renewing: asyncio.Task[None] | None = None

    async def poll(self, max_records: int, timeout_seconds: float) -> Sequence[Batch]:
        """At most one batch of up to ``max_records`` per partition; empty when time is up or a partition needs seeking.

        Raises PositionLost, Transient.
        """
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        while True:
            self._wake.clear()
            try:
                with translated():
                    async with self._one_at_a_time:
                        batches = await self._read(await self._connected(), max_records)
            except BaseException:
                self._disconnect()
                raise
            if batches or self.unpositioned():
                return batches
            try:
                async with asyncio.timeout_at(deadline):
                    await self._wake.wait()
            except TimeoutError:
                return ()

    def unpositioned(self) -> frozenset[Partition]:
        """Partitions assigned to us that wait for ``seek``."""
        return frozenset(partition for partition, position in self._positions.items() if position is None)

    def assigned(self) -> frozenset[Partition]:
        """Partitions leased to us, as far as we know."""
        return frozenset(self._positions)

    def seek(self, partition: Partition, position: int) -> None:
        """Read on from ``position``."""
        if partition in self._positions:
            self._positions[partition] = position
            self._appended_at[partition] = 0

    async def report(self, positions: Mapping[Partition, int]) -> None:
        """Nothing to tell: whoever asks for the lag of this log reads the positions themselves."""

    async def close(self) -> None:
        """Give the leases back, if the database answers in time; else they run out by themselves."""
        async with self._one_at_a_time:  # a renewal that is cut short would leave its transaction open
            if self._renewing is not None:
                self._renewing.cancel()
                with suppress(asyncio.CancelledError):
                    await self._renewing
            if self._connection is not None and self._leases is not None:
                try:
                    await self._leases.leave(self._connection)
                except Exception as error:
                    if not is_transient(error):
                        raise
        self._disconnect()

    async def _connected(self) -> asyncpg.Connection:
        """The connection; a new one listens and leases first."""
        if self._renewing is not None and self._renewing.done():
            self._renewing.result()
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        self._disconnect()
        connection = await connect(self._dsn, self._role, command_seconds=_COMMAND_SECONDS)
        self._connection = connection
        # Leases and members are worth nothing after a crash: they need not wait for the disk.
        await connection.execute("SET synchronous_commit = off")
        stored = await topics.find(connection, self._topic)
        await connection.add_listener(stored.channel, self._on_append)
        await connection.add_listener(NOTIFY_GROUP, self._on_group)
        self._stored = stored
        self._leases = Leases(self._group, stored, self._member_id)
        await self._leases.join(connection)
        self._take_over(await self._leases.renew(connection))
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._keep_renewing())
        return connection

    async def _read(self, connection: asyncpg.Connection, max_records: int) -> list[Batch]:
        """Heads first: what was committed below them is all visible to the reads that follow."""
        stored = self._stored
        wanted = {partition: position for partition, position in self._positions.items() if position is not None}
        if stored is None or not wanted:
            return []
        heads = {row["partition"]: row["next_offset"] for row in await connection.fetch(_HEADS, stored.id)}
        statement = _READ.format(id=stored.id, table=stored.table)
        batches = []
        for partition, position in wanted.items():
            if (head := heads[partition.index]) == position:
                continue
            since = self._appended_at.get(partition, 0)
            rows = await connection.fetch(statement, partition.index, position, since, max_records, _BATCH_BYTES)
            batch = _batch(partition, position, head, rows)
            if self._positions.get(partition) == position:
                self._positions[partition] = batch.end
                self._appended_at[partition] = batch.records[-1].appended_at
                batches.append(batch)
        return batches

    async def _keep_renewing(self) -> None:
        """Renew every second, and at once when a member came or went. An outage is met by ``poll`` and told there."""
        while True:
            self._rebalance.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(RENEW_SECONDS):
                    await self._rebalance.wait()
            async with self._one_at_a_time:
                connection, leases = self._connection, self._leases
                if connection is None or leases is None or connection.is_closed():
                    continue
                try:
                    self._take_over(await leases.renew(connection))
                except Exception as error:
                    if not is_transient(error):
                        raise
                    connection.terminate()

    def _take_over(self, held: frozenset[int]) -> None:
        """Forget partitions that were taken from us; new ones wait for ``seek``."""
        assigned = {Partition(self._topic, index) for index in held}
        for partition in self._positions.keys() - assigned:
            del self._positions[partition]
        for partition in assigned - self._positions.keys():
            self._positions[partition] = None
            self._wake.set()

    def _on_append(self, *_: object) -> None:
        self._wake.set()

    def _on_group(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        if payload == self._group:
            self._rebalance.set()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


def _batch(partition: Partition, position: int, head: int, rows: Sequence[asyncpg.Record]) -> Batch:
    """The rows as a batch. Offsets have no gaps here, so a missing one was dropped by retention, or never was."""
    if head < position:
        raise PositionLost(
            f"{partition} ends at {head}, before the position {position}: the log is not the one we read"
        )
    if not rows or rows[0]["record_offset"] != position:
        beginning = rows[0]["record_offset"] if rows else head
        raise PositionLost(f"{partition} begins at {beginning}, after the position {position}: retention has passed it")
    records = tuple(Record(row["record_offset"], row["value"], row["appended_at"]) for row in rows)
    return Batch(partition, position, records[-1].offset + 1, records)
