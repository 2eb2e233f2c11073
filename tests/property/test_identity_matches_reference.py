"""Whose a touchpoint is, by the product's pure functions and by the reference: the same for every random history."""

from itertools import permutations
from uuid import UUID

import pytest
from hypothesis import given

from services.scoring.domain import identity
from shared.identity_key import lead_id
from tests.property import product
from tests.property.profiles import examples
from tests.reference import message as plain
from tests.reference.histories import HALF_DAYS, SECONDS, SECRET, histories
from tests.reference.identity import Identity
from tests.reference.message import Message
from tests.reference.vectors import VECTORS, Vector


def leads(messages: list[Message], owners: identity.Owners) -> dict[str, set[str]]:
    """Root to the ids of its touchpoints, by the product."""
    found: dict[str, set[str]] = {}
    for message in messages:
        root = identity.root_at(owners, message["keys"][0], message["occurred_at"])
        found.setdefault(root, set()).add(message["id"])
    return found


def expected(reference: Identity) -> dict[str, set[str]]:
    """Root to the ids of its touchpoints, by the reference."""
    return {root: {message["id"] for message in messages} for root, messages in reference.leads().items()}


@pytest.mark.parametrize("infer", [True, False])
@given(messages=histories(SECONDS))
@examples(300)
def test_touchpoints_belong_to_the_same_roots(messages: list[Message], infer: bool) -> None:
    owners = product.owners(messages, infer_email_owner=infer)

    assert leads(messages, owners) == expected(Identity(messages, infer_email_owner=infer))


@given(messages=histories(HALF_DAYS))
@examples(200)
def test_every_key_has_the_same_root_over_all_time(messages: list[Message]) -> None:
    reference, owners = Identity(messages), product.owners(messages, infer_email_owner=True)

    for key in sorted(reference.keys()):
        pieces = [(piece.root, piece.start, piece.end) for piece in identity.pieces(owners, key)]
        wanted = [
            (root, identity.BEGINNING if piece.start is None else piece.start, piece.end or identity.END)
            for root, piece in reference.pieces(key)
        ]
        assert pieces == wanted, key


@given(messages=histories(SECONDS))
@examples(100)
def test_a_lead_holds_the_pieces_whose_root_it_is(messages: list[Message]) -> None:
    reference, owners = Identity(messages), product.owners(messages, infer_email_owner=True)

    for root in reference.leads():
        held = identity.members(owners, reference.keys(), root)
        inside = {
            message["id"]
            for message in messages
            for strand, start, end in held
            if message["keys"][0] == strand and start <= message["occurred_at"] < end
        }
        assert inside == expected(reference)[root]


@given(messages=histories(SECONDS, max_size=8))
@examples(100)
def test_ids_of_leads_are_the_same(messages: list[Message]) -> None:
    for root in Identity(messages).leads():
        assert UUID(plain.lead_id(SECRET, root)) == lead_id(SECRET, root)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_vector_holds_in_every_order_of_arrival(vector: Vector) -> None:
    wanted = expected(Identity(vector.touchpoints, infer_email_owner=vector.infer_email_owner))

    for arrival in permutations(vector.touchpoints):
        owners = product.owners(arrival, infer_email_owner=vector.infer_email_owner)
        assert leads(list(arrival), owners) == wanted
