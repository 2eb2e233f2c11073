from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain.duration import BUCKET_COUNT, EDGES, WINDOWS, bucket, buckets_within, typical_seconds
from shared.clock import DAY, MINUTE, SECOND

_DURATIONS = st.integers(-DAY, 4000 * DAY)


@given(_DURATIONS, st.sampled_from(WINDOWS))
def test_a_count_within_a_window_is_a_sum_of_whole_buckets(duration: int, window: int) -> None:
    assert (bucket(duration) < buckets_within(window)) == (duration <= window)


@given(st.integers(1, 3650 * DAY))
def test_the_value_that_stands_for_a_bucket_is_as_near_as_promised(duration: int) -> None:
    typical = typical_seconds()[bucket(duration)] * SECOND

    assert abs(typical - duration) <= max(0.05 * duration, 30 * SECOND)


@given(_DURATIONS, _DURATIONS)
def test_longer_is_never_in_a_lower_bucket(one: int, other: int) -> None:
    assert (one <= other) <= (bucket(one) <= bucket(other))


def test_no_time_and_negative_time_have_a_bucket_of_their_own() -> None:
    assert [bucket(-1), bucket(0), bucket(1), bucket(MINUTE), bucket(MINUTE + 1)] == [0, 0, 1, 1, 2]


def test_edges_grow_by_a_tenth_at_most() -> None:
    assert all(high * 10 <= low * 11 for low, high in pairwise(EDGES[1:]))
    assert len(typical_seconds()) == BUCKET_COUNT <= 256


def test_other_windows_are_refused() -> None:
    with pytest.raises(ValueError, match="standard windows"):
        buckets_within(8 * DAY)
