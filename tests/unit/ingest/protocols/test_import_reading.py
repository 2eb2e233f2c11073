"""What an import asks for is checked, and what it says beside its mapping is what a row is read by."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.protocols.import_columns import columns_of, missing_of
from services.ingest.protocols.import_reading import KeptRows, Reading, reading_of
from services.ingest.protocols.import_rows import row_id, row_of, value_row
from services.ingest.protocols.mapping import InvalidMapping, compiled
from services.ingest.protocols.outcome import Rejected
from shared.clock import to_text
from shared.contracts.touchpoint import Touchpoint
from tests.unit.ingest.protocols.arrivals import ARRIVAL, taken, turned_down

OWN = {"kind": "'a_b'", "identity": {"email": "Mail"}, "value": {"amount": "Sum"}}


def outcome(reading: Reading, row: dict[str, Any]) -> Any:
    (item,) = reading.items_of(1, "row-1", value_row(row))
    return reading.reader("i").read(item, ARRIVAL, may_hold_nul=False)


@pytest.mark.parametrize(
    ("document", "pointers"),
    [
        ({"own": {"kind": "]"}, "zone": "Nowhere/x"}, {"/own/kind", "/zone"}),
        ({"own": OWN, "columns": {"email": "Mail"}}, {"/columns"}),
        ({"own": OWN, "decimals": "dot"}, {"/decimals"}),
        ({"dates": "ymd"}, {"/dates"}),
        ({**OWN, "items": "rows"}, {"/items"}),
        ({"own": {**OWN, "items": "rows", "of_whole": "shop"}}, {"/own/items", "/own/of_whole"}),
        ({}, {""}),
    ],
)
def test_every_fault_of_what_is_asked_for_is_told(document: Any, pointers: set[str]) -> None:
    with pytest.raises(InvalidMapping) as caught:
        reading_of(document, {})

    assert {pointer for pointer, _ in caught.value.faults} == pointers


def test_what_is_allowed_is_told_the_nearest_first() -> None:
    with pytest.raises(InvalidMapping) as caught:
        reading_of({"dates": "ydm"}, {})

    assert caught.value.faults == (("/dates", "did you mean dmy? one of dmy, mdy"),)


def test_rows_that_an_own_mapping_leaves_out_are_passed_over() -> None:
    reading = reading_of({**OWN, "when": "State == 'paid'"}, {})

    assert reading.items_of(1, "row-1", value_row({"Mail": "x@y.dk", "State": "open"})) == []
    assert taken(outcome(reading, {"Mail": "x@y.dk", "State": "paid"})).kind == "a_b"


@pytest.mark.parametrize(
    ("when", "said", "at"),
    [
        ("When", "4/5/2024 10:00", "2024-05-04T08:00:00Z"),
        ("When", "2024-05-04T10:00:00Z", "2024-05-04T10:00:00Z"),
        ({"at": "When", "format": "%m/%d/%Y %H:%M"}, "5/4/2024 10:00", "2024-05-04T08:00:00Z"),
        ({"at": "When", "unit": "seconds"}, "1714809600", "2024-05-04T08:00:00Z"),
    ],
)
def test_times_of_an_own_mapping_are_those_of_the_files_zone(when: Any, said: str, at: str) -> None:
    reading = reading_of({"own": {**OWN, "occurred_at": when}, "zone": "Europe/Copenhagen", "dates": "dmy"}, {})

    assert to_text(taken(outcome(reading, {"Mail": "x@y.dk", "When": said})).occurred_at) == at


def test_a_time_that_is_not_there_is_none_and_one_that_is_none_is_refused() -> None:
    reading = reading_of({"own": {**OWN, "occurred_at": {"at": "When", "format": "%d/%m/%Y"}}, "dates": "dmy"}, {})

    assert taken(outcome(reading, {"Mail": "x@y.dk"})).occurred_at == ARRIVAL.received_at
    assert turned_down(outcome(reading, {"Mail": "x@y.dk", "When": "soon"})).refusal.code == "invalid_instant"


@pytest.mark.parametrize(("amount", "code"), [("1,234.50", "wrong_type"), ("x", "wrong_type")])
def test_an_amount_of_the_other_way_is_refused(amount: str, code: str) -> None:
    reading = reading_of({"own": OWN, "decimals": "comma", "currency": "EUR"}, {})
    refused = turned_down(outcome(reading, {"Mail": "x@y.dk", "Sum": amount}))

    assert (refused.refusal.code, refused.refusal.pointer) == (code, "/value/amount")


@pytest.mark.parametrize(
    ("place", "asked", "missing"),
    [
        ("'x'", set(), set()),
        ("@", set(), set()),
        ("a.b[0].c", {"a"}, {"a"}),
        ('"E-mail"', {"E-mail"}, {"E-mail"}),
        ("a || there", {"a", "there"}, set()),
        ("a || b", {"a", "b"}, {"a", "b"}),
        ("a || 'x'", {"a"}, set()),
        ("join(':', [a, there])", {"a", "there"}, {"a"}),
        ("rows[?b == '1'].c | [0]", {"rows"}, {"rows"}),
        ("sort_by(rows, &b)", {"rows"}, {"rows"}),
    ],
)
def test_columns_that_a_mapping_asks_for(place: str, asked: set[str], missing: set[str]) -> None:
    mapping = compiled({"kind": "'a_b'", "traits": {"t": place}})

    assert columns_of(mapping) == asked
    assert missing_of(mapping, {"there"}) == sorted(missing)


_ANY = st.recursive(
    st.text(max_size=30) | st.integers() | st.floats() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_READINGS = [
    Reading(),
    *(
        reading_of({"zone": "Europe/Copenhagen", "dates": "mdy", "decimals": "comma", "currency": "EUR", **own}, {})
        for own in (
            {},
            {"own": {**OWN, "kind": "kind", "occurred_at": "occurred_at"}},
            {"own": {**OWN, "kind": "kind", "occurred_at": {"at": "occurred_at", "format": "%d/%m/%Y %z"}}},
        )
    ),
]


@given(
    reading=st.sampled_from(_READINGS),
    row=st.dictionaries(
        st.sampled_from(["kind", "occurred_at", "Mail", "Sum", "email", "amount", "value", "identity", "id"]), _ANY
    ),
    is_text=st.booleans(),
)
def test_any_row_is_taken_or_refused_and_so_is_one_that_was_kept(
    reading: Reading, row: dict[str, Any], *, is_text: bool
) -> None:
    said = value_row(row)
    for item in reading.items_of(1, "row-1", said):
        assert isinstance(reading.reader("i").read(item, ARRIVAL, may_hold_nul=True), Touchpoint | Rejected)
    for payload in (said.raw, said.raw[:-1], b"[]", b'"x"'):
        kept = KeptRows("i", reading, is_text=is_text).read(row_id(said, 2), "row 7: x", payload, ARRIVAL)
        assert kept
        assert {type(one) for one in kept} <= {Touchpoint, Rejected}


def test_a_repaired_row_of_a_text_file_is_what_the_file_would_say() -> None:
    repaired = row_of(b'{"b":129,"c":true,"d":"","a":"x"}', is_text=True)

    assert row_id(repaired, 0) == row_id(value_row({"a": "x", "b": "129", "c": "true"}), 0)
    assert row_of(b'{"b":129,"d":""}', is_text=False).value == {"b": 129, "d": ""}
