"""Schemas of kinds: what may be one, and what it says of a touchpoint."""

import time
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.schema import MAX_BYTES, InvalidSchema, check_together, read_schema, read_written, written

_PLAN = {
    "type": "object",
    "required": ["plan"],
    "properties": {"plan": {"enum": ["free", "pro"]}, "seats": {"type": "integer"}, "a/b": {"type": "string"}},
}


def _refused(schema: Any, part: str = "properties") -> InvalidSchema:
    with pytest.raises(InvalidSchema) as raised:
        read_schema({part: schema})
    return raised.value


def test_what_is_as_it_should_be_has_no_violations() -> None:
    schema = read_schema({"properties": _PLAN, "traits": {"required": ["email"]}})

    assert schema.violations({"plan": "pro", "seats": 3, "more": [1]}, {"email": "a@b.dk"}) == []


@pytest.mark.parametrize(
    ("properties", "pointer", "detail", "place"),
    [
        ({}, "", '"plan" is a required property', "/required"),
        ({"plan": "pro", "seats": "3"}, "/seats", 'it is not of type "integer"', "/properties/seats/type"),
        ({"plan": "gold"}, "/plan", 'it is not one of "free" or "pro"', "/properties/plan/enum"),
        ({"plan": "pro", "a/b": 1}, "/a~1b", 'it is not of type "string"', "/properties/a~1b/type"),
    ],
)
def test_a_violation_says_where_and_what_was_expected(properties: Any, pointer: str, detail: str, place: str) -> None:
    (found,) = read_schema({"properties": _PLAN}).violations(properties, {})

    assert found == (f"/properties{pointer}", detail, f"/properties{place}")


def test_traits_are_held_against_their_own_schema() -> None:
    schema = read_schema({"traits": {"properties": {"age": {"minimum": 0}}}})

    assert [one.pointer for one in schema.violations({"age": -1}, {"age": -1})] == ["/traits/age"]


def test_a_value_is_never_told() -> None:
    schema = read_schema({"properties": {"additionalProperties": {"maxLength": 3, "pattern": "^a", "enum": ["abc"]}}})

    (*found,) = schema.violations({"card": "4111 1111"}, {})

    assert len(found) == 3
    assert not [one for one in found if "4111" in one.detail]


def test_formats_are_looked_at() -> None:
    schema = read_schema({"properties": {"properties": {"url": {"format": "uri"}, "day": {"format": "date"}}}})

    found = schema.violations({"url": "not one", "day": "2026-02-30"}, {})

    assert sorted(one.pointer for one in found) == ["/properties/day", "/properties/url"]


def test_no_more_violations_are_told_than_anybody_reads() -> None:
    schema = read_schema({"properties": {"additionalProperties": {"type": "string"}}})

    assert len(schema.violations({f"p{number}": number for number in range(500)}, {})) == 20


def test_of_what_is_very_large_it_is_not_told_where() -> None:
    """Errors are made all at once: here there would be millions."""
    branch = {"items": {"allOf": [{"type": "object"}] * 30}}
    schema = read_schema({"properties": {"properties": {"a": {"anyOf": [branch] * 30}}}})

    (found,) = schema.violations({"a": [1] * 2_000}, {})

    assert (found.pointer, found.place) == ("/properties", "/properties")
    assert schema.violations({"a": [{}] * 2_000}, {}) == []


def _seconds(schema: Any, item: dict[str, Any]) -> float:
    """Of the processor, for one item of a schema that is taken; none for a schema that is refused."""
    begun = time.process_time()
    with suppress(InvalidSchema):
        read_schema({"properties": schema}).violations(item, {})
    return time.process_time() - begun


