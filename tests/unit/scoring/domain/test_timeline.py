"""Model versions one after the other: which is in force when, and what a lead is across them."""

from dataclasses import replace

from services.scoring.domain.fold import advance, engagement_at, fold
from services.scoring.domain.model import Model
from services.scoring.domain.state import State, initial
from services.scoring.domain.timeline import Timeline, alone, timeline
from shared.clock import DAY, SECOND
from tests.unit.scoring.domain.lead_history import SMALL, T0, entered, model, touch

PUBLISHED = T0 + 10 * DAY


def version(number: int, source: str = SMALL) -> Model:
    return replace(model(source), version=number)


def two(source: str, at: int = PUBLISHED) -> Timeline:
    """The small model, and another one published after it."""
    return timeline(version(1), [(at, version(2, source))])


def numbers(found: Timeline) -> list[tuple[int, int]]:
    return [(one.model.version, one.since) for one in found.versions[1:]]


def test_a_version_is_in_force_from_the_whole_second_after_its_publication() -> None:
    found = timeline(version(1), [(T0 + 1, version(2)), (T0 + 5 * SECOND, version(3))])

    assert numbers(found) == [(2, T0 + SECOND), (3, T0 + 5 * SECOND)]
    instants = (0, T0 + SECOND - 1, T0 + SECOND, T0 + 5 * SECOND - 1, T0 + 5 * SECOND)
    assert [found.at(instant).model.version for instant in instants] == [1, 1, 2, 2, 3]
    assert found.published(T0 + SECOND) is found.models[2]
    assert found.published(T0 + 2 * SECOND) is None


def test_of_two_versions_in_one_second_only_the_second_is_ever_in_force() -> None:
    found = timeline(version(1), [(T0 + 1, version(2)), (T0 + 2, version(3))])

    assert numbers(found) == [(3, T0 + SECOND)]
    assert (found.newest.version, sorted(found.models)) == (3, [1, 2, 3])


def test_what_was_known_leaves_out_versions_published_later() -> None:
    found = timeline(version(1), [(T0 + 1, version(2)), (T0 + 2, version(3))])

    assert [found.known_at(instant).newest.version for instant in (T0, T0 + 1, T0 + 2)] == [1, 2, 3]


def test_a_new_version_counts_what_was_before_it() -> None:
    generous = SMALL.replace("points: 10, max_per_day: 2", "points: 15, max_per_day: 3")
    known, wanted = two(generous), version(2, generous)
    visits = [touch(n, "page_viewed", T0 + n, path="/pricing") for n in range(3)]

    before = advance(known, fold(known, initial(), visits), PUBLISHED - SECOND)
    after = advance(known, before, PUBLISHED)

    assert (before.model_version, before.newest, before.due) == (1, 2, PUBLISHED)
    assert (after.model_version, after.newest, after.ahead) == (2, 2, [])
    from_the_start = fold(alone(wanted), initial(), visits)
    scores = [engagement_at(wanted, state, PUBLISHED) for state in (after, from_the_start)]
    assert scores == [22.5, 22.5]


def test_what_a_new_threshold_moves_it_moves_at_its_publication() -> None:
    easy = two(SMALL.replace("engagement: {at_least: 20}", "engagement: {at_least: 4}"))
    one = fold(easy, initial(), [touch(1, "page_viewed", T0, path="/pricing")])

    moved = advance(easy, one, PUBLISHED)

    assert one.status == "known"
    assert (moved.status, moved.status_at) == ("mql", PUBLISHED)


def test_a_touchpoint_of_the_instant_of_publication_comes_after_it() -> None:
    easy = two(SMALL.replace("engagement: {at_least: 20}", "engagement: {at_least: 4}"))
    one = fold(easy, initial(), [touch(1, "page_viewed", T0, path="/pricing")])

    bought = fold(easy, one, [touch(2, "order_completed", PUBLISHED)])

    assert [name for name, is_implied in entered(bought) if not is_implied] == ["anonymous", "known", "mql", "customer"]


def _staged(source: str) -> State:
    asked = [touch(1, "page_viewed", T0), touch(2, "demo_requested", T0 + 1)]
    stages = SMALL.index("stages:")
    known = two(SMALL[:stages] + source)
    return advance(known, fold(known, initial(), asked), PUBLISHED)


def test_stages_are_known_again_by_name() -> None:
    swapped = _staged(
        "stages:\n"
        "  - {name: decision, enter_when: {orders: {at_least: 9}}}\n"
        "  - {name: awareness, enter_when: {orders: {at_least: 9}}}\n"
    )
    unknown = _staged("stages:\n  - {name: awareness, enter_when: {orders: {at_least: 9}}}\n")
    none = _staged("stages:\n  - {name: other, enter_when: {orders: {at_least: 9}}}\n")

    assert (swapped.stage, swapped.furthest) == (0, 1)
    assert (unknown.stage, unknown.furthest) == (0, 0)
    assert (none.stage, none.furthest) == (-1, -1)
    assert entered(none, "stage") == [("awareness", False), ("decision", False)]


def test_the_memory_of_a_version_to_come_is_emptied_where_a_cycle_ends() -> None:
    welcoming = SMALL.replace("sql: {when: {did: {kind: demo_requested}}}", "sql: {when: {did: {kind: welcomed}}}")
    early, late = two(welcoming, T0 + 20 * DAY), two(welcoming, T0 + 40 * DAY)
    life = [touch(1, "demo_requested", T0), touch(2, "welcomed", T0 + 1)]

    forgotten = advance(late, fold(late, initial(), life), T0 + 40 * DAY)
    remembered = advance(early, fold(early, initial(), life), T0 + 20 * DAY)

    assert (forgotten.status, forgotten.model_version, forgotten.done) == ("recycled", 2, {})
    assert (remembered.status, remembered.model_version) == ("sql", 2)


def test_a_lead_that_begins_under_the_newest_version_carries_nothing_ahead() -> None:
    found = fold(two(SMALL), initial(), [touch(1, "page_viewed", PUBLISHED)])

    assert (found.model_version, found.ahead, found.due) == (2, [], None)
