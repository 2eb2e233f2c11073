"""What touchpoints and time make of a lead: counts, points, traits, timers."""

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain import state as states
from services.scoring.domain.fold import advance, engagement_at, fold
from services.scoring.domain.timeline import alone
from shared.clock import DAY, MINUTE, SECOND
from tests.unit.scoring.domain.lead_history import T0, entered, folded, model, touch


def test_once_and_per_day_limit_the_points() -> None:
    views = [touch(i, "page_viewed", T0 + i * SECOND, path="/pricing/team") for i in range(4)]
    trials = [touch(10 + i, "trial_started", T0 + MINUTE + i) for i in range(2)]

    state = folded(*views, *trials)

    assert state.per_day == {0: (20_000, 2)}
    assert state.once == [1]
    assert engagement_at(model(), state, T0 + 2 * MINUTE) == 30  # 20 + 25 points, capped at 30


def test_a_new_day_gives_points_again() -> None:
    state = folded(
        touch(1, "page_viewed", T0, path="/pricing"),
        touch(2, "page_viewed", T0, path="/pricing"),
        touch(3, "page_viewed", T0, path="/pricing"),
        touch(4, "page_viewed", T0 + DAY, path="/pricing"),
    )

    assert state.per_day == {0: (20_001, 1)}


def test_visits_begin_after_a_gap() -> None:
    state = folded(
        touch(1, "page_viewed", T0),
        touch(2, "page_viewed", T0 + 30 * MINUTE),
        touch(3, "email_opened", T0 + 40 * MINUTE),
        touch(4, "screen_viewed", T0 + 60 * MINUTE + 1),
    )

    assert state.visit_count == 2


def test_what_is_marked_as_a_bot_s_stays_in_the_history_and_no_rule_counts_it() -> None:
    bot = ("bot:googlebot",)
    state = folded(
        touch(1, "page_viewed", T0, path="/pricing", marks=bot),
        touch(2, "trial_started", T0 + SECOND, marks=bot),
        touch(3, "demo_requested", T0 + 2 * SECOND, marks=bot),
    )
    after = folded(touch(1, "page_viewed", T0, marks=bot), touch(2, "page_viewed", T0 + MINUTE))

    assert (state.count, state.remembered, state.visit_count) == (3, 0, 0)
    assert (engagement_at(model(), state, T0 + 2 * SECOND), state.done, state.once) == (0, {}, [])
    assert entered(state, "stage") == []
    assert (after.count, after.visit_count) == (2, 1)


def test_traits_are_written_last_and_null_deletes() -> None:
    state = folded(
        touch(1, "identified", T0, traits={"seniority": "vp", "employees": 200}),
        touch(2, "identified", T0 + 1, traits={"seniority": None}),
    )

    assert state.traits == {"employees": 200}
    assert state.fit == 30


def test_a_lead_of_ever_new_names_stays_small_and_what_it_holds_is_still_written() -> None:
    state = folded(
        *(touch(i, "identified", T0 + i, traits={f"n{i}-{j}": "x" for j in range(100)}) for i in range(6)),
        *(touch(10 + i, "opportunity_opened", T0 + 10 + i, properties={"opportunity_id": i}) for i in range(300)),
        touch(400, "identified", T0 + 400, traits={"n0-0": "y", "n0-1": None, "late": "z", "later": "z"}),
    )

    assert len(state.traits) == 500
    assert (state.traits["n0-0"], state.traits["late"]) == ("y", "z")
    assert "later" not in state.traits
    assert len(state.opportunities) == 200


def test_fit_is_clamped() -> None:
    assert folded(touch(1, "identified", T0, traits={"seniority": "vp", "employees": 100})).fit == 50


def test_opportunities_and_subscriptions_are_known_by_their_ids() -> None:
    state = folded(
        touch(1, "opportunity_opened", T0, properties={"opportunity_id": 7}),
        touch(2, "opportunity_opened", T0 + 1, "2external.crm:x"),
        touch(3, "opportunity_opened", T0 + 2, properties={"opportunity_id": True}),
        touch(4, "opportunity_lost", T0 + 3, properties={"opportunity_id": "7"}),
        touch(5, "subscription_started", T0 + 4, amount="9"),
        touch(6, "subscription_started", T0 + 5, amount="9"),
    )

    assert state.opportunities == ["2external.crm:x", "-"]
    assert state.subscriptions == ["-"]


