"""The short ways of the parser lead where the long ones do: objects passed over undecoded, keys without a ring."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.ingest.domain.keys import KeyRing, plain_keys
from services.ingest.domain.refusal import Refusal, Refused
from services.ingest.protocols.arrival import native_surroundings
from services.ingest.protocols.reading import EMPTY, is_surely_good, passed_object, read_object
from services.ingest.protocols.segment_parts import context_said
from tests.unit.ingest.protocols.arrivals import ARRIVAL

_NUMBERS = st.sampled_from(
    [
        "0",
        "-1",
        "1.5",
        "1e5",
        "1E99",
        "1e100",
        "1e308",
        "1e309",
        "1e999",
        "1E+999",
        "-1e0999",
        "1e-999",
        "9" * 18,
        "9" * 19,
        "9" * 20,
        str(2**63 - 1),
        str(2**63),
        str(-(2**63)),
        str(-(2**63) - 1),
        "0." + "1" * 30,
        "7" * 400,
    ]
)
_TEXTS = st.sampled_from(['"a"', '""', '"e5"', '"1e999"', '"[[["', '"\\ud83d\\ude00"', '"\\u0000"', '"é"', '"0 + 1"'])


def _object(values: list[str]) -> str:
    return "{" + ",".join(f'"k{number}":{value}' for number, value in enumerate(values)) + "}"


_PIECES = st.recursive(
    st.one_of(_NUMBERS, _TEXTS, st.sampled_from(["true", "null"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"),
        st.lists(inner, max_size=3).map(_object),
    ),
    max_leaves=12,
)  # fmt: skip
_BROKEN = b'{"a":"\xff"}'


class _Holder(msgspec.Struct):
    held: msgspec.Raw


def _passed_over(text: bytes) -> msgspec.Raw:
    return msgspec.json.decode(b'{"held":' + text + b"}", type=_Holder).held


def _became(read: Any, *arguments: Any) -> Any:
    try:
        return read(*arguments)
    except Refused as refused:
        return refused.refusal


def _nested(levels: int) -> str:
    return '{"a":' * levels + "[1]" + "}" * levels


@given(_PIECES)
@example(_nested(30))
@example(_nested(31))
@example(_nested(32))
@example("{ }")
@example("null")
def test_an_object_passed_over_is_what_reading_it_says(text: str) -> None:
    raw = _passed_over(text.encode())

    passed, read = _became(passed_object, raw, "/p"), _became(read_object, raw, "/p")

    if isinstance(read, Refusal):
        assert passed == read
    else:
        assert bytes(passed) == (bytes(raw) if read else b"{}")


@given(_PIECES)
def test_what_is_surely_good_is_good(text: str) -> None:
    raw = _passed_over(text.encode())

    if is_surely_good(bytes(raw)):
        assert isinstance(_became(read_object, raw, ""), dict)


def test_ordinary_properties_take_the_short_way() -> None:
    said = {"form": "newsletter", "seats": 12, "price": 129.5, "at": 1_795_000_000_000, "nested": {"a": [1, 2]}}

    assert is_surely_good(json.dumps(said).encode())
    assert not is_surely_good(_BROKEN)


_IDS = st.one_of(
    st.none(),
    st.integers(),
    st.booleans(),
    st.text(max_size=5),
    st.sampled_from(["u-1", " a ", "null", "0000", "x" * 513, "é" * 400, [], 1.5]),
)


@given(_IDS, _IDS)
def test_keys_without_a_ring_are_those_of_a_ring(user_id: Any, anonymous_id: Any) -> None:
    def of_ring() -> tuple[str, ...]:
        ring = KeyRing(b"s", None)
        if user_id is not None:
            ring.user_id(user_id, "/identity/user_id")
        if anonymous_id is not None:
            ring.anonymous_id(anonymous_id, "/identity/anonymous_id")
        return ring.strongest_first()

    assert _became(plain_keys, user_id, anonymous_id, ("/identity/user_id", "/identity/anonymous_id")) == _became(
        of_ring
    )


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "null",
        '{"ip":"203.0.113.7","locale":"da-DK"}',
        '{"user_agent":"Mozilla/5.0 (iPhone)","country":"dk"}',
        '{"user_agent":"' + "x" * 2_000 + '"}',
        '{"n":1e999}',
        "17",
    ],
)
def test_surroundings_are_those_of_the_context_each_time(text: str) -> None:
    longer = text.replace("{", "{" + " " * 2_000, 1)  # too long to be remembered

    for _ in range(2):
        remembered, afresh = (
            _became(native_surroundings, _passed_over(one.encode()), "/context", ARRIVAL) for one in (text, longer)
        )
        assert remembered == afresh if isinstance(remembered, Refusal) else remembered[0] == afresh[0]


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "null",
        '{"page":{"url":"https://a.dk/p?utm_source=x","search":"?gclid=1","title":7},"locale":"da-DK"}',
        '{"campaign":{"name":"spring","source":3},"device":{"type":"mobile"},"userAgent":"Mozilla/5.0 (iPhone)"}',
        '{"ip":"203.0.113.7","traits":{"email":"jane@example.com"}}',
        '{"page":[],"campaign":"x","device":1,"location":null,"consent":{"categoryPreferences":{"Advertising":false}}}',
        '{"n":1e999}',
        "17",
    ],
)
def test_a_segment_context_says_the_same_each_time(text: str) -> None:
    longer = text.replace("{", "{" + " " * 3_000, 1)  # too long to be remembered

    for _ in range(2):
        remembered, afresh = (_became(context_said, _passed_over(one.encode()), {}, ARRIVAL) for one in (text, longer))
        assert remembered == afresh


def test_no_context_is_nowhere() -> None:
    where, kept = native_surroundings(EMPTY, "/context", ARRIVAL)

    assert (where.country, where.device, where.browser, where.marks) == (None, None, None, ())
    assert kept is EMPTY