@pytest.mark.parametrize("keyword", ["unevaluatedProperties", "unevaluatedItems"])
@pytest.mark.parametrize("depth", [4, 8, 16, 31])
def test_one_that_looks_back_within_itself_takes_no_time_that_doubles_with_its_depth(keyword: str, depth: int) -> None:
    schema: dict[str, Any] = {"properties": {"a": True}, "prefixItems": [True]}
    for _ in range(depth):
        schema = {"anyOf": [schema, {"type": ["object", "array"]}], keyword: False}

    assert _seconds({"properties": {"a": schema}}, {"a": {"a": 1, "b": 2}}) < 0.2
    assert _seconds({"properties": {"a": schema}}, {"a": [1, 2]}) < 0.2


@pytest.mark.parametrize(
    ("often", "value"),
    [
        ({"contains": {"const": 1}, "minContains": 15_000}, [1] * 15_000),
        ({"items": {"multipleOf": 0.37}}, [1.7e308] * 4_000),
        ({"format": "idn-hostname"}, "é." * 10_000),
        ({"uniqueItems": True}, list(range(5_600))),
        ({"items": {"type": "integer"}}, [1] * 15_000),
    ],
)
def test_no_item_keeps_the_door_busy_however_long_its_schema(often: dict[str, Any], value: Any) -> None:
    """The largest item that the door takes, against one slow thing said as often as a schema may."""
    schema = {"properties": {"a": {"anyOf": [*[often] * 600, {}]}}}

    assert _seconds(schema, {"a": value}) < 0.2
    (found,) = read_schema({"properties": schema}).violations({"a": value}, {})
    assert "too large to be held against" in found.detail


def test_what_is_said_of_an_item_takes_no_memory_that_the_door_has_not() -> None:
    """Each error has a copy of what it is about, and one about a name of all of the object: it was 600 MB."""
    schema = {"propertyNames": {"allOf": [{"pattern": f"^c{number}"} for number in range(100)]}}
    item = {"ab" * 200 + str(number): 1 for number in range(80)}

    assert _seconds(schema, item) < 0.2
    (found,) = read_schema({"properties": schema}).violations(item, {})
    assert found.detail == "it is not as the schema says, and too large to say where"


def test_what_a_workspace_has_in_force_is_bounded_together() -> None:
    large = written({"properties": {"properties": {f"p{number}": {"type": "string"} for number in range(990)}}})
    patterns = written({"traits": {"patternProperties": {f"^{number}": {} for number in range(100)}}})

    check_together([large] * 30 + [patterns] * 10)
    for beyond in ([large] * 60, [patterns] * 11):
        with pytest.raises(InvalidSchema, match="together"):
            check_together(beyond)


def test_references_inside_of_it_are_followed() -> None:
    money = {
        "$defs": {"money": {"type": "object", "required": ["amount"]}},
        "properties": {"p": {"$ref": "#/$defs/money"}},
    }

    (found,) = read_schema({"properties": money}).violations({"p": {}}, {})

    assert (found.pointer, found.place) == ("/properties/p", "/properties/$defs/money/required")


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ([], "/properties"),
        ({"type": "strig"}, "/properties/type"),
        ({"properties": {"a": 5}}, "/properties/properties/a"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "/properties/$schema"),
        ({"items": {"$ref": "https://example.com/schema.json"}}, "/properties/items/$ref"),
        ({"$ref": "file:///etc/passwd"}, "/properties/$ref"),
        ({"$ref": "#"}, "/properties/$ref"),
        ({"$ref": "#/$defs/none"}, "/properties/$ref"),
        ({"$id": "https://example.com/", "type": "object"}, "/properties/$id"),
        ({"$dynamicRef": "#a"}, "/properties/$dynamicRef"),
        ({"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}, "/properties/$defs/a/items/$ref"),
        (
            {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
            "/properties/$defs/b/$ref",
        ),
        ({"pattern": "("}, "/properties/pattern"),
        ({"items": {"enum": ["a", ["b"]]}}, "/properties/items/enum"),
        ({"pattern": "(?=a)"}, "/properties/pattern"),
        ({"pattern": "(a{1,99}){1,99}"}, "/properties/pattern"),
        ({"pattern": "a" * 501}, "/properties"),
        ({"patternProperties": {f"^{number}$": {} for number in range(101)}}, "/properties"),
        ({"multipleOf": 0}, "/properties/multipleOf"),
    ],
)
def test_what_is_no_schema_is_refused_with_its_place(schema: Any, pointer: str) -> None:
    assert _refused(schema).pointer == pointer
    assert str(_refused(schema))


@pytest.mark.parametrize("wrong", ["numbr", ["string", "nul"], 3])
def test_a_type_that_is_none_is_told_with_those_there_are(wrong: Any) -> None:
    refused = _refused({"properties": {"total": {"type": wrong}}})

    assert refused.pointer == "/properties/properties/total/type"
    assert "one of array, boolean, integer, null, number, object and string" in str(refused)


def test_it_says_something_of_properties_or_of_traits() -> None:
    with pytest.raises(InvalidSchema, match="give a schema"):
        read_schema({})


def test_one_that_unfolds_to_billions_is_refused_at_once() -> None:
    often = {f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 8} for n in range(15)}
    schema = {"$defs": {**often, "a15": {"type": "string"}}, "$ref": "#/$defs/a0"}

    assert "3000 values" in str(_refused(schema))


