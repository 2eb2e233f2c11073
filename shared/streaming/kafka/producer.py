"""Groups what many callers append into few batches: per partition one under way, the next one filling meanwhile."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from shared.errors import Misconfigured, Oversized, Unavailable
from shared.streaming.deadlines import Deadlines
from shared.streaming.kafka.brokers import Brokers
from shared.streaming.kafka.client import REQUEST_MILLISECONDS, abandoned, partition_count, started
from shared.streaming.limits import Limits
from shared.streaming.types import Append

RECORD_OVERHEAD: Final = 48
"""Bytes a record of a batch takes beside its value, at most."""

BATCH_OVERHEAD: Final = 4_096
"""Room left in a batch, so that filling it by our own count never finds it full."""

_PAUSE_SECONDS: Final = 0.05
_MARGIN: Final = 0.2
"""Share of the deadline below which nothing is sent any more: it would fail, and take its batch with it."""

_NO_TIMESTAMP: Final = 0
"""The broker stamps the time of appending itself (``message.timestamp.type=LogAppendTime``)."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """One call of ``append``; ``done`` when all its parts are, or given up by its caller."""

    deadline: float
    done: asyncio.Future[None]
    parts: int = 0


@dataclass(slots=True, eq=False)
class _Part:
    """What one call appends to one partition in one batch."""

    values: list[bytes]
    size: int
    waiting: _Waiting


@dataclass(slots=True, eq=False)
class _Slot:
    """One partition: what waits for its next batch, and the task that sends them one after the other."""

    topic: str
    partition: int
    parts: deque[_Part] = field(default_factory=deque)
    sending: asyncio.Task[None] | None = None


class KafkaProducer:
    """An idempotent producer (``acks=all``) with a deadline of its own, made anew after any failed batch."""

    def __init__(self, brokers: Brokers, limits: Limits) -> None:
        self._brokers = brokers
        self._limits = limits
        self._client: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()
        self._slots: dict[tuple[str, int], _Slot] = {}
        self._counts: dict[str, int] = {}
        self._in_flight_bytes = 0
        self._deadlines = Deadlines(limits.delivery_deadline_seconds)
        self._ending: set[asyncio.Task[None]] = set()
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
        """Return when all in-sync replicas hold all records. An outage shorter than the deadline is waited out.

        Raises Oversized, before anything is written, and Unavailable.
        """
        size = self._size(records)
        if self._closed or self._in_flight_bytes + size > self._limits.max_in_flight_bytes:
            raise Unavailable("too many bytes wait for the log")
        if not records:
            return
        done, deadline = self._deadlines.begin()
        self._in_flight_bytes += size
        self._enqueue(topic, records, _Waiting(deadline, done))
        try:
            await done
        finally:
            self._in_flight_bytes -= size
            self._deadlines.end(done)

    async def partition_count(self, topic: str) -> int:
        """How many partitions the topic has. Raises Misconfigured, Unavailable."""
        if topic not in self._counts:
            self._counts[topic] = await partition_count(self._brokers, topic)
        return self._counts[topic]

    async def close(self) -> None:
        """Deliver what was taken, within the deadline, then let go; never waits for longer."""
        self._closed = True
        sending = {slot.sending for slot in self._slots.values() if slot.sending and not slot.sending.done()}
        if sending:
            _, late = await asyncio.wait(sending, timeout=self._limits.delivery_deadline_seconds)
            for task in late:
                task.cancel()
        self._abandon(self._client)
        if self._ending:
            await asyncio.wait(self._ending)

    def _size(self, records: Iterable[Append]) -> int:
        total = 0
        for record in records:
            size = len(record.value)
            if size > self._limits.max_record_bytes:
                raise Oversized(f"a record of {size} bytes; the log takes {self._limits.max_record_bytes}")
            total += size
        return total

    def _enqueue(self, topic: str, records: Sequence[Append], waiting: _Waiting) -> None:
        by_partition: dict[int, list[bytes]] = defaultdict(list)
        for record in records:
            by_partition[record.partition].append(record.value)
        for partition, values in by_partition.items():
            slot = self._slots.get((topic, partition))
            if slot is None:
                slot = self._slots[topic, partition] = _Slot(topic, partition)
            for part in _parts(values, self._limits.max_batch_bytes, waiting):
                waiting.parts += 1
                slot.parts.append(part)
            if slot.sending is None or slot.sending.done():
                slot.sending = asyncio.create_task(self._send_all(slot))

    async def _send_all(self, slot: _Slot) -> None:
        """Send until nothing waits; the next append starts it again. The first batch lingers for company."""
        await asyncio.sleep(self._limits.linger_seconds)
        while slot.parts:
            client = None
            parts: list[_Part] = []
            try:
                client = await self._connected()
                parts = self._take(slot)
                if parts:
                    await self._send(client, slot, parts)
            except (Unavailable, KafkaError, OSError, TimeoutError) as error:
                self._abandon(client)
                if isinstance(error, MessageSizeTooLargeError):
                    _fail(parts, Misconfigured(f"{slot.topic} takes smaller batches than we send: {error}"))
                else:
                    # Perhaps it was written all the same: a second copy is harmless, a lost record is not.
                    slot.parts.extendleft(reversed(parts))
                    self._take_expired(slot)
                    await asyncio.sleep(_PAUSE_SECONDS)
            except Exception as error:  # noqa: BLE001  (it is raised in those who wait for it)
                self._abandon(client)
                _fail(parts, error)
            else:
                for part in parts:
                    _delivered(part.waiting)

    async def _send(self, client: AIOKafkaProducer, slot: _Slot, parts: Sequence[_Part]) -> None:
        builder = client.create_batch()
        append = builder.append
        for part in parts:
            for value in part.values:
                if append(timestamp=_NO_TIMESTAMP, key=None, value=value) is None:
                    raise AssertionError("a batch was fuller than counted")
        builder.close()
        async with asyncio.timeout_at(min(part.waiting.deadline for part in parts)):
            delivered = await client.send_batch(builder, slot.topic, partition=slot.partition)
            await delivered

    def _take(self, slot: _Slot) -> list[_Part]:
        """The first parts, up to a batch, that have time left to be delivered; the others are given up."""
        self._take_expired(slot)
        parts: list[_Part] = []
        size = 0
        while slot.parts and (not parts or size + slot.parts[0].size <= self._limits.max_batch_bytes):
            part = slot.parts.popleft()
            if not part.waiting.done.done():
                parts.append(part)
                size += part.size
        return parts

    def _take_expired(self, slot: _Slot) -> None:
        """Deadlines rise along the queue, so what is too late stands in front."""
        soon = asyncio.get_running_loop().time() + _MARGIN * self._limits.delivery_deadline_seconds
        while slot.parts and (slot.parts[0].waiting.done.done() or slot.parts[0].waiting.deadline < soon):
            _fail([slot.parts.popleft()], Unavailable("the log did not confirm in time"))

    async def _connected(self) -> AIOKafkaProducer:
        async with self._connecting:
            if self._client is None:
                largest = max(self._limits.max_record_bytes + RECORD_OVERHEAD, self._limits.max_batch_bytes)
                self._client = await started(
                    AIOKafkaProducer(
                        **self._brokers,
                        acks="all",
                        enable_idempotence=True,
                        max_batch_size=largest + BATCH_OVERHEAD,
                        linger_ms=0,
                        compression_type=None,
                        request_timeout_ms=min(REQUEST_MILLISECONDS, int(self._limits.delivery_deadline_seconds * 800)),
                        retry_backoff_ms=50,
                        metadata_max_age_ms=60_000,
                    ),
                )
            return self._client

    def _abandon(self, client: AIOKafkaProducer | None) -> None:
        """Never use this client again: a gap in its sequence numbers fails everything it sends later."""
        if client is None:
            return
        if client is self._client:
            self._client = None
            task = asyncio.create_task(abandoned(client))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)


def _parts(values: list[bytes], max_bytes: int, waiting: _Waiting) -> list[_Part]:
    """The values in order, in as few parts as fit into a batch each."""
    parts: list[_Part] = []
    for value in values:
        size = len(value) + RECORD_OVERHEAD
        if parts and parts[-1].size + size <= max_bytes:
            parts[-1].values.append(value)
            parts[-1].size += size
        else:
            parts.append(_Part([value], size, waiting))
    return parts


def _delivered(waiting: _Waiting) -> None:
    waiting.parts -= 1
    if waiting.parts == 0 and not waiting.done.done():
        waiting.done.set_result(None)


def _fail(parts: Iterable[_Part], error: Exception) -> None:
    for part in parts:
        if not part.waiting.done.done():
            part.waiting.done.set_exception(error)
