"""A retry says the same again, whatever the door makes of it; everything else under its id is another touchpoint."""

from typing import Any

import msgspec
import pytest

from services.scoring.domain import sameness

U1, A1, P1 = "5user_id:u1", "1anonymous_id:a1", "3phone:+4520123456"
SECRET = bytes(range(32))
FIRST: dict[str, Any] = {
    "workspace": "w",
    "id": "m1",
    "kind": "order_completed",
    "channel": "web",
    "occurred_at": 10,
    "received_at": 20,
    "keys": [U1, A1],
    "identity": {"user_id": "u1", "anonymous_id": "a1"},
    "value": {"amount": "9.50", "currency": "EUR"},
    "traits": {"city": "Aarhus"},
    "properties": {"order_id": "7", "items": [{"sku": "a", "number": 1}]},
}


def said(**fields: Any) -> sameness.Said:
    """The first touchpoint, some fields otherwise."""
    return sameness.read(msgspec.json.encode(FIRST | fields))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"occurred_at": 11, "received_at": 99, "sent_at": 98},
        {"context": {"ip": "192.0.2.0"}, "country": "DK", "consent": {"marketing": "denied"}, "marks": ["bot:x"]},
        {
            "channel": "email",
            "channel_rule": "other",
            "campaign": {"source": "x"},
            "page": {"url": "https://a.example"},
        },
        {"properties": {"items": [{"number": 1, "sku": "a"}], "order_id": "7"}},
        {"keys": [U1, P1, A1]},
        {"keys": [A1]},
    ],
    ids=["all", "times", "surroundings", "way in", "order of names", "phone", "same identity"],
)
def test_what_a_retry_may_have_otherwise_is_no_difference(fields: dict[str, Any]) -> None:
    assert sameness.differences(said(), said(**fields)) == ()


def test_a_browser_that_keeps_no_cookie_of_the_collector_is_the_same_the_next_time() -> None:
    first, second = (said(keys=[f"1anonymous_id:{n}"], identity={"anonymous_id": n}, protocol="snowplow") for n in "ab")

    assert sameness.differences(first, second) == ()
    assert sameness.fingerprint(first, SECRET) == sameness.fingerprint(second, SECRET)


@pytest.mark.parametrize(
    ("fields", "differing"),
    [
        ({"kind": "order_refunded"}, ("kind",)),
        ({"value": {"amount": "9.51", "currency": "EUR"}}, ("value",)),
        ({"value": {"amount": "9.50", "currency": "DKK"}}, ("value",)),
        ({"value": None}, ("value",)),
        ({"keys": ["5user_id:u2", A1], "identity": {"user_id": "u2", "anonymous_id": "a1"}}, ("identity",)),
        ({"previous": "5user_id:u0"}, ("previous",)),
        ({"traits": {"city": "Odense"}}, ("traits",)),
        ({"properties": {"order_id": "8"}}, ("properties",)),
        ({"kind": "page_viewed", "properties": {}}, ("kind", "properties")),
    ],
)
def test_what_the_sender_said_otherwise_is_told_by_name(fields: dict[str, Any], differing: tuple[str, ...]) -> None:
    assert sameness.differences(said(), said(**fields)) == differing
    assert sameness.fingerprint(said(), SECRET) != sameness.fingerprint(said(**fields), SECRET)


@pytest.mark.parametrize("protocol", ["ga4", "import"])
def test_an_id_that_is_meant_to_take_in_later_tellings_has_no_conflicts(protocol: str) -> None:
    later = said(protocol=protocol, properties={"order_id": "8"})

    assert sameness.differences(said(), later) == sameness.differences(later, said()) == ()


@pytest.mark.parametrize("first", ["import", "import.own", "native"])
def test_a_row_under_another_rows_own_id_is_told_also_where_the_first_was_stored_as_any_import(first: str) -> None:
    second = said(protocol="import.own", properties={"order_id": "8"})

    assert sameness.differences(said(protocol=first), second) == ("properties",)
    assert sameness.differences(said(protocol=first), said(protocol="import.own")) == ()


@pytest.mark.parametrize("protocols", [("ga4", "import.own"), ("import.own", "ga4"), ("import.own", "import")])
def test_what_absorbs_takes_in_a_rows_own_id_too(protocols: tuple[str, str]) -> None:
    first, second = protocols

    assert sameness.differences(said(protocol=first), said(protocol=second, properties={})) == ()


@pytest.mark.parametrize(
    ("fields", "is_certain"),
    [
        ({}, True),
        ({"keys": [A1]}, True),
        ({"keys": [P1]}, False),
        ({"keys": [A1], "traits": {"phone": "20123456"}}, False),
        ({"keys": [A1], "identity": {"anonymous_id": "a1", "click": "sealed"}}, False),
        ({"keys": [A1], "protocol": "snowplow"}, False),
        ({"keys": [U1], "protocol": "snowplow"}, True),
        ({"protocol": "import"}, False),
        ({"protocol": "import.own"}, True),
    ],
)
def test_another_strand_is_another_person_unless_a_retry_may_have_moved(
    fields: dict[str, Any], *, is_certain: bool
) -> None:
    body = msgspec.json.encode(FIRST | fields)

    assert sameness.is_of_another(sameness.read(body), body) is is_certain


def test_a_retry_has_the_same_fingerprint_and_another_workspace_has_not() -> None:
    retried = said(
        occurred_at=99, properties={"items": [{"number": 1, "sku": "a"}], "order_id": "7"}, keys=[U1, P1, A1]
    )

    assert sameness.fingerprint(said(), SECRET) == sameness.fingerprint(retried, SECRET)
    assert sameness.fingerprint(said(), SECRET) != sameness.fingerprint(said(), b"another")
