"""The one sequencer of a service's outbox: stamps gap-free numbers on committed rows, publishes them, notifies.

Publishing is at least once: after a crash rows already published may be sent again, with the same bytes.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Final

import asyncpg

from shared.clock import Clock
from shared.database.engine import connect
from shared.database.roles import Role
from shared.database.transient import translated
from shared.errors import Transient
from shared.streaming.backoff import Backoff
from shared.streaming.observer import Observer
from shared.streaming.outbox import NOTIFY_APPENDED, with_sequence
from shared.streaming.ports import Producer
from shared.streaming.types import Append

NOTIFY_STAMPED: Final = "tragt_changes"
"""Channel on which newly stamped rows are announced; the feed and its long polls listen."""

_CHUNK: Final = 1_000
_CHUNK_BYTES: Final = 8 * 1_048_576
_IDLE_SECONDS: Final = 1.0
_LOCK_SPACE: Final = 0x7472  # "tr"
_LOCK: Final = "SELECT pg_try_advisory_lock($1, hashtext($2))"
_LEASE: Final = "SET idle_session_timeout = '5s'"
"""The lock lives as long as the session: a relay that is stopped must not keep it."""

_STAMP: Final = """
    WITH fresh AS MATERIALIZED (
        SELECT id, workspace_id, topic FROM streaming.outbox
        WHERE service = $1 AND NOT published AND sequence IS NULL ORDER BY id LIMIT $2
    ), placed AS (
        SELECT id, workspace_id, topic,
            row_number() OVER (PARTITION BY workspace_id, topic ORDER BY id) AS place,
            count(*) OVER (PARTITION BY workspace_id, topic) AS total
        FROM fresh
    ), advanced AS (
        INSERT INTO streaming.sequence AS s (service, workspace_id, topic, last_sequence)
        SELECT $1, workspace_id, topic, count(*) FROM fresh GROUP BY workspace_id, topic
        ON CONFLICT (service, workspace_id, topic)
        DO UPDATE SET last_sequence = s.last_sequence + excluded.last_sequence
        RETURNING workspace_id, topic, last_sequence
    ), stamped AS (
        UPDATE streaming.outbox AS o SET sequence = advanced.last_sequence - placed.total + placed.place
        FROM placed JOIN advanced USING (workspace_id, topic)
        WHERE o.id = placed.id
        RETURNING o.id
    )
    SELECT count(*), CASE WHEN count(*) > 0 THEN pg_notify($3, '') END FROM stamped
"""
_PENDING: Final = """
    SELECT id, topic, partition, value, sequence, recorded_at FROM (
        SELECT id, topic, partition, value, sequence, recorded_at,
            sum(octet_length(value)) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS total
        FROM streaming.outbox
        WHERE service = $1 AND NOT published AND sequence IS NOT NULL ORDER BY id LIMIT $2
    ) AS waiting
    WHERE total - octet_length(value) < $3 ORDER BY id
"""
_PUBLISHED: Final = "UPDATE streaming.outbox SET published = true WHERE id = ANY($1)"


class Relay:
    """Relays one service's outbox while it holds the service's lock; any number may wait for their turn.

    ``numbered`` are the topics whose messages carry their number in the field ``sequence``.
    """

    def __init__(
        self,
        *,
        dsn: str,
        role: Role,
        service: str,
        producer: Producer,
        numbered: Collection[str],
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._dsn = dsn
        self._role = role
        self._service = service
        self._producer = producer
        self._numbered = frozenset(numbered)
        self._clock = clock
        self._observer = observer
        self._wake = asyncio.Event()
        self.leading = False

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until ``stop`` is set. An outage of the database or the log is waited out, however long.

        Raises whatever is no outage, for example Oversized: then a message can never be published.
        """
        backoff = Backoff(random.random, asyncio.get_running_loop().time, float("inf"))
        while not stop.is_set():
            try:
                await self._session(stop, backoff)
            except Transient as error:
                self._observer.retried(error)
                await _wait(stop, backoff.failed() or 0.0)
            finally:
                self.leading = False

    async def _session(self, stop: asyncio.Event, backoff: Backoff) -> None:
        """Hold a connection, and with it the lock, for as long as both live."""
        with translated():
            connection = await connect(self._dsn, self._role)
        try:
            with translated():
                await connection.execute(_LEASE)
                await connection.add_listener(NOTIFY_APPENDED, self._on_notify)
            while not stop.is_set():
                with translated():
                    self.leading = self.leading or await connection.fetchval(_LOCK, _LOCK_SPACE, self._service)
                self._wake.clear()
                moved = await self.relay(connection) if self.leading else 0
                backoff.succeeded()
                if moved == 0:
                    await self._idle(stop)
        finally:
            connection.terminate()

    async def relay(self, connection: asyncpg.Connection) -> int:
        """Stamp, publish and mark one chunk. Returns how many rows. The caller must hold the service's lock."""
        with translated():
            await connection.fetchrow(_STAMP, self._service, _CHUNK, NOTIFY_STAMPED)
            rows = await connection.fetch(_PENDING, self._service, _CHUNK, _CHUNK_BYTES)
        if not rows:
            return 0
        for topic, records in self._by_topic(rows).items():
            await self._producer.append(topic, records)
        with translated():
            await connection.execute(_PUBLISHED, [row["id"] for row in rows])
        oldest = min(row["recorded_at"] for row in rows)
        self._observer.relayed(len(rows), (self._clock.now() - oldest) / 1_000_000)
        return len(rows)

    def _by_topic(self, rows: Sequence[asyncpg.Record]) -> dict[str, list[Append]]:
        records: dict[str, list[Append]] = defaultdict(list)
        for row in rows:
            topic, value = row["topic"], row["value"]
            if topic in self._numbered:
                value = with_sequence(value, row["sequence"])
            records[topic].append(Append(row["partition"], value))
        return records

    def _on_notify(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        if payload == self._service:
            self._wake.set()

    async def _idle(self, stop: asyncio.Event) -> None:
        """Until something was appended; at most a second, as a notification may be lost and the lock must be kept."""
        stopping = asyncio.create_task(stop.wait())
        waking = asyncio.create_task(self._wake.wait())
        try:
            await asyncio.wait({stopping, waking}, timeout=_IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            waking.cancel()


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