def test_time_recycles_a_silent_lead_and_a_rule_waits_for_the_cool_down() -> None:
    asked = folded(touch(1, "demo_requested", T0))

    silent = advance(alone(model()), asked, T0 + 30 * DAY)
    assert asked.status == "sql"
    assert (silent.status, silent.status_at) == ("recycled", T0 + 30 * DAY)
    assert silent.cycle is not None
    assert silent.cycle.exit == "recycled"

    eager = fold(alone(model()), silent, [touch(2, "trial_started", T0 + 31 * DAY)])
    cooled = advance(alone(model()), eager, T0 + 36 * DAY)
    assert eager.status == "recycled"
    assert cooled.status == "recycled"  # by then 25 points have faded below 20


def test_a_lead_that_is_hot_enough_when_the_cool_down_ends_qualifies_at_that_second() -> None:
    silent = advance(alone(model()), folded(touch(1, "demo_requested", T0)), T0 + 30 * DAY)

    hot = fold(alone(model()), silent, [touch(2, "trial_started", T0 + 34 * DAY)])
    again = advance(alone(model()), hot, T0 + 60 * DAY)

    assert hot.due == T0 + 35 * DAY
    assert again.cycle is not None
    assert (again.cycle.number, again.cycle.entries[1].to, again.cycle.entries[1].at) == (2, "mql", T0 + 35 * DAY)


def test_fading_negative_points_qualify_a_lead_later() -> None:
    state = folded(
        touch(1, "page_viewed", T0, path="/careers"),
        touch(2, "page_viewed", T0 + 1, path="/pricing"),
        touch(3, "page_viewed", T0 + 2, path="/pricing"),
        touch(4, "trial_started", T0 + SECOND),
    )

    assert state.status == "known"
    assert state.due is not None
    later = advance(alone(model()), state, state.due)

    assert later.status == "mql"
    assert engagement_at(model(), later, state.due) >= 20 > engagement_at(model(), later, state.due - SECOND)


def test_a_touchpoint_that_comes_before_a_fired_timer_cannot_be_appended() -> None:
    silent = advance(alone(model()), folded(touch(1, "demo_requested", T0)), T0 + 30 * DAY)

    assert not states.appendable(silent, touch(2, "page_viewed", T0 + DAY).place)
    assert states.appendable(silent, touch(2, "page_viewed", T0 + 30 * DAY).place)


def test_folding_leaves_the_state_it_was_given() -> None:
    before = folded(touch(1, "page_viewed", T0, path="/pricing"))
    kept = states.encode(before)

    fold(alone(model()), before, [touch(2, "demo_requested", T0 + 1, traits={"seniority": "vp"})])
    advance(alone(model()), before, T0 + 400 * DAY)

    assert states.encode(before) == kept


def test_a_state_survives_its_encoding() -> None:
    state = folded(touch(1, "page_viewed", T0, path="/pricing", source="google"), touch(2, "demo_requested", T0 + 1))

    assert states.decode(states.encode(state)) == state


_KINDS = ("page_viewed", "trial_started", "demo_requested", "order_completed", "opportunity_opened", "opportunity_lost")


@given(st.lists(st.tuples(st.sampled_from(_KINDS), st.integers(0, 200)), max_size=12), st.integers(0, 12))
def test_a_fold_may_stop_anywhere_and_go_on(history: list[tuple[str, int]], cut: int) -> None:
    ordered = sorted(history, key=lambda one: one[1])
    touchpoints = [touch(i, kind, T0 + day * DAY, path="/pricing") for i, (kind, day) in enumerate(ordered)]
    start = states.initial()

    whole = fold(alone(model()), start, touchpoints)
    halves = fold(
        alone(model()), states.decode(states.encode(fold(alone(model()), start, touchpoints[:cut]))), touchpoints[cut:]
    )

    assert halves == whole
