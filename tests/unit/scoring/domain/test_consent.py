"""A person's consent: whose word holds, and what it stops."""

from typing import Any

from services.scoring.domain.consent import heard
from services.scoring.domain.fold import advance, engagement_at, fold
from services.scoring.domain.ledger import ledger
from services.scoring.domain.state import initial
from services.scoring.domain.timeline import alone
from services.scoring.domain.touchpoint import Touchpoint
from shared.clock import DAY, SECOND
from tests.unit.scoring.domain.lead_history import T0, USER, entered, folded, model, touch

PHONE, LAPTOP = (USER, "1anonymous_id:phone"), (USER, "1anonymous_id:laptop")
DENIED, GRANTED = {"profiling": "denied"}, {"profiling": "granted"}


def page(number: int, at: int, keys: tuple[str, ...] = LAPTOP, **fields: Any) -> Touchpoint:
    return touch(number, "page_viewed", at, *keys, path="/pricing", **fields)


def test_what_is_denied_on_one_device_stops_scoring_on_every_other() -> None:
    state = folded(
        page(1, T0),
        page(2, T0 + DAY, PHONE, consent=DENIED),
        page(3, T0 + 2 * DAY, consent=GRANTED),  # what the laptop remembers of an earlier day
        touch(4, "trial_started", T0 + 3 * DAY, USER),
        touch(5, "demo_requested", T0 + 3 * DAY, USER),
    )

    assert (state.is_withdrawn, state.consent["profiling"].word, state.consent["profiling"].since) == (
        True,
        "denied",
        T0 + DAY,
    )
    assert (state.count, state.remembered, state.visit_count, state.status) == (5, 1, 1, "known")
    assert engagement_at(model(), state, T0 + 10 * DAY) == 5
    assert state.due is None


def test_the_device_that_denied_grants_it_again_and_what_was_done_meanwhile_does_not_count() -> None:
    state = folded(
        page(1, T0, PHONE, consent=DENIED),
        touch(2, "demo_requested", T0 + SECOND, USER),
        page(3, T0 + DAY, PHONE, consent=GRANTED),
    )

    assert (state.is_withdrawn, state.status, state.visit_count) == (False, "known", 1)
    assert engagement_at(model(), state, T0 + DAY) == 10


def test_a_decision_on_any_device_takes_back_all_denials() -> None:
    state = folded(
        page(1, T0, PHONE, consent=DENIED),
        page(2, T0 + SECOND, LAPTOP, consent=DENIED),
        touch(3, "consent_updated", T0 + DAY, USER, consent=GRANTED),
    )

    assert (state.consent["profiling"].word, state.consent["profiling"].since) == ("granted", T0 + DAY)


def test_of_two_words_at_one_instant_the_denial_holds_whichever_comes_first() -> None:
    for first, second in ((DENIED, GRANTED), (GRANTED, DENIED)):
        state = folded(
            touch(1, "consent_updated", T0, *PHONE, consent=first),
            touch(2, "consent_updated", T0, *PHONE, consent=second),
        )

        assert state.is_withdrawn


def test_a_denial_that_is_told_again_does_not_begin_anew() -> None:
    state = folded(*(page(number, T0 + number * DAY, PHONE, consent=DENIED) for number in range(3)))

    assert state.consent["profiling"].since == T0
    assert state.consent["profiling"].denials == {PHONE[1]: T0 + 2 * DAY}


def test_analytics_stops_scoring_as_well_and_marketing_does_not() -> None:
    words = ("analytics", True), ("profiling", True), ("marketing", False), ("astrology", False)
    for purpose, stops in words:
        state = folded(touch(1, "consent_updated", T0, USER, consent={purpose: "denied"}))

        assert state.is_withdrawn is stops
        assert list(state.consent) == ([purpose] if purpose != "astrology" else [])


def test_a_bounded_number_of_denials_is_kept() -> None:
    held = initial().consent
    for number in range(80):
        held = heard(held, page(number, T0 + number, (f"1anonymous_id:{number}",), consent=DENIED))
    granted = heard(held, touch(99, "consent_updated", T0 + DAY, USER, consent=GRANTED))

    assert len(held["profiling"].denials) == 50
    assert granted["profiling"].word == "granted"


def test_what_is_no_news_costs_no_new_value() -> None:
    granted = heard({}, page(1, T0, consent=GRANTED))

    assert heard(granted, page(2, T0 + DAY, consent=GRANTED)) is granted


def test_the_business_own_records_move_a_lead_that_withdrew() -> None:
    state = folded(
        touch(1, "consent_updated", T0, USER, consent=DENIED),
        touch(2, "opportunity_opened", T0 + DAY, USER),
        touch(3, "opportunity_won", T0 + 2 * DAY, USER),
    )

    assert [to for to, implied in entered(state) if not implied] == ["anonymous", "known", "opportunity", "customer"]
    assert entered(state, "stage") == [("action", False)]


def test_no_time_passes_for_the_rules_of_a_lead_that_withdrew() -> None:
    qualified = [touch(1, "demo_requested", T0, USER), touch(2, "consent_updated", T0 + DAY, USER, consent=DENIED)]
    granted = touch(3, "consent_updated", T0 + 40 * DAY, USER, consent=GRANTED)
    later = T0 + 39 * DAY

    frozen = advance(alone(model()), folded(*qualified), later)
    going_on = fold(alone(model()), frozen, [granted])

    assert (frozen.status, frozen.due) == ("sql", None)
    assert advance(alone(model()), folded(qualified[0]), later).status == "recycled"
    assert advance(alone(model()), going_on, T0 + 69 * DAY).status == "sql"
    assert advance(alone(model()), going_on, T0 + 70 * DAY).status == "recycled"


def test_traits_are_written_and_make_no_score_until_it_is_granted() -> None:
    touchpoints = [
        touch(1, "identified", T0, USER, traits={"employees": 200, "seniority": "vp"}),
        touch(2, "consent_updated", T0 + 1, USER, consent=DENIED),
        touch(3, "identified", T0 + 2, USER, traits={"seniority": None, "name": "Ann"}),
        touch(4, "consent_updated", T0 + 3, USER, consent=GRANTED),
    ]

    denied, granted = folded(*touchpoints[:3]), folded(*touchpoints)

    assert (denied.known_traits, denied.fit) == ({"employees": 200, "name": "Ann"}, 50)
    assert (granted.known_traits, granted.traits, granted.fit) == (denied.known_traits, denied.known_traits, 30)


def test_the_ledger_says_why_a_touchpoint_did_not_count() -> None:
    found = ledger(
        model(), [page(1, T0), page(2, T0 + 1, consent=DENIED), touch(3, "identified", T0 + 2, USER)], T0 + 2
    )

    assert [(line.rule, line.touchpoint_id, line.points, line.withheld) for line in found.lines] == [
        ("pricing", "t001", 10, None),
        ("pricing", "t002", 0, "consent_withdrawn"),
    ]
    assert found.engagement == 10
