"""Mending by a mapping: values from elsewhere in the item, fields taken away, and nothing that grows beyond reason."""

from typing import Any

import msgspec
import pytest

from services.ingest.domain.refusal import Refused
from services.ingest.protocols.mapping import InvalidMapping
from services.ingest.protocols.mending import mending_of

_ITEM = {"kind": "Form Sent", "ts": 1_700_000_000, "properties": {"mail": "A@b.example", "n": 1, "none": None}}


def _mended(document: dict[str, Any], item: Any = _ITEM) -> Any:
    return msgspec.json.decode(mending_of(document).mend(msgspec.json.encode(item)))


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"kind": "snake(kind)"}, {**_ITEM, "kind": "form_sent"}),
        ({"channel": "'web'"}, {**_ITEM, "channel": "web"}),
        ({"properties": None, "ts": None}, {"kind": "Form Sent"}),
        ({"kind": "nothing.there", "properties": {"new": "nor.here"}}, _ITEM),
        ({"identity": {"email": "nothing"}}, _ITEM),
        (
            {"kind": {"at": "kind", "map": {"Form Sent": "form_submitted"}, "otherwise": "x"}},
            {**_ITEM, "kind": "form_submitted"},
        ),
        ({"kind": {"at": "kind", "map": {"Other": "other"}, "otherwise": "x"}}, {**_ITEM, "kind": "x"}),
        ({"ts": {"at": "ts", "unit": "seconds"}}, {**_ITEM, "ts": "2023-11-14T22:13:20Z"}),
        ({"properties": {"at": "ts"}}, {**_ITEM, "properties": {**_ITEM["properties"], "at": 1_700_000_000}}),  # type: ignore[dict-item]
        ({"x": "join('-', [kind, kind])"}, {**_ITEM, "x": "Form Sent-Form Sent"}),
        ({"traits": "properties"}, {**_ITEM, "traits": _ITEM["properties"]}),
    ],
)
def test_values_are_put_where_the_document_says(document: dict[str, Any], expected: Any) -> None:
    assert _mended(document) == expected


def test_all_places_are_looked_up_in_the_item_as_it_was() -> None:
    assert _mended({"a": "b", "b": "a"}, {"a": 1, "b": 2}) == {"a": 2, "b": 1}


def test_what_is_not_named_stays_byte_for_byte() -> None:
    mended = mending_of({"b": "a"}).mend(b'{"n":12345678901234567890.10, "a":1}')

    assert mended == b'{"n":12345678901234567890.10,"a":1,"b":1}'


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"a": {"b": 5}}, "/a/b"),
        ({"a": ["b"]}, "/a"),
        ({"a/b": "]["}, "/a~1b"),
        ({"a": {"at": "x", "unit": "days"}}, "/a/unit"),
        ({"a": {"at": "x", "map": 5}}, "/a/map"),
        ({"a": " | ".join(["[@, @]"] * 10)}, "/a"),
        ({str(number): "[*].a.b.c.d" for number in range(300)}, None),
        ({"\ud800": "a"}, ""),
    ],
)
def test_document_that_is_none_says_where(document: dict[str, Any], pointer: str | None) -> None:
    with pytest.raises(InvalidMapping) as error:
        mending_of(document)

    assert pointer is None or error.value.faults[0][0] == pointer


@pytest.mark.parametrize(
    ("document", "item"),
    [
        ({str(number): "@" for number in range(100)}, {"text": "x" * 10_000}),
        ({"a": "[@, @, @, @, @, @, @, @]"}, {"text": "x" * 60_000}),
        ({"a": "b"}, {"text": "x" * 300_000}),
        ({str(number): "a[?@==`2`].x" for number in range(100)}, {"a": [1] * 10_000}),
        ({str(number): "parse_json(t)[?@==`2`].x" for number in range(100)}, {"t": "[" + "1," * 10_000 + "1]"}),
        ({"x": "[a, a] | [?@==`2`]"}, {"a": [1] * 10_000}),
        ({"ts": {"at": "kind", "unit": "seconds"}}, _ITEM),
    ],
)
def test_what_would_be_too_large_or_is_no_time_is_refused(document: dict[str, Any], item: Any) -> None:
    with pytest.raises(Refused):
        _mended(document, item)


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff"])
def test_what_is_not_json_is_not_mended(payload: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        mending_of({"a": "b"}).mend(payload)
