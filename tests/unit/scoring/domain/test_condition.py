"""Conditions of a model, each asked of a lead at an instant."""

from typing import Any

import pytest

from services.scoring.domain.condition import Parser, compiled
from services.scoring.domain.fold import fold, now_of
from services.scoring.domain.state import initial
from services.scoring.domain.timeline import alone
from shared.clock import DAY, SECOND
from tests.unit.scoring.domain.lead_history import T0, model, touch

_MODEL = """
engagement:
  groups: [{name: g, half_life: 1d, rules: [{name: r, when: {kind: scored}, points: 50}]}]
fit: {rules: [{name: f, when: {trait: {name: size, equals: big}}, points: 9}]}
statuses:
  mql:
    when:
      any:
        - not: {did: {kind: never_done}}
        - did: {kind: asked, times: 2, within: 2d}
        - visits: {at_least: 2, within: 1d}
        - not: {visits: {at_least: 1, within: 5d}}
        - not: {did: {kind: asked, within: 5d}}
        - not: {engagement: {at_least: 1}}
        - not: {inactive_for: 1d}
"""


def _ask(source: Any, *, at: int = T0 + 3 * DAY) -> bool:
    """A condition, asked of a lead that did a bit of everything."""
    used = model(_MODEL)
    state = fold(
        alone(used),
        initial(),
        [
            touch(1, "page_viewed", T0),
            touch(2, "asked", T0 + DAY),
            touch(3, "asked", T0 + 2 * DAY),
            touch(4, "page_viewed", T0 + 2 * DAY),
            touch(5, "order_completed", T0 + 2 * DAY),
            touch(6, "scored", T0 + 3 * DAY, traits={"size": "big"}),
        ],
    )
    return compiled(Parser().condition(source, "here"))(now_of(used, state, at))


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ({"touched": True}, True),
        ({"status": "customer"}, True),
        ({"status": ["mql", "sql"]}, False),
        ({"engagement": {"at_least": 50}}, True),
        ({"engagement": {"at_least": 50.1}}, False),
        ({"fit": {"at_least": 9}}, True),
        ({"fit": {"at_least": 10}}, False),
        ({"trait": {"name": "size", "equals": "big"}}, True),
        ({"trait": {"name": "shape", "present": True}}, False),
        ({"visits": {"at_least": 2}}, True),
        ({"visits": {"at_least": 3}}, False),
        ({"orders": {"at_least": 1}}, True),
        ({"orders": {"at_least": 2}}, False),
        ({"inactive_for": "1d"}, False),
        ({"not": {"inactive_for": "1d"}}, True),
        ({"any": [{"orders": {"at_least": 2}}, {"touched": True}]}, True),
        ({"any": [{"orders": {"at_least": 2}}, {"fit": {"at_least": 99}}]}, False),
        ({"all": [{"orders": {"at_least": 1}}, {"touched": True}]}, True),
        ({"all": [{"orders": {"at_least": 2}}, {"touched": True}]}, False),
    ],
)
def test_each_kind_of_condition(source: Any, *, holds: bool) -> None:
    assert _ask(source) is holds


def test_within_includes_its_edge() -> None:
    condition = {"visits": {"at_least": 1, "within": "1d"}}

    assert _ask(condition, at=T0 + 3 * DAY)
    assert not _ask(condition, at=T0 + 3 * DAY + 1)


def test_did_counts_matches_within_its_time() -> None:
    used = model(_MODEL)
    state = fold(alone(used), initial(), [touch(1, "asked", T0), touch(2, "asked", T0 + DAY)])
    did = compiled(Parser().condition({"did": {"kind": "asked", "within": "1d"}}, "here"))
    state.done = {0: [T0, T0 + DAY]}

    assert did(now_of(used, state, T0 + 2 * DAY))
    assert not did(now_of(used, state, T0 + 2 * DAY + SECOND))


def test_every_part_that_time_can_turn_is_waited_for() -> None:
    (rule,) = model(_MODEL).rules

    assert [(type(atom.condition).__name__, atom.rising) for atom in rule.timed] == [
        ("Visits", False),
        ("Did", False),
        ("Engaged", False),
    ]
