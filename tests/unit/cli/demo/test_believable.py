from itertools import pairwise

from services.cli.demo.month import STORY_DAYS, month
from tests.unit.cli.demo.believable import funnel_by_channel

LAST = 20_783
PATH = ("anonymous", "known", "mql", "sql", "opportunity", "customer")


def test_the_month_is_a_funnel_in_every_channel_and_differs_between_them() -> None:
    counts = funnel_by_channel(month(1, LAST - STORY_DAYS + 1, LAST))

    for channel, steps in counts.items():
        entered = [steps[step] for step in PATH]
        assert all(before >= after for before, after in pairwise(entered)), (channel, entered)
    whole = [sum(steps[step] for steps in counts.values()) for step in PATH]
    assert all(before > after for before, after in pairwise(whole)), whole
    assert whole[1] > 2_000
    assert whole[-1] > 100
    referral, social = counts["referral"], counts["social"]
    assert referral["sql"] / referral["known"] > 3 * social["sql"] / social["known"]
