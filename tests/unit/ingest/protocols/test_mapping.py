"""Somebody else's JSON to native touchpoints, by a document."""

from time import perf_counter
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.places import InvalidPlace, Place
from services.ingest.domain.refusal import Refused
from services.ingest.protocols.mapping import InvalidMapping, compiled, items_of, native_of
from shared.vocabulary import Code


def _mapped(document: dict[str, Any], item: Any) -> dict[str, Any]:
    return native_of(compiled({"kind": "'form_submitted'", **document}), item)


def test_parts_are_found_where_the_document_says() -> None:
    document = {
        "source": "shop",
        "id": "order.id",
        "occurred_at": {"at": "at", "unit": "seconds"},
        "channel": "'web'",
        "identity": {"email": "customer.mail", "phone": "customer.phone"},
        "external": {"shop": "customer.id"},
        "traits": {"*": "customer.more", "first_name": "customer.first"},
        "campaign": {"source": "utm.source", "id": "utm.id"},
        "value": {"amount": "order.total", "currency": "'EUR'"},
        "consent": {"marketing": {"at": "customer.news", "map": {"true": "granted", "false": "denied"}}},
        "properties": {"lines": "order.lines", "nothing": "order.nothing"},
    }
    item = {
        "at": 1_714_564_800,
        "customer": {"id": 7, "mail": " jane@example.com ", "news": False, "first": "Jane", "more": {"vip": True}},
        "order": {"id": 9001, "total": 12.5, "lines": [{"sku": "a"}]},
        "utm": {"source": ["google"], "id": 77},
    }

    assert _mapped(document, item) == {
        "kind": "form_submitted",
        "id": "shop:9001",
        "occurred_at": "2024-05-01T12:00:00Z",
        "channel": "web",
        "identity": {"email": "jane@example.com", "external": {"shop": "7"}},
        "traits": {"vip": True, "first_name": "Jane"},
        "campaign": {"source": "google", "id": "77"},
        "value": {"amount": "12.5", "currency": "EUR"},
        "consent": {"marketing": "denied"},
        "properties": {"lines": [{"sku": "a"}]},
    }


def test_a_kind_that_the_map_does_not_name_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        _mapped({"kind": {"at": "event", "map": {"open": "email_opened"}}}, {"event": "exploded"})

    assert (caught.value.refusal.code, caught.value.refusal.pointer) == (Code.INVALID_KIND, "/kind")


def test_a_free_kind_is_the_event_in_snake_case() -> None:
    kind = {"at": "event", "map": {"open": "email_opened"}, "free": True}

    assert _mapped({"kind": kind}, {"event": "open"})["kind"] == "email_opened"
    assert _mapped({"kind": kind}, {"event": "Demo Requested"})["kind"] == "demo_requested"


@pytest.mark.parametrize(
    ("when", "value", "instant"),
    [
        ("at", "2024-05-01T14:00:00.1234567+02:00", "2024-05-01T12:00:00.123456Z"),
        ({"at": "at", "unit": "seconds"}, 1714564800.25, "2024-05-01T12:00:00.250000Z"),
        ({"at": "at", "unit": "seconds"}, "1714564800", "2024-05-01T12:00:00Z"),
        ({"at": "at", "unit": "milliseconds"}, 1714564800001, "2024-05-01T12:00:00.001000Z"),
        ({"at": "at", "unit": "number"}, 1714564800001, "2024-05-01T12:00:00.001000Z"),
        ({"at": "at", "unit": "number"}, 1714564800, "2024-05-01T12:00:00Z"),
        ({"at": "at", "format": "%d/%m/%Y %H:%M"}, "01/05/2024 12:00", "2024-05-01T12:00:00Z"),
    ],
)
def test_instants_are_read_in_their_unit(when: Any, value: Any, instant: str) -> None:
    assert _mapped({"occurred_at": when}, {"at": value})["occurred_at"] == instant


@pytest.mark.parametrize("value", ["soon", -1, 1e300, True, {"a": 1}, 10**40, "nan", "inf"])
def test_a_time_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(Refused) as caught:
        _mapped({"occurred_at": {"at": "at", "unit": "milliseconds"}}, {"at": value})

    assert caught.value.refusal.pointer == "/occurred_at"


