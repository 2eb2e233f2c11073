from typing import Any

import msgspec
import pytest

from services.ingest.protocols.import_items import RowReader, named_columns, numbered
from services.ingest.protocols.import_rows import Row, value_row
from services.ingest.protocols.mapping import compiled
from services.ingest.protocols.outcome import Outcome, Rejected
from shared.contracts.touchpoint import Money, Touchpoint
from shared.identity_key import email_key
from tests.unit.ingest.protocols.arrivals import ARRIVAL

ORDER = {
    "kind": "Order Completed",
    "email": "ann@example.com",
    "occurred_at": "2024-05-01T10:00:00Z",
    "amount": "129.00",
    "currency": "EUR",
    "utm_campaign": "spring",
    "external.hubspot": "77",
    "traits.city": "Køge",
    "sku": "A-1",
}


def read(value: dict[str, Any], mapping: Any = None, *, row: Row | None = None) -> Outcome:
    reader = RowReader("i-1", compiled(mapping) if mapping else None)
    return reader.read(numbered(7, "row-1", row or value_row(value)), ARRIVAL, may_hold_nul=False)


def test_columns_are_named_as_the_parts_of_a_touchpoint() -> None:
    assert named_columns(ORDER) == {
        "kind": "order_completed",
        "occurred_at": "2024-05-01T10:00:00Z",
        "identity": {"email": "ann@example.com", "external": {"hubspot": "77"}},
        "value": {"amount": "129.00", "currency": "EUR"},
        "campaign": {"name": "spring"},
        "traits": {"city": "Køge"},
        "properties": {"sku": "A-1"},
    }


def test_a_native_touchpoint_is_a_row_too() -> None:
    native = {
        "kind": "page_viewed",
        "identity": {"user_id": "u"},
        "page": {"url": "https://a.dk"},
        "properties": {"a": 1},
    }

    assert named_columns(native) == native


def test_row_is_the_touchpoint_with_its_own_id() -> None:
    order = read(ORDER)

    assert isinstance(order, Touchpoint)
    assert (order.id, order.kind, order.value) == ("row-1", "order_completed", Money("129.00", "EUR"))
    assert order.keys == (email_key(ARRIVAL.secret, "ann@example.com"), "2external.hubspot:77")


def test_an_id_of_its_own_wins() -> None:
    order = read({**ORDER, "id": "o-1"})

    assert isinstance(order, Touchpoint)
    assert (order.id, order.protocol) == ("o-1", "import.own")


@pytest.mark.parametrize("fields", [{}, {"id": ""}, {"id": None}])
def test_an_id_made_of_the_row_is_not_the_files_own(fields: dict[str, Any]) -> None:
    order = read({}, row=Row(msgspec.json.encode({**ORDER, **fields}), {**ORDER, **fields}))

    assert isinstance(order, Touchpoint)
    assert (order.id, order.protocol) == ("row-1", "import")


def test_mapping_says_where_things_stand() -> None:
    mapping = {
        "kind": "'demo_requested'",
        "occurred_at": {"at": "When", "format": "%d/%m/%Y"},
        "identity": {"email": '"E-mail"'},
        "traits": {"company": "Firm"},
    }
    demo = read({"E-mail": "x@y.dk", "Firm": "Acme", "When": "24/12/2024"}, mapping)

    assert isinstance(demo, Touchpoint)
    assert (demo.id, demo.kind, demo.traits["company"]) == ("row-1", "demo_requested", "Acme")


@pytest.mark.parametrize(
    ("value", "code", "pointer"),
    [
        ({"email": "x@y.dk"}, "missing", "/kind"),
        ({"kind": "a_b"}, "no_identity", ""),
        ({"kind": "a_b", "email": "x@y.dk", "occurred_at": "yesterday"}, "invalid_instant", "/occurred_at"),
    ],
)
def test_refused_row_says_which_it_is_and_is_kept_as_it_stands(value: dict[str, Any], code: str, pointer: str) -> None:
    refused = read(value)

    assert isinstance(refused, Rejected)
    assert (refused.id, refused.refusal.code, refused.refusal.pointer) == ("row-1", code, pointer)
    assert refused.refusal.detail.startswith("row 7: ")
    assert msgspec.json.decode(refused.payload) == value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"occurred_at": "03/02/2025"}, "Say --dates dmy or mdy"),
        ({"occurred_at": "soon"}, "9999"),
        ({"amount": "20,00"}, "Say --decimals comma (in the API: decimals)"),
        ({"kind": ""}, "such as page_viewed"),
    ],
)
def test_refused_row_says_what_its_import_may_say(value: dict[str, Any], said: str) -> None:
    refused = read({**ORDER, **value})

    assert isinstance(refused, Rejected)
    assert refused.refusal.detail.startswith("row 7: ")
    assert said in refused.refusal.detail


def test_row_that_may_not_be_analysed_is_not_kept() -> None:
    refused = read({**ORDER, "consent.analytics": "denied"})

    assert isinstance(refused, Rejected)
    assert (refused.refusal.code, refused.payload) == ("consent_denied", b"")
