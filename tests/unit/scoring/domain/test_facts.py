"""What is told of a lead, and of how it changed."""

from services.scoring.domain import facts
from services.scoring.domain.fold import fold
from services.scoring.domain.state import initial
from services.scoring.domain.timeline import alone
from shared.clock import DAY
from tests.unit.scoring.domain.lead_history import T0, folded, model, touch

LEAD = "lead"


def test_a_cycle_is_counted_by_its_steps_and_first_touch() -> None:
    state = folded(touch(1, "page_viewed", T0, source="google"), touch(2, "demo_requested", T0 + DAY, source="bing"))
    assert state.cycle is not None

    facet = facts.facet(state.cycle)

    assert facet.steps == {"anonymous": T0, "known": T0, "mql": T0 + DAY, "sal": T0 + DAY, "sql": T0 + DAY}
    assert facet.implied == ("mql", "sal")
    assert facet.dimensions["source"] == "google"
    assert facet.dimensions["model_version"] == 7


def test_going_on_adds_moves_and_retracts_none() -> None:
    before = folded(touch(1, "page_viewed", T0))
    after = fold(alone(model()), before, [touch(2, "demo_requested", T0 + 1)])

    change = facts.difference(LEAD, facts.held(before), facts.held(after))

    assert set(change.cycles) == {1}
    assert [move.entry.to for move in change.added] == ["mql", "sal", "sql", "decision"]
    assert change.retracted == ()
    assert facts.kind_of(change.added, change.retracted) == "became_sql"
    assert facts.effective_at(change, T0 + DAY) == T0 + 1


def test_nothing_new_is_no_difference() -> None:
    before = folded(touch(1, "page_viewed", T0))
    after = fold(alone(model()), before, [touch(2, "email_opened", T0 + 1)])

    assert facts.difference(LEAD, facts.held(before), facts.held(after)).cycles == {}


def test_a_correction_retracts_what_was_told_by_its_id_and_adds_what_holds() -> None:
    told = folded(touch(2, "demo_requested", T0 + DAY))
    holds = folded(touch(1, "demo_requested", T0), touch(2, "demo_requested", T0 + DAY))

    change = facts.difference(LEAD, facts.held(told), facts.held(holds))

    assert {move.entry.at for move in change.retracted} == {T0 + DAY}
    assert {move.entry.at for move in change.added} == {T0}
    assert facts.kind_of(change.added, change.retracted) == "corrected"
    assert not {move.id for move in change.added} & {move.id for move in change.retracted}


def test_a_lead_that_lost_its_history_tells_that_its_facts_are_gone() -> None:
    told = folded(touch(1, "page_viewed", T0))

    change = facts.difference(LEAD, facts.held(told), facts.held(initial()))

    assert change.cycles == {1: None}
    assert facts.effective_at(change, initial().clock) == T0
    assert len(change.retracted) == 3


def test_moves_alike_to_the_microsecond_have_ids_of_their_own() -> None:
    state = folded(touch(1, "demo_requested", T0))
    assert state.cycle is not None
    twice = state.cycle.entered(*state.cycle.entries)

    ids = [move.id for move in facts.moves(LEAD, twice)]

    assert len(set(ids)) == len(ids)


def test_kinds_of_change() -> None:
    staged = folded(touch(1, "page_viewed", T0))
    revisited = fold(alone(model()), staged, [touch(2, "page_viewed", T0 + DAY)])
    change = facts.difference(LEAD, facts.held(staged), facts.held(revisited))

    assert facts.kind_of(change.added, change.retracted) == "stage_entered"
    assert facts.kind_of((), ()) == "attributes_changed"


def test_a_brief_shows_the_lead_at_an_instant() -> None:
    state = folded(touch(1, "trial_started", T0), touch(2, "page_viewed", T0 + DAY))

    brief = facts.brief(model(), state, T0 + 10 * DAY)

    assert (brief.status, brief.stage, brief.furthest, brief.cycle) == ("mql", "awareness", "awareness", 1)
    assert brief.engagement == 12.5
    assert facts.furthest(model(), None) is None


def test_a_lead_of_many_cycles_is_told_in_parts_that_together_say_the_same() -> None:
    buys_and_leaves = (
        touch(place, kind, T0 + place)
        for place, kind in enumerate(["order_completed", "subscription_cancelled"] * 50, start=1)
    )
    change = facts.difference(LEAD, [], facts.held(folded(*buys_and_leaves)))

    parts = list(facts.in_parts(change))

    assert len(change.cycles) == 50
    assert max(len(part.cycles) for part in parts) < 10
    assert {number: cycle for part in parts for number, cycle in part.cycles.items()} == change.cycles
    assert tuple(move for part in parts for move in part.added) == change.added
    assert all({move.cycle for move in part.added} == set(part.cycles) for part in parts)
