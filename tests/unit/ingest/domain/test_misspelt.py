"""Names that are nearly ours, and names that clients have of their own."""

from typing import Any

import pytest

from services.ingest.domain.misspelt import misspelt
from services.ingest.protocols.native import Identity, Said

_KNOWN = (*Said.__struct_fields__, *Identity.__struct_fields__)
_OBJECTS = frozenset({"identity", "traits", "context", "value", "properties", "campaign"})


def _found(said: dict[str, Any]) -> tuple[str, str] | None:
    return misspelt(said, _KNOWN, _OBJECTS)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ocurred_at", "occurred_at"),
        ("ocured_at", "occurred_at"),
        ("occurredAt", "occurred_at"),
        ("occurred-at", "occurred_at"),
        ("occured_at", "occurred_at"),
        ("occurred_ta", "occurred_at"),
        ("chanel", "channel"),
        ("channal", "channel"),
        ("userId", "user_id"),
        ("usre_id", "user_id"),
        ("mail", "email"),
        ("e-mail", "email"),
        ("Kind", "kind"),
        ("ID", "id"),
    ],
)
def test_one_slip_of_the_hand_is_seen(name: str, meant: str) -> None:
    assert _found({"kind2": 1, name: "x"}) == (name, meant)


@pytest.mark.parametrize(
    ("name", "meant"), [("identiy", "identity"), ("propertis", "properties"), ("porperties", "properties")]
)
def test_objects_are_nearly_objects(name: str, meant: str) -> None:
    assert _found({name: {}}) == (name, meant)
    assert _found({name: "text"}) is None


@pytest.mark.parametrize(
    "name",
    ["colour", "pages", "seen_at", "phone2", "count_id", "order_id", "timestamp", "", "\N{PILE OF POO}", "é" * 99],
)
def test_name_of_its_own_is_left(name: str) -> None:
    assert _found({name: "x"}) is None
    assert _found({name: {}}) is None


def test_word_of_its_own_beside_ours_or_of_another_type_is_left() -> None:
    assert _found({"content": "a text", "values": [1]}) is None
    assert _found({"email": "a@b.example", "emails": "c@d.example"}) is None
