from collections import Counter

from shared.contracts.topics import TOPICS, partition_for, partition_of_shard
from shared.vocabulary import SHARD_COUNT, Group, TopicName


def test_every_topic_is_registered_and_every_group_reads_one() -> None:
    assert set(TOPICS) == set(TopicName)
    assert {group for topic in TOPICS.values() for group in topic.readers} == set(Group)


def test_the_partition_of_a_strand_never_changes() -> None:
    """A record that is sent again must come to where the first one is; so these are for ever."""
    workspace = "00000000-0000-0000-0000-000000000001"

    assert tuple(partition_for(workspace, f"user_id:u{n}", 8) for n in range(6)) == (6, 0, 2, 4, 7, 1)


def test_strands_spread_over_all_partitions() -> None:
    counted = Counter(partition_for("w", f"anonymous_id:{number}", 8) for number in range(8_000))

    assert set(counted) == set(range(8))
    assert max(counted.values()) < 1_300


def test_workspaces_with_the_same_strands_spread_differently() -> None:
    strands = [f"user_id:{number}" for number in range(50)]

    assert [partition_for("w1", s, 8) for s in strands] != [partition_for("w2", s, 8) for s in strands]


def test_shards_divide_evenly_among_the_partitions_of_changes() -> None:
    count = TOPICS[TopicName.CHANGES].partitions

    assert set(Counter(partition_of_shard(shard, count) for shard in range(SHARD_COUNT)).values()) == {
        SHARD_COUNT // count
    }
