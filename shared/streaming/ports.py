"""The port to the log; ``kafka`` and ``postgres`` beside it implement it, under one contract suite."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from shared.streaming.types import Append, Batch, Partition


class Producer(Protocol):
    """Writes records durably.

    ``append`` returns only when every record is safe: acknowledged by all in-sync replicas, or committed with fsync.
    When it raises, each record may or may not have been written; the caller sends again and readers drop the copies.
    Many callers may append at once; their records are grouped into few writes. Records of one call to one partition
    keep their order.
    """

    async def append(self, topic: str, records: Sequence[Append]) -> None:
        """Write all records, within the producer's delivery deadline.

        Raises Oversized before anything is written when one record is larger than ``max_record_bytes``; Unavailable
        when durability was not confirmed in time or the bytes in flight exceed the bound.
        """
        ...

    @property
    def max_record_bytes(self) -> int:
        """The largest value the log takes."""
        ...

    @property
    def delivery_deadline_seconds(self) -> float:
        """After this long without confirmation ``append`` raises, and nothing of it is written later."""
        ...

    async def partition_count(self, topic: str) -> int:
        """How many partitions the topic has. Raises Misconfigured when it does not exist."""
        ...

    async def close(self) -> None:
        """Finish within the deadline what was begun, then let go."""
        ...


class Consumer(Protocol):
    """Reads the partitions handed to this member of a group.

    It never commits for correctness: positions live in the database and are sought on assignment. New partitions stay
    silent until ``seek`` was called for them. ``report`` tells the log, best effort, for lag tools only.
    """

    async def poll(self, max_records: int, timeout_seconds: float) -> Sequence[Batch]:
        """At most one batch per partition, each beginning where the last ended or was sought.

        Raises PositionLost when retention has passed a position, Transient when the log is away.
        """
        ...

    def unpositioned(self) -> frozenset[Partition]:
        """Partitions assigned to us that wait for ``seek``."""
        ...

    def assigned(self) -> frozenset[Partition]:
        """Partitions handed to us now."""
        ...

    def seek(self, partition: Partition, position: int) -> None:
        """Read on from ``position``; drops what was fetched but not yet given. Unknown partitions are ignored."""
        ...

    async def report(self, positions: Mapping[Partition, int]) -> None:
        """Tell the log how far we are; never raises."""
        ...

    async def close(self) -> None:
        """Leave the group, within a bounded time."""
        ...


class LogAdmin(Protocol):
    """Questions about topics, and their creation."""

    async def ensure(self, topic: str, partitions: int, retention_seconds: int) -> None:
        """Create the topic if it does not exist. Raises Misconfigured when it has another number of partitions."""
        ...

    async def beginnings(self, topic: str) -> Mapping[Partition, int]:
        """The first position still kept, per partition."""
        ...

    async def ends(self, topic: str) -> Mapping[Partition, int]:
        """The position after the last record, per partition."""
        ...

    async def ping(self) -> None:
        """Raises Unavailable when the log cannot be reached now."""
        ...

    async def close(self) -> None:
        """Let go."""
        ...


class Log(Protocol):
    """A log not yet connected: each part connects when it is first used, and again whenever it must."""

    def producer(self) -> Producer:
        """A new producer, to be closed by the caller. One per process is enough: it groups what many callers append."""
        ...

    def consumer(self, group: str, topic: str, member_id: str) -> Consumer:
        """A new member of a group, to be closed by the caller. ``member_id`` must be unique among living members."""
        ...

    def admin(self) -> LogAdmin:
        """Questions and topics, to be closed by the caller."""
        ...

    async def retain(self) -> None:
        """Drop what every topic's retention no longer keeps, where the log does not do so itself."""
        ...

    async def close(self) -> None:
        """Let go of what ``retain`` holds; producers, consumers and admins are closed by who made them."""
        ...
