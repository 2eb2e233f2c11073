from hypothesis import given
from hypothesis import strategies as st

from shared.streaming.postgres.leases import fair_share


@given(partitions=st.integers(1, 64), members=st.sets(st.text(min_size=1), min_size=1, max_size=20))
def test_shares_of_all_members_are_all_partitions_and_differ_by_one_at_most(partitions: int, members: set[str]) -> None:
    shares = [fair_share(partitions, member, sorted(members - {member})) for member in members]

    assert sum(shares) == partitions
    assert max(shares) - min(shares) <= 1
