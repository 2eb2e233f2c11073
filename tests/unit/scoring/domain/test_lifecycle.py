"""Moves of status and stage."""

import pytest

from services.scoring.domain.fold import advance, fold
from services.scoring.domain.timeline import alone
from shared.clock import DAY
from tests.unit.scoring.domain.lead_history import DEVICE, T0, entered, folded, model, touch


def test_the_first_touch_is_anonymous_and_a_key_makes_it_known() -> None:
    assert entered(folded(touch(1, "page_viewed", T0, DEVICE))) == [("anonymous", False)]
    assert entered(folded(touch(1, "page_viewed", T0))) == [("anonymous", False), ("known", False)]


def test_a_hand_raise_skips_what_lies_between() -> None:
    state = folded(touch(1, "demo_requested", T0))

    assert entered(state) == [("anonymous", False), ("known", False), ("mql", True), ("sal", True), ("sql", False)]


def test_an_order_makes_even_an_anonymous_visitor_a_customer() -> None:
    state = folded(touch(1, "order_completed", T0, DEVICE))

    assert entered(state)[-1] == ("customer", False)
    assert entered(state)[1] == ("known", True)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"amount": "9.90"}, "customer"),
        ({"properties": {"paid": True}}, "customer"),
        ({"amount": "0"}, "known"),
        ({"amount": "free"}, "known"),
        ({}, "known"),
    ],
)
def test_only_a_paid_subscription_makes_a_customer(fields: dict[str, object], status: str) -> None:
    assert folded(touch(1, "subscription_started", T0, **fields)).status == status


def test_an_opportunity_is_lost_only_when_none_is_open() -> None:
    opened = [
        touch(1, "opportunity_opened", T0, properties={"opportunity_id": "a"}),
        touch(2, "opportunity_opened", T0 + 1, properties={"opportunity_id": "b"}),
        touch(3, "opportunity_lost", T0 + 2, properties={"opportunity_id": "a"}),
    ]

    assert folded(*opened).status == "opportunity"
    last = touch(4, "opportunity_lost", T0 + 3, properties={"opportunity_id": "b"})
    lost = folded(*opened, last)
    assert lost.status == "lost"
    assert lost.cycle is not None
    assert (lost.cycle.exit, lost.cycle.exited_at) == ("lost", T0 + 3)


def test_a_customer_churns_with_the_last_subscription_and_comes_back_in_a_new_cycle() -> None:
    churned = folded(
        touch(1, "subscription_started", T0, amount="5"),
        touch(2, "subscription_cancelled", T0 + 1),
    )
    back = fold(alone(model()), churned, [touch(3, "order_completed", T0 + 2)])

    assert churned.status == "churned"
    assert back.cycle is not None
    assert (back.status, back.cycle.number) == ("customer", 2)
    assert [name for name, implied in entered(back) if implied] == ["known", "mql", "sal", "sql", "opportunity"]
    assert [cycle.number for cycle in back.closed] == [1]


def test_a_lost_lead_is_reopened_by_the_models_rule_and_moves_on_at_once() -> None:
    state = folded(
        touch(1, "opportunity_opened", T0),
        touch(2, "opportunity_lost", T0 + 1),
        touch(3, "demo_requested", T0 + 2),
    )

    assert state.status == "sql"
    assert entered(state) == [("known", False), ("mql", True), ("sal", True), ("sql", False)]


def test_unless_holds_a_lead_back() -> None:
    state = folded(touch(1, "trial_started", T0, traits={"competitor": True}))

    assert state.status == "known"


def test_the_mql_status_is_latched() -> None:
    hot = folded(touch(1, "trial_started", T0))

    cold = advance(alone(model()), hot, T0 + 29 * DAY)

    assert (hot.status, cold.status) == ("mql", "mql")


def test_stages_close_each_other_and_a_lower_one_needs_its_own_rule() -> None:
    state = folded(
        touch(1, "page_viewed", T0),
        touch(2, "demo_requested", T0 + 1),
        touch(3, "page_viewed", T0 + DAY),
        touch(4, "order_completed", T0 + 2 * DAY),
        touch(5, "price_requested", T0 + 3 * DAY),
    )

    assert [name for name, _ in entered(state, "stage")] == ["awareness", "decision", "action", "decision"]
    assert model().stages[state.stage].name == "decision"


def test_the_memory_begins_anew_when_a_cycle_ends() -> None:
    lost = folded(
        touch(1, "demo_requested", T0), touch(2, "opportunity_opened", T0 + 1), touch(3, "opportunity_lost", T0 + 2)
    )

    assert lost.remembered == 0
    assert lost.done == {}
    assert lost.stage == -1
