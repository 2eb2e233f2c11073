"""The words of the log. An offset is a record's place, a position the *next* one to read; only positions are kept."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """One ordered sequence of records of a topic."""

    topic: str
    index: int


@dataclass(frozen=True, slots=True)
class Record:
    """One record as read. ``appended_at`` is the log's clock in microseconds, never decreasing within a partition.

    Only topics of others have ``headers``, and values that are empty because there was none.
    """

    offset: int
    value: bytes
    appended_at: int
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive records of one partition; ``start`` is the position we believe in, ``end`` the position after it.

    Offsets inside may have gaps (compaction, transactions): compare positions, never counts.
    """

    partition: Partition
    start: int
    end: int
    records: tuple[Record, ...]


class Append(NamedTuple):
    """One record to write: to which partition index of the topic, and its bytes."""

    partition: int
    value: bytes