def test_items_carry_what_the_whole_says() -> None:
    mapping = compiled({"kind": "event", "items": "rows[]", "of_whole": "{list: list}", "when": "event != 'ping'"})

    items = items_of(mapping, {"list": "l1", "rows": [{"event": "a"}, {"event": "ping"}, {"event": "b", "list": "l2"}]})

    assert [msgspec.json.decode(item) for item in items] == [{"list": "l1", "event": "a"}, {"list": "l2", "event": "b"}]


def test_many_items_that_each_carry_a_large_whole_are_refused() -> None:
    mapping = compiled({"kind": "event", "items": "rows[]", "of_whole": "{text: text}"})

    with pytest.raises(Refused):
        items_of(mapping, {"text": "x" * 100_000, "rows": [{"event": "a"}] * 1_000})


def test_an_id_of_several_parts_is_as_long_as_ids_may_be() -> None:
    document = {"source": "post", "id": ["a", "b"]}

    assert _mapped(document, {"a": 1})["id"] == "post:1:"
    assert len(_mapped(document, {"a": "x" * 500})["id"]) == 32
    assert len(_mapped(document, {"a": "\0"})["id"]) == 32
    assert "id" not in _mapped(document, {})


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"kind": "a["}, "/kind"),
        ({"kind": "a", "identity": {"mail": "b"}}, "/identity/mail"),
        ({"kind": "a", "traits": {"x": "][" }}, "/traits/x"),
        ({"kind": "a", "id": ["b", ""]}, "/id/1"),
        ({"kind": "a", "occurred_at": {"at": "b", "unit": "days"}}, "/occurred_at/unit"),
        ({"kind": "a", "surprise": 1}, "/surprise"),
        ({"kind": {"at": "a", "mpa": {}}}, "/kind/mpa"),
        ({"kind": "a", "identity": {"email": {"at": "a", "mpa": {}}}}, "/identity/mpa"),
        ({"kind": "a", "occurred_at": {"at": "b", "units": "seconds"}}, "/occurred_at/units"),
        ({}, ""),
        ([], ""),
    ],
)  # fmt: skip
def test_a_document_that_is_no_mapping_says_where(document: Any, pointer: str) -> None:
    with pytest.raises(InvalidMapping) as caught:
        compiled(document)

    assert [place for place, _ in caught.value.faults] == [pointer]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"kind": "a", "trait": {}}, "did you mean traits? one of"),
        ({"kind": "a", "identity": {"e_mail": "b"}}, "did you mean email? one of"),
        ({"kind": {"at": "a", "mapp": {}}}, "did you mean map? one of"),
        ({"kind": "a", "occurred_at": {"at": "b", "units": "seconds"}}, "did you mean unit? one of"),
        ({"kind": "a", "occurred_at": {"at": "b", "unit": "second"}}, "did you mean seconds? one of"),
        ({"kind": "snek(a)"}, "there is no function snek: did you mean snake? one of"),
        ({"kind": "split(a)"}, "the function split takes 2 arguments, not 1"),
        ({"kind": "a.b c"}, "unexpected c, at character 5 of a.b c"),
        ({"kind": "[?a=b]"}, "Unknown token '=', at character 4 of [?a=b]"),
        ({"kind": "a["}, "it ends too early"),
        ({"kind": "a", "occurred_at": {"at": "a", "format": "%Y %m %Y"}}, "it names a part of a time twice"),
        ({"kind": "a", "sent_at": {"at": "a", "format": "%Q"}}, "'Q' is a bad directive"),
    ],
)
def test_what_is_wrong_with_a_document_is_told(document: Any, told: str) -> None:
    with pytest.raises(InvalidMapping) as caught:
        compiled(document)

    assert told in caught.value.faults[0][1]


def test_functions_for_what_payloads_need() -> None:
    assert (
        Place("fields(@, 'name', 'values').email_address").find([{"name": "E-mail address", "values": ["a"]}]) is None
    )
    assert Place("fields(@, 'name', 'values').work_email").find([{"name": "WORK_EMAIL", "values": ["a"]}]) == "a"
    assert Place("labels(@).first_name").find({"First name": ["Jane"]}) == "Jane"
    assert Place("click_id(@)").find({"GCLID": "x", "other": 1}) == "gclid:x"
    assert Place("split(tags, ',')").find({"tags": "a, b,,"}) == ["a", "b"]
    assert Place("parse_json(tags)[0]").find({"tags": '["a"]'}) == "a"
    assert Place("without(@, ['a'])").find({"a": 1, "b": 2}) == {"b": 2}
    assert Place("lower(a)").find({"a": None}) is None


