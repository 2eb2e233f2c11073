"""Group commit: whatever is appended while one statement is under way goes into the next."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import asyncpg

from shared.database.engine import connect
from shared.database.roles import Role
from shared.database.transient import is_transient
from shared.errors import Oversized, Unavailable
from shared.streaming.deadlines import Deadlines
from shared.streaming.limits import Limits
from shared.streaming.postgres import topic as topics
from shared.streaming.postgres.topic import StoredTopic
from shared.streaming.types import Append

_PAUSE_SECONDS: Final = 0.05
_NEW_SEGMENT: Final = "SELECT streaming.create_segment($1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)"

_APPEND: Final = """
    WITH locked AS MATERIALIZED (
        SELECT h.partition, wanted.total
        FROM streaming.head AS h JOIN unnest($1::integer[], $2::integer[]) AS wanted (partition, total)
            ON h.topic_id = {id} AND h.partition = wanted.partition
        ORDER BY h.partition FOR UPDATE OF h
    ), moved AS (
        UPDATE streaming.head AS h SET next_offset = h.next_offset + locked.total,
            appended_at = greatest(h.appended_at, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
        FROM locked WHERE h.topic_id = {id} AND h.partition = locked.partition
        RETURNING h.partition, h.next_offset - locked.total AS beginning, h.appended_at
    ), appended AS (
        INSERT INTO {table} (topic_id, partition, record_offset, appended_at, value)
        SELECT {id}, moved.partition, moved.beginning + r.place, moved.appended_at, r.value
        FROM unnest($3::integer[], $4::integer[], $5::bytea[]) AS r (partition, place, value)
        JOIN moved ON moved.partition = r.partition
    )
    SELECT pg_notify('{channel}', '')
"""
"""One statement, one round trip, no transaction left open by a process that is stopped in the middle of it.

Heads are locked in order, so that processes appending at once wait for each other and never in a circle.
"""


@dataclass(slots=True, eq=False)
class _Waiting:
    """One call of ``append`` in the queue. A ``done`` future that is done already was given up by its caller."""

    topic: str
    records: Sequence[Append]
    size: int
    deadline: float
    done: asyncio.Future[None]


class PostgresProducer:
    """Appends to the embedded log through one connection of its own, which it makes again whenever it is lost."""

    def __init__(self, dsn: str, role: Role, limits: Limits) -> None:
        self._dsn = dsn
        self._role = role
        self._limits = limits
        self._connection: asyncpg.Connection | None = None
        self._topics: dict[str, StoredTopic] = {}
        self._queue: deque[_Waiting] = deque()
        self._in_flight_bytes = 0
        self._deadlines = Deadlines(limits.delivery_deadline_seconds)
        self._writing: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def max_record_bytes(self) -> int:
        """The largest value the log takes."""
        return self._limits.max_record_bytes

    @property
    def delivery_deadline_seconds(self) -> float:
        """After this long without confirmation ``append`` raises."""
        return self._limits.delivery_deadline_seconds

    async def append(self, topic: str, records: Sequence[Append]) -> None:
        """Return when all records are committed. An outage shorter than the deadline is waited out.

        Raises Oversized, before anything is written, and Unavailable.
        """
        size = self._size(records)
        if self._closed or self._in_flight_bytes + size > self._limits.max_in_flight_bytes:
            raise Unavailable("too many bytes wait for the log")
        done, deadline = self._deadlines.begin()
        self._queue.append(_Waiting(topic, records, size, deadline, done))
        self._in_flight_bytes += size
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_queue())
        try:
            await done
        finally:
            self._in_flight_bytes -= size
            self._deadlines.end(done)

    async def partition_count(self, topic: str) -> int:
        """How many partitions the topic has. Raises Misconfigured, Unavailable."""
        known = self._topics.get(topic)
        if known is None:
            try:
                async with asyncio.timeout(self._limits.delivery_deadline_seconds):
                    connection = await connect(self._dsn, self._role)
                    try:
                        known = self._topics[topic] = await topics.find(connection, topic)
                    finally:
                        connection.terminate()
            except Exception as error:
                if is_transient(error):
                    raise Unavailable("the log's database does not answer") from error
                raise
        return known.partitions

    async def close(self) -> None:
        """Write what was taken, within the deadline; what is left then was refused to its callers by it."""
        self._closed = True
        if self._writing is not None:
            await asyncio.wait({self._writing}, timeout=self._limits.delivery_deadline_seconds)
            self._writing.cancel()
            with suppress(asyncio.CancelledError):
                await self._writing
        self._disconnect()

    def _size(self, records: Sequence[Append]) -> int:
        total = 0
        for record in records:
            size = len(record.value)
            if size > self._limits.max_record_bytes:
                raise Oversized(f"a record of {size} bytes; the log takes {self._limits.max_record_bytes}")
            total += size
        return total

    async def _write_queue(self) -> None:
        """Until the queue is empty; the next append starts it again."""
        while self._queue:
            group = self._take()
            if not group:
                continue
            try:
                async with asyncio.timeout_at(max(waiting.deadline for waiting in group)):
                    await self._write(group)
            except Exception as error:  # noqa: BLE001  (it is raised in those who wait for it)
                self._disconnect()
                if not is_transient(error):
                    self._settle(group, error)
                    continue
                # Perhaps it was committed all the same: a second copy is harmless, a lost record is not.
                self._queue.extendleft(reversed(group))
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                self._settle(group, None)

    def _take(self) -> list[_Waiting]:
        """The calls for one topic that stand first in the queue, up to a batch; those given up are dropped."""
        group: list[_Waiting] = []
        size = 0
        while self._queue:
            first = self._queue[0]
            if not first.done.done():
                if group and (first.topic != group[0].topic or size + first.size > self._limits.max_batch_bytes):
                    break
                group.append(first)
                size += first.size
            self._queue.popleft()
        return group

    async def _write(self, group: Sequence[_Waiting]) -> None:
        connection = self._connection or await self._connect()
        name = group[0].topic
        stored = self._topics.get(name)
        if stored is None:
            stored = self._topics[name] = await topics.find(connection, name)
        statement = _APPEND.format(id=stored.id, table=stored.table, channel=stored.channel)
        arguments = _arguments(group, stored)
        try:
            await connection.execute(statement, *arguments)
        except asyncpg.CheckViolationError:  # no segment takes this instant: it is the first record of a new one
            await connection.execute(_NEW_SEGMENT, stored.id)
            await connection.execute(statement, *arguments)

    async def _connect(self) -> asyncpg.Connection:
        connection = await connect(self._dsn, self._role)
        deadline = int(self._limits.delivery_deadline_seconds * 1_000)
        await connection.execute(f"SET statement_timeout = {deadline}")
        self._connection = connection
        return connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _settle(self, group: Sequence[_Waiting], error: Exception | None) -> None:
        for waiting in group:
            if waiting.done.done():
                continue
            if error is None:
                waiting.done.set_result(None)
            else:
                waiting.done.set_exception(error)


def _arguments(
    group: Sequence[_Waiting], stored: StoredTopic
) -> tuple[list[int], list[int], list[int], list[int], list[bytes]]:
    """Totals by partition, and of every record its partition, its place among those of the partition, its value."""
    totals = [0] * stored.partitions
    partitions: list[int] = []
    places: list[int] = []
    values: list[bytes] = []
    for waiting in group:
        for record in waiting.records:
            partition = record.partition
            place = totals[partition]
            totals[partition] = place + 1
            partitions.append(partition)
            places.append(place)
            values.append(record.value)
    used = [index for index, total in enumerate(totals) if total]
    return used, [totals[index] for index in used], partitions, places, values
