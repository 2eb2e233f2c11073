"""Decay, limits, and when a score next passes a threshold by time alone."""

from itertools import permutations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.scoring.domain import engagement
from services.scoring.domain.engagement import Group
from shared.clock import DAY, SECOND

SLOW = Group("slow", 10 * DAY, float("-inf"), float("inf"))
FAST = Group("fast", 1 * DAY, float("-inf"), float("inf"))


def test_the_published_vector_of_decay() -> None:
    """Half-life 14 days; 10 at day 0, 5 at 7, 20 at 14, 8 at 28 give 22.267766952966 at day 28."""
    pair = (0, 0.0)
    for day, points in ((0, 10), (7, 5), (14, 20), (28, 8)):
        pair = engagement.added(pair, day * DAY, points, 14 * DAY)

    assert engagement.value_at(pair, 28 * DAY, 14 * DAY) == pytest.approx(22.267766952966, abs=1e-9)


def test_it_falls_below_twenty_when_the_vector_says() -> None:
    pair = (28 * DAY, 22.26776695296637)
    group = Group("all", 14 * DAY, 0, 100)

    at = engagement.next_flip([group], [pair], 0, 100, 20.0, 28 * DAY, rising=False)

    assert at is not None
    assert at == pytest.approx(28 * DAY + 2.1693964548 * DAY, abs=SECOND)
    assert engagement.score([group], [pair], 0, 100, at) < 20
    assert engagement.score([group], [pair], 0, 100, at - SECOND) >= 20


@pytest.mark.parametrize("order", list(permutations([0, 1, 2])))
def test_points_at_one_instant_add_up_in_any_order(order: tuple[int, ...]) -> None:
    pair = (0, 0.0)
    for i in order:
        pair = engagement.added(pair, DAY, (5.0, -3.0, 8.0)[i], DAY)

    assert pair == (DAY, 10.0)


def test_limits_of_groups_and_of_the_score_apply_when_read() -> None:
    capped, floored = Group("a", DAY, 0, 30), Group("b", DAY, -5, 0)

    assert engagement.score([capped, floored], [(0, 70.0), (0, -60.0)], 0, 100, 0) == 25
    assert engagement.score([capped, floored], [(0, 70.0), (0, 0.0)], 0, 20, 0) == 20


def test_what_only_decays_never_rises() -> None:
    assert engagement.next_flip([SLOW], [(0, 10.0)], 0, 100, 20.0, 0, rising=True) is None


def test_a_score_rises_when_faster_negative_points_fade() -> None:
    """50 fading over ten days less 40 fading over one: below 30 at first, later above, in the end below."""
    groups, pairs = [SLOW, FAST], [(0, 50.0), (0, -40.0)]

    at = engagement.next_flip(groups, pairs, 0, 100, 30.0, 0, rising=True)

    assert at is not None
    assert at % SECOND == 0
    assert engagement.score(groups, pairs, 0, 100, at - SECOND) < 30 <= engagement.score(groups, pairs, 0, 100, at)
    assert engagement.next_flip(groups, pairs, 0, 100, 30.0, at, rising=True) is None


def test_negative_points_that_hide_too_little_never_let_it_rise() -> None:
    assert engagement.next_flip([SLOW, FAST], [(0, 10.0), (0, -40.0)], 0, 100, 30.0, 0, rising=True) is None


def test_a_group_above_its_limit_counts_as_its_limit_until_it_falls_below() -> None:
    capped = Group("a", DAY, 0, 30)

    at = engagement.next_flip([capped], [(0, 120.0)], 0, 100, 30.0, 0, rising=False)

    assert at == 2 * DAY + SECOND


@example(terms=[(3, 11), (6, -53), (17, 37)], threshold=1, rising=False)
@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(-60, 60)), min_size=1, max_size=4),
    st.integers(1, 60),
    st.booleans(),
)
def test_the_next_flip_is_the_first_second_with_another_answer(
    terms: list[tuple[int, int]], threshold: int, rising: bool
) -> None:
    groups = [Group(str(i), half_life * SECOND, -40, 50) for i, (half_life, _) in enumerate(terms)]
    pairs = [(0, float(points)) for _, points in terms]

    def reached(second: int) -> bool:
        return (engagement.score(groups, pairs, 0, 100, second * SECOND) >= threshold) == rising

    scanned = next((s for s in range(1, 400) if reached(s) and not reached(s - 1)), None)
    found = engagement.next_flip(groups, pairs, 0, 100, float(threshold), 0, rising=rising)

    assert (found // SECOND if found is not None else None) == scanned