def test_an_expression_that_would_grow_without_bound_is_none() -> None:
    with pytest.raises(InvalidPlace):
        Place(" | ".join(["[@, @]"] * 8))
    with pytest.raises(InvalidPlace):
        Place("a" * 2_001)
    with pytest.raises(InvalidPlace):
        Place("a" + "|[*]" * 480)


def test_a_text_that_would_grow_without_bound_is_not_there() -> None:
    nested = "@"
    for _ in range(40):
        nested = f"to_string([{nested}])"

    assert Place(nested).find('"') is None
    assert Place("to_string([@, @])").find("x" * 600_000) is None
    assert Place("join(a, b)").find({"a": "x" * 10_000, "b": [""] * 10_000}) is None
    assert Place("join(', ', b)").find({"b": ["a", "b"]}) == "a, b"
    assert Place("to_string(@)").find({"a": [1, None, "\u00e9"]}) == '{"a":[1,null,"\\u00e9"]}'


def test_a_search_of_too_many_steps_is_given_up() -> None:
    slow = " | ".join(["[*].[@, @][]"] * 7)

    with pytest.raises(Refused):
        items_of(compiled({"kind": "event", "items": slow}), [1] * 100_000)
    assert Place(slow).find([1] * 100_000) is None
    assert len(items_of(compiled({"kind": "event", "items": "[*].{a: a, b: b.c}"}), [{"a": 1}] * 10_000)) == 10_000


def test_many_names_are_left_out_in_time() -> None:
    many = {f"k{at}": 1 for at in range(50_000)}
    began = perf_counter()

    assert Place("without(@, keys(@))").find(many) == {}
    assert perf_counter() - began < 5  # where each name was compared with all, it took half a minute


def test_what_a_literal_lists_counts_among_the_parts_of_an_expression() -> None:
    assert Place("contains(`[1, [2, 3]]`, @)").size == 7


def test_a_document_of_too_many_expressions_is_none() -> None:
    many = {f"p{at}": "|".join(["a", *["sort(@)"] * 90]) for at in range(20)}

    with pytest.raises(InvalidMapping) as refused:
        compiled({"kind": "event", "properties": many})

    assert [pointer for pointer, _ in refused.value.faults] == ["/properties/p3"]
    columns = {f"p{at}": f"row.column_{at}" for at in range(300)}
    assert compiled({"kind": "event", "properties": columns}).parts["properties"].keys() == columns.keys()


@pytest.mark.parametrize("place", ["flor(@)", "a", "a["])
def test_a_document_of_very_many_faults_is_not_read_to_its_end(place: str) -> None:
    part = "context" if place != "a" else "identity"

    with pytest.raises(InvalidMapping) as refused:
        compiled({"kind": "event", part: {f"p{at}": place for at in range(5_000)}})

    assert len(refused.value.faults) == 100


def test_items_that_an_expression_multiplies_beyond_reason_are_refused() -> None:
    mapping = compiled({"kind": "event", "items": " | ".join(["[@, @]"] * 7)})

    with pytest.raises(Refused):
        items_of(mapping, {"event": "x" * 100_000})
    with pytest.raises(Refused):
        _mapped({"properties": {"much": " | ".join(["[@, @]"] * 7)}}, {"a": "x" * 10_000})
    assert len(items_of(mapping, {"event": "x"})) == 2


_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "at", "event"]), inner, max_size=4)
    ),
    max_leaves=12,
)
_DOCUMENT = {
    "kind": {"at": "event", "map": {"a": "x"}, "free": True},
    "id": ["a", "b"],
    "occurred_at": {"at": "at", "unit": "number"},
    "identity": {"email": "a || b"},
    "external": {"x": "fields(a, 'a', 'b').c"},
    "traits": {"*": "labels(@)"},
    "properties": {"tags": "split(a, ',')", "sorted": "sort(b)", "least": "min_by(b, &a)"},
}


@given(_VALUES)
@settings(max_examples=300, deadline=None)
def test_any_value_is_mapped_or_refused(value: Any) -> None:
    try:
        native = native_of(compiled(_DOCUMENT), value)
    except Refused:
        return
    assert native["kind"]


def test_a_kind_without_inner_quotes_is_told_how_it_is_written() -> None:
    with pytest.raises(Refused) as caught:
        _mapped({"kind": "demo_requested"}, {"form": "demo"})

    assert "\"'demo_requested'\"" in caught.value.refusal.detail
