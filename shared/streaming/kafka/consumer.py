"""A member of a consumer group that is handed partitions and nothing else: positions come from the database."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from shared.errors import PositionLost, Transient
from shared.streaming.kafka.brokers import Brokers
from shared.streaming.kafka.client import ended, started
from shared.streaming.types import Batch, Partition, Record

POLL_PATIENCE_SECONDS: Final = 300.0
"""A member that has not polled for this long leaves the group: it hangs, and its partitions go to others."""

_SESSION_MILLISECONDS: Final = 6_000
_REBALANCE_MILLISECONDS: Final = 60_000
_FETCH_BYTES: Final = 2 * 1_048_576
_REPORT_SECONDS: Final = 1.0


class KafkaConsumer:
    """Reads what the group's coordinator hands to this member."""

    def __init__(self, brokers: Brokers, group: str, topic: str, member_id: str, poll_patience_seconds: float) -> None:
        self._brokers = brokers
        self._group = group
        self._topic = topic
        self._member_id = member_id
        self._poll_patience_seconds = poll_patience_seconds
        self._client: AIOKafkaConsumer | None = None
        self._positions: dict[Partition, int | None] = {}
        self._held: dict[Partition, list[Record]] = {}
        self._reported_at = 0.0

    async def poll(self, max_records: int, timeout_seconds: float) -> Sequence[Batch]:
        """At most one batch of up to ``max_records`` per partition. Raises PositionLost, Transient."""
        client = self._client or await self._start()
        if not any(self._held.values()):
            try:
                await self._fetch(client, max_records, timeout_seconds)
            except asyncio.CancelledError:
                if _told_to_end():
                    raise
                # The client's own task was cancelled by another of its tasks, and it passes that on: taken for an
                # order to us it would end the loop without a word.
                await self.close()
                raise Transient("Kafka's client ended its membership by itself") from None
        batches = []
        for partition, records in self._held.items():
            position = self._positions.get(partition)
            taken = tuple(records[:max_records])
            if position is None or not taken:
                continue
            del records[:max_records]
            end = taken[-1].offset + 1
            self._positions[partition] = end
            batches.append(Batch(partition, position, end, taken))
        return batches

    def unpositioned(self) -> frozenset[Partition]:
        """Partitions assigned to us that wait for ``seek``."""
        return frozenset(partition for partition, position in self._positions.items() if position is None)

    def assigned(self) -> frozenset[Partition]:
        """Partitions handed to us now."""
        return frozenset(self._positions)

    def seek(self, partition: Partition, position: int) -> None:
        """Read on from ``position``; what was fetched before is dropped."""
        if self._client is None or partition not in self._positions:
            return
        place = TopicPartition(partition.topic, partition.index)
        try:
            self._client.seek(place, position)
            self._client.resume(place)
        except IllegalStateError:
            # The coordinator has just taken it away; the listener says so in a moment.
            return
        self._positions[partition] = position
        self._held.pop(partition, None)

    async def report(self, positions: Mapping[Partition, int]) -> None:
        """Commit to Kafka for lag tools, at most once a second. A failure costs nothing."""
        now = asyncio.get_running_loop().time()
        if self._client is None or now - self._reported_at < _REPORT_SECONDS:
            return
        offsets = {TopicPartition(p.topic, p.index): end for p, end in positions.items() if p in self._positions}
        if not offsets:
            return
        self._reported_at = now
        with suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(_REPORT_SECONDS):
                await self._client.commit(offsets)

    async def close(self) -> None:
        """Leave the group, within a bounded time."""
        client, self._client = self._client, None
        self.revoke()
        if client is not None:
            await ended(client)

    async def _start(self) -> AIOKafkaConsumer:
        """Every default of the client that would lose or skip records is overridden here."""
        client = AIOKafkaConsumer(
            **self._brokers,
            client_id=self._member_id,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_uncommitted",
            session_timeout_ms=_SESSION_MILLISECONDS,
            heartbeat_interval_ms=_SESSION_MILLISECONDS // 4,
            rebalance_timeout_ms=_REBALANCE_MILLISECONDS,
            max_poll_interval_ms=int(self._poll_patience_seconds * 1_000),
            max_partition_fetch_bytes=_FETCH_BYTES,
            metadata_max_age_ms=60_000,
            retry_backoff_ms=100,
        )
        client.subscribe([self._topic], listener=_Listener(self, client))
        try:
            self._client = await started(client)
        except BaseException:
            self.revoke()
            raise
        return client

    async def _fetch(self, client: AIOKafkaConsumer, max_records: int, timeout_seconds: float) -> None:
        """Fill ``_held`` with what the client has; only records from the position on, of partitions still ours."""
        limit = max_records * max(1, len(self._positions))
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        fetched: Mapping[TopicPartition, list[ConsumerRecord]] = {}
        while not fetched and (left := deadline - asyncio.get_running_loop().time()) > 0:
            try:
                with _under_way(client):
                    fetched = await client.getmany(timeout_ms=int(left * 1_000), max_records=limit)
            except OffsetOutOfRangeError as error:
                raise PositionLost(await self._lost(client, error)) from error
            except NoOffsetForPartitionError as error:
                # It may come before the listener was called; after that every partition has a position.
                if not self.unpositioned():
                    raise PositionLost(f"{self._group} reads {self._topic} without a position: {error}") from error
            except KafkaError as error:
                raise Transient(f"Kafka did not answer: {type(error).__name__}: {error}") from error
        for place, records in fetched.items():
            partition = Partition(place.topic, place.partition)
            position = self._positions.get(partition)
            if position is not None:
                self._held[partition] = [_record(record) for record in records if record.offset >= position]

    async def _lost(self, client: AIOKafkaConsumer, error: OffsetOutOfRangeError) -> str:
        """Which position is out of which range, as far as Kafka still says."""
        offsets: dict[TopicPartition, int] = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
        ranges = {}
        with suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(_REPORT_SECONDS):
                ranges = await client.beginning_offsets(list(offsets))
        told = [
            f"{place.topic}[{place.partition}] stands at {offset}, the log begins at {ranges.get(place, 'unknown')}"
            for place, offset in offsets.items()
        ]
        return (
            f"{self._group}: retention has passed the position, or the log is another one: {'; '.join(told) or error}"
        )

    def assign(self, client: AIOKafkaConsumer, places: Sequence[TopicPartition]) -> None:
        """Pause and note what is ours now: nothing may be read before it was sought.

        The position 0 is never read, being paused; but a partition without any would keep the client from fetching all
        others of its broker, for as long as it waits.
        """
        client.pause(*places)
        for place in places:
            client.seek(place, 0)
        self._positions = {Partition(place.topic, place.partition): None for place in places}
        self._held.clear()

    def revoke(self) -> None:
        """Forget everything: no state survives a change of hands."""
        self._positions.clear()
        self._held.clear()


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # the base class ships no types
    """Does nothing that could fail: the client swallows what a listener raises, and reads on.

    It has the client from the start, as partitions may be assigned while that is still starting.
    """

    def __init__(self, consumer: KafkaConsumer, client: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._client = client

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002  (the client's own name)
        self._consumer.revoke()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._consumer.assign(self._client, list(assigned))


@contextmanager
def _under_way(client: AIOKafkaConsumer) -> Iterator[None]:
    """A poll that raises or is cut short stays under way for ever in the client's count, and never looks idle again."""
    try:
        yield
    except BaseException:
        client._subscription._fetch_count = 0
        raise


def _told_to_end() -> bool:
    """Whether somebody cancelled this task, or a deadline around it passed."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _record(record: ConsumerRecord) -> Record:
    return Record(record.offset, record.value or b"", record.timestamp * 1_000, tuple(record.headers))
