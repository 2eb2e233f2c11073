"""The table of core 2, in every order of arrival, for the reference itself."""

from itertools import permutations
from math import factorial

import pytest

from tests.reference.identity import Identity
from tests.reference.links import Link, accepted_links
from tests.reference.message import Message
from tests.reference.vectors import A1, STEP, U1, U2, VECTORS, E, F, Vector, X, touchpoint

U3 = "5user_id:u3"


def ordered(vector: Vector, arrival: tuple[Message, ...]) -> dict[str, tuple[float, ...]]:
    """The leads of one order of arrival: root to instants in steps."""
    leads = Identity(arrival, infer_email_owner=vector.infer_email_owner).leads()
    return {root: tuple(message["occurred_at"] / STEP for message in messages) for root, messages in leads.items()}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_vector_holds_in_every_order_of_arrival(vector: Vector) -> None:
    arrivals = list(permutations(vector.touchpoints))

    found = {tuple(sorted(ordered(vector, arrival).items())) for arrival in arrivals}

    assert len(arrivals) == factorial(len(vector.touchpoints))
    assert found == {tuple(sorted(vector.leads.items()))}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_keys_of_a_vector_have_their_roots(vector: Vector) -> None:
    identity = Identity(vector.touchpoints, infer_email_owner=vector.infer_email_owner)

    found = {place: identity.root(place[0], int(place[1] * STEP)) for place in vector.roots}

    assert found == vector.roots


def test_pieces_follow_a_shared_device_over_time() -> None:
    identity = Identity(VECTORS[2].touchpoints)

    pieces = [(root, piece.start, piece.end) for root, piece in identity.pieces(A1)]

    assert pieces == [(U2, None, 3 * STEP), (U1, 3 * STEP, 5 * STEP), (U2, 5 * STEP, None)]


def test_an_alias_that_closes_a_cycle_changes_nothing() -> None:
    aliases = (
        touchpoint("aliased", U2, at=1, previous=U1),
        touchpoint("aliased", U3, at=2, previous=U2),
        touchpoint("aliased", U1, at=3, previous=U3),
    )

    identity = Identity(aliases)

    assert {identity.root(key, 9 * STEP) for key in (U1, U2, U3)} == {U3}
    assert set(identity.leads()) == {U3}


def test_of_two_aliases_that_exclude_each_other_the_earlier_holds() -> None:
    forth, back = touchpoint("aliased", U2, at=1, previous=U1), touchpoint("aliased", U1, at=2, previous=U2)

    found = {frozenset(Identity(arrival).leads()) for arrival in permutations((forth, back))}

    assert found == {frozenset({U2})}


def test_an_alias_to_itself_or_from_a_device_is_no_link() -> None:
    aliases = [touchpoint("aliased", U1, at=1, previous=U1), touchpoint("aliased", U1, at=2, previous=A1)]

    assert accepted_links(aliases) == []


def test_an_explicit_link_switches_inferences_off_for_its_email() -> None:
    identity = Identity(
        [
            touchpoint("form_submitted", A1, F, at=1),
            touchpoint("identified", A1, U1, at=2),
            touchpoint("identified", U2, F, at=3),
        ]
    )

    assert identity.links[F] == [Link(3 * STEP, b"identified@3", F, U2)]


def test_inferred_link_can_be_cut() -> None:
    identity = Identity(
        [
            touchpoint("form_submitted", A1, E, at=1),
            touchpoint("identified", A1, U1, at=2),
            touchpoint("unlinked", E, at=3, previous=U1),
        ]
    )

    assert identity.root(E, 9 * STEP) == E
    assert identity.root(A1, 9 * STEP) == U1


def test_split_from_a_key_that_never_owned_changes_nothing() -> None:
    links = [touchpoint("identified", A1, U1, at=1), touchpoint("unlinked", A1, at=2, previous=U2)]

    assert Identity(links).root(A1, 3 * STEP) == U1


def test_changed_addresses_of_two_records_cannot_form_a_cycle() -> None:
    other = "2external.hubspot:7"
    identity = Identity(
        [
            touchpoint("record_updated", X, E, at=1),
            touchpoint("record_updated", X, F, at=2),
            touchpoint("record_updated", other, F, at=1),
            touchpoint("record_seen", other, E, at=3),
        ]
    )

    assert {identity.root(key, 9 * STEP) for key in (E, F, X, other)} == {E}