def test_one_that_is_too_deep_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"not": deep}
    chain = {f"a{n}": {"not": {"$ref": f"#/$defs/a{n + 1}"}} for n in range(100)}

    assert "levels deep" in str(_refused(deep))
    assert "levels deep" in str(_refused({"$defs": {**chain, "a100": {}}, "$ref": "#/$defs/a0"}))


def test_patterns_take_time_by_the_length_of_a_text_only() -> None:
    schema = read_schema({"properties": {"properties": {"a": {"pattern": "^(a+)+$"}}}})

    assert len(schema.violations({"a": "a" * 30_000 + "!"}, {})) == 1


def test_a_document_is_kept_the_same_for_the_same_and_read_again() -> None:
    text = written({"traits": {"b": 1, "a": 2}, "properties": None})

    assert text == written({"traits": {"a": 2, "b": 1}}) == '{"traits":{"a":2,"b":1}}'
    assert read_written(written({"properties": _PLAN})).violations({"plan": "free"}, {}) == []


def test_a_document_has_a_size() -> None:
    with pytest.raises(InvalidSchema, match="at most"):
        written({"properties": {"description": "x" * MAX_BYTES}})


def test_a_property_may_have_the_name_of_a_keyword() -> None:
    named = {"properties": {name: {"type": "string"} for name in ("$ref", "$id", "pattern", "$anchor", "$defs")}}

    (found,) = read_schema({"properties": named}).violations(msgspec.json.decode('{"$ref":1}'), {})

    assert found.pointer == "/properties/$ref"


_WORDS = (
    "type properties required items enum const pattern patternProperties additionalProperties allOf anyOf oneOf not if "
    "then else $ref $defs $id $schema minimum maxLength format uniqueItems contains dependentRequired propertyNames "
    "unevaluatedProperties prefixItems multipleOf minContains $dynamicRef a b"
)
_TEXTS = (
    "string",
    "object",
    "#/$defs/a",
    "#",
    "^(a+)+$",
    "(?=a)",
    "date-time",
    "a",
    "é",
    "https://example.com/",
)
_NAMES = st.sampled_from(_WORDS.split())
_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.sampled_from(_TEXTS)
)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=4)),
    max_leaves=15,
)


@given(st.dictionaries(_NAMES, _VALUES, max_size=5), st.dictionaries(_NAMES, _VALUES, max_size=5))
def test_whatever_is_written_is_refused_or_can_be_held_against_anything(document: Any, item: Any) -> None:
    try:
        schema = read_schema({"properties": document, "traits": document})
    except InvalidSchema:
        return
    for one in schema.violations(item, item):
        assert one.detail
        assert one.pointer.startswith(("/properties", "/traits"))
