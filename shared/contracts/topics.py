"""The registry of topics: who writes each, who reads it, how it is split and how long it is kept."""

from dataclasses import dataclass
from typing import Final
from zlib import crc32

from shared.vocabulary import Group, TopicName

_WEEK_SECONDS: Final = 7 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic. The number of partitions is part of the contract: it is never changed in place."""

    name: TopicName
    partitions: int
    owner: str
    readers: tuple[Group, ...]
    key: str
    retention_seconds: int = _WEEK_SECONDS


TOPICS: Final = {
    topic.name: topic
    for topic in (
        Topic(
            name=TopicName.TOUCHPOINTS,
            partitions=8,
            owner="ingest",
            readers=(Group.SCORING_TOUCHPOINTS,),
            key="workspace and strand",
        ),
        Topic(
            name=TopicName.CHANGES,
            partitions=4,
            owner="scoring",
            readers=(Group.METRICS_CHANGES,),
            key="shard of the lead",
        ),
        Topic(
            name=TopicName.REJECTIONS,
            partitions=1,
            owner="ingest",
            readers=(Group.INGEST_REJECTIONS,),
            key="none",
        ),
    )
}
"""Every topic by name."""


def partition_for(workspace: str, strand: str, count: int) -> int:
    """The partition of a touchpoint among ``count``: it only spreads load, so a fast, lasting hash will do."""
    return crc32(strand.encode(), crc32(workspace.encode())) % count


def partition_of_shard(shard: int, count: int) -> int:
    """The partition of a lead change among ``count``: it follows the lead's shard, so a metrics cell has one writer."""
    return shard % count
