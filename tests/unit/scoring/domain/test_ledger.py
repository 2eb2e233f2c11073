"""Every point of a score, explained."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.fold import engagement_at
from services.scoring.domain.ledger import ledger
from shared.clock import DAY
from tests.unit.scoring.domain.lead_history import T0, folded, model, touch


def test_each_point_has_its_rule_and_touchpoint() -> None:
    history = [
        touch(1, "page_viewed", T0, path="/pricing"),
        touch(2, "page_viewed", T0, path="/pricing"),
        touch(3, "page_viewed", T0, path="/pricing"),
        touch(4, "trial_started", T0),
        touch(5, "trial_started", T0),
        touch(6, "identified", T0, traits={"seniority": "vp", "employees": 500}),
    ]

    found = ledger(model(), history, T0)

    given_ = [(line.rule, line.touchpoint_id, line.points) for line in found.lines if line.touchpoint_id]
    assert given_ == [("pricing", "t001", 10), ("pricing", "t002", 10), ("welcome", "t004", 25)]
    assert [(line.axis, line.rule, line.value) for line in found.lines if not line.touchpoint_id] == [
        ("engagement", "limit", -15),
        ("fit", "senior", 40),
        ("fit", "large", 30),
        ("fit", "limit", -20),
    ]
    assert (found.engagement, found.fit) == (30, 50)


def test_a_bot_has_no_line() -> None:
    found = ledger(model(), [touch(1, "page_viewed", T0, path="/pricing", marks=("bot:googlebot",))], T0)

    assert (found.lines, found.engagement) == ((), 0)


def test_the_scores_own_limit_has_a_line() -> None:
    found = ledger(model(), [touch(1, "page_viewed", T0, path="/careers")], T0)

    assert [(line.group, line.rule, line.value) for line in found.lines] == [
        ("against", "careers", -40),
        ("", "limit", 40),
    ]


_STEPS = st.tuples(st.sampled_from(["/pricing", "/careers", "/"]), st.integers(0, 40), st.booleans())


@given(st.lists(_STEPS, max_size=15))
def test_the_lines_sum_to_the_score(steps: list[tuple[str, int, bool]]) -> None:
    ordered = sorted(steps, key=lambda one: one[1])
    history = [
        touch(i, "trial_started" if trial else "page_viewed", T0 + day * DAY, path=path)
        for i, (path, day, trial) in enumerate(ordered)
    ]
    at = T0 + 45 * DAY

    found = ledger(model(), history, at)

    total = sum(line.value for line in found.lines if line.axis == "engagement")
    assert total == pytest.approx(found.engagement, abs=1e-6)
    assert found.engagement == (engagement_at(model(), folded(*history), at) if history else 0)
